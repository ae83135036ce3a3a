"""One line of a pip requirements list, as configs and `python_requirement` targets hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pants_truss.core.errors import TrussError

_COMMENT = re.compile(r"(^|\s)#.*$")
# Options of one requirement begin at the first word with a dash, as pip splits a line.
_OPTIONS = re.compile(r"\s--?[A-Za-z].*$", re.DOTALL)
_HASH = re.compile(r"\s--hash(?:=|\s+)(\S+)")
# uv takes a marker directly behind a URL, which packaging takes for a part of it.
_URL_MARKER = re.compile(r"(@\s*[^\s;]+://[^\s;]*|@\s*file:[^\s;]*);\s")
_EGG = re.compile(r"#(?:[^#]*&)?egg=([A-Za-z0-9._-]+)(?:\[([A-Za-z0-9._,-]*)\])?")
_EXTRA_MARKER = re.compile(r"""(\bextra\s*[=!]=\s*)(["'])([^"']+)\2""")
# To the last `@` before the path: a password may have one itself. A scheme has no such limit, but a
# search from each of many letters to the last takes too long.
_USER_INFO = re.compile(r"(?P<scheme>[A-Za-z0-9+.-]{1,32}://)(?P<user_info>[^/\s]*)@")
# pip and uv put the value of an environment variable there; `core.requirement_files` has the rest.
_PLACEHOLDER = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
# A token has digits, or is longer; GitHub and others take one in place of a user.
_USER_NAME = re.compile(r"(?!.*(token|secret|key|pass))[A-Za-z][A-Za-z._-]{0,18}", re.IGNORECASE)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CONDA_BUILD = re.compile(r"^([\w.-]+=[\w.]+)=\w+\s*$")
# Slips of the pen in a requirement, each with what was meant.
_SLIPS = [
    (re.compile(r"=\s*([<>~!])(?!=)"), r"\1="),
    (re.compile(r"([<>~!=])\s+="), r"\1="),
    (re.compile(r"(?<![<>~!=])=\s*(?=\d)"), "=="),
    (re.compile(r"^([A-Za-z][^\s@=<>~!]*)\s+(?=\d)"), r"\1=="),
    (re.compile(r"^([A-Za-z][^\s@=<>~!:]*)(?:@|:)\s*(?=\d)"), r"\1=="),
]


@dataclass(frozen=True)
class RequirementLine:
    """`text` is what to write; `name` is canonical, or None for an option (`--extra-index-url x`)
    and for a URL or path that does not say which distribution it is.

    `parsed` is None unless the line is a PEP 508 requirement. `hashes` are the values of its
    `--hash` options, such as `sha256:0123`; they are not part of `text`.
    """

    text: str
    name: Optional[str]
    extras: FrozenSet[str]
    parsed: Optional[Requirement]
    hashes: Tuple[str, ...] = ()

    @property
    def with_hashes(self) -> str:
        return " ".join([self.text, *(f"--hash={value}" for value in self.hashes)])

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
        """True if the line names a place to get the distribution from."""
        return not self.is_option and (self.parsed is None or self.parsed.url is not None)


def without_comment(line: str) -> str:
    return _COMMENT.sub("", line).strip()


def parse_line(text: str) -> Optional[RequirementLine]:
    """None for an empty line and for a comment. Raises `TrussError` for what pip rejects."""
    stripped = without_comment(text.strip())
    if not stripped:
        return None
    if stripped.startswith("-"):
        return RequirementLine(stripped, None, frozenset(), None)
    hashes = tuple(found[1] for found in _HASH.finditer(stripped))
    stripped = _URL_MARKER.sub(r"\1 ; ", stripped)
    line = _parse_requirement(_OPTIONS.sub("", stripped).rstrip(), text)
    return replace(line, hashes=hashes) if hashes else line


def parse_if_valid(text: str) -> Optional[RequirementLine]:
    """The same as `parse_line`, and None for what pip rejects."""
    try:
        return parse_line(text)
    except TrussError:
        return None


def pinned_version(line: RequirementLine) -> Optional[Version]:
    """None unless the line has one version, by `==` or `===`."""
    specifiers = list(line.parsed.specifier) if line.parsed else []
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
        return None
    try:
        return Version(specifiers[0].version)
    except InvalidVersion:
        return None


def _parse_requirement(stripped: str, text: str) -> RequirementLine:
    try:
        requirement = Requirement(stripped)
        _check(stripped, requirement.url)
    except (ValueError, SyntaxError) as e:
        # `InvalidRequirement`; older releases of packaging pass on others, as for `a @ http://[x`.
        if _URL.match(stripped) or stripped.startswith((".", "/")):
            return _unnamed(stripped)
        meant = _meant(stripped)
        why = (
            f" ({_first_line(e)}). Write it as in a pip requirements file, such as `numpy==1.26.4`."
        )
        raise TrussError(
            f"{redacted(text)!r} is not a requirement"
            + (f". Did you mean `{redacted(meant)}`?" if meant else why)
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


def _meant(stripped: str) -> Optional[str]:
    """Returns the requirement behind a typing error: `torch==2.0` for `torch = 2.0`."""
    wanted, semicolon, marker = stripped.partition(";")
    # `conda list --export` and its environment files: name, version, build.
    wanted = _CONDA_BUILD.sub(r"\1", wanted)
    for slip, meant in _SLIPS:
        corrected = slip.sub(meant, wanted)
        if corrected == wanted:
            continue
        try:
            found = Requirement(corrected + semicolon + marker)
            # Releases of packaging before 22 take any version.
            if all(Version(each.version.replace(".*", "")) for each in found.specifier):
                return str(found)
        except (ValueError, SyntaxError, RecursionError):
            continue
    return None


def _check(stripped: str, url: Optional[str]) -> None:
    """Raises `ValueError` for what some releases of packaging take, and uv and pip do not."""
    if url is None:
        if stripped.partition(";")[0].rstrip().endswith(","):
            raise ValueError("a comma ends it")
    else:
        parts = urlsplit(url)
        is_whole = url.startswith("file:/") if parts.scheme == "file" else parts.netloc
        if not (parts.scheme and is_whole):
            raise ValueError(f"{redacted(url)!r} is not a URL")


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
    return (str(error).splitlines() or [""])[0].rstrip(":.")


def redacted(text: str) -> str:
    """Replaces credentials in URLs by `***`, for texts that are shown or stored. Otherwise a token
    for a private index would end up in a CI log."""
    return _USER_INFO.sub(_redact, text)


def _redact(match: "re.Match[str]") -> str:
    if _is_shown(match["scheme"], match["user_info"]):
        return match[0]
    return f"{match['scheme']}***@"


def _is_shown(scheme: str, user_info: str) -> bool:
    """True if it certainly holds no secret: a user of SSH, or names of environment variables."""
    user, colon, password = user_info.partition(":")
    if colon:
        return bool(_PLACEHOLDER.fullmatch(password)) and (
            bool(_PLACEHOLDER.fullmatch(user)) or bool(_USER_NAME.fullmatch(user))
        )
    if _PLACEHOLDER.fullmatch(user):
        return True
    return "ssh" in scheme.lower() and bool(_USER_NAME.fullmatch(user))


def without_placeholders(text: str) -> str:
    """Removes a user or password that an environment variable holds: pip puts its value there.
    Processes that run here have no such variables, and pip asks `~/.netrc`, git its own helper."""
    return _USER_INFO.sub(
        lambda found: found["scheme"] if _PLACEHOLDER.search(found["user_info"]) else found[0],
        text,
    )


def without_user_info(text: str) -> str:
    return _USER_INFO.sub(lambda found: found["scheme"], text)


def has_credentials(text: str) -> bool:
    """True if a URL in `text` has a password or a token in it. A user alone is neither: the `git@`
    of SSH is not a secret."""
    return any(
        not _is_shown(found["scheme"], found["user_info"])
        and not _USER_NAME.fullmatch(found["user_info"])
        for found in _USER_INFO.finditer(text)
    )


def guessed_names(lines: Iterable[RequirementLine]) -> FrozenSet[str]:
    """The distributions that the lines name. A URL without a name counts as the name that its last
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


def parse_metadata(texts: Iterable[str]) -> List[Requirement]:
    """The requirements of an installed distribution, without those that cannot be read, such as
    `b (>= 2.7.*)` of an old wheel: pip has installed it anyway."""
    found = []
    for text in texts:
        try:
            found.append(parse_locked(text))
        except (ValueError, SyntaxError, RecursionError):
            continue
    return found


def _canonical_extra(match: "re.Match[str]") -> str:
    return f'{match.group(1)}"{canonicalize_name(match.group(3))}"'


def marker_environments(python: str) -> Sequence[Dict[str, str]]:
    """The environments that markers are evaluated in, for a version such as `3.11`: CPython on
    Linux x86-64.

    The machine that runs this has no influence. The patch release that will serve is not known,
    so there is an environment for each possible one, the oldest first. A marker counts as true if
    it is true in any of them.
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
    """True if the marker holds in one of the environments, with one of the extras or none. Raises
    `TrussError` for a marker that cannot be evaluated."""
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
    # An unknown name, or a version that cannot be compared, or is too long for Python.
    except ValueError as e:
        raise TrussError(
            f"{redacted(str(requirement))!r} has a marker that cannot be evaluated: {e}"
        ) from None
