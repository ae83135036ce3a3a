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

        Credentials come from where Truss has them: `BASETEN_API_KEY`, or
        `BASETEN_TRUSS_AUTH_REMOTE_URL` with `BASETEN_TRUSS_AUTH_API_KEY`, or the user's `.trussrc`,
        for which `USER_TRUSSRC_PATH` names another file.

            [truss-publish]
            default_remotes = ["baseten"]
            skip_unchanged = true
        """
    )

    default_remotes = StrListOption(
        default=[],
        help=softwrap(
            """
            Where a truss goes that does not say so in its `remotes`: names of sections in
            `.trussrc`. By default none, so that `pants publish ::` deploys nothing that nobody
            asked for.

                [truss-publish]
                default_remotes = ["baseten"]
            """
        ),
    )
    skip_unchanged = BoolOption(
        default=False,
        help=softwrap(
            """
            Whether to leave out a truss whose gathered tree, by its digest, and whose options are
            those of the last push to that remote, team, model, environment and deployment name, as
            `[truss-publish].state_file` has it. Until a deployment has come up once, the remote is
            asked about it, and one that has failed or is gone is pushed again.
            """
        ),
    )
    dry_run = BoolOption(
        default=False,
        help=softwrap(
            """
            Only say what of this plugin's targets would be pushed where, and why. It needs no
            credentials, asks no remote and changes nothing there; images are built. Targets of
            other backends are published all the same.

                ./pants --truss-publish-dry-run publish ::
            """
        ),
    )
    state_file = StrOption(
        default="{distdir}/truss-publish.json",
        help=softwrap(
            """
            The file, in the repository, that has what was pushed where: digests, ids, URLs. CI
            keeps it from run to run for `[truss-publish].skip_unchanged`, and can read the ids
            there. `{distdir}` stands for `dist`. It has no secrets.
            """
        ),
    )
    retries = IntOption(
        default=3,
        help=softwrap(
            """
            How often a push is tried again when the remote does not answer, or with a server error,
            or when the upload breaks off. What a remote refuses is not tried again. Of OCI layouts
            too.
            """
        ),
    )
    retry_delay = FloatOption(
        default=2.0,
        advanced=True,
        help="How many seconds to wait before the first of them; each time it is twice as long.",
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
        help="Further environment variables that `truss push` gets, beside those of credentials.",
    )
