"""Reads uv.lock: what Pants 2.32 and later write with `[python].resolver = "uv"`, and uv itself.

Packages of the project, which have no source outside of it, are left out: first-party code is not
installed, but bundled.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Sequence
from urllib.parse import parse_qs, quote, urlsplit

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pants_truss.core.errors import TrussError
from pants_truss.core.locked import (
    LockedDistribution,
    Lockfile,
    index_of,
    locked_distribution,
    occurs_after,
)
from pants_truss.core.requirement import applies, parse_locked
from pants_truss.core.toml import parse_toml

# Sources of packages that are part of the project.
_OWN = ("virtual", "editable", "directory")


def is_uv_lock(text: str) -> bool:
    return occurs_after(text, r"^\[\[package\]\]$", r"^source = \{")


def parse(text: str, environments: Sequence[Dict[str, str]]) -> Lockfile:
    """Raises `TrussError` that says what is wrong with it, to be put after its path."""
    data = parse_toml(text)
    try:
        found: Dict[str, List[LockedDistribution]] = {}
        for package in data["package"]:
            if not any(kind in package["source"] for kind in _OWN) and _is_for(
                package, environments
            ):
                locked = _distribution(package)
                found.setdefault(locked.name, []).append(locked)
        python = data.get("requires-python")
        pythons = (str(SpecifierSet(str(python))),) if python else ()
    except TrussError:
        raise
    # Some releases of packaging raise `SyntaxError` for a marker.
    except (LookupError, TypeError, AttributeError, ValueError, SyntaxError, RecursionError) as e:
        raise TrussError(f"is not a uv.lock that can be read ({type(e).__name__}: {e}).") from None
    return Lockfile(
        {name: _only(candidates) for name, candidates in found.items()},
        pythons,
        has_edges=True,
        has_extras=True,
        is_pexs=False,
    )


def _is_for(package: Dict[str, Any], environments: Sequence[Dict[str, str]]) -> bool:
    """If there are several versions of a package, each is for some environments. uv calls this a
    fork."""
    markers = package.get("resolution-markers", [])
    return not markers or any(
        applies(Requirement(f"x ; {marker}"), (), environments) for marker in markers
    )


def _only(candidates: List[LockedDistribution]) -> LockedDistribution:
    if len({locked.pin for locked in candidates}) > 1:
        pins = " and ".join(sorted(locked.pin for locked in candidates))
        raise TrussError(
            f"locks {candidates[0].name} more than once for one environment: {pins}. Add a marker, "
            f"or split the resolve."
        )
    return candidates[0]


def _distribution(package: Dict[str, Any]) -> LockedDistribution:
    requires = [*_requirements(package.get("dependencies", []), None)]
    for extra, entries in sorted(package.get("optional-dependencies", {}).items()):
        requires += _requirements(entries, extra)
    source = package["source"]
    index = index_of(source["registry"]) if "registry" in source else None
    return locked_distribution(
        str(package["name"]), package.get("version"), tuple(requires), _url(source), index
    )


def _requirements(entries: List[Dict[str, Any]], extra: Optional[str]) -> Iterator[Requirement]:
    for entry in entries:
        extras = f"[{','.join(entry['extra'])}]" if entry.get("extra") else ""
        markers = [f"({entry['marker']})"] if entry.get("marker") else []
        markers += [f'extra == "{canonicalize_name(extra)}"'] if extra else []
        text = f"{entry['name']}{extras}" + (f" ; {' and '.join(markers)}" if markers else "")
        try:
            yield parse_locked(text)
        except (ValueError, SyntaxError, RecursionError) as e:
            raise TrussError(f"requires {text[:200]!r}, which cannot be read: {e}") from None


def _url(source: Dict[str, str]) -> Optional[str]:
    """The text to write after `@`; None for a package from an index."""
    if "registry" in source:
        return None
    if "git" in source:
        return _git_url(source["git"])
    if "url" in source:
        folder = f"#subdirectory={source['subdirectory']}" if "subdirectory" in source else ""
        return source["url"] + folder
    # A file: an error for the trusses that need it, and for no other.
    place = next(iter(source.values()), None)
    if place is None:
        raise ValueError("a package has no source")
    return f"file:{quote(str(place))}"


def _git_url(locked: str) -> str:
    """`https://host/x?rev=main&subdirectory=a#COMMIT` -> `git+https://host/x@COMMIT#...`."""
    parts = urlsplit(locked)
    base = parts._replace(query="", fragment="").geturl()
    folders = parse_qs(parts.query).get("subdirectory", [])
    return f"git+{base}@{parts.fragment}" + "".join(f"#subdirectory={x}" for x in folders[:1])
