"""What must never reach a package: `pants check`, `pants package` and `pants lint` ask here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.engine.rules import collect_rules

from pants_truss.core.lint.config_checks import check_config
from pants_truss.core.lint.finding import Finding
from pants_truss.engine import implicitly, rule
from pants_truss.lint.subsystem import TrussLintSubsystem
from pants_truss.util_rules.plan import GatherTrussRequest, PlanTrussRequest, plan_truss


@dataclass(frozen=True)
class FatalFindingsRequest:
    truss: GatherTrussRequest


@dataclass(frozen=True)
class FatalFindings:
    """All that the checks behind errors have found, what is not fatal too, by the policy of
    `[truss-lint]`."""

    findings: Tuple[Finding, ...]


@rule(desc="Check truss")
async def find_fatal_findings(
    request: FatalFindingsRequest, subsystem: TrussLintSubsystem
) -> FatalFindings:
    planned = await plan_truss(PlanTrussRequest(request.truss), **implicitly())
    config_file = planned.config_file
    findings = [*planned.findings, *check_config(config_file.path, config_file.content)]
    return FatalFindings(subsystem.policy.apply(findings))


def rules() -> Iterable[object]:
    return collect_rules()
