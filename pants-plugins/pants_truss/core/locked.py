"""What lockfiles of all formats come down to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Mapping, Optional, Tuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pants_truss.core.requirement import redacted

# The threat: a version or a name with a line break in it would add options to what pip is given.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+")


def locked_distribution(
    name: str, version: Optional[str], requires: Tuple[Requirement, ...], url: Optional[str]
) -> LockedDistribution:
    """Raises `ValueError` for what is no distribution."""
    if not _NAME.fullmatch(name) or not (url if version is None else _VERSION.fullmatch(version)):
        raise ValueError(f"{name!r} {version!r} is no distribution")
    if url and (re.search(r"\s", url) or not url.isprintable()):
        raise ValueError(f"{redacted(url)!r} is no URL")
    return LockedDistribution(canonicalize_name(name), version, requires, url)


@dataclass(frozen=True)
class LockedDistribution:
    """`name` is canonical. `requires` are PEP 508 requirements, with markers. `url` is set if it
    was locked from a repository or URL; then it is what to write after `@`."""

    name: str
    version: Optional[str]
    requires: Tuple[Requirement, ...]
    url: Optional[str] = None

    @property
    def pin(self) -> str:
        return self.pin_with(())

    def pin_with(self, extras: Iterable[str]) -> str:
        name = f"{self.name}[{','.join(sorted(extras))}]" if extras else self.name
        return f"{name} @ {self.url}" if self.url else f"{name}=={self.version}"


@dataclass(frozen=True)
class Lockfile:
    """What is locked for one Python, by name.

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
