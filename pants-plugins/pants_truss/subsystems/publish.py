"""Options of publishing: the `[truss-publish]` section of `pants.toml`."""

from __future__ import annotations

from pants.option.option_types import BoolOption, FloatOption, IntOption, StrListOption, StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import help_text, softwrap


class TrussPublishSubsystem(Subsystem):
    options_scope = "truss-publish"
    help = help_text(
        """
        Publishing: how `pants publish` pushes a `truss` with the Truss release of `[truss-cli]`,
        and the images of a `truss_image`.

        Credentials come from the same places as for Truss: `BASETEN_API_KEY`, or
        `BASETEN_TRUSS_AUTH_REMOTE_URL` with `BASETEN_TRUSS_AUTH_API_KEY`, or the user's `.trussrc`.
        `USER_TRUSSRC_PATH` names another file in place of `.trussrc`.

            [truss-publish]
            default_remotes = ["baseten"]
            skip_unchanged = true
        """
    )

    default_remotes = StrListOption(
        default=[],
        help=softwrap(
            """
            The remotes of trusses that do not set `remotes`: names of sections in `.trussrc`. By
            default there are none, so `pants publish ::` deploys nothing by accident.

                [truss-publish]
                default_remotes = ["baseten"]
            """
        ),
    )
    skip_unchanged = BoolOption(
        default=False,
        help=softwrap(
            """
            Skips a truss if the digest of its gathered tree and its options are those of the last
            push to the same remote, team, model, environment and deployment name, as recorded in
            `[truss-publish].state_file`. By default every truss is pushed. Until a deployment has
            been up once, Pants asks the remote about it; a deployment that failed or is gone is
            pushed again.
            """
        ),
    )
    dry_run = BoolOption(
        default=False,
        help=softwrap(
            """
            Only reports what would be pushed where, and why, for the targets of this plugin. A dry
            run needs no credentials, contacts no remote and changes nothing there; images are
            built. Targets of other backends are still published.

                ./pants --truss-publish-dry-run publish ::
            """
        ),
    )
    state_file = StrOption(
        default="{distdir}/truss-publish.json",
        help=softwrap(
            """
            The file in the repository that records what was pushed where: digests, ids and URLs.
            Keep it between CI runs for `[truss-publish].skip_unchanged`; CI can also read the ids
            from it. `{distdir}` stands for `dist`. The file holds no secrets.
            """
        ),
    )
    retries = IntOption(
        default=3,
        help=softwrap(
            """
            The number of retries of a push if the remote does not answer, answers with a server
            error, or the upload breaks off. A push that the remote refuses is not retried. This
            also applies to the push of OCI layouts.
            """
        ),
    )
    retry_delay = FloatOption(
        default=2.0,
        advanced=True,
        help="Seconds before the first retry; doubles each time.",
    )
    env_vars = StrListOption(
        default=[
            "ALL_PROXY",
            "HTTPS_PROXY",
            "HTTP_PROXY",
            "NO_PROXY",
            "REQUESTS_CA_BUNDLE",
            "SSL_CERT_FILE",
            "all_proxy",
            "http_proxy",
            "https_proxy",
            "no_proxy",
        ],
        advanced=True,
        help=softwrap(
            """
            More environment variables to pass to `truss push`, in addition to those of credentials.
            """
        ),
    )
