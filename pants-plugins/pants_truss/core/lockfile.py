"""Reads the lockfile of a resolve: what Pex writes, uv.lock, and pip's constraints format.

Nothing is downloaded: all say which versions are locked; the first two what each requires. In
pip's format the `# via` comments of pip-compile and uv say so, where they were not turned off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pants_truss.core import pex_lock, uv_lock
from pants_truss.core.errors import TrussError
from pants_truss.core.locked import LockedDistribution, Lockfile, locked_distribution, occurs_after
from pants_truss.core.requirement import applies, parse_line, redacted

# Options that pip accepts in a constraints file and that say nothing about versions.
_HARMLESS_OPTIONS = (
    "-i",
    "-f",
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--trusted-host",
    "--no-index",
    "--no-binary",
    "--only-binary",
    "--pre",
    "--prefer-binary",
    "--require-hashes",
)
_HASH = re.compile(r"\s--hash[=\s]\S+")


def parse(content: bytes, environments: Sequence[Dict[str, str]]) -> Lockfile:
    """Reads a lockfile, for the environments of `core.requirement.marker_environments`. Raises
    `TrussError` that says what is wrong with it, to be put after its path."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as e:
        raise TrussError(f"is not a lockfile: it is not UTF-8 ({e.reason}).") from None
    if uv_lock.is_uv_lock(text):
        return uv_lock.parse(text, environments)
    _refuse_known_formats(text)
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))
    if body.lstrip().startswith("{"):
        return pex_lock.parse(body, environments)
    return _parse_constraints(text, environments)


def _refuse_known_formats(text: str) -> None:
    known = {
        "a pylock.toml": (r"^lock-version\s*=", ""),
        "a pdm.lock": (r"^lock_version\s*=", ""),
        "a poetry.lock": (r"^\[\[package\]\]$", ""),
        "a conda-lock file": (r"^metadata:$", r"^package:$"),
        "a Pipfile.lock": (r'"pipfile-spec"', ""),
    }
    for name, patterns in known.items():
        if occurs_after(text, *patterns):
            raise TrussError(
                f"is {name}, a format that is not supported. Supported are Pex's, which `pants "
                f"generate-lockfiles` writes, uv.lock, and pip's constraints (`name==version` "
                f"lines)."
            )


# --- pip's constraints.


@dataclass
class _Entry:
    number: int
    requirement: str
    comments: List[str]


@dataclass(frozen=True)
class _Candidate:
    entry: _Entry
    requirement: Requirement
    locked: LockedDistribution


def _parse_constraints(text: str, environments: Sequence[Dict[str, str]]) -> Lockfile:
    candidates: Dict[str, List[_Candidate]] = {}
    for entry in _entries(text):
        found = _locked(entry, environments)
        if found:
            candidates.setdefault(found.locked.name, []).append(found)
    if not candidates:
        raise TrussError(
            "locks nothing, or has a format that is not supported. Supported are Pex's, which "
            "`pants generate-lockfiles` writes, and pip's constraints (`name==version` lines)."
        )
    distributions = {name: _only(found, environments) for name, found in candidates.items()}
    parents = {
        name: [_parents(candidate.entry.comments) for candidate in found]
        for name, found in candidates.items()
    }
    has_edges = all(None not in found for found in parents.values())
    if has_edges:
        merged = {name: set().union(*(p or set() for p in ps)) for name, ps in parents.items()}
        distributions = _with_edges(distributions, merged)
    return Lockfile(distributions, (), has_edges, False)


def _only(
    candidates: Sequence[_Candidate], environments: Sequence[Dict[str, str]]
) -> LockedDistribution:
    """The candidate for the newest patch release of Python, if lines are for different ones."""
    found = {candidate.locked.pin: candidate for candidate in candidates}
    if len(found) > 1:
        found = {
            pin: candidate
            for pin, candidate in found.items()
            if applies(candidate.requirement, (), environments[-1:])
        }
    if len(found) != 1:
        pins = " and ".join(
            f"{redacted(c.locked.pin)} on line {c.entry.number}" for c in candidates
        )
        raise TrussError(f"locks {candidates[0].locked.name} twice: {pins}.")
    return next(iter(found.values())).locked


