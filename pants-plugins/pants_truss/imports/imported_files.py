"""Reads the files that the import closure of a truss bundles, for `core.gather_plan`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Tuple

from pants.backend.python.target_types import PythonSourceField
from pants.core.target_types import FileSourceField, ResourceSourceField
from pants.engine.fs import Digest, FileEntry
from pants.engine.rules import collect_rules
from pants.engine.target import HydrateSourcesRequest
from pants.source.source_root import SourceRootRequest

from pants_truss.core.paths import join
from pants_truss.core.source_tree import SourceFile, SourceTree
from pants_truss.imports.closure_walk import ImportedSource
from pants_truss.imports.import_graph import ImportNode
from pants_truss.pants_api import (
    concurrently,
    get_digest_entries,
    get_optional_source_root,
    hydrate_sources,
    implicitly,
    path_globs_to_digest,
    rule,
)
from pants_truss.sources.file_modes import FileModesRequest, read_file_modes
from pants_truss.sources.globs import exactly


@dataclass(frozen=True)
class ReadNodeRequest:
    node: ImportNode


@dataclass(frozen=True)
class NodeTrees:
    """One tree for each source root; usually a single tree of one file. `reason` is not set."""

    trees: Tuple[SourceTree, ...]


@rule
async def read_node(request: ReadNodeRequest) -> NodeTrees:
    node = request.node
    digest: Digest
    if node.sources is None:
        digest = await path_globs_to_digest(exactly(node.file or ""), **implicitly())
    else:
        hydrated = await hydrate_sources(
            HydrateSourcesRequest(
                node.sources,
                for_sources_types=(PythonSourceField, ResourceSourceField, FileSourceField),
                enable_codegen=True,
            ),
            **implicitly(),
        )
        digest = hydrated.snapshot.digest
    entries = [e for e in await get_digest_entries(digest) if isinstance(e, FileEntry)]
    roots = await concurrently(
        get_optional_source_root(SourceRootRequest.for_file(entry.path), **implicitly())
        for entry in entries
    )
    files: Dict[str, List[SourceFile]] = {}
    for entry, found in zip(entries, roots):
        root = found.source_root.path if found.source_root else "."
        prefix = "" if root == "." else f"{root}/"
        files.setdefault(prefix, []).append(
            SourceFile(
                entry.path[len(prefix) :],
                entry.file_digest.fingerprint,
                entry.file_digest.serialized_bytes_length,
                entry.is_executable,
            )
        )
    address = node.address.spec if node.address else ""
    return NodeTrees(
        tuple(
            SourceTree(prefix.rstrip("/"), address, tuple(found))
            for prefix, found in sorted(files.items())
        )
    )


@dataclass(frozen=True)
class ReadImportedSourcesRequest:
    sources: Tuple[ImportedSource, ...]


@dataclass(frozen=True)
class ImportedTrees:
    trees: Tuple[SourceTree, ...]


@rule(desc="Read the imports of a truss")
async def read_imported_sources(request: ReadImportedSourcesRequest) -> ImportedTrees:
    read = await concurrently(
        read_node(ReadNodeRequest(source.node), **implicitly()) for source in request.sources
    )
    trees = [
        replace(tree, reason=source.reason)
        for source, found in zip(request.sources, read)
        for tree in found.trees
    ]
    paths = tuple(join(tree.root, file.path) for tree in trees for file in tree.files)
    modes = await read_file_modes(FileModesRequest(paths), **implicitly())
    return ImportedTrees(
        tuple(
            replace(
                tree,
                files=tuple(
                    replace(
                        file,
                        is_executable=modes.is_executable(
                            join(tree.root, file.path), file.is_executable
                        ),
                    )
                    for file in tree.files
                ),
            )
            for tree in trees
        )
    )


def rules() -> Iterable[object]:
    return collect_rules()
