"""Engine calls for Pants 2.30 and later: Pants' own named rules, re-exported or wrapped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pants.backend.python.dependency_inference.module_mapper import (
    map_module_to_address as find_module_owners,
)
from pants.backend.python.util_rules.pex import (
    VenvPexProcess,
    create_pex,
    create_venv_pex,
)
from pants.backend.python.util_rules.pex import (
    determine_venv_pex_resolve_info as get_venv_pex_distributions,
)
from pants.backend.python.util_rules.pex_cli import (
    setup_pex_cli_process as prepare_pex_cli_process,
)
from pants.backend.python.util_rules.pex_venv import pex_venv as create_pex_venv
from pants.base.specs import Specs
from pants.core.goals.test import ShowOutput, TestResult
from pants.core.util_rules.env_vars import environment_vars_subset as get_environment_vars
from pants.core.util_rules.system_binaries import find_binary
from pants.engine.addresses import Address, Addresses
from pants.engine.fs import Snapshot
from pants.engine.internals.graph import (
    determine_explicitly_provided_dependencies,
    hydrate_sources,
    resolve_source_paths,
    resolve_unexpanded_targets,
    resolve_unparsed_address_inputs,
)
from pants.engine.internals.graph import filter_targets as _filter_targets
from pants.engine.internals.graph import resolve_targets as _resolve_targets
from pants.engine.internals.options_parsing import _Options as CommandLineOptions
from pants.engine.internals.specs_rules import (
    addresses_from_raw_specs_without_file_owners,
    resolve_addresses_from_raw_specs,
)
from pants.engine.intrinsics import (
    add_prefix,
    create_digest,
    digest_to_snapshot,
    execute_process,
    get_digest_contents,
    get_digest_entries,
    merge_digests,
    path_globs_to_digest,
    path_globs_to_paths,
    remove_prefix,
)
from pants.engine.intrinsics import digest_subset_to_digest as digest_subset
from pants.engine.process import FallibleProcessResult
from pants.engine.rules import concurrently, implicitly, rule
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    ExplicitlyProvidedDependencies,
    ExplicitlyProvidedDependenciesRequest,
    FilteredTargets,
    Targets,
)
from pants.source.source_root import get_optional_source_root

__all__ = [
    "CommandLineOptions",
    "SecondaryOwnerMixin",
    "add_prefix",
    "addresses_from_raw_specs_without_file_owners",
    "concurrently",
    "create_digest",
    "create_pex",
    "create_pex_venv",
    "create_venv_pex",
    "dependency_targets",
    "digest_subset",
    "digest_to_snapshot",
    "execute_process",
    "execute_venv_pex",
    "explicitly_provided_dependencies",
    "filter_targets",
    "find_binary",
    "find_module_owners",
    "get_digest_contents",
    "get_digest_entries",
    "get_environment_vars",
    "get_optional_source_root",
    "get_venv_pex_distributions",
    "hydrate_sources",
    "implicitly",
    "make_test_result",
    "merge_digests",
    "path_globs_to_digest",
    "path_globs_to_paths",
    "prepare_pex_cli_process",
    "remove_prefix",
    "resolve_addresses_from_raw_specs",
    "resolve_source_paths",
    "resolve_targets",
    "resolve_unexpanded_targets",
    "resolve_unparsed_address_inputs",
    "rule",
]


class SecondaryOwnerMixin:
    """Has no effect: `run` of a folder with several targets asks which one to run."""


# Rules call these functions like rules: with `**implicitly()` after the request.


async def dependency_targets(request: DependenciesRequest, **_implicit: Any) -> Targets:
    return await _resolve_targets(**implicitly(request))


async def execute_venv_pex(process: VenvPexProcess, **_implicit: Any) -> FallibleProcessResult:
    return await execute_process(**implicitly(process))


async def filter_targets(specs: Specs, **_implicit: Any) -> FilteredTargets:
    return await _filter_targets(**implicitly({specs: Specs}))


async def resolve_targets(addresses: Addresses, **_implicit: Any) -> Targets:
    return await _resolve_targets(**implicitly(addresses))


async def explicitly_provided_dependencies(
    field: Dependencies, **_implicit: Any
) -> ExplicitlyProvidedDependencies:
    return await determine_explicitly_provided_dependencies(
        ExplicitlyProvidedDependenciesRequest(field), **implicitly()
    )


def make_test_result(
    process: FallibleProcessResult,
    address: Address,
    output: ShowOutput,
    *,
    text: str,
    reports: Snapshot,
) -> TestResult:
    """Returns the result of a test that `process` ran. `text` is the output to show."""
    result = TestResult.from_fallible_process_result(
        (process,), address, output, xml_results=reports
    )
    return replace(result, stdout_bytes=text.encode(), stderr_bytes=b"")
