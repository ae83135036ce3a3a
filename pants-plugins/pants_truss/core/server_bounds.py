"""The bounds that the model server sets for what a truss requires.

An image installs the list of a truss with `uv pip install -c constraints.txt`, and the constraints
are those of the Truss release (`base.Dockerfile.jinja`).
"""

from __future__ import annotations

from typing import Iterable, List, Optional, Tuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.tables import read_table
from pants_truss.core.requirement import RequirementLine, parse_line


def default_constraints() -> Tuple[str, Tuple[str, ...]]:
    """The release of Truss that the plugin has by default, and its constraints."""
    ((release, lines),) = read_table("server_constraints").items()
    return release, tuple(lines)


def contradictions(lines: Iterable[str], constraints: Iterable[str]) -> Tuple[Tuple[str, str], ...]:
    """Each requirement that pins a version which a constraint excludes, with the constraint."""
    bounds = [line for line in map(_parse, constraints) if line and line.parsed]
    found: List[Tuple[str, str]] = []
    for text in lines:
        line = _parse(text)
        version = _pinned_version(line) if line else None
        if line is None or version is None:
            continue
        for bound in bounds:
            assert bound.parsed is not None
            if bound.name == line.name and not _allows(bound.parsed.specifier, version):
                found.append((line.text, bound.text))
    return tuple(found)


def _parse(text: str) -> Optional[RequirementLine]:
    try:
        return parse_line(text)
    except TrussError:
        return None


def _pinned_version(line: RequirementLine) -> Optional[Version]:
    specifiers = list(line.parsed.specifier) if line.parsed else []
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
        return None
    try:
        return Version(specifiers[0].version)
    except InvalidVersion:
        return None


def _allows(specifier: SpecifierSet, version: Version) -> bool:
    try:
        return specifier.contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


def describe_contradictions(found: Iterable[Tuple[str, str]], release: str) -> str:
    """`release` is what the model server is of, such as `of Truss 0.18.35`."""
    texts = [f"`{pin}` and `{bound}`" for pin, bound in found]
    return (
        f"these pins and the constraints of the model server {release} contradict each other, so "
        f"an image could not be built either: {', '.join(texts)}"
    )
