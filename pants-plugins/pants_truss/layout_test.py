"""Which folder imports from which: data runs one way, and imports the other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, Tuple

FOLDER = Path(__file__).parent
# Each imports from those above it alone. `register.py` and `image/register.py` are wiring.
LAYERS = (
    "core",
    "pants_api",
    "subsystems",
    "target_types",
    "sources",
    "imports",
    "requirements",
    "script_tool",
    "truss_cli",
    "dependency_inference",
    "gather",
    "lint",
    "serving",
    "training",
    "publish",
    "goals",
    "image",
    "register",
)
PAGE = Path("docs/development.md")


def edges() -> Iterator[Tuple[str, str, str]]:
    """A folder, one that it imports from, and the file that does: without tests, and without what
    runs in a tool or in a truss."""
    for path in sorted(FOLDER.rglob("*.py")):
        below = path.relative_to(FOLDER)
        if path.name.endswith("_test.py") or path.name == "conftest.py":
            continue
        if below.parts[0] == "testutil" or "scripts" in below.parts:
            continue
        importer = below.parts[0] if len(below.parts) > 1 else below.stem
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pants_truss"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                for name in names:
                    imported = name.split(".")[1]
                    if imported != importer:
                        yield importer, imported, str(below)


def test_no_import_runs_upwards() -> None:
    found = list(edges())
    assert len(found) > 300
    assert {name for importer, imported, _ in found for name in (importer, imported)} <= set(LAYERS)
    upwards = [edge for edge in found if LAYERS.index(edge[1]) > LAYERS.index(edge[0])]
    assert upwards == []


def test_the_page_has_each_folder_in_this_order() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^  (\w+)/  ", text, re.MULTILINE)
    assert listed == [*LAYERS[:-1], "testutil"]
