"""Finds what a truss's code imports, transitively, by walking `import_graph` from the truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Optional, Sequence, Tuple

from pants.engine.rules import collect_rules

from pants_truss.core.import_walk import WalkedGraph
from pants_truss.core.paths import is_within, join
from pants_truss.core.present_files import PresentFiles
from pants_truss.core.source_tree import EXPLICIT
from pants_truss.imports.closure_step import (
    ClosureStep,
    UnbundledImport,
    leave_out_other_trusses,
    leave_out_what_lies_above,
    take_stubbed_modules,
)
from pants_truss.imports.closure_walk import ClosureWalk, ImportedSource
from pants_truss.imports.import_graph import FindImportsRequest, ImportNode, Imports, find_imports
from pants_truss.imports.other_trusses import (
    TrussFiles,
    find_trusses_around,
    other_truss,
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
    """`model_file` is the path of the model class in the truss. Without `bundle_imports`, only
    explicit dependencies are followed. `packages` are the dependencies of the external packages."""

    dependencies: TrussDependenciesField
    model_file: str
    bundle_imports: bool
    resolve: Optional[str]
    present: PresentFiles
    packages: Tuple[TrussExternalPackageDependenciesField, ...]


@dataclass(frozen=True)
class ImportedRequirement:
    """`requirement` is written as in the target at `address`, and provides `modules`."""

    requirement: str
    modules: Tuple[str, ...]
    address: str
    resolve: Optional[str]
    reason: str


@dataclass(frozen=True)
class ImportClosure:
    """`graph` has all reached targets and their dependencies. A node is the address of a target, or
    the path of a file that no target owns. `left_out` are files of the truss that its code imports
    and its ignore patterns leave out, each with the reason. `unbundled` are imports that bring no
    file.
    """

    sources: Tuple[ImportedSource, ...]
    requirements: Tuple[ImportedRequirement, ...]
    graph: WalkedGraph
    left_out: Tuple[Tuple[str, str], ...]
    unbundled: Tuple[UnbundledImport, ...] = ()


@rule(desc="Find what a truss imports")
async def find_import_closure(request: ImportClosureRequest) -> ImportClosure:
    truss = ImportNode(request.dependencies.address, request.dependencies)
    packages = [ImportNode(package.address, package) for package in request.packages]
    of_truss, *of_packages = await concurrently(
        find_imports(FindImportsRequest(node), **implicitly()) for node in (truss, *packages)
    )
    _refuse_trusses(request, of_truss.trusses)
    folder = request.dependencies.address.spec_path
    walk = ClosureWalk(request.present)
    unbundled: List[UnbundledImport] = []
    for roots in _rounds(request, of_truss, of_packages):
        walk.start(roots)
        while walk.pending:
            found = await concurrently(
                find_imports(FindImportsRequest(node), **implicitly()) for node in walk.pending
            )
            step = ClosureStep(walk, request.present, request.resolve, folder, found)
            await take_stubbed_modules(step)
            await leave_out_what_lies_above(step)
            await leave_out_other_trusses(step)
            walk.advance(step.imports)
            unbundled += step.unbundled
    sources = walk.sources()
    named = [source for source in sources if source.reason == EXPLICIT and source.node.file]
    others = await find_trusses_around(source.node.file or "" for source in named)
    _refuse_other_trusses(request, named, others)
    _refuse_unimportable(request, sources)
    return _closure_of(walk, sources, unbundled, request.present)


def _closure_of(
    walk: ClosureWalk,
    sources: Tuple[ImportedSource, ...],
    unbundled: Iterable[UnbundledImport],
    present: PresentFiles,
) -> ImportClosure:
    return ImportClosure(
        sources,
        tuple(
            ImportedRequirement(requirement, node.modules, key, node.resolve, walk.reasons[key])
            for key, node in sorted(walk.nodes.items())
            for requirement in node.requirements
        ),
        walk.graph(),
        tuple(
            (source.node.file, source.reason)
            for source in sources
            if source.node.file and present.truss.leaves_out(source.node.file)
        ),
        tuple(sorted(set(unbundled), key=lambda each: (each.importer, each.module, each.file))),
    )


def _rounds(
    request: ImportClosureRequest, of_truss: Imports, of_packages: Iterable[Imports]
) -> List[List[Tuple[ImportNode, Optional[str]]]]:
    """The roots of the walk, each with the reason to bundle it, if it is bundled. The model comes
    first, so that the paths to other files begin at it."""
    present = request.present
    explicit = set(of_truss.explicit)
    model_file = join(present.truss.root, request.model_file)
    own = [node for node in of_truss.nodes if node.file and present.truss.holds(node.file)]
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
    """Inside a truss, `model` is the truss's own folder. Python finds no bundled module of that
    name, and finds the truss's own modules at their own places only."""
    present = request.present
    own_folders = [
        join(present.truss.root, folder)
        for folder in (present.model_module_dir, present.bundled_packages_dir)
        if folder
    ]
    problems = []
    for source in sources:
        file, module_path = source.node.file, source.node.module_path
        if file is None or module_path is None or not source.node.is_module:
            continue
        if present.truss.leaves_out(file):
            continue
        described = f"  * {file}: {source.reason}"
        if any(is_within(file, folder) for folder in own_folders):
            problems.append(f"{described}. The truss's `sources` leave it out.")
        elif present.model_module_dir and is_within(module_path, present.model_module_dir):
            folder = present.model_module_dir
            problems.append(f"{described}. Inside a truss, {folder!r} is the truss's own folder.")
    if problems:
        raise InvalidTruss.of(
            request.dependencies.address,
            "its code could not import these files:\n"
            + "\n".join(problems)
            + "\nAdd them to `sources`, or move them to a package with another name.",
        )


def _refuse_trusses(request: ImportClosureRequest, trusses: Iterable[str]) -> None:
    for other in trusses:
        raise InvalidTruss.of(
            request.dependencies.address,
            f"its `dependencies` name {other}, which is a truss. A truss cannot be part of "
            f"another. Move the code that both use to a folder of its own, and remove {other!r}.",
        )


def _refuse_other_trusses(
    request: ImportClosureRequest, named: Iterable[ImportedSource], trusses: Sequence[TrussFiles]
) -> None:
    own = request.dependencies.address
    owners = [(source, other_truss(source.node.file, trusses, own.spec_path)) for source in named]
    problems = [
        f"  * {source.node.file} of {truss}: {source.reason}" for source, truss in owners if truss
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
