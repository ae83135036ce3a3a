"""The `python_source` targets of a truss's own files, and the resolve that they decide on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.rules import collect_rules
from pants.engine.target import MultipleSourcesField

from pants_truss.imports.import_graph import ImportNode, PythonOwnersRequest, find_python_owners
from pants_truss.pants_api import concurrently, implicitly, rule
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.target_files import FindSourcePathsRequest, find_source_paths
from pants_truss.target_types.truss import TrussResolveField, TrussSourcesField


@dataclass(frozen=True)
class PythonModulesRequest:
    sources: MultipleSourcesField


@dataclass(frozen=True)
class PythonModules:
    """The targets that own the Python files of `sources`: for each file, one per resolve. Tests
    have no part in it; `unowned` are files that no target owns."""

    nodes: Tuple[ImportNode, ...]
    unowned: Tuple[str, ...]


@rule(desc="Find the Python targets of a truss's files")
async def find_python_modules(request: PythonModulesRequest) -> PythonModules:
    found = await find_source_paths(FindSourcePathsRequest(request.sources), **implicitly())
    files = [path for path in found.paths if path.endswith(".py")]
    folders = sorted({path.rpartition("/")[0] for path in files})
    owners = await concurrently(
        find_python_owners(PythonOwnersRequest(folder), **implicitly()) for folder in folders
    )
    by_folder = dict(zip(folders, owners))
    nodes: List[ImportNode] = []
    unowned = []
    for path in sorted(files):
        found_there = by_folder[path.rpartition("/")[0]]
        nodes += found_there.by_file.get(path, ())
        if path not in found_there.by_file and path not in found_there.tests:
            unowned.append(path)
    return PythonModules(tuple(nodes), tuple(unowned))


@dataclass(frozen=True)
class OwnModulesRequest:
    sources: TrussSourcesField
    resolve: TrussResolveField


@dataclass(frozen=True)
class OwnModules:
    """`resolve` is None if the repository uses none, or if no target owns a file of the truss."""

    nodes: Tuple[ImportNode, ...]
    resolve: Optional[str]


@rule
async def find_own_modules(request: OwnModulesRequest, python_setup: PythonSetup) -> OwnModules:
    modules = await find_python_modules(PythonModulesRequest(request.sources), **implicitly())
    resolve = _choose_resolve(request, modules, python_setup)
    return OwnModules(in_resolve(modules.nodes, resolve), resolve)


def _choose_resolve(
    request: OwnModulesRequest, modules: PythonModules, python_setup: PythonSetup
) -> Optional[str]:
    if not python_setup.enable_resolves:
        return None
    chosen = request.resolve.value
    if chosen is not None:
        if chosen not in python_setup.resolves:
            raise InvalidTruss.of(
                request.sources.address,
                f"its `{TrussResolveField.alias}` is {chosen!r}, which `[python].resolves` does "
                f"not name. It has: {', '.join(sorted(python_setup.resolves))}.",
            )
        return chosen
    found = sorted({node.resolve for node in modules.nodes if node.resolve})
    if len(found) > 1 and python_setup.default_resolve not in found:
        raise InvalidTruss.of(
            request.sources.address,
            f"its files belong to several resolves: {', '.join(found)}. Name the one that it is to "
            f'use: `{TrussResolveField.alias}="{found[0]}"`.',
        )
    if len(found) > 1:
        return python_setup.default_resolve
    return found[0] if found else None


def in_resolve(nodes: Iterable[ImportNode], resolve: Optional[str]) -> Tuple[ImportNode, ...]:
    """Of several targets for one file, those of the resolve; a file that has none there keeps its
    targets."""
    by_file: Dict[Optional[str], List[ImportNode]] = {}
    for node in nodes:
        by_file.setdefault(node.file, []).append(node)
    kept: List[ImportNode] = []
    for file, owners in by_file.items():
        matching = [node for node in owners if node.resolve == resolve]
        kept += matching if matching and file is not None else owners
    return tuple(kept)


def rules() -> Iterable[object]:
    return collect_rules()
