"""The tool that runs scripts of the plugin: the `[truss-image-tool]` section of `pants.toml`."""

from __future__ import annotations

from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.target_types import EntryPoint
from pants.util.strutil import help_text

from pants_truss.pants_api.lockfiles import shipped_lockfile


class TrussImageTool(PythonToolBase):
    options_scope = "truss-image-tool"
    name = "the image tool"
    help = help_text(
        """
        The tool that writes the layers of images, and the tars of trusses. It runs scripts of the
        plugin with the compression library that they need, in its own environment, from a lockfile.
        If the repository uses other Python versions than the tool:

            [truss-image-tool]
            interpreter_constraints = ["CPython==3.12.*"]
        """
    )
    help_short = "The tool that writes the layers of images, and the tars of trusses."

    default_version = "zstandard==0.23.0"
    default_requirements = [default_version]
    # Python runs the script directly, but a tool must name an entry point.
    default_main = EntryPoint("zstandard")

    register_interpreter_constraints = True
    default_interpreter_constraints = ["CPython>=3.9,<3.14"]

    default_lockfile_resource = ("pants_truss.script_tool", shipped_lockfile("script_tool"))
