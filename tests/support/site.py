"""The built site: its pages as a reader's browser gets them, and the fences of their sources."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import List, Optional, Set, Tuple

from support.tools import find_site_tool

_MKDOCS = "docs/mkdocs.pex"

# What a browser loads by itself.
_LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}
# These tell search engines where a page is; a browser does not load them.
_NOT_LOADED = {"canonical", "prev", "next"}

# As CommonMark has them, below lists and quotes too.
_OPENING = re.compile(r"^(?P<indent>[ >]*)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_FENCE = re.compile(r"`{3,}|~{3,}")
_MARKER = re.compile(r"^ *[*-] .{0,40}", re.MULTILINE)

_Attributes = List[Tuple[str, Optional[str]]]


class SitePage(HTMLParser):
    """`code` is the text of each block of code; `text` is the text outside of these."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: Set[str] = set()
        self.links: List[str] = []
        self.edit_links: List[str] = []
        self.loaded: List[str] = []
        self.filenames: List[str] = []
        self.next_page: List[str] = []
        self.code: List[str] = []
        self.text = ""
        self._into: Optional[str] = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        values = {name: value or "" for name, value in attrs}
        classes = values.get("class", "").split()
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
            if values.get("title") == "Edit this page":
                self.edit_links.append(values["href"])
            if "md-footer__link--next" in classes:
                self.next_page.append(values["href"])
        for name in ("src", "href"):
            if (tag, name) in _LOADED and name in values and values.get("rel") not in _NOT_LOADED:
                self.loaded.append(values[name])
        if tag in ("script", "style"):
            self._into = tag
        elif tag == "pre":
            self._into = tag
            self.code.append("")
        elif tag == "span" and "filename" in classes:
            self._into = tag
            self.filenames.append("")

    def handle_endtag(self, tag: str) -> None:
        # Blocks of code have spans inside.
        if tag == self._into:
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into == "pre":
            self.code[-1] += data
        elif self._into == "span":
            self.filenames[-1] += data
        elif self._into is None:
            self.text += data

    @property
    def literal_fences(self) -> List[str]:
        """What a reader sees of a fence that did not become a block of code."""
        return [
            self.text[max(0, match.start() - 20) : match.end() + 40]
            for match in _FENCE.finditer(self.text)
        ]

    @property
    def literal_markers(self) -> List[str]:
        """Markers of lists that the site shows as text. An example is a list after code that is not
        indented by four."""
        return _MARKER.findall(self.text)

    def missing(self, fences: "List[Fence]") -> "List[Fence]":
        """Those that are no block of code here, of which none stands for two."""
        there = [_words(code) for code in self.code]
        absent = []
        for fence in fences:
            candidates = [_words(text) for text in (fence.body, fence.body_without_path)]
            found = next((words for words in candidates if words in there), None)
            if found is None:
                absent.append(fence)
            else:
                there.remove(found)
        return absent


def _words(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True)
class Fence:
    line: int
    body: str
    is_closed: bool

    @property
    def body_without_path(self) -> str:
        """The site makes the path of a file the title of its block, and keeps a remark after it."""
        first, _, rest = self.body.partition("\n")
        remark = re.split("[:,] ", first, maxsplit=1)[-1]
        return rest if remark == first else f"# {remark}\n{rest}"


def fences(markdown: str) -> List[Fence]:
    """By a reader of its own, which knows nothing of what makes the site."""
    found: List[Fence] = []
    lines = markdown.split("\n")
    number = 0
    while number < len(lines):
        opening = _OPENING.match(lines[number])
        number += 1
        if not opening or (opening["fence"][0] == "`" and "`" in opening["info"]):
            continue
        start, body = number, []
        is_closed = False
        while number < len(lines) and not is_closed:
            line = re.sub(r"^[ >]*", "", lines[number]).rstrip()
            is_closed = set(line) == {opening["fence"][0]} and len(line) >= len(opening["fence"])
            if not is_closed:
                body.append(lines[number][len(opening["indent"]) :])
            number += 1
        found.append(Fence(start, "\n".join(body), is_closed))
    return found


def read_page(path: Path) -> SitePage:
    return SitePage(path.read_text(encoding="utf-8"))


def build_site(root: Path, site: Path, home: Path) -> "subprocess.CompletedProcess[str]":
    """Builds the site of the repository at `root`. The tool writes its other files to `home`."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PEX_ROOT": os.environ.get("PEX_ROOT", os.path.join(os.environ["HOME"], ".pex")),
    }
    return subprocess.run(
        [str(find_site_tool(_MKDOCS)), "build", "--strict", "--site-dir", str(site)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
    )
