"""Links between the pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Set, Tuple

import pytest

PAGES = sorted([*Path().glob("*.md"), *Path("docs").glob("*.md")])


def links(page: Path) -> List[Tuple[str, str]]:
    """Path and anchor of each link to another page, or to a place in this one."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [
        (target.partition("#")[0], target.partition("#")[2])
        for target in found
        if not re.match(r"[a-z]+:", target)
    ]


def anchors(page: Path) -> Set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links(page: Path) -> None:
    for path, anchor in links(page):
        target = page.parent / path if path else page
        assert target.exists(), f"{page}: {path}"
        if anchor:
            assert anchor in anchors(target), f"{page}: {path}#{anchor}"


def test_readme_leads_to_each_page() -> None:
    named = {path for path, _ in links(Path("README.md"))}
    missing = {str(page) for page in PAGES} - named - {"README.md"}
    assert not missing
