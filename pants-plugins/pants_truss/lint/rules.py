"""`pants lint`, tool `truss`: all findings of all trusses, in one report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Iterable, Sequence, Tuple

from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.partitions import Partitions
from pants.engine.fs import EMPTY_DIGEST, CreateDigest, FileContent
from pants.engine.rules import collect_rules
from pants.engine.target import Target
from pants.help.maybe_color import MaybeColor
from pants.option.global_options import GlobalOptions
from pants.util.logging import LogLevel
from pants.util.meta import classproperty

from pants_truss.core.lint.report import LintedTruss, Paint, no_paint, render
from pants_truss.core.lint.sarif import to_sarif
from pants_truss.gather import trusses_of_run
from pants_truss.gather.trusses_of_run import CheckSpecsRequest, check_specs
from pants_truss.lint import findings
from pants_truss.lint.findings import LintTrussesRequest, lint_all_trusses
from pants_truss.pants_api import create_digest, implicitly, rule
from pants_truss.subsystems.lint import TrussLintSubsystem
from pants_truss.target_types.field_sets import TrussFieldSet, part_of
from pants_truss.target_types.truss_goals import SkipTrussLintField


@dataclass(frozen=True)
class TrussLintFieldSet(TrussFieldSet):
    @classmethod
    def opt_out(cls, tgt: Target) -> bool:
        return bool(tgt.get(SkipTrussLintField).value)


class TrussLintRequest(LintTargetsRequest):
    field_set_type = TrussLintFieldSet
    # `Any`, as newer releases of Pants annotate this more narrowly than they use it.
    tool_subsystem: ClassVar[Any] = TrussLintSubsystem

    @classproperty
    def tool_name(cls) -> str:
        return "truss"

    @classproperty
    def tool_id(cls) -> str:
        return "truss"


@dataclass(frozen=True)
class TrussesToLint:
    """All of them as one element: Pants would deal several out to batches, with a report each."""

    field_sets: Tuple[TrussLintFieldSet, ...]


@rule
async def partition_trusses(
    request: TrussLintRequest.PartitionRequest,  # type: ignore[type-arg]
    subsystem: TrussLintSubsystem,
) -> Partitions[TrussesToLint, Any]:
    if not subsystem.skip:
        await check_specs(CheckSpecsRequest(), **implicitly())
    if subsystem.skip or not request.field_sets:
        return Partitions()
    field_sets = sorted(request.field_sets, key=lambda field_set: field_set.address)
    return Partitions.single_partition([TrussesToLint(tuple(field_sets))])


async def make_lint_result(
    tool_name: str,
    trusses: Sequence[LintedTruss],
    subsystem: TrussLintSubsystem,
    global_options: GlobalOptions,
) -> LintResult:
    report = EMPTY_DIGEST
    if subsystem.report_path:
        file = FileContent(subsystem.report_path, to_sarif(trusses))
        report = await create_digest(CreateDigest([file]), **implicitly())
    return LintResult(
        exit_code=int(any(truss.has_errors for truss in trusses)),
        stdout=render_for_terminal(trusses, global_options),
        stderr="",
        linter_name=tool_name,
        report=report,
    )


def render_for_terminal(trusses: Sequence[LintedTruss], global_options: GlobalOptions) -> str:
    # Pants adds empty lines of its own.
    return render(trusses, paint_with(bool(global_options.colors))).rstrip("\n")


@rule(desc="Lint trusses", level=LogLevel.DEBUG)
async def lint_trusses(
    request: TrussLintRequest.Batch,  # type: ignore[type-arg]
    subsystem: TrussLintSubsystem,
    global_options: GlobalOptions,
) -> LintResult:
    field_sets = [field_set for element in request.elements for field_set in element.field_sets]
    linted = await lint_all_trusses(
        LintTrussesRequest(tuple(part_of(TrussFieldSet, each) for each in field_sets)),
        **implicitly(),
    )
    return await make_lint_result(
        TrussLintRequest.tool_name, linted.trusses, subsystem, global_options
    )


def paint_with(has_colors: bool) -> Paint:
    if not has_colors:
        return no_paint
    color = MaybeColor(True).maybe_color
    return lambda text, colour: str(color(text, fg=colour))


def rules() -> Iterable[object]:
    return [*collect_rules(), *findings.rules(), *trusses_of_run.rules(), *TrussLintRequest.rules()]
