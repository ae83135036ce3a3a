"""Options of serving and testing: the `[truss-server]` and `[truss-test]` sections of
`pants.toml`."""

from __future__ import annotations

from enum import Enum

from pants.option.option_types import EnumOption, SkipOption, StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import help_text, softwrap


class TrussServer(Subsystem):
    options_scope = "truss-server"
    help = help_text(
        """
        The model server of Truss, as `pants run` and `pants test` start it for a truss.

        Its code is that of the Truss release of `[truss-cli]`. What it requires is installed once
        for each Python version, and shared by all trusses. A lockfile of the repository takes the
        place of the plugin's:

            [truss-server]
            install_from_resolve = "truss-server"

            [python.resolves]
            truss-server = "3rdparty/truss-server.lock"
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


class GpuTests(Enum):
    SKIP = "skip"
    RUN = "run"


class TrussTest(Subsystem):
    options_scope = "truss-test"
    name = "truss"
    help = help_text(
        """
        Testing trusses: `pants test` loads each `truss` with the model server of its Truss release,
        and has it predict the examples of its examples file, in a sandbox that holds the gathered
        truss and the requirements that its config declares.

        An example may state its `output`:

            # examples.yaml
            - name: Favourable
              input: {text: "What a wonderful story"}
              output: {sentiment: positive}

        Seconds, JUnit XML reports and output are as for other tests: see `pants help test`.
        """
    )

    skip = SkipOption("test")
    gpu = EnumOption(
        default=GpuTests.SKIP,
        help=softwrap(
            """
            Whether trusses whose config asks for a GPU (`resources.accelerator`, or `use_gpu`) are
            tested. `skip` leaves them out, with a line that says so: most machines that run tests
            have none.
            """
        ),
    )
