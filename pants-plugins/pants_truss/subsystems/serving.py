"""Options of serving and testing: the `[truss-server]` and `[truss-test]` sections of
`pants.toml`."""

from __future__ import annotations

from enum import Enum

from pants.option.option_types import EnumOption, SkipOption, StrListOption, StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import help_text, softwrap


class TrussServer(Subsystem):
    options_scope = "truss-server"
    help = help_text(
        """
        The model server of Truss, which `pants run` and `pants test` start for a truss.

        Its code comes from the Truss release of `[truss-cli]`. Its requirements are installed once
        for each Python version and shared by all trusses. A lockfile of the repository can replace
        the one that comes with the plugin:

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
            The resolve from `[python].resolves` whose lockfile holds the server's requirements: the
            lines of `truss/templates/server/requirements.txt` in the Truss release. The whole
            lockfile is installed.

            By default Pants uses a lockfile that comes with the plugin, for Python 3.9 to 3.12 and
            the default Truss release of `[truss-cli]`. For other versions, Pants resolves the list
            of the release from the package index.
            """
        ),
    )
    env_vars = StrListOption(
        default=["*"],
        help=softwrap(
            """
            The variables of your shell that the code of a truss sees in `pants run`: names, or
            patterns with `*`. By default it sees all, and the log names those that an image does
            not have. `[]` leaves only what every program needs, such as `PATH`, `HOME`, `TERM` and
            `LC_*`, and the secrets, `TRUSS_SECRET_*`. `environment_variables` of the config are
            always set. `pants test` passes on no variables of the shell.

                [truss-server]
                env_vars = ["CUDA_*", "HF_TOKEN"]
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
        Testing of trusses: `pants test` loads each `truss` with the model server of its Truss
        release and predicts the examples of its examples file. The sandbox holds the gathered truss
        and the requirements that its config declares.

        An example may state its `output`:

            # examples.yaml
            - name: Favourable
              input: {text: "What a wonderful story"}
              output: {sentiment: positive}

        Timeouts, JUnit XML reports and output work as for other tests: see `pants help test`.
        """
    )

    skip = SkipOption("test")
    gpu = EnumOption(
        default=GpuTests.SKIP,
        help=softwrap(
            """
            How to treat trusses whose config requests a GPU (`resources.accelerator`, or
            `use_gpu`). `skip`, the default, skips them and logs that, because most machines that
            run tests have no GPU. `run` tests them.
            """
        ),
    )
