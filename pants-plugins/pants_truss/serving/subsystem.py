"""Which distributions the model server runs with: the `[truss-server]` section of `pants.toml`."""

from __future__ import annotations

from pants.option.option_types import StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import help_text, softwrap


class TrussServer(Subsystem):
    options_scope = "truss-server"
    help = help_text(
        """
        The model server of Truss, as `pants run` and `pants test` start it for a truss.

        Its code is that of the Truss release of `[truss-cli]`. What it requires is installed once
        for each Python version, and shared by all trusses.
        """
    )

    install_from_resolve = StrOption(
        default=None,
        advanced=True,
        help=softwrap(
            """
            The resolve from `[python].resolves` whose lockfile has what the server requires: the
            lines of `truss/templates/server/requirements.txt` in the Truss release. The whole
            lockfile is installed.

            By default that is a lockfile of the plugin's own, for Python 3.9 to 3.12 and the Truss
            release that `[truss-cli]` has by default; otherwise the list in the release is resolved
            from the package index.
            """
        ),
    )
