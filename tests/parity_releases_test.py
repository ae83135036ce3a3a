"""In what older releases of Truss gather something else than the newest, and than this project."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.parity import Gathered, gather_with_library, gather_with_pants, trees
from support.truss_library import RELEASES

PAGE = Path("docs/compatibility.md")


def difference(result: Gathered) -> str:
    """In a few words; nothing if there is none."""
    if isinstance(result.there, str):
        return f"Truss {result.there}"
    here, there = trees(result)
    if here != there:
        paths = sorted(p for p in {*here, *there} if here.get(p) != there.get(p))
        return f"other files: {', '.join(f'`{path}`' for path in paths[:3])}"
    if "error" in result.config_here:
        return f"Truss does not read the config: {result.config_here['error']}"
    one, other = result.config_here["value"], result.config_there["value"]
    keys = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
    return f"other values: {', '.join(f'`{key}`' for key in keys)}" if keys else ""


def test_the_page_has_what_differs(tmp_path_factory: pytest.TempPathFactory) -> None:
    here = gather_with_pants(tmp_path_factory.mktemp("parity"))
    lines = ["| Truss | the same here | differs |", "|---|---|---|"]
    for release in RELEASES:
        results = gather_with_library(release, here, tmp_path_factory.mktemp("library"))
        found = {name: difference(result) for name, result in results.items()}
        differing = [f"{name}: {text}" for name, text in found.items() if text]
        same = len(found) - len(differing)
        lines.append(f"| {release} | {same} of {len(found)} cases | {'; '.join(differing)} |")
    assert "\n".join(lines) in PAGE.read_text(encoding="utf-8"), "\n" + "\n".join(lines)
