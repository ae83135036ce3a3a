"""Requirements as the config of a truss lists them, and what they lack."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Tuple

from packaging.utils import canonicalize_name
from pants.backend.python.dependency_inference.default_module_mapping import DEFAULT_MODULE_MAPPING

from pants_truss.core import lockfile, yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.gathered import GatheredRequirement
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.requirement_lines import contradictions, refusal
from pants_truss.core.locked import Lockfile
from pants_truss.core.provided_requirements import brings_modules, other_source, required_by
from pants_truss.core.requirement import (
    RequirementLine,
    applies,
    guessed_names,
    has_credentials,
    marker_environments,
    parse_if_valid,
    redacted,
    without_comment,
)
from pants_truss.core.requirement_files import (
    FileLine,
    absolute_place,
    describe_missing_in_image,
    is_read_by_uv,
    is_utf,
    missing_in_image,
    read_lines,
)
from pants_truss.core.source_tree import IMPORTED_BY
from pants_truss.imports.import_closure import ImportedRequirement
from pants_truss.requirements.request import TrussRequirementsRequest

# Options of pip that bring requirements which are not in the line.
_INCLUDING = ("-r", "--requirement", "-e", "--editable")


@dataclass(frozen=True)
class Configured:
    """`names` are the distributions that the list brings for certain; `missing` are the imported
    ones that it does not name."""

    listed: Tuple[GatheredRequirement, ...]
    findings: Tuple[Finding, ...]
    names: FrozenSet[str]
    missing: Tuple[ImportedRequirement, ...]


def as_configured(request: TrussRequirementsRequest, content: bytes) -> Configured:
    """`content` is that of the requirements file of pip, if there is one."""
    config_path, requirements_file = request.config_path, request.requirements_file
    written = [
        (FileLine(0, without_comment(text)), config_path)
        for text in request.config_file.config.requirement_lines
    ]
    if requirements_file:
        written += [(line, requirements_file) for line in read_lines(content)]
    lines = [(line, origin) for each, origin in written for line in _read_line(each.text)]
    reasons = {name: r.reason for r in request.imported for name in _names([r.requirement])}
    listed = tuple(
        GatheredRequirement(redacted(line.text), origin, reasons.get(line.name or ""))
        for line, origin in lines
    )
    findings = (
        *_describe_encoding(requirements_file, content),
        *_describe_refused(written),
        *_describe_not_in_image(written),
        *_describe_absolute(request, written),
        *_describe_credentials(written),
    )
    names = guessed_names(line for line, _ in lines if _is_installed(line, request.python))
    if _is_unreadable(requirements_file, [line for line, _ in lines]):
        return Configured(listed, findings, names, ())
    brought = {*names, *_names_of_server(request)}
    missing = tuple(
        required
        for required in request.imported
        if not all(
            name in brought or brings_modules(name, required.modules, names, _KNOWN_MODULES)
            for name in _names([required.requirement])
        )
    )
    return Configured(listed, findings, names, missing)


_KNOWN_MODULES: Dict[str, Tuple[str, ...]] = {
    canonicalize_name(name): tuple(modules) for name, modules in DEFAULT_MODULE_MAPPING.items()
}


def _names_of_server(request: TrussRequirementsRequest) -> FrozenSet[str]:
    """The distributions that the model server brings into an image. A truss with `trt_llm` or
    `bis_llm` may have a model class beside the engine, which the same server runs."""
    if yaml_document.parse(request.config_file.content).data.get("docker_server"):
        return frozenset()
    return _server_names(request.python)


@lru_cache(maxsize=None)
def _server_names(python: str) -> FrozenSet[str]:
    content = pkgutil.get_data("pants_truss.requirements", "truss_server.lock") or b""
    return frozenset(lockfile.parse(content, marker_environments(python)).distributions)


def without_required(
    request: TrussRequirementsRequest, configured: Configured, locked: Optional[Lockfile]
) -> Iterable[ImportedRequirement]:
    """Without what the listed distributions require, if a lockfile of the repository says so."""
    if locked is None or not locked.has_edges:
        return configured.missing
    environments = marker_environments(request.python)
    brought = required_by(configured.names, locked, environments)
    return [
        required
        for required in configured.missing
        if not set(_names([required.requirement])) <= brought
    ]


def _describe_not_in_image(written: Iterable[Tuple[FileLine, str]]) -> Iterator[Finding]:
    for line, path in written:
        place = missing_in_image(line.text)
        if place:
            # Lines of the list in the config have no number here.
            origin = path if line.number else f"`requirements` of {path}"
            yield Finding(
                "requirement-not-in-image",
                path,
                describe_missing_in_image(line.text, place, origin),
                line=line.number or None,
            )


def _describe_absolute(
    request: TrussRequirementsRequest, written: Iterable[Tuple[FileLine, str]]
) -> Iterator[Finding]:
    data = yaml_document.parse(request.config_file.content).data
    if data.get("base_image") or data.get("docker_server"):
        return
    for line, path in written:
        place = absolute_place(line.text)
        if place:
            yield Finding(
                "requirement-not-in-image",
                path,
                f"{redacted(line.text)!r} reads {place!r}, which the default base image does not "
                f"have. Write the version, or the URL of an archive.",
                Severity.WARNING,
                line.number or None,
            )


def _describe_encoding(path: Optional[str], content: bytes) -> Iterator[Finding]:
    if path and not is_read_by_uv(path) and not is_utf(content):
        yield Finding(
            "invalid-requirement",
            path,
            "it is not UTF-8, and uv, which installs the requirements in an image, reads no other "
            "encoding. Save it as UTF-8.",
            Severity.WARNING,
        )


def _describe_refused(written: Sequence[Tuple[FileLine, str]]) -> Iterator[Finding]:
    for line, path in written:
        found = refusal(line.text)
        if found:
            why, severity = found
            yield Finding("invalid-requirement", path, why, severity, line.number or None)
    for index, why in contradictions(line.text for line, _ in written):
        line, path = written[index]
        yield Finding("invalid-requirement", path, why, line=line.number or None)


def _describe_credentials(written: Iterable[Tuple[FileLine, str]]) -> Iterator[Finding]:
    """A warning, because a push takes it. Tokens of known formats are errors of their own."""
    for line, path in written:
        if has_credentials(line.text):
            yield Finding(
                "secret",
                path,
                f"{redacted(line.text)!r} has a password in its URL, which every copy of the truss "
                f"would carry. Name a variable in its place, such as `${{TOKEN}}`, or put it in "
                f"`~/.netrc`.",
                Severity.WARNING,
                line.number or None,
            )


def _is_installed(line: RequirementLine, python: str) -> bool:
    """False if a marker excludes the image: Linux, and the Python of the truss."""
    if line.parsed is None or line.parsed.marker is None:
        return True
    try:
        return applies(line.parsed, (), marker_environments(python))
    except TrussError:
        return True


def _read_line(text: str) -> List[RequirementLine]:
    # `_describe_refused` reports lines that pip refuses. Here such a line has no name.
    line = parse_if_valid(text)
    return [line] if line else []


def _names(requirements: Iterable[str]) -> List[str]:
    return [line.name for text in requirements for line in _read_line(text) if line.name]


def _is_unreadable(requirements_file: Optional[str], lines: Iterable[RequirementLine]) -> bool:
    """True if some requirements are not known here: uv reads the file, or a line includes another
    file."""
    return is_read_by_uv(requirements_file) or any(
        line.text.startswith(_INCLUDING) for line in lines
    )


def describe_missing(
    request: TrussRequirementsRequest, missing: Iterable[ImportedRequirement]
) -> Iterator[Tuple[Finding, Tuple[str, ...]]]:
    """Each finding, with the modules that the missing distribution provides."""
    path = request.requirements_file or request.config_path
    where = request.requirements_file or f"`requirements` in {path}"
    other = other_source(yaml_document.parse(request.config_file.content).data)
    for required in missing:
        names = ", ".join(_names([required.requirement])) or required.requirement
        modules = " or ".join(f"`{module}`" for module in required.modules)
        if required.reason.startswith(IMPORTED_BY):
            why = f"{required.reason[len(IMPORTED_BY):]} imports {modules}"
        else:
            why = f"{required.address} is an explicit dependency"
        if other:
            fact = f"{why}, and {where} does not have its distribution {names}"
            text = f"{fact}: {other} may bring it."
        else:
            text = (
                f"{why}, but {where} lacks its distribution {names}. Add "
                f"{redacted(required.requirement)!r} to it, or set "
                f'`requirements="lockfile"` on the target.'
            )
        severity = Severity.NOTE if other else Severity.WARNING
        yield Finding("missing-requirement", path, text, severity), required.modules
