"""Explicit dependencies of a truss that bring nothing into it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Collection, FrozenSet, Iterable, List, Optional, Tuple, Type

from pants.backend.python.target_types import PythonProvidesField, PythonRequirementsField
from pants.core.goals.package import PackageFieldSet
from pants.engine.addresses import Addresses
from pants.engine.rules import collect_rules
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    MultipleSourcesField,
    SourcesField,
    Target,
)
from pants.engine.unions import UnionMembership

from pants_truss.imports.import_graph import file_of
from pants_truss.pants_api import (
    concurrently,
    dependency_targets,
    explicitly_provided_dependencies,
    implicitly,
    resolve_targets,
    resolve_unexpanded_targets,
    rule,
)
from pants_truss.target_types.truss import TrussConfigField


@dataclass(frozen=True)
class EmptyDependenciesRequest:
    """`given` are the addresses of the targets that bring files or requirements, `files` the paths
    that the truss holds without them."""

    dependencies: Dependencies
    given: FrozenSet[str]
    files: FrozenSet[str]


@dataclass(frozen=True)
class EmptyDependencies:
    """A sentence or two for each explicit dependency that is not bundled. `errors` are those that a
    truss names itself, `warnings` are dependencies of a `target()` that brings others."""

    errors: Tuple[str, ...]
    warnings: Tuple[str, ...]


@dataclass(frozen=True)
class DescribeEmptyTargetRequest:
    """A target that brings nothing by itself: what a `target()` groups may bring something."""

    target: Target
    given: FrozenSet[str]
    files: FrozenSet[str]


@dataclass(frozen=True)
class DescribedEmptyTarget:
    """`brings_other` says whether a dependency brings something; `inside` are the dependencies that
    bring nothing."""

    brings_other: bool
    inside: Tuple[str, ...]


@rule
async def describe_empty_target(
    request: DescribeEmptyTargetRequest, union_membership: UnionMembership
) -> DescribedEmptyTarget:
    """Looks one level below: a group of groups is one that brings something if it is named."""
    if not request.target.has_field(Dependencies):
        return DescribedEmptyTarget(False, ())
    targets = await dependency_targets(DependenciesRequest(request.target[Dependencies]))
    given = [t for t in targets if _is_given(t, request.given, request.files)]
    packages = _package_types(union_membership)
    empty = [t for t in targets if t not in given and not _is_group(t, packages)]
    return DescribedEmptyTarget(
        bool(given) or len(empty) < len(targets),
        tuple(_describe(t, [t], packages) for t in empty if not _is_type_stub(t)),
    )


@rule(desc="Look for dependencies that bring nothing")
async def find_empty_dependencies(
    request: EmptyDependenciesRequest, union_membership: UnionMembership
) -> EmptyDependencies:
    if not request.dependencies.value:
        return EmptyDependencies((), ())
    provided = await explicitly_provided_dependencies(request.dependencies)
    named = sorted(provided.includes)
    # The targets of a generator are one dependency: it is enough if one brings something.
    groups = await concurrently(resolve_targets(Addresses([address])) for address in named)
    packages = _package_types(union_membership)
    errors: List[str] = []
    warnings: List[str] = []
    generators = await resolve_unexpanded_targets(Addresses(named))
    for generator, targets in zip(generators, groups):
        if any(t.has_field(TrussConfigField) for t in targets):
            # An error of its own.
            continue
        if any(_is_given(t, request.given, request.files) for t in targets):
            continue
        described = await concurrently(
            describe_empty_target(
                DescribeEmptyTargetRequest(target, request.given, request.files), **implicitly()
            )
            for target in targets
            if _is_group(target, packages)
        )
        if any(each.brings_other for each in described):
            warnings += (text for each in described for text in each.inside)
        else:
            errors.append(_describe(generator, targets, packages))
    return EmptyDependencies(tuple(errors), tuple(warnings))


def _package_types(union_membership: UnionMembership) -> Tuple[Type[PackageFieldSet], ...]:
    return tuple(union_membership.get(PackageFieldSet))


def _is_given(target: Target, given: Collection[str], files: Collection[str]) -> bool:
    return (
        target.address.spec in given
        or file_of(target) in files
        # It is a requirement, even where nothing is to be installed for it.
        or target.has_field(PythonRequirementsField)
    )


def _is_package(target: Target, packages: Iterable[Type[PackageFieldSet]]) -> bool:
    return any(package.is_applicable(target) for package in packages)


def _is_group(target: Target, packages: Iterable[Type[PackageFieldSet]]) -> bool:
    """A `target()`, or a distribution, which is its modules: their dependencies are followed."""
    if target.has_field(PythonProvidesField):
        return True
    return not target.has_field(SourcesField) and not _is_package(target, packages)


def _is_type_stub(target: Target) -> bool:
    """Returns True for a type stub. No code runs it, so a truss works without it."""
    return (file_of(target) or "").endswith(".pyi")


def _describe(
    named: Target, generated: Iterable[Target], packages: Iterable[Type[PackageFieldSet]]
) -> str:
    found = list(generated) or [named]
    alias, spec = named.alias, named.address.spec
    if _is_package(found[0], packages):
        return (
            f"`{alias}` {spec} is a package, which `pants package` builds, and packages are not "
            f"bundled. To bundle its code, name the targets of the code instead. To bundle what is "
            f'built, name a `shell_command` with `execution_dependencies=["{spec}"]` and '
            f"`output_files`."
        )
    files = sorted(filter(None, map(_files_of, found)))
    if not files:
        return f"`{alias}` {spec} has no file or requirement to bundle. Remove it."
    folder = named.address.spec_path
    names = ", ".join(f'"{posixpath.relpath(file, folder or ".")}"' for file in files[:3])
    more = ", ..." if len(files) > 3 else ""
    name = f"{named.address.target_name}_files"
    return (
        f"`{alias}` {spec} is not bundled: only Python code, `files`, `resources` and generated "
        f'files are. Write `files(name="{name}", sources=[{names}{more}])` into '
        f'{folder or "the build root"}/BUILD, and name "{folder}:{name}" instead.'
    )


def _files_of(target: Target) -> Optional[str]:
    sources = target.get(SourcesField)
    if isinstance(sources, MultipleSourcesField):
        globs = [glob for glob in sources.globs if not glob.startswith("!")]
        return posixpath.join(target.address.spec_path, globs[0]) if globs else None
    return file_of(target)


def rules() -> Iterable[object]:
    return collect_rules()
