"""Imports between folders run one way, and the page on development says the same."""

from __future__ import annotations

import re
from pathlib import Path

from pants_truss.testutil.import_map import LAYERS, edges, runs_upwards

FOLDER = Path(__file__).parent
PAGE = Path("docs/development.md")


def test_no_import_runs_upwards() -> None:
    found = list(edges(FOLDER))
    assert len(found) > 300
    assert {name for importer, imported, _ in found for name in (importer, imported)} <= set(LAYERS)
    assert [edge for edge in found if runs_upwards(edge)] == []


def test_the_page_lists_each_folder_in_this_order() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^  (\w+)/  ", text, re.MULTILINE)
    assert listed == [*LAYERS[:-1], "testutil"]


def test_what_tests_share_lies_in_testutil() -> None:
    found = [
        str(path.relative_to(FOLDER))
        for path in FOLDER.rglob("*.py")
        if re.search(r"^\s*(from|import) .*\bconftest\b", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert found == []
