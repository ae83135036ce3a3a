"""All that linting finds in one truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.engine.rules import collect_rules

from pants_truss.core.lint.finding import Finding, fatal
from pants_truss.core.lint.report import LintedTruss
from pants_truss.core.paths import join
from pants_truss.gather import blocking_findings, gather, truss_validation
from pants_truss.gather.blocking_findings import find_blocking_findings
from pants_truss.gather.truss_validation import TrussErrorsRequest, find_truss_errors
from pants_truss.pants_api import implicitly, per_session, rule
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.lint import InvalidLintOptions, TrussLintSubsystem, TrussValidation
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.truss_cli.rules import TrussCliFailed


@rule(desc="Lint truss")
async def lint_truss(truss: TrussFieldSet, subsystem: TrussLintSubsystem) -> LintedTruss:
    """Raises what planning raises."""
    found = await find_blocking_findings(truss, **implicitly())
    planned, findings = found.planned, list(found.findings)
    if subsystem.validate_with_truss is TrussValidation.CHECK and not fatal(findings):
        request = TrussErrorsRequest(planned.config_file)
        errors = await find_truss_errors(request, **implicitly())
        findings += errors.findings
    return LintedTruss(truss.address.spec, subsystem.policy.apply(findings))


@dataclass(frozen=True)
class FallibleLintedTruss:
    linted: LintedTruss


@rule
async def lint_truss_fallibly(
    truss: TrussFieldSet, subsystem: TrussLintSubsystem
) -> FallibleLintedTruss:
    """An error that stops planning is a finding, so that the other trusses are linted."""
    try:
        return FallibleLintedTruss(await lint_truss(truss, **implicitly()))
    except (InvalidLintOptions, TrussCliFailed):
        raise
    except InvalidTruss as e:
        findings = e.findings or (_cannot_gather(truss, e.what),)
    except Exception as e:
        # An error of Pants itself, which cannot parse a file, for example.
        findings = (_cannot_gather(truss, f"Pants fails on it: {e}"),)
    await find_session(SessionRequest(), **implicitly())
    return FallibleLintedTruss(LintedTruss(truss.address.spec, subsystem.policy.apply(findings)))


def _cannot_gather(truss: TrussFieldSet, what: str) -> Finding:
    path = join(truss.address.spec_path, truss.config.value)
    return Finding(
        "cannot-gather", path, what[len(path) + 2 :] if what.startswith(f"{path}: ") else what
    )


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *blocking_findings.rules(),
        *gather.rules(),
        *per_session.rules(),
        *truss_validation.rules(),
    ]
