"""Decides which distributions a truss runs with: its own, and those that the model server needs.

In an image both are resolved together: the server's list without what the truss lists itself, the
truss's list, and the constraints of the release (`serving_image_builder`,
`_subtract_user_requirements`). Here all trusses share one environment for the server, and a truss
has one of its own in front of it, resolved within the same bounds. Where the two do not go together
they are resolved as in an image after all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import (
    RequirementLine,
    applies,
    marker_environments,
    parse_line,
    parse_locked,
    redacted,
)


@dataclass(frozen=True)
class Wanted:
    """What to have Pex resolve: requirements as PEP 508, and bounds for all that they bring."""

    requirements: Tuple[str, ...]
    constraints: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Distribution:
    """An installed one. `requires` is as its metadata has it."""

    name: str
    version: str
    requires: Tuple[str, ...] = ()


def own_requirements(
    listed: Iterable[str], server: Sequence[str], constraints: Sequence[str]
) -> Wanted:
    """What a truss that lists `listed` has of its own. `server` and `constraints` are the lines of
    the release's `requirements.txt` and `constraints.txt`."""
    lines, kept = _of_both(listed, server)
    return Wanted(_texts(lines), _texts([*kept, *_names_only(constraints)]))


def joint_requirements(
    listed: Iterable[str], server: Sequence[str], constraints: Sequence[str]
) -> Wanted:
    """What one environment of both would be resolved from, as an image is."""
    lines, kept = _of_both(listed, server)
    return Wanted(_texts([*lines, *kept]), _texts(_names_only(constraints)))


def _of_both(
    listed: Iterable[str], server: Iterable[str]
) -> Tuple[List[RequirementLine], List[RequirementLine]]:
    """The lines of the truss, and those of the server that name nothing which the truss lists."""
    lines = _installable(listed)
    named = {line.name for line in lines}
    return lines, [line for line in _names_only(server) if line.name not in named]


def _texts(lines: Iterable[RequirementLine]) -> Tuple[str, ...]:
    return tuple(sorted({line.text for line in lines}))


def _names_only(lines: Iterable[str]) -> List[RequirementLine]:
    parsed = [parse_line(line) for line in lines]
    return [line for line in parsed if line and line.name]


def _installable(listed: Iterable[str]) -> List[RequirementLine]:
    """Raises `TrussError` for a line that cannot be handed to Pex."""
    lines = [line for line in map(parse_line, listed) if line and not _only_pips(line)]
    for line in lines:
        if redacted(line.text) != line.text:
            # It would be in an argument list, and in the key of a cache that others may read.
            raise TrussError(
                f"{redacted(line.text)!r} has credentials in it. Put them in `~/.netrc` or in the "
                f"URLs of `[python-repos].indexes`, and take them out of the requirement."
            )
        if line.is_option or line.text.startswith((".", "/")):
            raise TrussError(
                f"{line.text!r} works in an image only. Name the distributions it brings one by "
                f"one; wheels in the repository are found by `[python-repos].find_links`."
            )
    return lines


# Where pip looks is for `[python-repos]` to say here; the rest does not change what is installed.
_PIP_OPTIONS = (
    "-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links",
    "--trusted-host", "--prefer-binary", "--only-binary", "--no-binary", "--pre",
)  # fmt: skip


def _only_pips(line: RequirementLine) -> bool:
    return line.is_option and re.split(r"[=\s]", line.text)[0] in _PIP_OPTIONS


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
        for text in distribution.requires:
            there = _unfit(text, seen, environments)
            if there:
                found.append(
                    f"{distribution.name} {distribution.version} requires {text}, but "
                    f"{there.name} is {there.version}"
                )
    return tuple(sorted(found))


def _unfit(
    text: str, seen: Dict[str, Distribution], environments: Sequence[Dict[str, str]]
) -> Optional[Distribution]:
    requirement = parse_locked(text)
    there = seen.get(canonicalize_name(requirement.name))
    if there is None or not applies(requirement, (), environments):
        return None
    try:
        fits = requirement.specifier.contains(Version(there.version), prereleases=True)
    except InvalidVersion:
        return None
    return None if fits else there
