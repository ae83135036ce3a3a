"""`pants check`, tool `truss`: what must never reach a package."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable

from pants.core.goals.check import CheckRequest, CheckResult, CheckResults
from pants.engine.rules import collect_rules
from pants.engine.unions import UnionRule
from pants.option.global_options import GlobalOptions
from pants.util.logging import LogLevel

from pants_truss.core.lint.finding import fatal
from pants_truss.lint import findings
from pants_truss.lint.findings import LintTrussesRequest, lint_all_trusses
from pants_truss.lint.rules import TrussLintFieldSet, render_for_terminal
from pants_truss.pants_api import implicitly, rule
from pants_truss.subsystems.lint import TrussLintSubsystem
from pants_truss.target_types.field_sets import TrussFieldSet, part_of


class TrussCheckRequest(CheckRequest):  # type: ignore[type-arg]
    field_set_type = TrussLintFieldSet
    tool_name = "truss"


@rule(desc="Check trusses", level=LogLevel.DEBUG)
async def check_trusses(
    request: TrussCheckRequest, subsystem: TrussLintSubsystem, global_options: GlobalOptions
) -> CheckResults:
    if subsystem.skip or not request.field_sets:
        return CheckResults([], checker_name=request.tool_name)
    field_sets = sorted(request.field_sets, key=lambda field_set: field_set.address)
    linted = await lint_all_trusses(
        LintTrussesRequest(tuple(part_of(TrussFieldSet, each) for each in field_sets)),
        **implicitly(),
    )
    trusses = [replace(each, findings=tuple(fatal(each.findings))) for each in linted.trusses]
    result = CheckResult(
        exit_code=int(any(truss.has_errors for truss in trusses)),
        stdout=render_for_terminal(trusses, global_options),
        stderr="",
    )
    return CheckResults([result], checker_name=request.tool_name)


def rules() -> Iterable[object]:
    return [*collect_rules(), *findings.rules(), UnionRule(CheckRequest, TrussCheckRequest)]
