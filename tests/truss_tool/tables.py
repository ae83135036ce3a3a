"""Makes the tables that linting uses, from the wheels of Truss itself.

    ./pants run tests/truss_tool/tables.py -- pants-plugins/pants_truss/core/lint/tables

The tables hold names, types and bounds: no text of Truss.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

from server_names import RELEASES, server_names, stdlib_names

# The plugin runs it in any other release.
_DESCRIBE = "pants-plugins/pants_truss/truss_cli/describe_release.py"


def describe_release(script: str = _DESCRIBE) -> Dict[str, Any]:
    """What a script of the plugin says of the installed release, in a process of its own: it
    imports only parts of Truss."""
    # Pants learns from this that the process needs Truss.
    import truss  # noqa: F401

    command = [sys.executable, script]
    return dict(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))


def write(folder: Path) -> None:
    _write_json(folder / "truss_release.json", describe_release())
    _write_json(folder / "server_names.json", {r: server_names(r) for r in RELEASES})
    _write_json(folder / "stdlib_names.json", stdlib_names())


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
