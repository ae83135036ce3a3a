"""All that linting finds in one truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List

from pants.engine.rules import collect_rules

from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.report import LintedTruss
from pants_truss.core.paths import join
from pants_truss.engine import implicitly, rule
from pants_truss.lint.subsystem import TrussLintSubsystem
from pants_truss.util_rules import fatal_findings, gather
from pants_truss.util_rules.fatal_findings import FatalFindingsRequest, find_fatal_findings
from pants_truss.util_rules.plan import GatherTrussRequest
from pants_truss.util_rules.truss_config import InvalidTruss


@dataclass(frozen=True)
class LintTrussRequest:
    truss: GatherTrussRequest


@rule(desc="Lint truss")
async def lint_truss(request: LintTrussRequest, subsystem: TrussLintSubsystem) -> LintedTruss:
    truss = request.truss
    findings: List[Finding] = []
    try:
        found = await find_fatal_findings(FatalFindingsRequest(truss), **implicitly())
        findings += found.findings
    except InvalidTruss as e:
        path = join(truss.address.spec_path, truss.config.value)
        findings += e.findings or [Finding("cannot-gather", path, e.what)]
    return LintedTruss(truss.address.spec, subsystem.policy.apply(findings))


def rules() -> Iterable[object]:
    return [*collect_rules(), *fatal_findings.rules(), *gather.rules()]
