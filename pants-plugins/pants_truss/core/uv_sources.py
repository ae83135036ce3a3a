"""Dependencies of a uv project that are folders or files beside it.

An image build copies `pyproject.toml` and `uv.lock` alone, so it fails on them
(`base.Dockerfile.jinja` of Truss).
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, Tuple

from packaging.utils import canonicalize_name

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import RequirementLine, applies, marker_environments, parse_line
from pants_truss.core.requirement_files import is_relative, missing_in_image
from pants_truss.core.toml import parse_toml

# Keys of a source in a lock. uv installs nothing of a virtual one but what it depends on.
_INSTALLED, _VIRTUAL = ("path", "directory", "editable"), "virtual"
_PROJECT = "."


def local_sources(pyproject: bytes, python: str) -> Tuple[Tuple[str, str], ...]:
    """The distributions that `[project].dependencies` installs on Linux from a path or the
    workspace, each with the place. `python` is a version such as `3.11`. Empty for a file that is
    not valid: uv's own message says more."""
    data = _parse(pyproject)
    sources = _table(_table(_table(data, "tool"), "uv"), "sources")
    by_name: Dict[str, Any] = {canonicalize_name(name): each for name, each in sources.items()}
    dependencies = _table(data, "project").get("dependencies")
    found: Dict[str, str] = {}
    for text in dependencies if isinstance(dependencies, list) else []:
        place = missing_in_image(text) if isinstance(text, str) and ";" not in text else None
        if place:
            found[text.partition("@")[0].strip()] = place
        for line in _installed(text, python):
            for place in _places(by_name.get(line.name or ""), python):
                found.setdefault(line.name or "", place)
    return tuple(sorted(found.items()))


def locked_local_sources(lock: bytes, python: str) -> Tuple[Tuple[str, str], ...]:
    """The same for what a `uv.lock` installs: its own project, if that is a package, and what the
    project and its group `dev` depend on, at any depth."""
    packages = [each for each in _list(_parse(lock), "package") if isinstance(each, dict)]
    by_name: Dict[str, List[Dict[str, Any]]] = {}
    for package in packages:
        by_name.setdefault(str(package.get("name")), []).append(package)
    pending = [p for p in packages if _PROJECT in (_path_of(p), _table(p, "source").get(_VIRTUAL))]
    seen: FrozenSet[str] = frozenset()
    found: Dict[str, str] = {}
    while pending:
        package = pending.pop()
        place = _path_of(package)
        if place and place != _PROJECT and is_relative(place):
            found[str(package.get("name"))] = place
        if place == _PROJECT and _table(package, "source").get("editable"):
            found[str(package.get("name"))] = place
        for name in _dependencies(package, python):
            # With several of a name, markers decide.
            if name not in seen and len(by_name.get(name, ())) == 1:
                seen |= {name}
                pending += by_name[name]
    return tuple(sorted(found.items()))


def _installed(text: object, python: str) -> Iterator[RequirementLine]:
    try:
        line = parse_line(text) if isinstance(text, str) else None
        if line and (not line.parsed or applies(line.parsed, (), marker_environments(python))):
            yield line
    except TrussError:
        pass


def _places(source: object, python: str) -> Iterator[str]:
    """A list has one source for each marker."""
    if isinstance(source, list):
        for each in source:
            yield from _places(each, python)
        return
    if not isinstance(source, dict) or "extra" in source or not _holds(source, python):
        return
    path = source.get("path")
    if isinstance(path, str) and is_relative(path):
        yield path
    elif source.get("workspace") is True:
        yield "the workspace"


def _path_of(package: Dict[str, Any]) -> str:
    source = _table(package, "source")
    return next((source[key] for key in _INSTALLED if isinstance(source.get(key), str)), "")


def _dependencies(package: Dict[str, Any], python: str) -> Iterator[str]:
    groups = _table(package, "dev-dependencies")
    for each in (*_list(package, "dependencies"), *_list(groups, "dev")):
        if isinstance(each, dict) and not {"version", "source"} & set(each):
            if _holds(each, python):
                yield str(each.get("name"))


def _holds(entry: Dict[str, Any], python: str) -> bool:
    """If the marker of an entry, if it has one, holds in an image."""
    marker = entry.get("marker")
    return marker is None or any(_installed(f"x; {marker}", python))


def _parse(content: bytes) -> Dict[str, Any]:
    try:
        return parse_toml(content.decode("utf-8-sig", "replace"))
    except TrussError:
        return {}


def _table(data: Dict[str, Any], key: str) -> Dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _list(data: Dict[str, Any], key: str) -> Iterable[Any]:
    found = data.get(key)
    return found if isinstance(found, list) else []
