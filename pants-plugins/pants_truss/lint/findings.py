"""All that linting finds in one truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Iterable, Iterator, Optional

from pants.engine.rules import collect_rules

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.file_checks import check_sizes
from pants_truss.core.lint.finding import Finding, fatal
from pants_truss.core.lint.report import LintedTruss
from pants_truss.core.lint.shadowing import Owner, check_shadowing, server_owners
from pants_truss.core.paths import join
from pants_truss.core.requirement import parse_line
from pants_truss.gather import blocking_findings, gather, truss_validation
from pants_truss.gather.blocking_findings import FatalFindingsRequest, find_fatal_findings
from pants_truss.gather.plan import PlannedTruss
from pants_truss.gather.truss_validation import TrussErrorsRequest, find_truss_errors
from pants_truss.lint import secret_files
from pants_truss.lint.secret_files import (
    FileToScan,
    FoundSecrets,
    ScanForSecretsRequest,
    by_folder,
    scan_for_secrets,
)
from pants_truss.pants_api import concurrently, implicitly, per_session, rule
from pants_truss.pants_api.module_names import default_modules
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.lint import InvalidLintOptions, TrussLintSubsystem, TrussValidation
from pants_truss.target_types.field_sets import OfTruss, TrussFieldSet
from pants_truss.truss_cli.rules import TrussCliFailed, TrussReleaseRequest, find_truss_release


@dataclass(frozen=True)
class LintTrussRequest(OfTruss):
    truss: TrussFieldSet


@rule(desc="Lint truss")
async def lint_truss(request: LintTrussRequest, subsystem: TrussLintSubsystem) -> LintedTruss:
    """Raises what planning raises."""
    truss = request.truss
    found = await find_fatal_findings(FatalFindingsRequest(truss), **implicitly())
    planned, findings = found.planned, list(found.findings)
    release = await find_truss_release(TrussReleaseRequest(), **implicitly())
    findings += _shadowing(planned, release.version)
    config = planned.config_file.config
    findings += check_sizes(planned.plan.files, config.data_dir, subsystem.large_file_bytes)
    scanned = await concurrently(
        scan_for_secrets(ScanForSecretsRequest(files), **implicitly())
        for files in by_folder(_files_to_scan(planned))
    )
    findings += _secrets(scanned)
    if subsystem.validate_with_truss is TrussValidation.CHECK and not fatal(findings):
        errors = await find_truss_errors(TrussErrorsRequest(planned.config_file), **implicitly())
        findings += errors.findings
    return LintedTruss(truss.address.spec, subsystem.policy.apply(findings))


@dataclass(frozen=True)
class TryLintTrussRequest(OfTruss):
    truss: TrussFieldSet


@dataclass(frozen=True)
class TriedLintTruss:
    linted: LintedTruss


@rule
async def try_lint_truss(
    request: TryLintTrussRequest, subsystem: TrussLintSubsystem
) -> TriedLintTruss:
    """What stops planning is a finding: the other trusses are to be linted."""
    truss = request.truss
    try:
        return TriedLintTruss(await lint_truss(LintTrussRequest(truss), **implicitly()))
    except (InvalidLintOptions, TrussCliFailed):
        raise
    except InvalidTruss as e:
        findings = e.findings or (_cannot_gather(truss, e.what),)
    except Exception as e:
        # Of Pants itself, which cannot parse a file, say.
        findings = (_cannot_gather(truss, f"Pants fails on it: {e}"),)
    await find_session(SessionRequest(), **implicitly())
    return TriedLintTruss(LintedTruss(truss.address.spec, subsystem.policy.apply(findings)))


def _cannot_gather(truss: TrussFieldSet, what: str) -> Finding:
    path = join(truss.address.spec_path, truss.config.value)
    return Finding(
        "cannot-gather", path, what[len(path) + 2 :] if what.startswith(f"{path}: ") else what
    )


def _shadowing(planned: PlannedTruss, release: Iterable[int]) -> Iterator[Finding]:
    config_file = planned.config_file
    config = config_file.config
    paths = [file.path for file in planned.plan.files]
    if config.model_file not in paths:
        # Another server than Truss's own.
        return
    python = ".".join(str(part) for part in config.python)
    owners = [
        *server_owners(tuple(release), python, paths),
        Owner(_required_modules(planned), "one of its requirements", "shadowed-by-requirement"),
    ]
    yield from check_shadowing(planned.plan.files, config.bundled_packages_dir, owners)


def _required_modules(planned: PlannedTruss) -> FrozenSet[str]:
    """What the requirements provide, by `modules` of their targets and by Pants' module mapping."""
    declared = {}
    for imported in planned.imports.requirements:
        line = _name_of(imported.requirement)
        if line:
            declared[line] = imported.modules
    names = [_name_of(required.requirement) for required in planned.requirements]
    modules = (declared.get(name) or default_modules(name) for name in names if name)
    return frozenset(module for provided in modules for module in provided)


def _name_of(requirement: str) -> Optional[str]:
    try:
        line = parse_line(requirement)
    except TrussError:
        return None
    return line.name if line else None


def _files_to_scan(planned: PlannedTruss) -> Iterator[FileToScan]:
    for file in planned.plan.files:
        yield FileToScan(file.source or file.path, file.sha256, file.size)


def _secrets(scanned: Iterable[FoundSecrets]) -> Iterator[Finding]:
    for found in scanned:
        for path, secret in found.secrets:
            yield Finding(
                "secret",
                path,
                f"it holds {secret.what}, which every copy of the truss would carry. Remove "
                f"it, revoke it, and declare it in `secrets` of the config.",
                line=secret.line,
            )


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *blocking_findings.rules(),
        *gather.rules(),
        *secret_files.rules(),
        *per_session.rules(),
        *truss_validation.rules(),
    ]
