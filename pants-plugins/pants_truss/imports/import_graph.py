"""The graph of targets and their dependencies that import closures are found in.

Each rule here answers for one target or one folder and does not know which truss asks, so all
trusses share the answer. Pants' own inference decides which module an import means.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import (
    PythonResolveField,
    PythonSourceField,
    PythonTestSourceField,
)
from pants.core.target_types import (
    FileSourceField,
    LockfileSourceField,
    ResourceSourceField,
    TargetGeneratorSourcesHelperSourcesField,
)
from pants.engine.addresses import Address, Addresses
from pants.engine.rules import collect_rules
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    SingleSourceField,
    SourcesField,
    Target,
)
from pants.source.source_root import SourceRootRequest
from pants.util.frozendict import FrozenDict

from pants_truss.core.globs import unescape_glob
from pants_truss.core.module_names import NATIVE_SUFFIX, STUB_SUFFIX, module_name
from pants_truss.core.paths import ancestors, below, is_within, join
from pants_truss.imports.python_requirement import describe_requirement
from pants_truss.pants_api import (
    addresses_from_raw_specs_without_file_owners,
    concurrently,
    dependency_targets,
    explicitly_provided_dependencies,
    get_optional_source_root,
    implicitly,
    path_globs_to_paths,
    resolve_targets,
    rule,
)
from pants_truss.sources.folder_specs import in_folder_or_above
from pants_truss.sources.globs import exactly
from pants_truss.target_types.truss import TrussConfigField

INIT_FILE = "__init__.py"


@dataclass(frozen=True)
class ImportNode:
    """A target that a truss may need. Without an address, it is a file that no target owns.

    `file` is the path of its source if it has exactly one, and `source_root` is the source root of
    that file. `requirements` are those of a `python_requirement`, which provide `modules`.
    """

    address: Optional[Address]
    dependencies: Optional[Dependencies] = None
    sources: Optional[SourcesField] = None
    file: Optional[str] = None
    source_root: str = ""
    resolve: Optional[str] = None
    requirements: Tuple[str, ...] = ()
    modules: Tuple[str, ...] = ()

    @property
    def key(self) -> str:
        # Pants makes a new string each time, and each truss keeps the keys of all nodes it reaches.
        return sys.intern(self.address.spec) if self.address else self.file or ""

    @property
    def is_python(self) -> bool:
        return isinstance(self.sources, PythonSourceField) or (
            self.address is None and not self.is_native
        )

    @property
    def is_native(self) -> bool:
        """Returns True for an extension module, which Python imports like any other module."""
        return bool(self.file) and (self.file or "").endswith(NATIVE_SUFFIX)

    @property
    def is_module(self) -> bool:
        return self.is_python or self.is_native

    @property
    def module_path(self) -> Optional[str]:
        """The file's path under its source root: `textkit/clean.py`."""
        return self.file and below(self.file, self.source_root)


def file_of(target: Target) -> Optional[str]:
    """The path of the target's source, if it has exactly one."""
    sources = target.get(SourcesField)
    if not isinstance(sources, SingleSourceField):
        return None
    # Pants escapes the path in generated targets.
    return unescape_glob(sources.file_path)


@dataclass(frozen=True)
class DescribeTargetRequest:
    target: Target


@rule
async def describe_target(request: DescribeTargetRequest, python_setup: PythonSetup) -> ImportNode:
    target = request.target
    sources = target.get(SourcesField)
    file = file_of(target)
    source_root = ""
    if file is not None:
        found = await get_optional_source_root(SourceRootRequest.for_file(file), **implicitly())
        source_root = normal_root(found.source_root.path if found.source_root else "")
    resolve = None
    if target.has_field(PythonResolveField) and python_setup.enable_resolves:
        resolve = target[PythonResolveField].normalized_value(python_setup)
    provided = describe_requirement(target)
    return ImportNode(
        target.address,
        target.get(Dependencies),
        sources if target.has_field(SourcesField) else None,
        file,
        source_root,
        resolve,
        provided.requirements,
        provided.modules,
    )


def normal_root(path: str) -> str:
    return "" if path == "." else path


@dataclass(frozen=True)
class PythonOwnersRequest:
    """`folder` is relative to the build root."""

    folder: str


@dataclass(frozen=True)
class PythonOwners:
    """The `python_source` targets of the files directly in a folder, by the path of the file.
    `tests` are files that belong to tests: targets own them, but no server imports them."""

    by_file: FrozenDict[str, Tuple[ImportNode, ...]]
    tests: FrozenSet[str]


@rule
async def find_python_owners(request: PythonOwnersRequest) -> PythonOwners:
    addresses = await addresses_from_raw_specs_without_file_owners(
        in_folder_or_above(request.folder, "the files of a truss"), **implicitly()
    )
    targets = await resolve_targets(addresses)
    owners = [target for target in targets if _owns_module_in(target, request.folder)]
    nodes = await concurrently(
        describe_target(DescribeTargetRequest(target), **implicitly())
        for target in owners
        if not _is_test(target)
    )
    by_file: Dict[str, List[ImportNode]] = {}
    for node in sorted(nodes, key=lambda node: node.key):
        by_file.setdefault(node.file or "", []).append(node)
    return PythonOwners(
        FrozenDict({file: tuple(found) for file, found in sorted(by_file.items())}),
        frozenset(file_of(target) or "" for target in owners if _is_test(target)),
    )


def _owns_module_in(target: Target, folder: str) -> bool:
    if not target.has_field(PythonSourceField):
        return False
    path = file_of(target) or ""
    return path.rpartition("/")[0] == folder and not path.endswith(".pyi")


