"""`pants lint`, tool `truss-targets`: trusses without a target, which no other check sees."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Any, ClassVar, Iterable, Tuple

from pants.core.goals.lint import LintFilesRequest, LintResult
from pants.core.util_rules.partitions import Partitions
from pants.engine.rules import collect_rules
from pants.option.global_options import GlobalOptions
from pants.util.logging import LogLevel
from pants.util.meta import classproperty

from pants_truss.core.globs import escape_glob
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.report import LintedTruss
from pants_truss.core.paths import ancestors
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.lint.rules import make_lint_result
from pants_truss.pants_api import (
    addresses_from_raw_specs_without_file_owners,
    concurrently,
    implicitly,
    resolve_unexpanded_targets,
    rule,
)
from pants_truss.sources import detected_trusses
from pants_truss.sources.detected_trusses import DetectTrussesRequest, detect_trusses
from pants_truss.sources.folder_specs import in_folder_or_above
from pants_truss.subsystems.gather import TrussGatherSubsystem
from pants_truss.subsystems.lint import TrussLintSubsystem
from pants_truss.target_types.truss import TrussConfigField

_RULE = "no-target"


class UntargetedTrussRequest(LintFilesRequest):
    # `Any`, as newer releases of Pants annotate this more narrowly than they use it.
    tool_subsystem: ClassVar[Any] = TrussLintSubsystem

    @classproperty
    def tool_name(cls) -> str:
        return "truss-targets"

    @classproperty
    def tool_id(cls) -> str:
        return "truss-targets"


@dataclass(frozen=True)
class UntargetedTrussesRequest:
    """Configs, relative to the build root."""

    configs: Tuple[str, ...]


@dataclass(frozen=True)
class UntargetedTrusses:
    """The configs that belong to a truss without a target. A config in a folder of a truss with a
    target is data of that truss."""

    configs: Tuple[str, ...]


@rule
async def find_untargeted_trusses(request: UntargetedTrussesRequest) -> UntargetedTrusses:
    found = await detect_trusses(
        DetectTrussesRequest(tuple(map(escape_glob, request.configs))), **implicitly()
    )
    addresses = await concurrently(
        addresses_from_raw_specs_without_file_owners(
            in_folder_or_above(truss.folder, "the config of a truss"), **implicitly()
        )
        for truss in found.trusses
    )
    targets = await concurrently(resolve_unexpanded_targets(there) for there in addresses)
    untargeted = []
    for truss, there in zip(found.trusses, targets):
        folders = {t.address.spec_path for t in there if t.has_field(TrussConfigField)}
        if not folders.intersection((truss.folder, *ancestors(truss.folder), "")):
            untargeted.append(truss)
    folders_of_new = {truss.folder for truss in untargeted}
    return UntargetedTrusses(
        tuple(
            truss.config_path
            for truss in untargeted
            if not folders_of_new.intersection(ancestors(truss.folder))
        )
    )


@rule
async def partition_configs(
    request: UntargetedTrussRequest.PartitionRequest,
    lint: TrussLintSubsystem,
    gather: TrussGatherSubsystem,
) -> Partitions[str, Any]:
    if lint.skip or not gather.tailor or _RULE in lint.disable:
        return Partitions()
    configs = tuple(path for path in request.files if posixpath.basename(path) == CONFIG_FILE)
    if not configs:
        return Partitions()
    found = await find_untargeted_trusses(UntargetedTrussesRequest(configs), **implicitly())
    return Partitions.single_partition(found.configs) if found.configs else Partitions()


@rule(desc="Lint trusses without targets", level=LogLevel.DEBUG)
async def lint_untargeted_trusses(
    request: UntargetedTrussRequest.Batch,  # type: ignore[type-arg]
    subsystem: TrussLintSubsystem,
    global_options: GlobalOptions,
) -> LintResult:
    trusses = []
    for path in sorted(request.elements):
        folder = posixpath.dirname(path)
        finding = Finding(
            _RULE,
            path,
            f"this truss has no target, so that no goal sees it. Run `pants tailor {folder}::`, or "
            f"list the folder in `[GLOBAL].pants_ignore`.",
            Severity.WARNING,
        )
        trusses.append(LintedTruss(folder or path, subsystem.policy.apply([finding])))
    tool_name = UntargetedTrussRequest.tool_name
    return await make_lint_result(tool_name, trusses, subsystem, global_options)


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *detected_trusses.rules(),
        *UntargetedTrussRequest.rules(),
    ]
