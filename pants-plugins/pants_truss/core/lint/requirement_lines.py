"""Requirements that an image build refuses.

uv reads the list there (`sys_pip_install_command` in `base.Dockerfile.jinja` of Truss), pip in
images of releases before 0.14. Both were asked about each form below: uv 0.10.0, and pip 23 to 25.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, Optional, Tuple
from urllib.parse import urlsplit

from packaging.version import Version

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.finding import Severity
from pants_truss.core.requirement import (
    RequirementLine,
    parse_if_valid,
    parse_line,
    pinned_version,
    redacted,
    without_comment,
)
from pants_truss.core.requirement_files import TrailingText, parse_options

# What may be a path, or gets its value in the image; and sets in markers, which newer releases of
# packaging know.
_OTHER = re.compile(
    r"\$\{|[^\s;@]*/|file:|\S+\.(whl|zip|tgz|tar\.\w+)(\s|$)|.*;.*\b(extras|dependency_groups)\b",
    re.IGNORECASE,
)
_OPTION = re.compile(r"\s(?!--hash\b)(--?[A-Za-z][a-z-]*)")
_URL = re.compile(r"(?:^|@\s*)(?P<url>[A-Za-z][A-Za-z0-9+.-]*://\S+)")
_OTHER_REPOSITORIES = re.compile(r"(hg|svn|bzr)\+|git\+git:|(git|ssh|svn):", re.IGNORECASE)
_ARCHIVES = (".whl", ".zip", ".tgz", ".tbz", ".txz", ".tlz", ".tar", ".gz", ".bz2", ".xz", ".lzma")
_UV = "uv, which installs the requirements in an image"


def refusal(text: str) -> Optional[Tuple[str, Severity]]:
    """Why a line of a list is refused: an error if both uv and pip do so, and a warning if only uv
    does, or if both overlook a part of it. None for a line that is not certainly wrong."""
    why = None
    try:
        line = parse_line(text)
        if line and line.is_option:
            parse_options(line.text)
            why = _refused_option(line.text)
        elif line and "${" not in text:
            legacy = _legacy_version(line)
            if legacy:
                return legacy, Severity.ERROR
            why = _refused_by_uv(line, without_comment(text))
    except TrailingText as e:
        return str(e), Severity.WARNING
    except TrussError as e:
        if _OTHER.match(text) or "${" in text:
            return None
        # pip takes an empty marker.
        is_only_uv = text.rstrip().endswith(";") and bool(parse_if_valid(text.rstrip("; \t")))
        return str(e), Severity.WARNING if is_only_uv else Severity.ERROR
    return (why, Severity.WARNING) if why else None


def _refused_option(text: str) -> Optional[str]:
    editable = re.match(r"(?:-e|--editable)[\s=]*(\S+://\S+)", text)
    if not editable:
        return None
    return (
        f"{redacted(text)!r} is refused by {_UV}: only a folder can be editable. Write "
        f"{redacted(editable[1])!r}."
    )


def _refused_by_uv(line: RequirementLine, text: str) -> Optional[str]:
    shown = redacted(text)
    option = _OPTION.search(text)
    if option:
        return (
            f"{shown!r} has the option {option[1]}, and {_UV}, takes none but `--hash` there. "
            f"Remove it."
        )
    url = _URL.search(line.text)
    if url and _OTHER_REPOSITORIES.match(url["url"]):
        return (
            f"{shown!r} is refused by {_UV}: it knows repositories of git by `git+https://` and "
            f"`git+ssh://` only."
        )
    if url and url["url"].startswith("http") and not _is_archive(url["url"]):
        return (
            f"{shown!r} is refused by {_UV}: its path does not end like a wheel or an archive of "
            f"sources, such as `.whl` or `.tar.gz`. Write `git+https://...` for a repository."
        )
    return None


def _legacy_version(line: RequirementLine) -> Optional[str]:
    for specifier in [*line.parsed.specifier] if line.parsed else []:
        # Releases of packaging before 22 take any version, as pip did before 24.1.
        if type(specifier).__name__ == "LegacySpecifier":
            return (
                f"{redacted(line.text)!r} is not a requirement: {str(specifier)!r} does not follow "
                f"PEP 440. Write a version such as `==1.26.4` or `==1.26.*`."
            )
    return None


def _is_archive(url: str) -> bool:
    try:
        return urlsplit(url).path.partition("@")[0].lower().endswith(_ARCHIVES)
    except ValueError:
        return True


def contradictions(texts: Iterable[str]) -> Iterator[Tuple[int, str]]:
    """The index of each line that pins a distribution to another version than a line before, with
    the reason. Lines with markers may hold on different machines."""
    pinned: Dict[str, Tuple[Version, str]] = {}
    for index, text in enumerate(texts):
        found = _pin(text)
        if found is None:
            continue
        name, version = found
        first = pinned.setdefault(name, (version, text.strip()))
        if not _may_be_one(first[0], version):
            yield index, (
                f"{text.strip()!r} contradicts {first[1]!r} in the same list, so that nothing can "
                f"be installed. Remove one of them."
            )


def _may_be_one(one: Version, other: Version) -> bool:
    """`==2.0` takes `2.0+cu118` too (PEP 440)."""
    has_both = one.local is not None and other.local is not None
    return one == other or (one.public == other.public and not has_both)


def _pin(text: str) -> Optional[Tuple[str, Version]]:
    line = parse_if_valid(text)
    # pip compares the text after `===`, and no version.
    if line is None or line.name is None or "===" in line.text:
        return None
    version = pinned_version(line)
    return (line.name, version) if version and line.parsed and not line.parsed.marker else None
