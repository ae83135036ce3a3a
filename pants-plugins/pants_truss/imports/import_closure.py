"""What a truss's code imports, transitively: the walk over `import_graph` from one truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Tuple

from pants.engine.rules import collect_rules

from pants_truss.core.bundling import HeldFiles
from pants_truss.core.import_walk import ImportWalk, WalkedGraph
from pants_truss.core.paths import ancestors, is_within, join
from pants_truss.core.source_tree import EXPLICIT, imported_by
from pants_truss.imports.import_graph import FindImportsRequest, ImportNode, Imports, find_imports
from pants_truss.imports.other_trusses import (
    TrussesInFolderRequest,
    TrussFiles,
    find_trusses_in_folder,
)
from pants_truss.imports.python_owners import in_resolve
from pants_truss.pants_api import concurrently, implicitly, rule
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.truss import (
    TrussDependenciesField,
    TrussExternalPackageDependenciesField,
    TrussExternalPackageSourcesField,
)


@dataclass(frozen=True)
class ImportClosureRequest:
    """`model_file` is the path of the model class in the truss. With `bundle_imports` off only
    explicit dependencies are followed. `packages` are the external packages' dependencies."""

    dependencies: TrussDependenciesField
    model_file: str
    bundle_imports: bool
    resolve: Optional[str]
    held: HeldFiles
    packages: Tuple[TrussExternalPackageDependenciesField, ...]


@dataclass(frozen=True)
class ImportedSource:
    node: ImportNode
    reason: str


@dataclass(frozen=True)
class ImportedRequirement:
    """`requirement` is as the target at `address` writes it; it provides `modules`."""

    requirement: str
    modules: Tuple[str, ...]
    address: str
    resolve: Optional[str]
    reason: str


@dataclass(frozen=True)
class ImportClosure:
    """`graph` has all targets reached and all dependencies met; a node is the address of a target,
    or the path of a file without one. `left_out` are files of the truss itself that its code
    imports and its ignore patterns drop, each with the reason.
    """

    sources: Tuple[ImportedSource, ...]
    requirements: Tuple[ImportedRequirement, ...]
    graph: WalkedGraph
    left_out: Tuple[Tuple[str, str], ...]


@rule(desc="Find what a truss imports")
async def find_import_closure(request: ImportClosureRequest) -> ImportClosure:
    truss = ImportNode(request.dependencies.address, request.dependencies)
    packages = [ImportNode(package.address, package) for package in request.packages]
    of_truss, *of_packages = await concurrently(
        find_imports(FindImportsRequest(node), **implicitly()) for node in (truss, *packages)
    )
    _refuse_trusses(request, of_truss.trusses)
    closure = _Closure(request.held)
    for roots in _rounds(request, of_truss, of_packages):
        closure.start(roots)
        while closure.pending:
            found = await concurrently(
                find_imports(FindImportsRequest(node), **implicitly()) for node in closure.pending
            )
            closure.advance(found)
    sources = closure.sources()
    folders = {f for s in sources if s.node.file for f in (*ancestors(s.node.file), "")}
    others = await concurrently(
        find_trusses_in_folder(TrussesInFolderRequest(folder), **implicitly())
        for folder in sorted(folders)
    )
    _refuse_other_trusses(request, sources, [t for found in others for t in found.trusses])
    _refuse_unimportable(request, sources)
    return closure.result()


def _rounds(
    request: ImportClosureRequest, of_truss: Imports, of_packages: Iterable[Imports]
) -> List[List[Tuple[ImportNode, Optional[str]]]]:
    """The roots of the walk, with why they are bundled if they are: first the model itself, so that
    the ways to other files begin at it."""
    held = request.held
    explicit = set(of_truss.explicit)
    model_file = join(held.truss.root, request.model_file)
    own = [node for node in of_truss.nodes if node.file and held.truss.holds(node.file)]
    named = [node for node in of_truss.nodes if node.key in explicit and node not in own]
    of_package: List[ImportNode] = []
    for imports in of_packages:
        explicit |= set(imports.explicit)
        inside = [node for node in imports.nodes if node.key not in imports.explicit]
        if request.bundle_imports:
            of_package += in_resolve(inside, request.resolve)
        named += [node for node in imports.nodes if node.key in imports.explicit]
    return [
        [(node, None) for node in own if node.file == model_file],
        [(node, None) for node in own],
        [(node, None) for node in of_package],
        [(node, EXPLICIT) for node in named if not _is_external_package(node)],
    ]


def _is_external_package(node: ImportNode) -> bool:
    return isinstance(node.sources, TrussExternalPackageSourcesField)