def _entries(text: str) -> Iterator[_Entry]:
    """Logical lines without their hashes, each with the comment on it and the indented ones below
    it. One that is not indented is about something else."""
    entry: Optional[_Entry] = None
    continued, first = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        code, _, comment = _split_comment(line)
        first = first if continued else number
        if not continued and not code.strip():
            if entry and comment and line[0].isspace():
                entry.comments.append(comment)
            continue
        continued += code.rstrip()
        if continued.endswith("\\"):
            continued = continued[:-1] + " "
            continue
        if entry:
            yield entry
        entry = _Entry(first, _HASH.sub("", f"{continued}").strip(), [comment] if comment else [])
        continued = ""
    if entry:
        yield entry


def _split_comment(line: str) -> Tuple[str, str, str]:
    match = re.search(r"(?:^|\s)#", line)
    if not match:
        return line, "", ""
    return line[: match.start()], "#", line[match.end() :].strip()


def _locked(entry: _Entry, environments: Sequence[Dict[str, str]]) -> Optional[_Candidate]:
    if entry.requirement.startswith(_HARMLESS_OPTIONS):
        return None
    try:
        line = parse_line(entry.requirement)
    except TrussError as e:
        raise TrussError(f"has a line {entry.number} that cannot be read: {e}") from None
    if line is None:
        return None
    if line.name is None or line.parsed is None:
        raise TrussError(
            f"has {redacted(entry.requirement)!r} on line {entry.number}, where a pin was "
            f"expected, such as `numpy==1.26.4` or `name @ https://...`."
        )
    requirement = line.parsed
    if not applies(requirement, (), environments):
        return None
    if requirement.url:
        return _candidate(entry, requirement, None, requirement.url)
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
        raise TrussError(
            f"does not pin {line.name} with `==`: it has {redacted(entry.requirement)!r} "
            f"on line {entry.number}."
        )
    if specifiers[0].version.endswith("*"):
        raise TrussError(
            f"pins {line.name} to any of several versions: it has {redacted(entry.requirement)!r} "
            f"on line {entry.number}."
        )
    return _candidate(entry, requirement, specifiers[0].version, None)


def _candidate(
    entry: _Entry, requirement: Requirement, version: Optional[str], url: Optional[str]
) -> _Candidate:
    try:
        locked = locked_distribution(requirement.name, version, (), url)
    except ValueError as e:
        raise TrussError(f"has a line {entry.number} that cannot be read: {e}") from None
    return _Candidate(entry, requirement, locked)


def _parents(comments: Sequence[str]) -> Optional[Set[str]]:
    """The distributions in a `# via a, b` comment, or one in several lines; None if there is none.
    Files, `-r requirements.in`, are left out."""
    found: Optional[Set[str]] = None
    for comment in comments:
        if comment == "via" or comment.startswith("via "):
            found = set()
            comment = comment[len("via") :]
        if found is not None:
            for part in comment.split(","):
                word = part.strip().partition(" ")[0]
                if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[^]]*\])?", word):
                    found.add(canonicalize_name(word.partition("[")[0]))
    return found


def _with_edges(
    distributions: Mapping[str, LockedDistribution], parents: Mapping[str, Set[str]]
) -> Dict[str, LockedDistribution]:
    requires: Dict[str, List[Requirement]] = {name: [] for name in distributions}
    for name, found in sorted(parents.items()):
        for parent in sorted(found):
            if parent in requires:
                requires[parent].append(Requirement(name))
    return {
        name: LockedDistribution(name, locked.version, tuple(requires[name]), locked.url)
        for name, locked in distributions.items()
    }
