"""What docs/troubleshooting.md explains is what the plugin says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, List

import pytest

PAGE = Path("docs/troubleshooting.md")


def headings() -> List[str]:
    """Headings about the plugin's own messages. The last section is about messages of Pants."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## Pants\n")[0]
    return re.findall(r"^### (.+)$", text, re.MULTILINE)


def texts() -> Iterator[str]:
    """Each string in the sources, with `…` for what is filled in."""
    for path in Path("pants-plugins/pants_truss").rglob("*.py"):
        if path.name.endswith("_test.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
                yield "".join(str(part) for part in parts)


@pytest.mark.parametrize("heading", headings())
def test_a_message_that_is_explained_exists(heading: str) -> None:
    assert any(heading in text for text in texts()), heading


def test_there_are_some() -> None:
    assert len(headings()) > 12
