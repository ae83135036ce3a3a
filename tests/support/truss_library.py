"""The real Truss library, run as a tool."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Sequence

from support.tools import find_tool

TRUSS_TOOL = "tests.truss_tool/truss_tool.pex"


class TrussError(Exception):
    pass


class TrussLibrary:
    """`home` is where the library keeps gathered trusses."""

    def __init__(self, home: Path) -> None:
        self._home = home
        home.mkdir(parents=True, exist_ok=True)

    def run(self, operations: Sequence[Sequence[Any]]) -> List[Dict[str, Any]]:
        """Runs `[name, *arguments]` operations in one process; answers hold `value` or `error`."""
        # Unpacking the tool takes a while, so it is shared: the file is keyed by its content.
        pex_root = os.environ.get("PEX_ROOT", os.path.join(os.environ["HOME"], ".pex"))
        process = subprocess.run(
            [str(self._executable())],
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

    @staticmethod
    def _executable() -> Path:
        return find_tool(TRUSS_TOOL) / "__main__.py"
