"""Engine calls for Pants before 2.30: each is a `Get` of an output type from an input type."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import (
    Any,
    Awaitable,
    Callable,
    Dict,
    Iterable,
    Protocol,
    Tuple,
    TypeVar,
    cast,
    overload,
)

from pants.backend.python.dependency_inference.module_mapper import (
    PythonModuleOwners,
    PythonModuleOwnersRequest,
)
from pants.backend.python.util_rules.pex import (
    Pex,
    PexRequest,
    PexResolveInfo,
    VenvPex,
    VenvPexProcess,
    VenvPexRequest,
)
from pants.backend.python.util_rules.pex_cli import PexCliProcess
from pants.backend.python.util_rules.pex_venv import PexVenv, PexVenvRequest
from pants.base.specs import RawSpecs, RawSpecsWithoutFileOwners, Specs
from pants.core.goals.test import ShowOutput, TestResult
from pants.core.util_rules.system_binaries import BinaryPathRequest, BinaryPaths
from pants.engine.addresses import Address, Addresses, UnparsedAddressInputs
from pants.engine.env_vars import EnvironmentVars, EnvironmentVarsRequest
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestContents,
    DigestEntries,
    DigestSubset,
    MergeDigests,
    PathGlobs,
    Paths,
    RemovePrefix,
    Snapshot,
)
from pants.engine.internals.options_parsing import _Options as CommandLineOptions
from pants.engine.process import FallibleProcessResult, Process
from pants.engine.rules import Get, MultiGet
from pants.engine.rules import rule as _pants_rule
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    ExplicitlyProvidedDependencies,
    FilteredTargets,
    HydratedSources,
    HydrateSourcesRequest,
    SourcesPaths,
    SourcesPathsRequest,
    Targets,
    UnexpandedTargets,
)
from pants.source.source_root import OptionalSourceRoot, SourceRootRequest
from pants.util.logging import LogLevel

try:
    from pants.engine.target import (  # type: ignore[attr-defined]
        ExplicitlyProvidedDependenciesRequest,
    )
except ImportError:  # Pants 2.17
    ExplicitlyProvidedDependenciesRequest = DependenciesRequest

try:
    from pants.engine.target import SecondaryOwnerMixin
except ImportError:  # Pants 2.18

    class SecondaryOwnerMixin:  # type: ignore[no-redef]
        """Has no effect: `run` of a folder with several targets asks which one to run."""


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


F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
W = TypeVar("W")


class _Concurrently(Protocol):
    @overload
    def __call__(self, calls: Iterable[Awaitable[T]]) -> Awaitable[Tuple[T, ...]]:
        ...

    @overload
    def __call__(self, a: Awaitable[T], b: Awaitable[U]) -> Awaitable[Tuple[T, U]]:
        ...

    @overload
    def __call__(
        self, a: Awaitable[T], b: Awaitable[U], c: Awaitable[V], d: Awaitable[W]
    ) -> Awaitable[Tuple[T, U, V, W]]:
        ...


def call_by_type(output_type: type, input_type: type) -> Callable[..., Any]:
    # Pants' rule visitor reads the source of `call` and resolves both types through its closure.
    def call(request: Any, **_implicit: Any) -> Get:  # type: ignore[type-arg]
        return Get(output_type, input_type, request)

    return call


def implicitly() -> Dict[str, Any]:
    """Passes nothing: before 2.30 the engine finds all inputs but the request by type."""
    return {}


@overload
def rule(function: F) -> F:
    ...


@overload
def rule(*, desc: str = ..., level: LogLevel = ...) -> Callable[[F], F]:
    ...


def rule(*args: Any, **kwargs: Any) -> Any:
    """Pants' `@rule`; a call of the decorated function by name is a memoized `Get`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        task = _pants_rule(**kwargs)(function).rule
        call = call_by_type(task.output_type, request_type(task))
        call.rule = task  # type: ignore[attr-defined]
        call.__doc__ = function.__doc__
        return call

    return decorate(args[0]) if args else decorate


def request_type(task: Any) -> type:
    if hasattr(task, "input_selectors"):
        return cast(type, task.input_selectors[0])
    return cast(type, next(iter(task.parameters.values())))  # Pants 2.20


concurrently: _Concurrently = cast(Any, MultiGet)

add_prefix = call_by_type(Digest, AddPrefix)
create_digest = call_by_type(Digest, CreateDigest)
get_digest_contents = call_by_type(DigestContents, Digest)
digest_subset = call_by_type(Digest, DigestSubset)
digest_to_snapshot = call_by_type(Snapshot, Digest)
get_digest_entries = call_by_type(DigestEntries, Digest)
merge_digests = call_by_type(Digest, MergeDigests)
path_globs_to_digest = call_by_type(Digest, PathGlobs)
path_globs_to_paths = call_by_type(Paths, PathGlobs)
remove_prefix = call_by_type(Digest, RemovePrefix)

addresses_from_raw_specs_without_file_owners = call_by_type(Addresses, RawSpecsWithoutFileOwners)
create_pex = call_by_type(Pex, PexRequest)
create_pex_venv = call_by_type(PexVenv, PexVenvRequest)
create_venv_pex = call_by_type(VenvPex, VenvPexRequest)
dependency_targets = call_by_type(Targets, DependenciesRequest)
execute_process = call_by_type(FallibleProcessResult, Process)
execute_venv_pex = call_by_type(FallibleProcessResult, VenvPexProcess)
filter_targets = call_by_type(FilteredTargets, Specs)
find_binary = call_by_type(BinaryPaths, BinaryPathRequest)
get_environment_vars = call_by_type(EnvironmentVars, EnvironmentVarsRequest)
get_optional_source_root = call_by_type(OptionalSourceRoot, SourceRootRequest)
prepare_pex_cli_process = call_by_type(Process, PexCliProcess)
find_module_owners = call_by_type(PythonModuleOwners, PythonModuleOwnersRequest)
get_venv_pex_distributions = call_by_type(PexResolveInfo, VenvPex)
hydrate_sources = call_by_type(HydratedSources, HydrateSourcesRequest)
resolve_addresses_from_raw_specs = call_by_type(Addresses, RawSpecs)
resolve_source_paths = call_by_type(SourcesPaths, SourcesPathsRequest)
resolve_targets = call_by_type(Targets, Addresses)
resolve_unexpanded_targets = call_by_type(UnexpandedTargets, Addresses)
resolve_unparsed_address_inputs = call_by_type(Addresses, UnparsedAddressInputs)


async def explicitly_provided_dependencies(
    field: Dependencies, **_implicit: Any
) -> ExplicitlyProvidedDependencies:
    return await Get(
        ExplicitlyProvidedDependencies,
        ExplicitlyProvidedDependenciesRequest,
        ExplicitlyProvidedDependenciesRequest(field),
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
    # Pants 2.17 fails on output that is not UTF-8; `text` replaces the output anyway.
    process = replace(process, stdout=b"", stderr=b"")
    make: Any = TestResult.from_fallible_process_result
    several = "process_results" in inspect.signature(make).parameters  # Pants 2.19
    result = make((process,) if several else process, address, output, xml_results=reports)
    return _with_text(result, text)


def _with_text(result: Any, text: str) -> TestResult:
    if hasattr(result, "stdout_bytes"):  # Pants 2.18
        return cast(TestResult, replace(result, stdout_bytes=text.encode(), stderr_bytes=b""))
    return cast(TestResult, replace(result, stdout=text, stderr=""))
