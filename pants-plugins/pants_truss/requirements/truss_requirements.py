"""What a truss requires: as its config lists it, or pinned to the lockfile of its resolve."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Iterable, Iterator, List, Optional, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules

from pants_truss.core.errors import TrussError
from pants_truss.core.gathered import GatheredRequirement
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.locked import Lockfile
from pants_truss.core.paths import join, normalize_inside
from pants_truss.core.pins import Pin, RequirementOf, pin_requirements
from pants_truss.core.requirement import (
    RequirementLine,
    guessed_names,
    lines_of,
    marker_environments,
    parse_line,
    redacted,
)
from pants_truss.core.source_tree import IMPORTED_BY
from pants_truss.imports.import_closure import ImportedRequirement
from pants_truss.pants_api import get_digest_contents, implicitly, path_globs_to_digest, rule
from pants_truss.requirements.lockfile import ReadLockfileRequest, read_lockfile
from pants_truss.sources.config_file import InvalidTruss, TrussConfigFile
from pants_truss.sources.globs import all_of
from pants_truss.target_types.truss import RequirementsMode, TrussRequirementsField

# Options of pip that bring requirements which are not in the line.
_INCLUDING = ("-r", "--requirement", "-e", "--editable")


@dataclass(frozen=True)
class TrussRequirementsRequest:
    """`imported` are the requirements of the code; `resolve` is None if the code has none."""

    address: Address
    field: TrussRequirementsField
    config_file: TrussConfigFile
    resolve: Optional[str]
    imported: Tuple[ImportedRequirement, ...]


@dataclass(frozen=True)
class TrussRequirements:
    """`pins` is None if the list of the config stays."""

    pins: Optional[Tuple[str, ...]]
    listed: Tuple[GatheredRequirement, ...]
    findings: Tuple[Finding, ...]


@rule(desc="Find the requirements of a truss")
async def find_requirements(
    request: TrussRequirementsRequest, python_setup: PythonSetup
) -> TrussRequirements:
    if request.field.value == RequirementsMode.CONFIG.value:
        path = _requirements_file(request)
        digest = await path_globs_to_digest(all_of([path] if path else []), **implicitly())
        contents = await get_digest_contents(digest)
        return _as_configured(request, path, contents[0].content if contents else b"")
    resolve = _resolve(request, python_setup)
    path = _lockfile_path(request, resolve, python_setup)
    try:
        locked = await read_lockfile(
            ReadLockfileRequest(path, resolve, _python(request.config_file)), **implicitly()
        )
        return _as_locked(request, resolve, path, locked.lockfile)
    except TrussError as e:
        raise InvalidTruss.of(request.address, e) from None


# --- As the config lists them.


def _requirements_file(request: TrussRequirementsRequest) -> Optional[str]:
    name = request.config_file.config.requirements_file
    return join(request.address.spec_path, name) if name else None


def _as_configured(
    request: TrussRequirementsRequest, requirements_file: Optional[str], content: bytes
) -> TrussRequirements:
    config_path = request.config_file.path
    written = [(text, config_path) for text in request.config_file.config.requirement_lines]
    if requirements_file:
        written += [(line, requirements_file) for line in lines_of(_decode(content))]
    lines = [(line, origin) for text, origin in written for line in _read_line(text)]
    reasons = {name: r.reason for r in request.imported for name in _names([r.requirement])}
    listed = tuple(
        GatheredRequirement(redacted(line.text), origin, reasons.get(line.name or ""))
        for line, origin in lines
    )
    if _is_unreadable(requirements_file, [line for line, _ in lines]):
        return TrussRequirements(None, listed, ())
    there = guessed_names(line for line, _ in lines)
    missing = [r for r in request.imported if not set(_names([r.requirement])) <= there]
    return TrussRequirements(None, listed, tuple(_describe_missing(request, missing)))


def _read_line(text: str) -> List[RequirementLine]:
    # What pip would refuse is Truss's to tell: here it only means that a name is not known.
    try:
        line = parse_line(text)
    except TrussError:
        return []
    return [line] if line else []


def _names(requirements: Iterable[str]) -> List[str]:
    return [line.name for text in requirements for line in _read_line(text) if line.name]


def _is_unreadable(requirements_file: Optional[str], lines: Iterable[RequirementLine]) -> bool:
    """Whether there are requirements that cannot be told here: Truss takes other files than pip's,
    and pip's may include others."""
    name = (requirements_file or "").rpartition("/")[2]
    return name in ("uv.lock", "pyproject.toml") or any(
        line.text.startswith(_INCLUDING) for line in lines
    )


