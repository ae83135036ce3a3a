"""One line of a pip requirements list, as configs and `python_requirement` targets hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from pants_truss.core.errors import TrussError

_COMMENT = re.compile(r"(^|\s)#.*$")
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)(?:\[([A-Za-z0-9._,-]*)\])?")
_EXTRA_MARKER = re.compile(r"""(\bextra\s*[=!]=\s*)(["'])([^"']+)\2""")
# To the last `@` before the path: a password may have one itself.
_CREDENTIALS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True)
class RequirementLine:
    """`text` is what to write; `name` is canonical, or None for an option (`--extra-index-url x`)
    and for a URL or path that does not say which distribution it is.

    `parsed` is None unless the line is a PEP 508 requirement.
    """

    text: str
    name: Optional[str]
    extras: FrozenSet[str]
    parsed: Optional[Requirement]

    @property
    def is_option(self) -> bool:
        return self.text.startswith("-")

    @property
    def url(self) -> str:
        """Without its fragment; empty if the line has none."""
        written = self.parsed.url if self.parsed else self.text
        return (written or "").partition("#")[0]

    @property
    def is_url(self) -> bool:
        """Whether it says where to get the distribution, not only which."""
        return not self.is_option and (self.parsed is None or self.parsed.url is not None)


def parse_line(text: str) -> Optional[RequirementLine]:
    """None for an empty line and for a comment. Raises `TrussError` for what pip would refuse."""
    stripped = _COMMENT.sub("", text.strip()).strip()
    if not stripped:
        return None
    if stripped.startswith("-"):
        return RequirementLine(stripped, None, frozenset(), None)
    try:
        requirement = Requirement(stripped)
    except InvalidRequirement as e:
        if _URL.match(stripped) or stripped.startswith((".", "/")):
            return _unnamed(stripped)
        raise TrussError(
            f"{redacted(text)!r} is not a requirement ({_first_line(e)}). Write it as in a pip "
            f"requirements file, such as `numpy==1.26.4`."
        ) from None
    except RecursionError:
        raise TrussError(
            f"{redacted(stripped)[:40]!r}... is not a requirement: it is nested too deep."
        ) from None
    return RequirementLine(
        stripped,
        canonicalize_name(requirement.name),
        frozenset(canonicalize_name(extra) for extra in requirement.extras),
        requirement,
    )


def lines_of(text: str) -> List[str]:
    """The lines of a pip requirements file, without hashes and continuations."""
    joined = re.sub(r"\\\r?\n", " ", text)
    return [re.sub(r"\s--(hash|config-settings?)[=\s].*", "", line) for line in joined.splitlines()]


def _unnamed(text: str) -> RequirementLine:
    """pip's own form of a URL requirement, which may name its distribution in `#egg=`."""
    egg = _EGG.search(text)
    if not egg:
        return RequirementLine(text, None, frozenset(), None)
    extras = [extra for extra in (egg.group(2) or "").split(",") if extra]
    return RequirementLine(
        text,
        canonicalize_name(egg.group(1)),
        frozenset(canonicalize_name(extra) for extra in extras),
        None,
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(":.")


def redacted(text: str) -> str:
    """Without the credentials that a URL may carry: for what is shown or written down. The threat
    is a token for a private index that ends in a CI log."""
    return _CREDENTIALS.sub(r"\1***@", text)


def guessed_names(lines: Iterable[RequirementLine]) -> FrozenSet[str]:
    """The distributions that the lines bring; a URL without a name counts as the name that its last
    part suggests: `https://host/my-lib.git@v1` -> `my-lib`."""
    names: List[str] = []
    for line in lines:
        if line.name:
            names.append(line.name)
        elif not line.is_option:
            url = line.text.partition("#")[0]
            # `//me@host/my-lib.git@feature/x`: only the second `@` begins a revision.
            path = url.partition("://")[2].partition("/")[2] or url
            last = path.partition("@")[0].rstrip("/").rpartition("/")[2]
            stem = re.split(r"\.git|-\d|\.tar|\.zip|\.whl", last)[0]
            names.append(canonicalize_name(stem))
    return frozenset(names)


def parse_locked(text: str) -> Requirement:
    """A PEP 508 requirement from metadata, with the extras in its marker in canonical form, which
    not every release of `packaging` makes of them when it compares."""
    return Requirement(_EXTRA_MARKER.sub(_canonical_extra, text))


def _canonical_extra(match: "re.Match[str]") -> str:
    return f'{match.group(1)}"{canonicalize_name(match.group(3))}"'


def marker_environments(python: str) -> Sequence[Dict[str, str]]:
    """What markers are evaluated against, for a `3.11`: CPython on Linux x86-64.

    Nothing is of the machine that this runs on. Which patch release will serve is not known, so
    there is an environment for each that could be, the oldest first; a marker counts as true if it
    is so in any.
    """
    return [
        {
            "implementation_name": "cpython",
            "implementation_version": f"{python}.{patch}",
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{python}.{patch}",
            "python_version": python,
            "sys_platform": "linux",
        }
        for patch in range(100)
    ]


def applies(
    requirement: Requirement, extras: Iterable[str], environments: Sequence[Dict[str, str]]
) -> bool:
    """Whether the marker holds in one of the environments, with one of the extras or none. Raises
    `TrussError` for one that compares what cannot be compared."""
    marker = requirement.marker
    if marker is None:
        return True
    asks_for_patch = "_full_version" in str(marker) or "implementation_version" in str(marker)
    try:
        return any(
            marker.evaluate({**environment, "extra": extra})
            for environment in (environments if asks_for_patch else environments[:1])
            for extra in ("", *extras)
        )
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion) as e:
        raise TrussError(
            f"{redacted(str(requirement))!r} has a marker that cannot be evaluated: {e}"
        ) from None
