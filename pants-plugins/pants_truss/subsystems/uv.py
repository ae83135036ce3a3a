"""The uv that reads `uv.lock` and `pyproject.toml`: the `[truss-uv]` section of `pants.toml`."""

from __future__ import annotations

from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.target_types import EntryPoint
from pants.util.strutil import help_text

from pants_truss.pants_api.lockfiles import shipped_lockfile


class TrussUv(PythonToolBase):
    options_scope = "truss-uv"
    name = "uv"
    help = help_text(
        """
        The uv that reads a `requirements_file` which is a `uv.lock` or a `pyproject.toml`, as the
        Dockerfile of Truss does. It runs as a tool in an environment of its own, by default from
        the plugin's lockfile, with the release that this Dockerfile installs. Set
        `interpreter_constraints` if the tool must run on another Python:

            [truss-uv]
            interpreter_constraints = ["CPython==3.12.*"]
        """
    )
    help_short = "The uv that reads `uv.lock` and `pyproject.toml`."

    default_version = "uv==0.10.0"
    default_requirements = [default_version]
    default_main = EntryPoint("uv")

    register_interpreter_constraints = True
    default_interpreter_constraints = ["CPython>=3.9,<3.14"]

    default_lockfile_resource = ("pants_truss.requirements", shipped_lockfile("uv_tool"))
