"""The fenced blocks of a page, and a folder in which they are done one after the other.

A block whose first line is a comment with a path is a file. One of `sh` is commands, as one script;
`sh fails` fails, `sh background` goes on until the next heading. A `text` after it has lines of
what it prints, in this order; `…` stands for anything.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<info>[a-z][a-z ]*)\n(?P<body>.*?)^ *```$|^#+ (?P<heading>[^\n]+)$",
    re.MULTILINE | re.DOTALL,
)
_LOGGED = re.compile(r"^[\d:.]{11} \[[A-Z]+\] ")
_PATH = re.compile(r"# (\.?[\w-]+(?:[./][\w.-]+)*)$")


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    # The words after the language: how to treat the block.
    manner: str
    body: str

    @property
    def path(self) -> Optional[str]:
        found = _PATH.match(self.body.partition("\n")[0])
        return found[1] if found else None

    @property
    def is_heading(self) -> bool:
        return not self.language

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> List[Block]:
    """With the headings between them."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        language, _, manner = (match["info"] or "").strip().partition(" ")
        body = match["heading"] or re.sub(f"(?m)^{match['indent']}", "", match["body"])
        found.append(Block(page, line, language, manner, body))
    return found


def assert_printed(expected: str, printed: str, where: object) -> None:
    """Each line that is expected is one that was printed, or its `…` stand for the rest of it; none
    before the one above it. Times and levels of log lines are left out."""
    lines = iter(_LOGGED.sub("", line) for line in printed.splitlines())
    for wanted in filter(None, expected.splitlines()):
        pattern = ".*".join(re.escape(part) for part in wanted.strip().split("…"))
        assert any(
            re.fullmatch(pattern, line.strip()) for line in lines
        ), f"{where}: no line {wanted!r}, in its place, in\n{printed}"


class Literate:
    """Does blocks in `folder`, with `environment`."""

    def __init__(self, folder: Path, environment: Dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self._printed = ""
        self._background: "Optional[subprocess.Popen[str]]" = None
        self._is_waiting = False
        self._log = folder.parent / "background.log"

    def do(self, block: Block) -> None:
        if block.is_heading:
            self.end()
        elif block.path:
            file = self.folder / block.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.body, encoding="utf-8")
            # The daemon learns of it a moment later.
            time.sleep(0.5)
        elif block.language == "sh":
            self._run(block)
        elif block.language == "text":
            if self._is_waiting:
                self._wait_for(block)
            else:
                assert_printed(block.body, self._printed, block)
        else:
            raise AssertionError(f"{block}: neither a file nor commands")

    def _start(self, block: Block, output: int) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", block.body],
            cwd=self.folder,
            env=self._environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _run(self, block: Block) -> None:
        self._is_waiting = block.manner == "background"
        if self._is_waiting:
            with open(self._log, "w", encoding="utf-8") as log:
                self._background = self._start(block, log.fileno())
            return
        process = self._start(block, subprocess.PIPE)
        self._printed = process.communicate(timeout=500)[0]
        has_failed = process.returncode != 0
        assert has_failed == (block.manner == "fails"), f"{block}\n{self._printed}"

    def _wait_for(self, block: Block) -> None:
        assert self._background
        deadline = time.monotonic() + 300
        while True:
            printed = self._log.read_text(encoding="utf-8")
            try:
                return assert_printed(block.body, printed, block)
            except AssertionError:
                if self._background.poll() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def end(self) -> None:
        """What goes on in the background ends, as by Ctrl-C."""
        process, self._background = self._background, None
        if not process:
            return
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
