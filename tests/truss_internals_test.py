"""The page that lists what the plugin knows of Truss: what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path("docs/truss-internals.md")
PLUGIN, TESTS = Path("pants-plugins/pants_truss"), Path("tests")


def test_each_test_that_guards_a_row_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    guards = set(re.findall(r"`(\w+_test\.py)(?:::(\w+))?", text))
    assert len(guards) > 40
    missing = [
        f"{file}::{name}"
        for file, name in guards
        if not (TESTS / file).exists()
        or f"def {name}(" not in (TESTS / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_each_file_of_the_plugin_is_there() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    files = {
        file for row in rows if len(row) == 4 for file in re.findall(r"`([\w/]+/\w+\.py)`", row[1])
    }
    assert len(files) > 20
    assert [file for file in sorted(files) if not (PLUGIN / file).exists()] == []
