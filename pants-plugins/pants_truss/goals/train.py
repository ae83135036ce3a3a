"""`pants run` and `pants package` of a `truss_training`, and what one depends on."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from typing import Iterable, List

from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.engine.fs import AddPrefix, CreateDigest, FileContent, MergeDigests
from pants.engine.rules import collect_rules
from pants.engine.target import InferDependenciesRequest, InferredDependencies
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_truss.core.environment import with_all_hashes_or_none
from pants_truss.core.training import FACTS, REQUIREMENTS, RUNNER
from pants_truss.gather.output_path import ResolveOutputPathRequest, resolve_output_path
from pants_truss.pants_api import add_prefix, create_digest, implicitly, merge_digests, rule
from pants_truss.pants_api.own_process import started_by
from pants_truss.script_tool import launch
from pants_truss.script_tool.launch import LaunchRequest, prepare_launch
from pants_truss.serving import local_truss
from pants_truss.serving.environment import find_truss_environment
from pants_truss.serving.local_truss import (
    ListRequirementsRequest,
    environment_of,
    list_requirements,
)
from pants_truss.subsystems.serving import TrussServer
from pants_truss.target_types.field_sets import part_of
from pants_truss.target_types.truss import TrussOutputPathField
from pants_truss.training import rules as training
from pants_truss.training.rules import (
    FindEntryPointRequest,
    TrainingFieldSet,
    find_entry_point,
    find_trained_truss,
    gather_training,
)

SCRIPTS = (
    ("pants_truss.training.scripts", RUNNER),
    ("pants_truss.serving.scripts", "parent.py"),
    ("pants_truss.serving.scripts", "shell_variables.py"),
)


@dataclass(frozen=True)
class TrainingRunFieldSet(RunFieldSet, TrainingFieldSet):
    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED


@rule(desc="Prepare training", level=LogLevel.DEBUG)
async def run_training(field_set: TrainingRunFieldSet, server: TrussServer) -> RunRequest:
    found = await gather_training(part_of(TrainingFieldSet, field_set), **implicitly())
    listed = await list_requirements(
        ListRequirementsRequest(found.truss, found.explicit), **implicitly()
    )
    environment = await find_truss_environment(
        environment_of(found.truss.address, listed, server=False), **implicitly()
    )
    here = {"truss": "../truss", "env_vars": server.env_vars}
    launched = await prepare_launch(
        LaunchRequest(
            SCRIPTS,
            environment.pexes[:1],
            await add_prefix(AddPrefix(found.digest, "truss"), **implicitly()),
            folder="local",
            spec_name=FACTS,
            spec=json.dumps({**json.loads(found.facts), **here}),
            in_workspace=True,
        ),
        **implicitly(),
    )
    return RunRequest(
        digest=launched.digest,
        args=launched.run_args,
        append_only_caches=launched.append_only_caches,
        extra_env=started_by(),
    )


@dataclass(frozen=True)
class TrainingPackageFieldSet(PackageFieldSet, TrainingFieldSet):
    output_path: TrussOutputPathField


@rule(desc="Package training", level=LogLevel.DEBUG)
async def package_training(field_set: TrainingPackageFieldSet) -> BuiltPackage:
    found = await gather_training(part_of(TrainingFieldSet, field_set), **implicitly())
    output = await resolve_output_path(
        ResolveOutputPathRequest(field_set.output_path), **implicitly()
    )
    listed = await list_requirements(
        ListRequirementsRequest(found.truss, found.explicit), **implicitly()
    )
    facts = json.dumps({**json.loads(found.facts), "command": RUNNER}, indent=2, sort_keys=True)
    lines = with_all_hashes_or_none(listed.requirements)
    requirements = "".join(f"{line}\n" for line in lines)
    beside = await create_digest(
        CreateDigest(
            [
                FileContent(FACTS, f"{facts}\n".encode()),
                FileContent(REQUIREMENTS, requirements.encode()),
                FileContent(RUNNER, pkgutil.get_data(*SCRIPTS[0]) or b""),
            ]
        ),
        **implicitly(),
    )
    merged = await merge_digests(MergeDigests([found.digest, beside]), **implicitly())
    digest = await add_prefix(AddPrefix(merged, output.path), **implicitly())
    count = len(found.paths) + 3
    how = f"pip install -r {REQUIREMENTS} && python {RUNNER}"
    log_lines = (f"  {count} files. In a training job: {how}",)
    return BuiltPackage(digest, (BuiltPackageArtifact(output.path, extra_log_lines=log_lines),))


class InferTrainingDependenciesRequest(InferDependenciesRequest[TrainingFieldSet]):
    infer_from = TrainingFieldSet


@rule(desc="Infer the dependencies of training")
async def infer_training_dependencies(
    request: InferTrainingDependenciesRequest,
) -> InferredDependencies:
    """Its truss, and the target of its entry point."""
    trained = await find_trained_truss(request.field_set, **implicitly())
    found = await find_entry_point(
        FindEntryPointRequest(request.field_set, trained.truss), **implicitly()
    )
    addresses: List[object] = [trained.address, *([found.owner] if found.owner else [])]
    return InferredDependencies(addresses)  # type: ignore[arg-type]


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *launch.rules(),
        *local_truss.rules(),
        *training.rules(),
        *TrussServer.rules(),
        *TrainingRunFieldSet.rules(),
        UnionRule(InferDependenciesRequest, InferTrainingDependenciesRequest),
        UnionRule(PackageFieldSet, TrainingPackageFieldSet),
    ]
