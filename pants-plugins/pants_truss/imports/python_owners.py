"""Finds the `python_source` targets of a truss's own files, and the resolve of the truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.rules import collect_rules
from pants.engine.target import MultipleSourcesField

from pants_truss.core.paths import is_within, join
from pants_truss.core.server_layout import served_folders
from pants_truss.imports.import_graph import ImportNode, PythonOwnersRequest, find_python_owners
from pants_truss.pants_api import concurrently, implicitly, rule
from pants_truss.sources.config_file import (
    InvalidTruss,
    ReadTrussConfigRequest,
    read_truss_config,
)
from pants_truss.sources.target_files import FindSourcePathsRequest, find_source_paths
from pants_truss.target_types.truss import (
    TrussConfigField,
    TrussResolveField,
    TrussSourcesField,
)


@dataclass(frozen=True)
class PythonModulesRequest:
    sources: MultipleSourcesField


@dataclass(frozen=True)
class PythonModules:
    """The targets that own the Python files of `sources`: for each file, one per resolve. Files of
    tests are in neither field; `unowned` are files that no target owns."""

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
    config: TrussConfigField


@dataclass(frozen=True)
class OwnModules:
    """The targets that own Python files of the model, the bundled packages and the data: an image
    has only these folders. Scripts and tests beside them are part of the gathered truss, but no
    server can run them, so their imports do not count.

    `unowned` are files in these folders that no target owns. `resolve` is None if the repository
    has no resolves, or if no target owns a Python file of the truss.
    """

    nodes: Tuple[ImportNode, ...]
    resolve: Optional[str]
    unowned: Tuple[str, ...]


@rule
async def find_own_modules(request: OwnModulesRequest, python_setup: PythonSetup) -> OwnModules:
    config_file = await read_truss_config(ReadTrussConfigRequest(request.config), **implicitly())
    modules = await find_python_modules(PythonModulesRequest(request.sources), **implicitly())
    root = request.sources.address.spec_path
    folders = [join(root, folder) for folder in served_folders(config_file.config)]

    def is_served(file: str) -> bool:
        return any(is_within(file, folder) for folder in folders)

    nodes = tuple(node for node in modules.nodes if is_served(node.file or ""))
    # A truss without a model class may have Python files outside these folders only.
    resolve = _choose_resolve(request, nodes or modules.nodes, python_setup)
    return OwnModules(
        in_resolve(nodes, resolve),
        resolve,
        tuple(file for file in modules.unowned if is_served(file)),
    )


def _choose_resolve(
    request: OwnModulesRequest, nodes: Iterable[ImportNode], python_setup: PythonSetup
) -> Optional[str]:
    if not python_setup.enable_resolves:
        return None
    chosen = request.resolve.value
    if chosen is not None:
        if chosen not in python_setup.resolves:
            raise InvalidTruss.of(
                request.sources.address,
                f"its `{TrussResolveField.alias}` is {chosen!r}, which "
                f"`[python].resolves` does not name. Use one of: "
                f"{', '.join(sorted(python_setup.resolves))}.",
            )
        return chosen
    found = sorted({node.resolve for node in nodes if node.resolve})
    if len(found) > 1 and python_setup.default_resolve not in found:
        raise InvalidTruss.of(
            request.sources.address,
            f"its files belong to several resolves: {', '.join(found)}. Choose one: "
            f'`{TrussResolveField.alias}="{found[0]}"`.',
        )
    if len(found) > 1:
        return python_setup.default_resolve
    return found[0] if found else None


def in_resolve(nodes: Iterable[ImportNode], resolve: Optional[str]) -> Tuple[ImportNode, ...]:
    """Keeps, for each file with several targets, those of the resolve. A file without a target in
    the resolve keeps all its targets."""
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
