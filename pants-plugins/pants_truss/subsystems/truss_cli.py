"""The Truss release that runs as a tool: the `[truss-cli]` section of `pants.toml`."""

from __future__ import annotations

from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.target_types import ConsoleScript
from pants.util.strutil import help_text

from pants_truss.pants_api.lockfiles import shipped_lockfile


class TrussCli(PythonToolBase):
    options_scope = "truss-cli"
    name = "truss"
    help = help_text(
        """
        The Truss release that validates configs, serves and tests trusses, makes image contexts and
        pushes. It runs as a tool in its own environment, by default from a lockfile that comes with
        the plugin. To use another release, name a lockfile of the repository:

            [truss-cli]
            install_from_resolve = "truss"

            [python.resolves]
            truss = "3rdparty/truss.lock"
        """
    )
    help_short = "The Truss release that validates, serves, tests and pushes."

    default_version = "truss==0.18.35"
    default_requirements = [default_version]
    default_main = ConsoleScript("truss")

    register_interpreter_constraints = True
    default_interpreter_constraints = ["CPython>=3.10,<3.14"]

    default_lockfile_resource = ("pants_truss.truss_cli", shipped_lockfile("truss_cli"))
