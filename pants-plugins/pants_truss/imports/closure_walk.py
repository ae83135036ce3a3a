"""Walks the graph of imports from one truss, and collects what must be bundled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Tuple

from pants_truss.core.import_walk import ImportWalk, WalkedGraph
from pants_truss.core.present_files import PresentFiles
from pants_truss.core.source_tree import EXPLICIT, imported_by
from pants_truss.imports.import_graph import ImportNode, Imports


@dataclass(frozen=True)
class ImportedSource:
    node: ImportNode
    reason: str


class ClosureWalk:
    """`nodes` has all targets found so far, by their keys. `reasons` says why each is needed; files
    of the truss where the walk begins have no reason."""

    def __init__(self, present: PresentFiles) -> None:
        self.nodes: Dict[str, ImportNode] = {}
        self.reasons: Dict[str, str] = {}
        self._present = present
        self._walk = ImportWalk()
        self._bundled: Dict[str, str] = {}
        self._inits: Dict[str, Tuple[ImportNode, ...]] = {}
        self._edges: Dict[Tuple[str, str], None] = {}

    @property
    def pending(self) -> List[ImportNode]:
        return [self.nodes[key] for key in self._walk.pending]

    def start(self, roots: Iterable[Tuple[ImportNode, Optional[str]]]) -> None:
        keys = []
        for node, reason in roots:
            keys.append(node.key)
            self._meet(node, reason, None)
        self._walk.start(keys)
        self._bundle_inits()

    def advance(self, found: Iterable[Imports]) -> None:
        """`found` has the imports of each pending node, in the same order."""
        followed: Dict[str, List[str]] = {}
        for parent, imports in zip(self.pending, found):
            self._inits[parent.key] = imports.inits
            followed[parent.key] = [
                node.key for node in imports.nodes if self._follow(parent, node, imports)
            ]
        self._walk.advance(followed)
        self._bundle_inits()

    def means_own(self, parent: ImportNode, node: ImportNode, imports: Imports) -> bool:
        """Returns True if the import that leads to the node means a file the truss already has."""
        is_import = node.key not in imports.explicit and parent.is_python
        if not is_import or not node.module_path or self._present.holder_of(node.file):
            return False
        return self._present.takes_precedence(node.module_path, parent.file)

    def _follow(self, parent: ImportNode, node: ImportNode, imports: Imports) -> bool:
        if self.means_own(parent, node, imports):
            return False
        is_import = node.key not in imports.explicit and parent.is_python
        self._edges[parent.key, node.key] = None
        self._meet(
            node, imported_by(parent.file) if is_import and parent.file else EXPLICIT, parent.file
        )
        return True

    def _meet(self, node: ImportNode, reason: Optional[str], importer: Optional[str]) -> None:
        self.nodes.setdefault(node.key, node)
        if reason is None:
            return
        self.reasons.setdefault(node.key, reason)
        if node.file is not None and node.module_path is not None:
            if self._present.is_there(node.file, node.module_path, importer):
                return
        if node.sources is not None or node.address is None:
            self._bundled.setdefault(node.key, reason)

    def _bundle_inits(self) -> None:
        """A bundled module needs the `__init__.py` files above it. A module that the truss has
        anyway has its `__init__.py` files beside it."""
        for key in [key for key in self._inits if key in self._bundled]:
            file = self.nodes[key].file
            inits = self._inits.pop(key)
            for init in inits:
                self._edges[key, init.key] = None
                self._meet(init, imported_by(file or key), None)
            self._walk.lead(key, [init.key for init in inits])

    def sources(self) -> Tuple[ImportedSource, ...]:
        return tuple(
            ImportedSource(self.nodes[key], reason) for key, reason in sorted(self._bundled.items())
        )

    def graph(self) -> WalkedGraph:
        return WalkedGraph(
            tuple(self._walk.via),
            tuple(self._walk.via.values()),
            tuple(self.nodes[key].file for key in self._walk.via),
            tuple(end for edge in sorted(self._edges) for end in edge),
        )
