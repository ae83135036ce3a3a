"""docs/ as a site: whole, with no link that leads nowhere, and nothing that is fetched from elsewhere."""

from __future__ import annotations

import os
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from support.tools import find_release_tool

MKDOCS = "docs/mkdocs.pex"
# What a browser loads by itself.
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}
# Tells search engines where a page is; nothing is loaded.
NOT_LOADED = {"canonical", "prev", "next"}


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: Set[str] = set()
        self.links: List[str] = []
        self.loaded: List[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: "List[Tuple[str, str | None]]") -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        for name in ("src", "href"):
            if (tag, name) in LOADED and name in values and values.get("rel") not in NOT_LOADED:
                self.loaded.append(values[name])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PEX_ROOT": os.environ.get("PEX_ROOT", os.path.join(os.environ["HOME"], ".pex")),
    }
    run = subprocess.run(
        [str(find_release_tool(MKDOCS)), "build", "--strict", "--site-dir", str(folder / "site")],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    yield folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> Dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_each_page_is_there(site: Path) -> None:
    for page in Path("docs").glob("*.md"):
        folder = site if page.stem == "index" else site / page.stem
        assert (folder / "index.html").is_file(), page
    assert not list(site.rglob("BUILD"))


def test_links_lead_somewhere(site: Path, pages: Dict[Path, Page]) -> None:
    count = 0
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            address, anchor = urldefrag(link)
            if urlsplit(address).scheme:
                continue
            target = (path.parent / unquote(address)).resolve() if address else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file() and site.resolve() in target.parents, f"{path}: {link}"
            if anchor and target in pages:
                assert unquote(anchor) in pages[target].ids, f"{path}: {link}"
                count += 1
    assert count > 100


def test_nothing_is_loaded_from_elsewhere(pages: Dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert not [link for link in page.loaded if urlsplit(link).netloc], path
