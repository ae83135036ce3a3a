"""The map of imports between the folders of the plugin: data runs one way, imports the other.

    python3 pants-plugins/pants_truss/testutil/import_map.py [FOLDER]

prints each edge with the number of imports, and counts the edges that run upwards. FOLDER is the
`pants_truss` of another checkout.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path
from typing import Iterator, Tuple

# Each folder imports only from those above it. `register.py` and `image/register.py` are wiring.
LAYERS = (
    "core",
    "pants_api",
    "subsystems",
    "target_types",
    "sources",
    "imports",
    "script_tool",
    "requirements",
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

# The folders and files of a checkout from before these layers, and the layer of each.
FORMER = {
    "engine": "pants_api",
    "push": "publish",
    "subsystem": "subsystems",
    "training_target_types": "target_types",
    "util_rules": "gather",
}


def edges(plugin: Path) -> Iterator[Tuple[str, str, str]]:
    """Yield (importing folder, imported folder, file) for each import between two folders.

    Tests are left out, and so are scripts: these run in tools and trusses, not in Pants.
    """
    for path in sorted(plugin.rglob("*.py")):
        below = path.relative_to(plugin)
        if path.name.endswith("_test.py") or path.name == "conftest.py":
            continue
        if below.parts[0] == "testutil" or "scripts" in below.parts:
            continue
        importer = below.parts[0] if len(below.parts) > 1 else below.stem
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pants_truss"):
                for alias in node.names:
                    imported = f"{node.module}.{alias.name}".split(".")[1]
                    if imported != importer:
                        yield importer, imported, str(below)


def runs_upwards(edge: Tuple[str, str, str]) -> bool:
    """Raises `ValueError` for a folder that has no layer."""
    importer, imported, _ = edge
    return _rank(imported) > _rank(importer)


def _rank(folder: str) -> int:
    return LAYERS.index(FORMER.get(folder, folder))


def main(plugin: Path) -> None:
    found = list(edges(plugin))
    counts = Counter((importer, imported) for importer, imported, _ in found)
    upwards = {edge[:2] for edge in found if runs_upwards(edge)}
    for edge, count in sorted(counts.items(), key=lambda item: [_rank(name) for name in item[0]]):
        mark = "  upwards" if edge in upwards else ""
        print(f"{edge[0]:>20} -> {edge[1]:<20} {count:>4}{mark}")
    print(f"{len(counts)} edges, {len(upwards)} run upwards")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
