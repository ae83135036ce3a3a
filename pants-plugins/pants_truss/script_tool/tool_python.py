"""Chooses the Python of the plugin's own tools."""

from __future__ import annotations

from pants.backend.python.subsystems.python_tool_base import PythonToolBase
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import PexRequest

from pants_truss.pants_api.lockfiles import NEWEST_PYTHON_OF_LOCKFILES


def tool_pex_request(tool: PythonToolBase, python_setup: PythonSetup) -> PexRequest:
    """Returns the request for the environment of a tool.

    The tool runs on a Python of `[python].interpreter_constraints` if its lockfile supports all of
    these, and otherwise on a Python of its own. Without that choice, Pants rejects the
    lockfile in any repository with a truss of an older or newer Python than the tool's.
    """
    if tool.install_from_resolve or not tool.options.is_default("interpreter_constraints"):
        return tool.to_pex_request()
    texts = tool.default_interpreter_constraints
    if NEWEST_PYTHON_OF_LOCKFILES:
        major, minor = NEWEST_PYTHON_OF_LOCKFILES
        texts = [f"{text},<{major}.{minor + 1}" for text in texts]
    own = InterpreterConstraints(texts)
    users = InterpreterConstraints(python_setup.interpreter_constraints)
    if own.contains(users, python_setup.interpreter_versions_universe):
        return tool.to_pex_request()
    return tool.to_pex_request(interpreter_constraints=own)
