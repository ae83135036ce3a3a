"""Finds the modules that type stubs describe, where Pants infers a dependency on the stub alone.

These are extension modules, which no `python_source` target can own, and modules without a target.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import Iterable, List, Sequence, Tuple

from pants.core.target_types import FileSourceField, ResourceSourceField
from pants.engine.rules import collect_rules
from pants.engine.target import Target
from pants.source.source_root import SourceRootRequest

from pants_truss.core.globs import escape_glob
from pants_truss.core.module_names import NATIVE_SUFFIX, module_name, module_stem
from pants_truss.core.paths import join
from pants_truss.imports.import_graph import (
    INIT_FILE,
    DescribeTargetRequest,
    ImportNode,
    PythonOwnersRequest,
    describe_target,
    file_of,
    find_python_owners,
    normal_root,
)
from pants_truss.pants_api import (
    addresses_from_raw_specs_without_file_owners,
    concurrently,
    get_optional_source_root,
    implicitly,
    path_globs_to_paths,
    resolve_targets,
    rule,
)
from pants_truss.sources.folder_specs import in_folder_or_above
from pants_truss.sources.globs import matching


@dataclass(frozen=True)
class StubbedModuleRequest:
    """`stub` is the node of a `.pyi` file."""

    stub: ImportNode


@dataclass(frozen=True)
class StubbedModule:
    """`nodes` are the files that have the module: several if it was built for several platforms.
    `is_lost` means that there are none, though other modules lie beside the stub, so that it
    describes one of its own package. Stubs of distributions lie among stubs alone."""

    nodes: Tuple[ImportNode, ...]
    is_lost: bool


async def _find_free_code(stub: ImportNode, paths: Sequence[str]) -> List[ImportNode]:
    """Returns the modules that no target owns. If a target owns one, it belongs to a test or to
    another resolve, because Pants would have inferred it otherwise."""
    owners = await concurrently(
        find_python_owners(PythonOwnersRequest(posixpath.dirname(path)), **implicitly())
        for path in paths
    )
    return [
        _unowned(path, stub.source_root, stub)
        for path, found in zip(paths, owners)
        if path not in found.by_file and path not in found.tests
    ]


async def _find_extensions(stub: ImportNode, files: Sequence[str]) -> List[ImportNode]:
    """Returns the files that have the module of the stub below their source roots. A file that a
    target owns is returned as that target."""
    roots = await concurrently(
        get_optional_source_root(SourceRootRequest.for_file(file), **implicitly()) for file in files
    )
    found = [
        _unowned(file, normal_root(root.source_root.path if root.source_root else ""), stub)
        for file, root in zip(files, roots)
    ]
    nodes: List[ImportNode] = []
    for node in found:
        if module_name(node.module_path or "") != module_name(stub.module_path or ""):
            continue
        folder = posixpath.dirname(node.file or "")
        addresses = await addresses_from_raw_specs_without_file_owners(
            in_folder_or_above(folder, "the extension modules of a truss"), **implicitly()
        )
        targets = await resolve_targets(addresses)
        owners = sorted(
            (target for target in targets if _owns(target, node.file or "")),
            key=lambda target: target.address.spec,
        )
        described = await concurrently(
            describe_target(DescribeTargetRequest(target), **implicitly()) for target in owners[:1]
        )
        nodes += [replace(owner, resolve=stub.resolve) for owner in described] or [node]
    return nodes


@rule(desc="Find the module of a type stub")
async def find_stubbed_module(request: StubbedModuleRequest) -> StubbedModule:
    """Files beside the stub count first. Where there are none, as for stubs in a folder of their
    own, the repository is searched for extension modules that have the same name below a source
    root."""
    stub = request.stub
    stem = module_stem(stub.file or "")
    beside = await path_globs_to_paths(matching(_globs(stem)), **implicitly())
    if beside.files:
        return StubbedModule(tuple(await _find_extensions(stub, beside.files)), False)
    folder = escape_glob(posixpath.dirname(stub.file or ""))
    code = await path_globs_to_paths(matching([join(folder, "*.py"), *_code(stem)]), **implicitly())
    same = [path for path in code.files if module_stem(path) == stem]
    if same:
        return StubbedModule(tuple(await _find_free_code(stub, same)), False)
    globs = _globs(module_stem(stub.module_path or ""))
    anywhere = await path_globs_to_paths(matching(f"**/{glob}" for glob in globs), **implicitly())
    nodes = await _find_extensions(stub, anywhere.files)
    return StubbedModule(tuple(nodes), not nodes and bool(code.files))


def _unowned(file: str, source_root: str, stub: ImportNode) -> ImportNode:
    return ImportNode(None, file=file, source_root=source_root, resolve=stub.resolve)


def _code(stem: str) -> List[str]:
    escaped = escape_glob(stem)
    return [f"{escaped}.py", f"{escaped}/{INIT_FILE}"]


def _globs(stem: str) -> List[str]:
    """Globs for an extension module, with platform tags in its name or without, and for a package
    whose `__init__` is an extension module."""
    escaped = escape_glob(stem)
    return [
        f"{base}{tags}{NATIVE_SUFFIX}"
        for base in (escaped, f"{escaped}/__init__")
        for tags in ("", ".*")
    ]


def _owns(target: Target, file: str) -> bool:
    is_data = target.has_field(FileSourceField) or target.has_field(ResourceSourceField)
    return is_data and file_of(target) == file


def rules() -> Iterable[object]:
    return collect_rules()
