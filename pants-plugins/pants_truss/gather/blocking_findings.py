"""What must never reach a package: `pants check`, `pants package` and `pants lint` ask here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Optional, Tuple

from pants.engine.fs import CreateDigest
from pants.engine.rules import collect_rules

from pants_truss.core import yaml_document
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.config_checks import check_document
from pants_truss.core.lint.file_checks import check_files
from pants_truss.core.lint.finding import Finding, fatal
from pants_truss.core.lint.model_class import ModelFile, check_model_class
from pants_truss.gather import plan, truss_validation
from pants_truss.gather.plan import PlannedTruss, PlanTrussRequest, plan_truss
from pants_truss.gather.truss_validation import TrussErrorsRequest, find_truss_errors
from pants_truss.pants_api import create_digest, get_digest_contents, implicitly, rule
from pants_truss.sources.file_entries import entry_at
from pants_truss.subsystems.lint import TrussLintSubsystem, TrussValidation
from pants_truss.target_types.field_sets import OfTruss, TrussFieldSet


@dataclass(frozen=True)
class FatalFindingsRequest(OfTruss):
    truss: TrussFieldSet


@dataclass(frozen=True)
class FatalFindings:
    """All that the checks behind errors have found in `planned`, what is not fatal too, by the
    policy of `[truss-lint]`.

    Who asks for them takes the plan from here: a rule that awaits both is seen to be stale as soon
    as the plan is another, and the engine then cancels and repeats the checks that are under way.
    """

    planned: PlannedTruss
    findings: Tuple[Finding, ...]


# Longer code is no model class.
_MAX_MODEL_BYTES = 2_000_000


@rule(desc="Check truss")
async def find_fatal_findings(
    request: FatalFindingsRequest, subsystem: TrussLintSubsystem
) -> FatalFindings:
    planned = await plan_truss(PlanTrussRequest(request.truss), **implicitly())
    config_file, paths = planned.config_file, {file.path for file in planned.plan.files}
    document = yaml_document.parse(config_file.content)
    findings: List[Finding] = [
        *planned.findings,
        *check_document(config_file.path, document),
        *check_files(config_file.path, document, config_file.config, paths),
    ]
    model = _model_file(planned)
    # With it, the server hands its own engine to a model class, if there is one.
    trt_llm = ("trt_llm",) if document.data.get("trt_llm") else ()
    if model and (config_file.config.needs_model or trt_llm):
        digest = await create_digest(CreateDigest([entry_at(model.path, model)]), **implicitly())
        for file in await get_digest_contents(digest):
            findings += check_model_class(
                ModelFile(
                    model.source or model.path,
                    file.content,
                    config_file.config.model_class_name,
                    config_file.config.python,
                    trt_llm,
                )
            )
    if subsystem.validate_with_truss is TrussValidation.PACKAGE and not fatal(findings):
        errors = await find_truss_errors(TrussErrorsRequest(config_file), **implicitly())
        findings += errors.findings
    return FatalFindings(planned, subsystem.policy.apply(findings))


def _model_file(planned: PlannedTruss) -> Optional[GatheredFile]:
    path = planned.config_file.config.model_file
    return next(
        (
            file
            for file in planned.plan.files
            if file.path == path and path.endswith(".py") and file.size <= _MAX_MODEL_BYTES
        ),
        None,
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *plan.rules(), *truss_validation.rules()]
