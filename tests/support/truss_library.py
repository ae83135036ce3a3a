"""The real Truss library, run as a tool."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from support.tools import find_release_tool, find_tool

TRUSS_TOOL = "tests.truss_tool/truss_tool.pex"


# An older release is an interpreter, which runs what all of them can do.
GATHER_TOOL = Path("tests/truss_releases/gather_tool.py").resolve()
RELEASES: Dict[str, Optional[str]] = {
    "0.9.100": "tests.truss_releases/truss_0_9.pex",
    "0.14.1": "tests.truss_releases/truss_0_14.pex",
    "0.18.35": None,
}


class TrussError(Exception):
    pass


class TrussLibrary:
    """`home` is where the library keeps gathered trusses. A `release` other than that of the
    tool has only the operations of `GATHER_TOOL`, for tests of the tier `release`."""

    def __init__(self, home: Path, release: str = "0.18.35") -> None:
        self._home = home
        self._release = RELEASES[release]
        home.mkdir(parents=True, exist_ok=True)

    def run(self, operations: Sequence[Sequence[Any]]) -> List[Dict[str, Any]]:
        """Runs `[name, *arguments]` operations in one process; answers hold `value` or `error`."""
        # Unpacking the tool takes a while, so it is shared: the file is keyed by its content.
        pex_root = os.environ.get("PEX_ROOT", os.path.join(os.environ["HOME"], ".pex"))
        process = subprocess.run(
            self._command(),
            input=json.dumps([[name, arguments] for name, *arguments in operations]),
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._home),
                "PEX_ROOT": pex_root,
                "TRUSS_NO_UPDATE_CHECK": "1",
            },
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert process.returncode == 0, process.stderr
        answers: List[Dict[str, Any]] = json.loads(process.stdout)
        return answers

    def values(self, operations: Sequence[Sequence[Any]]) -> List[Any]:
        """The values of operations that all have to succeed."""
        answers = self.run(operations)
        failed = {str(op): a for op, a in zip(operations, answers) if "error" in a}
        assert not failed, failed
        return [answer["value"] for answer in answers]

    def call(self, name: str, *arguments: Any) -> Any:
        """The value of one operation. Raises `TrussError` where the library does."""
        (answer,) = self.run([(name, *arguments)])
        if "error" in answer:
            raise TrussError(f"{answer['error']}: {answer['message']}")
        return answer["value"]

    def _command(self) -> List[str]:
        if self._release:
            return [str(find_release_tool(self._release) / "__main__.py"), str(GATHER_TOOL)]
        return [str(find_tool(TRUSS_TOOL) / "__main__.py")]
