"""Corrects the imports that a walk follows: Pants' inference does not know what a truss is, and so
infers dependencies on files that no server runs."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from pants_truss.core.module_names import module_name
from pants_truss.core.paths import is_within
from pants_truss.core.present_files import PresentFiles
from pants_truss.imports.closure_walk import ClosureWalk
from pants_truss.imports.import_graph import INIT_FILE, ImportNode, Imports
from pants_truss.imports.imported_packages import ImportedPackagesRequest, find_imported_packages
from pants_truss.imports.module_elsewhere import ModuleElsewhereRequest, find_module_elsewhere
from pants_truss.imports.other_trusses import (
    find_trusses_around,
    other_truss,
)
from pants_truss.imports.stubbed_modules import StubbedModuleRequest, find_stubbed_module
from pants_truss.pants_api import concurrently, implicitly


@dataclass(frozen=True)
class UnbundledImport:
    """An import that brings no file into the truss. `file` has the module, but belongs to `truss`;
    without `truss`, it is a type stub, which nothing runs."""

    importer: str
    module: str
    file: str
    truss: Optional[str] = None


class ClosureStep:
    """The imports of the pending nodes of a walk, before the walk goes on. `imports` has those of
    each of `parents`, in the same order; `resolve` and `folder` are those of the truss."""

    def __init__(
        self,
        walk: ClosureWalk,
        present: PresentFiles,
        resolve: Optional[str],
        folder: str,
        imports: Iterable[Imports],
    ) -> None:
        self.parents = walk.pending
        self.imports = [*imports]
        self.resolve = resolve
        self.folder = folder
        self.unbundled: List[UnbundledImport] = []
        self._walk = walk
        self._present = present

    @property
    def stubs(self) -> List[ImportNode]:
        found = {stub.key: stub for imports in self.imports for stub in imports.stubs}
        return [found[key] for key in sorted(found)]

    def inferred(self) -> Iterator[Tuple[ImportNode, ImportNode, Imports]]:
        """Each dependency that no BUILD file names, with the node that has it."""
        for parent, imports in zip(self.parents, self.imports):
            for node in imports.nodes:
                if node.key not in imports.explicit:
                    yield parent, node, imports

    def above(self) -> List[Tuple[ImportNode, ImportNode]]:
        """Modules, each with an `__init__.py` above it that Python does not run before it."""
        return [
            (parent, node)
            for parent, node, _ in self.inferred()
            if node.file and parent.file and posixpath.basename(node.file) == INIT_FILE
            if is_within(parent.file, posixpath.dirname(node.file)) and node.file != parent.file
            if not self._present.runs_init(node.file, parent.file, parent.source_root)
        ]

    def outside(self) -> List[Tuple[ImportNode, ImportNode]]:
        """Modules, each with a dependency whose file is not in the truss yet."""
        return [
            (parent, node)
            for parent, node, imports in self.inferred()
            if node.file and not self._present.holder_of(node.file)
            if not self._walk.means_own(parent, node, imports)
        ]

    def replace(self, changes: Mapping[Tuple[str, str], Sequence[ImportNode]]) -> None:
        """`changes` maps the keys of a parent and of its dependency to the nodes that replace the
        dependency."""
        for index, parent in enumerate(self.parents):
            imports = self.imports[index]
            nodes = [
                other
                for node in imports.nodes
                for other in changes.get((parent.key, node.key), (node,))
            ]
            self.imports[index] = replace(imports, nodes=tuple(nodes))


async def take_stubbed_modules(step: ClosureStep) -> None:
    """A type stub stands for the module that it describes."""
    stubs = step.stubs
    found = await concurrently(
        find_stubbed_module(StubbedModuleRequest(stub), **implicitly()) for stub in stubs
    )
    modules = {stub.key: module for stub, module in zip(stubs, found)}
    for index, parent in enumerate(step.parents):
        imports = step.imports[index]
        nodes = [node for stub in imports.stubs for node in modules[stub.key].nodes]
        step.imports[index] = replace(imports, nodes=(*imports.nodes, *nodes))
        step.unbundled += [
            UnbundledImport(
                parent.file or parent.key, module_name(stub.module_path or ""), stub.file or ""
            )
            for stub in imports.stubs
            if modules[stub.key].is_lost
        ]


async def leave_out_what_lies_above(step: ClosureStep) -> None:
    """Pants infers each `__init__.py` above a module, up to the build root. Those that Python does
    not run where the module lies in the truss only count if the module imports them."""
    above = step.above()
    found = await concurrently(
        find_imported_packages(
            ImportedPackagesRequest(parent.file or "", parent.module_path or ""), **implicitly()
        )
        for parent, _ in above
    )
    step.replace(
        {
            (parent.key, init.key): ()
            for (parent, init), packages in zip(above, found)
            if module_name(init.module_path or "") not in packages.names
        }
    )


async def leave_out_other_trusses(step: ClosureStep) -> None:
    """An import never means a file of another truss. If exactly one file outside all other trusses
    has the module too, the import means that one."""
    outside = step.outside()
    trusses = await find_trusses_around(node.file or "" for _, node in outside)
    foreign = [
        (parent, node, truss)
        for parent, node in outside
        for truss in (other_truss(node.file, trusses, step.folder),)
        if truss is not None
    ]
    elsewhere = await concurrently(
        find_module_elsewhere(
            ModuleElsewhereRequest(module_name(node.module_path or ""), step.resolve, step.folder),
            **implicitly(),
        )
        for _, node, _ in foreign
    )
    changes: Dict[Tuple[str, str], Sequence[ImportNode]] = {}
    for (parent, node, truss), module in zip(foreign, elsewhere):
        is_certain = len({other.file or other.key for other in module.nodes}) == 1
        changes[parent.key, node.key] = module.nodes if is_certain else ()
        if not is_certain:
            step.unbundled.append(
                UnbundledImport(
                    parent.file or parent.key,
                    module_name(node.module_path or ""),
                    node.file or "",
                    truss.spec,
                )
            )
    step.replace(changes)
