"""Links between the pages lead somewhere, and pictures are those of what they show."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import List, Set, Tuple

import pytest

from support.session import COLUMNS, PICTURE, TRANSCRIPT, draw

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


def test_the_picture_of_the_session_is_drawn_from_its_text() -> None:
    transcript = TRANSCRIPT.read_text(encoding="utf-8")
    assert draw(transcript) == PICTURE.read_text(encoding="utf-8"), "see tests/support/session.py"


def test_lines_of_the_session_fit_a_phone() -> None:
    lines = re.findall(r"<text[^>]*>(.*)</text>", PICTURE.read_text(encoding="utf-8"))
    assert len(lines) > 15
    assert max(map(len, map(html.unescape, lines))) <= COLUMNS


def test_each_picture_follows_the_theme() -> None:
    pictures = sorted(Path("docs/pictures").glob("*.svg"))
    assert len(pictures) == 5
    for picture in pictures:
        assert "prefers-color-scheme: dark" in picture.read_text(encoding="utf-8"), picture


def test_readme_and_compatibility_name_the_same_versions() -> None:
    strip = re.findall(r"^\| (2\.17 .*) \|$", Path("README.md").read_text(), re.MULTILINE)
    pants, truss, python, machines, status = strip[0].split(" | ")
    text = Path("docs/compatibility.md").read_text(encoding="utf-8")
    for version in re.findall(r"\d+\.[\d.]*\d", f"{pants} {truss} {python}"):
        assert re.search(rf"\b{re.escape(version)}\b", text), version
    assert machines in text
    project = Path("pants-plugins/pyproject.toml").read_text(encoding="utf-8")
    name, version = status.split(", ")
    assert f'version = "{version}"' in project
    assert name.title() in project
