"""The tool that scripts of the plugin run in: the `[truss-image-tool]` section of `pants.toml`."""

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
        What writes the layers of images, and trusses that are packaged as a tar: scripts of the
        plugin, and the compression library that they need. It runs as a tool in an environment of
        its own, from a lockfile. Where the repository's Pythons are others than the tool's:

            [truss-image-tool]
            interpreter_constraints = ["CPython==3.12.*"]
        """
    )
    help_short = "What writes the layers of images, and tars of trusses."

    default_version = "zstandard==0.23.0"
    default_requirements = [default_version]
    # The script is given to Python; a tool must name something.
    default_main = EntryPoint("zstandard")

    register_interpreter_constraints = True
    default_interpreter_constraints = ["CPython>=3.9,<3.14"]

    default_lockfile_resource = ("pants_truss.script_tool", shipped_lockfile("script_tool"))
