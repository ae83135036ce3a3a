"""`reference.md` as one page for each target, goal and section of options."""

from __future__ import annotations

import re
from dataclasses import dataclass

OVERVIEW = "reference.md"

_CODE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?P<path>[\w./-]*)#(?P<anchor>[\w-]+)\)")


@dataclass(frozen=True)
class Reference:
    """`pages` by path; `places` has the page and anchor of each heading, by its old anchor."""

    overview: str
    pages: dict[str, str]
    # By the title of the part that they belong to.
    parts: dict[str, list[str]]
    places: dict[str, str]

    def nav(self) -> list[object]:
        return [OVERVIEW, *({title: paths} for title, paths in self.parts.items())]

    def link(self, markdown: str, page: str) -> str:
        """With links to headings of the reference as links to the pages that have them now."""
        below = page.count("/")

        def replaced(match: re.Match[str]) -> str:
            is_own = not match["path"] and page == OVERVIEW
            if match["path"] != OVERVIEW and not is_own:
                return match[0]
            place = self.places.get(match["anchor"])
            return f"]({'../' * below}{place})" if place else match[0]

        return _LINK.sub(replaced, markdown)


def split(text: str) -> Reference:
    """Parts are `##`, pages `###`, and fields and options `####`."""
    head, *parts = _sections(text, "## ")
    overview = [head.rstrip()]
    pages: dict[str, str] = {}
    by_part: dict[str, list[str]] = {}
    places: dict[str, str] = {}
    for part in parts:
        introduction, *sections = _sections(part, "### ")
        title = introduction.partition("\n")[0].removeprefix("## ")
        overview += ["", introduction.rstrip(), ""]
        for section in sections:
            heading, _, body = section.partition("\n")
            name = heading.removeprefix("### ")
            path = f"reference/{_slug(name.strip('`').removeprefix('pants '))}.md"
            pages[path] = _page(name, body, path, places)
            by_part.setdefault(title, []).append(path)
            overview.append(f"* [{name}]({path}): {_first_sentence(body)}")
    return Reference("\n".join(overview) + "\n", pages, by_part, places)


def _page(name: str, body: str, path: str, places: dict[str, str]) -> str:
    places[_slug(name)] = path
    introduction, *items = _sections(body, "#### ")
    lines = [f"# {name}", "", introduction.strip(), ""]
    for item in items:
        heading, _, text = item.partition("\n")
        whole = heading.removeprefix("#### ")
        short = _short(whole, name)
        places[_slug(whole)] = f"{path}#{_slug(short)}"
        lines += [f"## {short}", "", text.strip(), ""]
    return "\n".join(lines)


def _short(heading: str, name: str) -> str:
    """Without what the page is about: `` `truss`: `config` `` is `` `config` ``."""
    beginning = f"{name}: "
    if heading.startswith(beginning):
        return heading.removeprefix(beginning)
    return heading.replace(f"{name.rstrip('`')}.", "`", 1)


def _sections(text: str, beginning: str) -> list[str]:
    """Cuts before each heading of this level. Comments in code do not count as headings."""
    code = [match.span() for match in _CODE.finditer(text)]
    cuts = [
        match.start()
        for match in re.finditer(f"^{beginning}", text, re.MULTILINE)
        if not any(start <= match.start() < end for start, end in code)
    ]
    if not cuts:
        return [text]
    # The text before the first heading comes first, and may be empty.
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)])]


def _first_sentence(body: str) -> str:
    paragraph = body.strip().partition("\n\n")[0]
    return re.split(r"(?<=[.:]) (?=[A-Z`*])", paragraph.replace("\n", " "))[0].rstrip(":")


def _slug(text: str) -> str:
    """The anchor that the site gives to a heading."""
    words = re.sub(r"[^\w\s-]", "", text).strip().lower()
    return re.sub(r"[\s-]+", "-", words)