def _is_test(target: Target) -> bool:
    # Targets of `python_test_utils` are plain `python_source`s.
    name = (file_of(target) or "").rpartition("/")[2]
    return target.has_field(PythonTestSourceField) or name == "conftest.py"


@dataclass(frozen=True)
class PackageInitRequest:
    """`file` is the `__init__.py` of a folder, existing or not, and has the given source root."""

    file: str
    source_root: str


@dataclass(frozen=True)
class PackageInit:
    """Empty if the file does not exist. Otherwise the targets that own it, or the file itself if no
    target does: Python runs the file in any case."""

    nodes: Tuple[ImportNode, ...]


@rule
async def find_package_init(request: PackageInitRequest) -> PackageInit:
    file = request.file
    found = await path_globs_to_paths(exactly(file), **implicitly())
    if not found.files:
        return PackageInit(())
    owners = await find_python_owners(PythonOwnersRequest(file.rpartition("/")[0]), **implicitly())
    unowned = ImportNode(None, file=file, source_root=request.source_root)
    return PackageInit(owners.by_file.get(file, (unowned,)))


@dataclass(frozen=True)
class FindImportsRequest:
    node: ImportNode


@dataclass(frozen=True)
class Imports:
    """What a target depends on.

    `explicit` holds the keys of those that its `dependencies` field names. `inits` are the
    `__init__.py` files that Python runs before it, if it is a module or one is generated from it.
    `trusses` are dependencies that cannot be followed. `stubs` are type stubs that it imports,
    where no other dependency has the module.
    """

    nodes: Tuple[ImportNode, ...]
    explicit: Tuple[str, ...]
    inits: Tuple[ImportNode, ...]
    trusses: Tuple[str, ...]
    stubs: Tuple[ImportNode, ...] = ()


@rule
async def find_imports(request: FindImportsRequest) -> Imports:
    node = request.node
    nodes: Sequence[ImportNode] = ()
    stubs: Sequence[ImportNode] = ()
    explicit: Tuple[str, ...] = ()
    trusses: Tuple[str, ...] = ()
    if node.dependencies is not None:
        targets = await dependency_targets(DependenciesRequest(node.dependencies))
        nodes = await concurrently(
            describe_target(DescribeTargetRequest(target), **implicitly())
            for target in targets
            if _is_followed(target, node)
        )
        stubs = await concurrently(
            describe_target(DescribeTargetRequest(target), **implicitly())
            for target in targets
            if _is_stub(target)
        )
        trusses = tuple(t.address.spec for t in targets if t.has_field(TrussConfigField))
        if node.dependencies.value:
            provided = await explicitly_provided_dependencies(node.dependencies)
            # Naming a generator names the targets that it generates.
            named = await resolve_targets(Addresses(provided.includes))
            explicit = tuple(sorted(target.address.spec for target in named))
    inits: Tuple[ImportNode, ...] = ()
    if node.file is not None and (
        node.is_native or not isinstance(node.sources, (FileSourceField, ResourceSourceField))
    ):
        found = await concurrently(
            find_package_init(PackageInitRequest(path, node.source_root), **implicitly())
            for path in inits_above(node.file, node.source_root)
        )
        inits = tuple(
            init
            for package in found
            for init in package.nodes
            if init.resolve in (None, node.resolve)
        )
    lone = tuple(
        stub
        for stub in stubs
        if stub.key not in explicit
        if not _lies_above(stub, node)
        if not any(_implements(other, stub) for other in nodes)
    )
    return Imports(tuple(nodes), explicit, inits, trusses, lone)


def inits_above(file: str, source_root: str) -> List[str]:
    folders = [folder for folder in ancestors(file) if folder != source_root]
    inside = [folder for folder in folders if is_within(folder, source_root)]
    return [path for path in (join(folder, INIT_FILE) for folder in inside) if path != file]


def _is_followed(target: Target, dependent: ImportNode) -> bool:
    """Trusses, type stubs, lockfiles and files that requirements are generated from are not
    followed: no server runs or reads them. A `python_requirement` contributes a distribution, and
    none of the files that it depends on."""
    if (
        _is_stub(target)
        or target.has_field(TrussConfigField)
        or target.has_field(TargetGeneratorSourcesHelperSourcesField)
        or target.has_field(LockfileSourceField)
        or describe_requirement(target).is_type_stub
    ):
        return False
    is_data = target.has_field(FileSourceField) or target.has_field(ResourceSourceField)
    return not (dependent.requirements and is_data)


def _is_stub(target: Target) -> bool:
    sources = target.get(SourcesField)
    return isinstance(sources, PythonSourceField) and sources.file_path.endswith(STUB_SUFFIX)


def _lies_above(stub: ImportNode, node: ImportNode) -> bool:
    """Returns True if the stub is an `__init__.pyi` above the file of the node: Pants infers a
    dependency on it without an import."""
    folder, _, name = (stub.file or "").rpartition("/")
    return name == f"__init__{STUB_SUFFIX}" and is_within(node.file or "", folder)


def _implements(node: ImportNode, stub: ImportNode) -> bool:
    """Returns True if the node has the module that the stub describes, or may have it."""
    if node.requirements:
        module = module_name(stub.module_path or "")
        return any(f"{module}.".startswith(f"{name}.") for name in node.modules)
    if not node.is_python:
        # Code may be generated from it, under a name that is not known yet.
        return node.file is not None and not isinstance(
            node.sources, (FileSourceField, ResourceSourceField)
        )
    return module_name(node.module_path or "") == module_name(stub.module_path or "")


def rules() -> Iterable[object]:
    return collect_rules()
