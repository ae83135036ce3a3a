"""Reads the lockfiles that Pex writes, with releases from 2.1.137 to 2.97 of it.

`locked_resolves` has one entry in a universal lockfile, one for each platform in others (style
`strict` or `sources`, and `[python].resolves_to_complete_platforms`), and in newer releases one for
each marker where a requirement comes from several places.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pants_truss.core.errors import TrussError
from pants_truss.core.locked import LockedDistribution, Lockfile, index_of, locked_distribution
from pants_truss.core.requirement import applies, parse_line, parse_locked

_VCS = re.compile(r"(git|hg|svn|bzr)\+")
# Newer releases of Pex write this for `==3.11.*`. `CPython-t` is a Python without free threading.
_INTERPRETER = re.compile(r"(?P<name>[A-Za-z]\w*)(?P<build>[-+]t|\[[\w-]+\])?(?P<specifiers>.*)")


def parse(body: str, environments: Sequence[Dict[str, str]]) -> Lockfile:
    """Raises `TrussError` that says what is wrong with the lockfile, to be put after its path."""
    try:
        data = json.loads(body)
        resolve = _matching_resolve(data["locked_resolves"], environments)
        entries = resolve["locked_requirements"]
        written = [*data.get("requirements", [])]
        written += [text for entry in entries for text in entry["requires_dists"] if "@" in text]
        urls = _urls(written)
        found = [_distribution(entry, urls) for entry in entries]
        pythons = _python_versions(data.get("requires_python", []))
        return Lockfile({locked.name: locked for locked in found}, pythons, True, True)
    except TrussError:
        raise
    except RecursionError:
        raise TrussError("is not a lockfile: it is nested too deep.") from None
    except (ValueError, LookupError, TypeError, AttributeError, SyntaxError) as e:
        raise TrussError(
            f"is not a lockfile that Pex wrote ({type(e).__name__}: {e}). Run `pants "
            f"generate-lockfiles`."
        ) from None


def _python_versions(written: object) -> Tuple[str, ...]:
    """The specifiers of the CPythons that the lockfile is for; a truss is served by no other."""
    if not isinstance(written, list) or not all(isinstance(text, str) for text in written):
        raise ValueError(f"requires_python is {written!r}")
    found = []
    for text in written:
        named = _INTERPRETER.fullmatch(text)
        if not named:
            SpecifierSet(text)
            found.append(text)
            continue
        SpecifierSet(named["specifiers"])
        if named["name"] == "CPython" and named["build"] not in ("+t", "[free-threaded]"):
            found.append(named["specifiers"])
    if written and not found:
        raise TrussError(
            f"is for {' or '.join(written)}, and a truss is served by CPython. Change the "
            f"interpreter constraints of the resolve."
        )
    return tuple(found)


def _matching_resolve(
    resolves: List[Dict[str, Any]], environments: Sequence[Dict[str, str]]
) -> Dict[str, Any]:
    python = "cp" + environments[0]["python_version"].replace(".", "")
    matching = [resolve for resolve in resolves if _is_for(resolve, python, environments)]
    if len(resolves) > 1:
        # One of a Mac says the same of Python, and less of what Linux needs.
        matching = [resolve for resolve in matching if _is_for_linux(resolve)]
    if len(matching) != 1:
        described = ", ".join(_described(resolve) for resolve in resolves) or "none"
        raise TrussError(
            f"was made for single platforms ({described}), of which not just one is {python} on "
            f"Linux x86-64. Make a universal lockfile: `pants generate-lockfiles`, with no "
            f"`[python].resolves_to_complete_platforms` and no other style in "
            f"`[python].resolves_to_lock_style`."
        )
    return matching[0]


def _is_for(resolve: Dict[str, Any], python: str, environments: Sequence[Dict[str, str]]) -> bool:
    tag, marker = resolve.get("platform_tag"), resolve.get("marker")
    if marker:
        try:
            return applies(Requirement(f"any; {marker}"), (), environments)
        except (ValueError, SyntaxError) as e:
            raise ValueError(f"marker {marker!r}: {e}") from None
    return not tag or not tag[0].startswith("cp") or tag[0] == python


def _is_for_linux(resolve: Dict[str, Any]) -> bool:
    tag = resolve.get("platform_tag")
    return not tag or bool(re.search(r"linux.*_x86_64$", tag[-1]))


def _described(resolve: Dict[str, Any]) -> str:
    return str(resolve.get("marker") or "-".join(resolve.get("platform_tag") or ["?"]))


def _urls(requirements: Sequence[str]) -> Dict[str, str]:
    lines = [parse_line(requirement) for requirement in requirements]
    return {
        line.name: line.parsed.url
        for line in lines
        if line and line.name and line.parsed and line.parsed.url
    }


def _distribution(entry: Dict[str, Any], urls: Mapping[str, str]) -> LockedDistribution:
    name, artifact = entry["project_name"], entry["artifacts"][0]["url"]
    url = urls.get(canonicalize_name(name)) or (artifact if _VCS.match(artifact) else None)
    return locked_distribution(
        name,
        entry["version"],
        tuple(parse_locked(requirement) for requirement in entry["requires_dists"]),
        url,
        None if url else index_of(artifact),
    )
