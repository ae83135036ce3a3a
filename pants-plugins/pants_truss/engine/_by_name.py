"""Engine calls for Pants 2.30 and later: Pants' own named rules, re-exported or wrapped."""

from __future__ import annotations

from pants.backend.python.util_rules.pex import PexRequest, VenvPex, VenvPexProcess
from pants.backend.python.util_rules.pex import create_venv_pex as _create_venv_pex
from pants.engine.addresses import Addresses
from pants.engine.internals.graph import (
    determine_explicitly_provided_dependencies,
    hydrate_sources,
    resolve_source_paths,
    resolve_unexpanded_targets,
)
from pants.engine.internals.graph import resolve_targets as _resolve_targets
from pants.engine.internals.options_parsing import _Options as CommandLineOptions
from pants.engine.internals.specs_rules import (
    addresses_from_raw_specs_without_file_owners,
    resolve_addresses_from_raw_specs,
)
from pants.engine.intrinsics import (
    add_prefix,
    create_digest,
    execute_process,
    get_digest_contents,
    get_digest_entries,
    merge_digests,
    path_globs_to_digest,
    path_globs_to_paths,
)
from pants.engine.process import FallibleProcessResult
from pants.engine.rules import concurrently, implicitly, rule
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    ExplicitlyProvidedDependencies,
    ExplicitlyProvidedDependenciesRequest,
    Targets,
)
from pants.source.source_root import get_optional_source_root

__all__ = [
    "CommandLineOptions",
    "add_prefix",
    "addresses_from_raw_specs_without_file_owners",
    "concurrently",
    "create_digest",
    "create_venv_pex",
    "dependency_targets",
    "execute_venv_pex",
    "explicitly_provided_dependencies",
    "get_digest_contents",
    "get_digest_entries",
    "get_optional_source_root",
    "hydrate_sources",
    "implicitly",
    "merge_digests",
    "path_globs_to_digest",
    "path_globs_to_paths",
    "resolve_addresses_from_raw_specs",
    "resolve_source_paths",
    "resolve_targets",
    "resolve_unexpanded_targets",
    "rule",
]


async def dependency_targets(request: DependenciesRequest) -> Targets:
    return await _resolve_targets(**implicitly(request))


async def create_venv_pex(request: PexRequest) -> VenvPex:
    return await _create_venv_pex(**implicitly(request))


async def execute_venv_pex(process: VenvPexProcess) -> FallibleProcessResult:
    return await execute_process(**implicitly(process))


async def resolve_targets(addresses: Addresses) -> Targets:
    return await _resolve_targets(**implicitly(addresses))


async def explicitly_provided_dependencies(field: Dependencies) -> ExplicitlyProvidedDependencies:
    return await determine_explicitly_provided_dependencies(
        ExplicitlyProvidedDependenciesRequest(field), **implicitly()
    )
