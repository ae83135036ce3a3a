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
from pants_truss.core.lint.silence import Silence, read_silence
from pants_truss.core.lint.whiteouts import check_whiteouts
from pants_truss.gather import content_findings, data_files, nested_trusses, truss_validation
from pants_truss.gather.content_findings import find_content_findings
from pants_truss.gather.data_files import (
    DataAdviceRequest,
    data_requests,
    describe_named,
    describe_others,
    describe_own,
    find_data_advice,
    find_unused_data,
)
from pants_truss.gather.nested_trusses import (
    find_nested_trusses,
    nested_findings,
    nested_request,
)
from pants_truss.gather.plan import PlannedTruss
from pants_truss.gather.truss_validation import TrussErrorsRequest, find_truss_errors
from pants_truss.pants_api import (
    concurrently,
    create_digest,
    get_digest_contents,
    implicitly,
    rule,
)
from pants_truss.sources.file_entries import entry_at
from pants_truss.subsystems.lint import TrussLintSubsystem, TrussValidation
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.truss_cli import release_tables
from pants_truss.truss_cli.release_tables import ReleaseTablesRequest, find_release_tables


@dataclass(frozen=True)
class BlockingFindings:
    """All that the checks without the Truss tool have found in `planned`, by the policy of
    `[truss-lint]`: fatal findings and others.

    Rules that need the plan too take it from here. If a rule awaited both, the engine would cancel
    and repeat the checks under way as soon as the plan changes.
    """

    planned: PlannedTruss
    findings: Tuple[Finding, ...]
    silence: Silence


# Longer code is not a model class.
_MAX_MODEL_BYTES = 2_000_000


async def _find_data(truss: TrussFieldSet, planned: PlannedTruss) -> List[Finding]:
    """Data beside the code that the truss holds, which the truss itself does not hold."""
    requests = data_requests(planned.plan.files)
    found = await concurrently(find_unused_data(request, **implicitly()) for request in requests)
    target_of = {file.source: file.target for file in planned.plan.files}
    own = {truss.address.spec, *(package.address for package in planned.packages)}
    # Files of the truss itself that Pants ignores are reported already.
    known = {finding.path for finding in planned.findings}
    findings: List[Finding] = []
    shared: List[Tuple[str, str, Optional[str]]] = []
    others: List[Tuple[Tuple[str, ...], str, Optional[str]]] = []
    named = {path for unused in found for path, _ in unused.named}
    for request, unused in zip(requests, found):
        for path, module in unused.named:
            target = target_of[module]
            if path in known:
                continue
            known.add(path)
            if target in own:
                findings.append(describe_own(path, module, target or ""))
            else:
                shared.append((path, module, target))
        module = request.modules[-1].path
        unnamed = tuple(path for path in unused.others if path not in named)
        if unnamed and target_of[module] not in own:
            others.append((unnamed, request.folder, target_of[module]))
    advice = await concurrently(
        find_data_advice(DataAdviceRequest(path, target, truss.address.spec), **implicitly())
        for path, target in [
            *((path, target) for path, _, target in shared),
            *((paths[0], target) for paths, _, target in others),
        ]
    )
    findings += (
        describe_named(path, module, text) for (path, module, _), text in zip(shared, advice)
    )
    findings += (
        describe_others(paths, folder, text)
        for (paths, folder, _), text in zip(others, advice[len(shared) :])
        if not text.is_owned
    )
    return findings


@rule(desc="Check truss")
async def find_blocking_findings(
    truss: TrussFieldSet, subsystem: TrussLintSubsystem
) -> BlockingFindings:
    content = await find_content_findings(truss, **implicitly())
    planned = content.planned
    config_file, paths = planned.config_file, {file.path for file in planned.plan.files}
    document = yaml_document.parse(config_file.content)
    release = await find_release_tables(ReleaseTablesRequest(), **implicitly())
    roots = {truss.address.spec: truss.address.spec_path}
    roots.update({package.address: package.root for package in planned.packages})
    nested = await find_nested_trusses(
        nested_request(planned.plan.files, config_file.config, truss.address.spec, roots),
        **implicitly(),
    )
    silence = read_silence(config_file.path, config_file.content, truss.lint_disable.value)
    findings: List[Finding] = [
        *silence.check_comments(),
        *planned.findings,
        *await _find_data(truss, planned),
        *nested_findings(nested, roots),
        *content.findings,
        *check_document(config_file.path, document, release),
        *check_files(config_file.path, document, config_file.config, paths),
        *check_whiteouts(planned.plan.files, config_file.config),
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
    findings = silence.keep(findings)
    if subsystem.validate_with_truss is TrussValidation.PACKAGE and not fatal(findings):
        errors = await find_truss_errors(TrussErrorsRequest((config_file,)), **implicitly())
        findings += silence.keep(errors.findings[0])
    return BlockingFindings(planned, subsystem.policy.apply(findings), silence)


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
    return [
        *collect_rules(),
        *content_findings.rules(),
        *data_files.rules(),
        *nested_trusses.rules(),
        *release_tables.rules(),
        *truss_validation.rules(),
    ]
