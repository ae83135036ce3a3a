"""The Truss release that runs as a tool: the `[truss-cli]` section of `pants.toml`."""

from __future__ import annotations

from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.target_types import ConsoleScript


class TrussCli(PythonToolBase):
    options_scope = "truss-cli"
    name = "truss"
    help = (
        "The Truss release that validates configs. It runs as a tool in an environment of its own, "
        "from a lockfile; `install_from_resolve` takes another release, from a lockfile of the "
        "repository."
    )
    help_short = "The Truss release that validates configs."

    default_version = "truss==0.18.35"
    default_requirements = [default_version]
    default_main = ConsoleScript("truss")

    register_interpreter_constraints = True
    default_interpreter_constraints = ["CPython>=3.10,<3.14"]

    default_lockfile_resource = ("pants_truss.truss_cli", "truss_cli.lock")