def _refuse_unimportable(request: ImportClosureRequest, sources: Iterable[ImportedSource]) -> None:
    """In a truss `model` is its own folder: what is bundled beside it under that name is not found,
    nor is the truss's own code anywhere but where it is."""
    held = request.held
    own_folders = [
        join(held.truss.root, folder)
        for folder in (held.model_module_dir, held.bundled_packages_dir)
        if folder
    ]
    problems = []
    for source in sources:
        file, module_path = source.node.file, source.node.module_path
        if file is None or module_path is None or not source.node.is_python:
            continue
        if held.truss.leaves_out(file):
            continue
        described = f"  * {file}: {source.reason}"
        if any(is_within(file, folder) for folder in own_folders):
            problems.append(f"{described}. It is the truss's own, but its `sources` leave it out.")
        elif held.model_module_dir and is_within(module_path, held.model_module_dir):
            problems.append(
                f"{described}. Inside a truss, {held.model_module_dir!r} is the truss's own folder."
            )
    if problems:
        raise InvalidTruss.of(
            request.dependencies.address,
            "its code could not import these files:\n"
            + "\n".join(problems)
            + "\nAdd them to `sources`, or move them to a package with another name.",
        )


class _Closure:
    """The walk, and what it says must be bundled."""

    def __init__(self, held: HeldFiles) -> None:
        self._held = held
        self._walk = ImportWalk()
        self._nodes: Dict[str, ImportNode] = {}
        self._reasons: Dict[str, str] = {}
        self._bundled: Dict[str, str] = {}
        self._inits: Dict[str, Tuple[ImportNode, ...]] = {}
        self._edges: Dict[Tuple[str, str], None] = {}

    @property
    def pending(self) -> List[ImportNode]:
        return [self._nodes[key] for key in self._walk.pending]

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

    def _follow(self, parent: ImportNode, node: ImportNode, imports: Imports) -> bool:
        is_import = node.key not in imports.explicit and parent.is_python
        if is_import and node.module_path and not self._held.holder_of(node.file):
            if self._held.takes_precedence(node.module_path, parent.file):
                return False
        self._edges[parent.key, node.key] = None
        self._meet(
            node, imported_by(parent.file) if is_import and parent.file else EXPLICIT, parent.file
        )
        return True

    def _meet(self, node: ImportNode, reason: Optional[str], importer: Optional[str]) -> None:
        self._nodes.setdefault(node.key, node)
        if reason is None:
            return
        self._reasons.setdefault(node.key, reason)
        if node.file is not None and node.module_path is not None:
            if self._held.is_there(node.file, node.module_path, importer):
                return
        if node.sources is not None or node.address is None:
            self._bundled.setdefault(node.key, reason)

    def _bundle_inits(self) -> None:
        """A bundled module needs the `__init__.py` files above it; one that the truss has anyway
        has those that are beside it there."""
        for key in [key for key in self._inits if key in self._bundled]:
            file = self._nodes[key].file
            inits = self._inits.pop(key)
            for init in inits:
                self._edges[key, init.key] = None
                self._meet(init, imported_by(file or key), None)
            self._walk.lead(key, [init.key for init in inits])

    def sources(self) -> Tuple[ImportedSource, ...]:
        return tuple(
            ImportedSource(self._nodes[key], reason)
            for key, reason in sorted(self._bundled.items())
        )

    def result(self) -> ImportClosure:
        return ImportClosure(
            self.sources(),
            tuple(
                ImportedRequirement(
                    requirement, node.modules, key, node.resolve, self._reasons[key]
                )
                for key, node in sorted(self._nodes.items())
                for requirement in node.requirements
            ),
            WalkedGraph(
                tuple(self._walk.via),
                tuple(self._walk.via.values()),
                tuple(self._nodes[key].file for key in self._walk.via),
                tuple(end for edge in sorted(self._edges) for end in edge),
            ),
            tuple(
                (source.node.file, source.reason)
                for source in self.sources()
                if source.node.file and self._held.truss.leaves_out(source.node.file)
            ),
        )


def _refuse_trusses(request: ImportClosureRequest, trusses: Iterable[str]) -> None:
    for other in trusses:
        raise InvalidTruss.of(
            request.dependencies.address,
            f"its `dependencies` name {other}, which is a truss: none can be part of another. Move "
            f"the code that both use to a folder of its own, and remove {other!r}.",
        )


def _refuse_other_trusses(
    request: ImportClosureRequest, sources: Iterable[ImportedSource], trusses: Iterable[TrussFiles]
) -> None:
    own = request.dependencies.address
    others = [truss for truss in trusses if truss.address.spec_path != own.spec_path]
    problems = [
        f"  * {source.node.file} of {truss.address}: {source.reason}"
        for source in sources
        for truss in others
        if source.node.file in truss.paths
    ]
    if problems:
        raise InvalidTruss.of(
            own,
            "it needs files that belong to another truss:\n"
            + "\n".join(problems)
            + "\nMove the code that both use to a folder of its own, outside all trusses, and "
            "import it from there.",
        )


def rules() -> Iterable[object]:
    return collect_rules()
