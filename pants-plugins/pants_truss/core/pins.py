"""Pins what a truss requires, with all that this requires in turn, to what a lockfile has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pants_truss.core.errors import TrussError
from pants_truss.core.locked import LockedDistribution, Lockfile
from pants_truss.core.requirement import RequirementLine, applies, parse_line, redacted


@dataclass(frozen=True)
class RequirementOf:
    """A requirement as someone wrote it. `origin` is where, for error messages and the manifest;
    `reason` is why the truss has it, if that is known."""

    text: str
    origin: str
    reason: Optional[str] = None


@dataclass(frozen=True)
class Pin:
    """`text` is what the config lists. `origin` is where it is written, None for the lockfile.
    `reason` is why: that of a requirement, or `required by x`. `index` is that of the lockfile's
    `LockedDistribution`."""

    text: str
    name: Optional[str]
    origin: Optional[str]
    reason: Optional[str]
    index: Optional[str] = None

    @property
    def is_local(self) -> bool:
        """True for a file or folder of one machine."""
        return bool(re.search(r"@\s*file:", self.text, re.IGNORECASE))


def pin_requirements(
    wanted: Sequence[RequirementOf],
    lockfile: Lockfile,
    path: str,
    environments: Sequence[Dict[str, str]],
) -> Tuple[Pin, ...]:
    """The transitive closure of `wanted`, sorted by name; options first, nameless URLs last.

    URL requirements stay as they are written. Everything is taken from a lockfile without
    edges, because it does not say what can be left out. `path` is the lockfile's. Raises
    `TrussError` if the lockfile does not fit.
    """
    _refuse_other_python(lockfile, path, environments)
    closure = _Closure(lockfile, path, environments)
    kept: List[Pin] = []
    for requirement in wanted:
        line = _parse(requirement)
        if line is None or (line.parsed and not applies(line.parsed, (), environments)):
            continue
        if line.name is None:
            kept.append(Pin(line.text, None, requirement.origin, requirement.reason))
        else:
            closure.want(line, requirement)
    if not lockfile.has_edges:
        closure.want_everything()
    options = [pin for pin in kept if pin.text.startswith("-")]
    urls = [pin for pin in kept if not pin.text.startswith("-")]
    return (*_unique(options), *closure.pins(), *sorted(_unique(urls), key=lambda pin: pin.text))


def _parse(requirement: RequirementOf) -> Optional[RequirementLine]:
    try:
        return parse_line(requirement.text)
    except TrussError as e:
        raise TrussError(f"{requirement.origin}: {e}") from None


def _unique(pins: Iterable[Pin]) -> Iterator[Pin]:
    seen: Set[str] = set()
    for pin in pins:
        if pin.text not in seen:
            seen.add(pin.text)
            yield pin


def _refuse_other_python(
    lockfile: Lockfile, path: str, environments: Sequence[Dict[str, str]]
) -> None:
    versions = lockfile.python_versions
    if versions and not any(
        SpecifierSet(specifiers).contains(environment["python_full_version"], prereleases=True)
        for specifiers in versions
        for environment in environments
    ):
        python = environments[0]["python_version"]
        raise TrussError(
            f"`python_version` in the config is py{python.replace('.', '')}, but the lockfile "
            f"{path} is for Python {' or '.join(versions)}. Change `python_version`, or the "
            f"interpreter constraints of the resolve."
        )


class _Closure:
    def __init__(
        self, lockfile: Lockfile, path: str, environments: Sequence[Dict[str, str]]
    ) -> None:
        self._lockfile = lockfile
        self._path = path
        self._environments = environments
        self._extras: Dict[str, FrozenSet[str]] = {}
        self._reasons: Dict[str, Optional[str]] = {}
        self._urls: Dict[str, Tuple[RequirementLine, RequirementOf]] = {}
        self._pending: List[str] = []

    def want(self, line: RequirementLine, requirement: RequirementOf) -> None:
        assert line.name is not None
        locked = self._lockfile.distributions.get(line.name)
        described = f"{redacted(requirement.text)!r} ({requirement.origin})"
        if locked is None:
            raise TrussError(
                f"{described} needs {line.name}, but the lockfile {self._path} does not have it "
                f"for this Python on Linux. Add it to the requirements of the resolve, and run "
                f"`pants generate-lockfiles`."
            )
        if line.is_url:
            self._refuse_other_url(line, requirement, locked)
            self._urls.setdefault(line.name, (line, requirement))
        elif not _satisfies(locked, line):
            raise self._contradiction(described, redacted(locked.pin))
        self._reach(line.name, line.extras, requirement.reason)
        self._follow()

    def _refuse_other_url(
        self, line: RequirementLine, requirement: RequirementOf, locked: LockedDistribution
    ) -> None:
        described = f"{redacted(line.text)!r} ({requirement.origin})"
        known = self._urls.get(locked.name)
        if known and known[0].url != line.url:
            raise TrussError(
                f"{described} contradicts {redacted(known[0].text)!r} ({known[1].origin}). Write "
                f"the same URL in both."
            )
        if locked.url and line.parsed and _bare(locked.url) != line.url:
            raise self._contradiction(described, redacted(locked.pin))

    def _contradiction(self, described: str, locked: str) -> TrussError:
        return TrussError(
            f"{described} contradicts the lockfile {self._path}, which has {locked}. Change "
            f"one of them, and run `pants generate-lockfiles` for the lockfile."
        )

    def want_everything(self) -> None:
        for name in self._lockfile.distributions:
            self._reach(name, frozenset(), "the lockfile does not say what requires it")
        self._follow()

    def _reach(self, name: str, extras: FrozenSet[str], reason: Optional[str]) -> None:
        known = self._extras.get(name)
        if known is not None and extras <= known:
            return
        self._extras[name] = (known or frozenset()) | extras
        self._reasons.setdefault(name, reason)
        self._pending.append(name)

    def _follow(self) -> None:
        while self._pending:
            parent = self._pending.pop(0)
            extras = self._extras[parent]
            for requirement in self._lockfile.distributions[parent].requires:
                if not applies(requirement, sorted(extras), self._environments):
                    continue
                name = canonicalize_name(requirement.name)
                if name not in self._lockfile.distributions:
                    raise TrussError(
                        f"the lockfile {self._path} has no {name}, which its {parent} requires "
                        f"({requirement}). Run `pants generate-lockfiles`."
                    )
                wanted = frozenset(canonicalize_name(extra) for extra in requirement.extras)
                self._reach(name, wanted, f"required by {parent}")

    def pins(self) -> Iterator[Pin]:
        for name in sorted(self._extras):
            locked = self._lockfile.distributions[name]
            if name in self._urls:
                line, requirement = self._urls[name]
                yield Pin(line.text, name, requirement.origin, self._reasons[name])
            else:
                # pip has to find what an extra needs if the lockfile does not say it.
                extras = () if self._lockfile.has_extras else self._extras[name]
                yield Pin(locked.pin_with(extras), name, None, self._reasons[name], locked.index)


def _bare(url: str) -> str:
    return url.partition("#")[0]


def _satisfies(locked: LockedDistribution, line: RequirementLine) -> bool:
    if line.parsed is None or locked.version is None:
        return True
    try:
        return line.parsed.specifier.contains(locked.version, prereleases=True)
    except ValueError:
        # Not a version for this release of packaging.
        return not line.parsed.specifier
