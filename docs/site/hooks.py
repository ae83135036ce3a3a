"""Changes that the site makes to the pages of docs/, which also read well on GitHub.

* A fence such as "```sh fails" is a language and what `tests/support/literate.py` does with the
  block. The site needs the language alone.
* A block that begins with the path of its file, as a comment, gets that path as its title.
* `reference.md` becomes one page for each target, goal and section of options.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import tomllib
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from reference_pages import OVERVIEW, Reference, split

_FENCE = re.compile(r"^(?P<indent>[ >]*)(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)$")
_FILE = re.compile(r"^# (?P<path>\.?[\w-]+(?:[./][\w.-]+)*)(?:[:,] (?P<remark>.+))?$")

_references: dict[Path, Reference] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the pages of the reference into the navigation, and the version on each page."""
    reference = _reference(config)
    config.nav = _with_reference(config.nav, reference)
    root = Path(config.config_file_path).parent
    project = tomllib.loads((root / "pants-plugins/pyproject.toml").read_text(encoding="utf-8"))
    version, urls = project["project"]["version"], project["project"]["urls"]
    config.extra["version_of_plugin"] = version
    config.copyright = f'{config.site_name} {version} · <a href="{urls["Changelog"]}">Changelog</a>'
    return config


def _reference(config: MkDocsConfig) -> Reference:
    path = Path(config.docs_dir) / OVERVIEW
    return _references.setdefault(path, split(path.read_text(encoding="utf-8")))


def _with_reference(nav: Any, reference: Reference) -> Any:
    if isinstance(nav, list):
        items = []
        for item in nav:
            items += reference.nav() if item == OVERVIEW else [_with_reference(item, reference)]
        return items
    if isinstance(nav, dict):
        return {title: _with_reference(below, reference) for title, below in nav.items()}
    return nav


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path, text in _reference(config).pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    reference = _reference(config)
    path = page.file.src_uri
    if path == OVERVIEW:
        markdown = reference.overview
    if path == OVERVIEW or path in reference.pages:
        # It is made from the help texts, so there is nothing to edit here.
        page.edit_url = None
    return _with_titles(reference.link(markdown, path), path)


def _with_titles(markdown: str, path: str) -> str:
    """Fences with a language, and a title where the block names its file, and nothing else."""
    lines: list[str] = []
    rest = iter(enumerate(markdown.split("\n"), 1))
    for number, line in rest:
        opening = _FENCE.match(line)
        if not opening:
            lines.append(line)
            continue
        body = []
        closing = f"{opening['indent']}{opening['fence']}"
        for _, inner in rest:
            if inner.rstrip() == closing:
                break
            body.append(inner)
        else:
            raise PluginError(f"docs/{path}:{number}: no closing fence. Write `{closing.strip()}`.")
        lines += [*_block(opening, body), closing]
    return "\n".join(lines)


def _block(opening: re.Match[str], body: list[str]) -> list[str]:
    indent, fence = opening["indent"], opening["fence"]
    language = opening["info"].strip().partition(" ")[0]
    names = [_FILE.match(line.removeprefix(indent)) for line in body]
    first = names[0] if names else None
    # Several files in one block keep their comments.
    if not first or sum(name is not None and _is_path(name["path"]) for name in names) != 1:
        return [f"{indent}{fence}{language}", *body]
    if not _is_path(first["path"]):
        return [f"{indent}{fence}{language}", *body]
    rest = body[1:] if len(body) > 1 else body
    if first["remark"]:
        rest = [f"{indent}# {first['remark']}", *body[1:]]
    return [f'{indent}{fence}{language} title="{first["path"]}"', *rest]


def _is_path(text: str) -> bool:
    name = text.rpartition("/")[2]
    return "." in name or name in ("BUILD", "Dockerfile")
