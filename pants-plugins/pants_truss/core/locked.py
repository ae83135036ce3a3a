"""The common form of lockfiles of all formats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pants_truss.core.requirement import redacted

# The threat: a version or a name with a line break in it would add options to what pip is given.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+")


def locked_distribution(
    name: str,
    version: Optional[str],
    requires: Tuple[Requirement, ...],
    url: Optional[str],
    index: Optional[str] = None,
) -> LockedDistribution:
    """Raises `ValueError` if this is not a distribution."""
    if not _NAME.fullmatch(name) or not (url if version is None else _VERSION.fullmatch(version)):
        raise ValueError(f"{name!r} {version!r} is not a distribution")
    if url and (re.search(r"\s", url) or not url.isprintable()):
        raise ValueError(f"{redacted(url)!r} is not a URL")
    return LockedDistribution(canonicalize_name(name), version, requires, url, index)


def occurs_after(text: str, first: str, second: str) -> bool:
    """True if `second` is found after `first`. One pattern for both takes quadratic time."""
    found = re.compile(first, re.MULTILINE).search(text)
    return bool(found and re.compile(second, re.MULTILINE).search(text, found.end()))


# Mirrors of PyPI keep the folders of its files.
_OF_PYPI = re.compile(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/")
_PYPI_HOSTS = ("pypi.org", "pypi.python.org", "files.pythonhosted.org")


def index_of(url: str) -> Optional[str]:
    """The index of an artifact at `url`, or of an index at `url`; None for PyPI and its mirrors."""
    parts = urlsplit(url)
    if parts.hostname in _PYPI_HOSTS or _OF_PYPI.search(parts.path):
        return None
    if parts.scheme in ("http", "https") and parts.hostname:
        # Without user, password and path.
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return "a folder of one machine"


@dataclass(frozen=True)
class LockedDistribution:
    """`name` is canonical. `requires` are PEP 508 requirements, with markers. `url` is set if it
    was locked from a repository or URL; then it is what to write after `@`. `index` is where it was
    locked from if that is an index other than PyPI, or a folder; None if it is PyPI or not known.
    """

    name: str
    version: Optional[str]
    requires: Tuple[Requirement, ...]
    url: Optional[str] = None
    index: Optional[str] = None

    @property
    def pin(self) -> str:
        return self.pin_with(())

    def pin_with(self, extras: Iterable[str]) -> str:
        name = f"{self.name}[{','.join(sorted(extras))}]" if extras else self.name
        return f"{name} @ {self.url}" if self.url else f"{name}=={self.version}"


@dataclass(frozen=True)
class Lockfile:
    """The locked distributions for one Python, by name.

    `python_versions` are the specifiers of the Pythons that it is for: any of them must match, if
    there are any. `has_edges` is False if it does not say what the distributions require,
    `has_extras` if it does not say for which extras. `is_pexs` is False if Pex cannot install a
    part of it.
    """

    distributions: Mapping[str, LockedDistribution]
    python_versions: Tuple[str, ...]
    has_edges: bool
    has_extras: bool
    is_pexs: bool = True