def _describe_missing(
    request: TrussRequirementsRequest, missing: Iterable[ImportedRequirement]
) -> Iterator[Finding]:
    path = _requirements_file(request) or request.config_file.path
    where = _requirements_file(request) or f"`requirements` in {path}"
    for required in missing:
        names = ", ".join(_names([required.requirement])) or required.requirement
        modules = " or ".join(f"`{module}`" for module in required.modules)
        if required.reason.startswith(IMPORTED_BY):
            why = f"{required.reason[len(IMPORTED_BY):]} imports {modules}"
        else:
            why = f"{required.address} is an explicit dependency"
        yield Finding(
            "missing-requirement",
            path,
            f"{why}, but {where} lacks its distribution {names}. Add "
            f"{redacted(required.requirement)!r} to it, or set "
            f'`requirements="lockfile"` on the target.',
            Severity.WARNING,
        )


# --- From the lockfile.


def _resolve(request: TrussRequirementsRequest, python_setup: PythonSetup) -> str:
    address = request.address
    mode = f'`requirements="{RequirementsMode.LOCKFILE.value}"`'
    if request.config_file.config.requirements_file:
        raise InvalidTruss.of(
            address,
            f"it has {mode}, and {request.config_file.path} has `requirements_file: "
            f"{request.config_file.config.requirements_file}`. Remove one of the two.",
        )
    if not python_setup.enable_resolves:
        raise InvalidTruss.of(
            address,
            f"it has {mode}, but the repository has no resolves. Set `[python].enable_resolves` "
            f"and `[python].resolves` in pants.toml.",
        )
    resolve = request.resolve or python_setup.default_resolve
    for required in request.imported:
        if required.resolve not in (None, resolve):
            raise InvalidTruss.of(
                address,
                f"its resolve is {resolve}, but {redacted(required.requirement)!r} "
                f"({required.address}, {required.reason}) belongs to the resolve "
                f"{required.resolve}. Use one resolve for the truss and all that it imports.",
            )
    return resolve


def _lockfile_path(
    request: TrussRequirementsRequest, resolve: str, python_setup: PythonSetup
) -> str:
    path = python_setup.resolves.get(resolve)
    if path is None:
        raise InvalidTruss.of(
            request.address,
            f"its resolve is {resolve}, which `[python].resolves` does not name. Set `resolve` to "
            f"one of: {', '.join(sorted(python_setup.resolves))}.",
        )
    inside = normalize_inside(path)
    if inside is None:
        raise InvalidTruss.of(
            request.address,
            f"the lockfile of its resolve {resolve} is {path}, which lies outside the build root.",
        )
    return inside


def _decode(content: bytes) -> str:
    """As pip reads a file of requirements; UTF-16 is what PowerShell's `>` writes."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")


def _python(config_file: TrussConfigFile) -> str:
    value = config_file.config.python_version
    match = re.fullmatch(r"py3(9|1\d)", value)
    if not match:
        raise TrussError(
            f"{config_file.path}: `python_version` is {value!r}. Write it as `python_version: "
            f"py311`."
        )
    return f"3.{match.group(1)}"


def _as_locked(
    request: TrussRequirementsRequest, resolve: str, path: str, locked: Lockfile
) -> TrussRequirements:
    wanted = [
        *(RequirementOf(r.requirement, r.address, r.reason) for r in request.imported),
        *(
            RequirementOf(text, request.config_file.path, f"listed in {request.config_file.path}")
            for text in request.config_file.config.requirement_lines
        ),
    ]
    described = f"{path} (resolve {resolve})"
    environments = marker_environments(_python(request.config_file))
    pins = pin_requirements(wanted, locked, described, environments)
    return TrussRequirements(
        tuple(pin.text for pin in pins),
        tuple(
            GatheredRequirement(redacted(pin.text), pin.origin or path, pin.reason) for pin in pins
        ),
        tuple(
            Finding("unpinned-requirement", request.config_file.path, note, Severity.WARNING)
            for pin in pins
            for note in _unpinned_notes(pin)
        ),
    )


def _unpinned_notes(pin: Pin) -> Iterator[str]:
    text = redacted(pin.text)
    if pin.text.startswith(_INCLUDING):
        yield f"what {text!r} brings is not pinned. List it in the config instead."
    elif pin.name is None and not pin.text.startswith("-"):
        yield (
            f"{text} does not say which distribution it is, so what it requires is not "
            f"pinned. Write `name @ {text}`."
        )


def rules() -> Iterable[object]:
    return collect_rules()
