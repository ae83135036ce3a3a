"""Decides which distributions a truss runs with: its own, and those that the model server needs.

An image resolves both together: the server's list without the names that the truss lists, the
truss's list, and the constraints of the release (`serving_image_builder`,
`_subtract_user_requirements`). Here all trusses share one environment for the server. A truss has
one of its own in front of it, resolved within the same bounds. If the two disagree, both are
resolved together, as in an image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import (
    RequirementLine,
    applies,
    has_credentials,
    marker_environments,
    parse_line,
    parse_metadata,
    redacted,
    without_placeholders,
    without_user_info,
)
from pants_truss.core.requirement_files import (
    PipOption,
    describe_missing_in_image,
    missing_in_image,
    parse_options,
)


@dataclass(frozen=True)
class Wanted:
    """The input for Pex: requirements as PEP 508, and bounds for all that they bring.

    `options` are pip's, such as `--index-url URL`. A requirement may have `--hash` options.
    """

    requirements: Tuple[str, ...]
    constraints: Tuple[str, ...] = ()
    options: Tuple[str, ...] = ()

    @property
    def has_hashes(self) -> bool:
        return any(" --hash=" in text for text in self.requirements)

    @property
    def file(self) -> str:
        """A requirements file with all that an argument list cannot say; empty if there is
        nothing of that kind."""
        if not self.options and not self.has_hashes:
            return ""
        return "".join(f"{line}\n" for line in (*self.options, *self.requirements))


@dataclass(frozen=True)
class Distribution:
    """An installed distribution. `requires` are the lines of its metadata."""

    name: str
    version: str
    requires: Tuple[str, ...] = ()


def own_requirements(
    listed: Iterable[str], server: Sequence[str], constraints: Sequence[str]
) -> Wanted:
    """The input for the distributions of a truss that lists `listed`. `server` and `constraints`
    are the lines of the release's `requirements.txt` and `constraints.txt`."""
    lines, options, kept = _of_both(listed, server)
    return Wanted(_texts(lines), _texts([*kept, *_names_only(constraints)]), tuple(options))


def joint_requirements(
    listed: Iterable[str], server: Sequence[str], constraints: Sequence[str]
) -> Wanted:
    """The input for one environment of the truss and the server, as in an image."""
    lines, options, kept = _of_both(listed, server)
    return Wanted(_texts([*lines, *kept]), _texts(_names_only(constraints)), tuple(options))


def _of_both(
    listed: Iterable[str], server: Iterable[str]
) -> Tuple[List[RequirementLine], List[str], List[RequirementLine]]:
    """The lines of the truss, its options, and the lines of the server that name nothing which the
    truss lists."""
    lines, options = _installable(listed)
    named = {line.name for line in lines}
    return lines, options, [line for line in _names_only(server) if line.name not in named]


def _texts(lines: Iterable[RequirementLine]) -> Tuple[str, ...]:
    return tuple(sorted({line.with_hashes for line in lines}))


def describe_unverifiable(wanted: Wanted) -> Optional[str]:
    """Why the hashes of `wanted` cannot be checked; None if they can be, or if there are none. pip
    checks hashes of a whole list, and has none for a repository."""
    if not wanted.has_hashes:
        return None
    without = [text for text in wanted.requirements if " --hash=" not in text]
    if not without:
        return None
    names = ", ".join(redacted(text) for text in without[:3])
    more = f" and {len(without) - 3} more" if len(without) > 3 else ""
    return f"its list has hashes, but none for {names}{more}, and pip checks all or none"


def without_hashes(wanted: Wanted) -> Wanted:
    return replace(wanted, requirements=_without_hashes(wanted.requirements))


def _without_hashes(lines: Iterable[str]) -> Tuple[str, ...]:
    return tuple(line.partition(" --hash=")[0].rstrip() for line in lines)


def with_all_hashes_or_none(lines: Sequence[str]) -> Tuple[str, ...]:
    """Lines for a requirements file: pip refuses one that has hashes for a part of the lines."""
    requirements = tuple(line for line in lines if not line.startswith("-"))
    partial = describe_unverifiable(Wanted(requirements)) is not None
    return _without_hashes(lines) if partial else tuple(lines)


def _names_only(lines: Iterable[str]) -> List[RequirementLine]:
    parsed = [parse_line(line) for line in lines]
    return [line for line in parsed if line and line.name]


def _installable(listed: Iterable[str]) -> Tuple[List[RequirementLine], List[str]]:
    """The requirements and the options. Raises `TrussError` for a line that cannot be handed to
    Pex."""
    lines: List[RequirementLine] = []
    options: List[str] = []
    for text in listed:
        line = parse_line(text)
        if line is None:
            continue
        place = missing_in_image(line.text)
        if place:
            raise TrussError(describe_missing_in_image(line.text, place, "the list itself"))
        if line.is_option:
            options += [_option(option) for option in parse_options(line.text)]
        else:
            lines.append(_requirement(line))
    return lines, options


def _requirement(line: RequirementLine) -> RequirementLine:
    if has_credentials(line.text):
        # It would be in an argument list, and in the key of a cache that others may read.
        raise TrussError(
            f"{redacted(line.text)!r} has credentials in it. Put them in `~/.netrc`, and take them "
            f"out of the requirement."
        )
    if line.text.startswith("/") or re.search(r"@\s*file:", line.text):
        raise TrussError(_in_image_only(line.text))
    found = parse_line(without_placeholders(line.text))
    return replace(found, hashes=line.hashes) if found else line


def _option(option: PipOption) -> str:
    """As Pex takes it, in a file. It would be in the key of a cache, so it has no credentials: pip
    takes those of `~/.netrc`."""
    if option.name in _IN_IMAGE_ONLY or (option.value or "").startswith("/"):
        raise TrussError(_in_image_only(option.text))
    value = option.value and without_user_info(option.value)
    return replace(option, value=value).text


_IN_IMAGE_ONLY = ("--requirement", "--constraint", "--editable")


def _in_image_only(text: str) -> str:
    return (
        f"{redacted(text)!r} is read in an image only. Name the distributions that it brings one "
        f"by one; wheels in the repository are found by `[python-repos].find_links`."
    )


def disagreements(
    own: Iterable[Distribution], server: Iterable[Distribution], python: str
) -> Tuple[str, ...]:
    """Where two environments, `own` in front of `server`, hold what a distribution in them cannot
    use: for each a sentence. `python` is a version such as `3.11`."""
    seen: Dict[str, Distribution] = {}
    for distribution in (*own, *server):
        seen.setdefault(canonicalize_name(distribution.name), distribution)
    environments = marker_environments(python)
    found = []
    for distribution in seen.values():
        for requirement in parse_metadata(distribution.requires):
            there = _unfit(requirement, seen, environments)
            if there:
                found.append(
                    f"{distribution.name} {distribution.version} requires {requirement}, but "
                    f"{there.name} is {there.version}"
                )
    return tuple(sorted(found))


def _unfit(
    requirement: Requirement,
    seen: Dict[str, Distribution],
    environments: Sequence[Dict[str, str]],
) -> Optional[Distribution]:
    there = seen.get(canonicalize_name(requirement.name))
    if there is None or not applies(requirement, (), environments):
        return None
    try:
        fits = requirement.specifier.contains(Version(there.version), prereleases=True)
    except InvalidVersion:
        return None
    return None if fits else there
