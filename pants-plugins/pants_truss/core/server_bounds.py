"""The bounds that the model server sets for what a truss requires.

An image installs the list of a truss with `uv pip install -c constraints.txt`, and the constraints
are those of the Truss release (`base.Dockerfile.jinja`).
"""

from __future__ import annotations

from typing import Iterable, List, Tuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from pants_truss.core.requirement import parse_if_valid, pinned_version


def contradictions(lines: Iterable[str], constraints: Iterable[str]) -> Tuple[Tuple[str, str], ...]:
    """Each requirement that pins a version which a constraint excludes, with the constraint."""
    bounds = [line for line in map(parse_if_valid, constraints) if line and line.parsed]
    found: List[Tuple[str, str]] = []
    for text in lines:
        line = parse_if_valid(text)
        version = pinned_version(line) if line else None
        if line is None or version is None:
            continue
        for bound in bounds:
            assert bound.parsed is not None
            if bound.name == line.name and not _allows(bound.parsed.specifier, version):
                found.append((line.text, bound.text))
    return tuple(found)


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
