"""Python targets for the files of trusses and shared folders: one of a kind for each of them, as a
person would write it, or in each folder where the folders have targets already."""

from __future__ import annotations

import logging
import posixpath
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Collection, Dict, FrozenSet, Iterable, Iterator, List, Optional, Set, Tuple

from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratingSourcesField,
    PythonTestsGeneratorTarget,
    PythonTestUtilsGeneratingSourcesField,
    PythonTestUtilsGeneratorTarget,
)
from pants.core.goals.tailor import PutativeTarget
from pants.engine.rules import collect_rules
from pants.engine.target import AllUnexpandedTargets, MultipleSourcesField

from pants_truss.core.globs import escape_glob
from pants_truss.core.paths import ancestors, below, is_within, join
from pants_truss.imports.import_graph import PythonOwnersRequest, find_python_owners
from pants_truss.pants_api import (
    concurrently,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    path_globs_to_paths,
    rule,
)
from pants_truss.sources.globs import all_of, matching
from pants_truss.sources.target_files import FindSourcePathsRequest, find_source_paths
from pants_truss.target_types.truss import TrussExternalPackageSourcesField, TrussSourcesField

logger = logging.getLogger(__name__)

_TESTS = PythonTestsGeneratorTarget.alias
_TEST_UTILS = PythonTestUtilsGeneratorTarget.alias
SOURCES = PythonSourcesGeneratorTarget.alias
_NAMES = {SOURCES: "sources", _TESTS: "tests", _TEST_UTILS: "test_utils"}
_DEFAULT_GLOBS = {
    _TESTS: tuple(PythonTestsGeneratingSourcesField.default or ()),
    _TEST_UTILS: tuple(PythonTestUtilsGeneratingSourcesField.default or ()),
}
_INIT_FILE = "__init__.py"
# Pants writes values into BUILD files as they are, and BUILD files are code.
# And Pants fails on a source with `*` or `?` in its name, escaped or not.
_UNSAFE = re.compile(r"[*?\"\\\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Pants takes no target with such a character in its name.
_NOT_IN_NAMES = re.compile(r"[\"!#/:=?@\\\x00-\x1f\x7f-\x9f]")


def is_target_name(name: str) -> bool:
    return bool(name) and not _NOT_IN_NAMES.search(name)


def can_generate_in(folder: str) -> bool:
    """Pants fails on targets that generate others in a folder with a character of globs in its
    path, and then on each command."""
    return escape_glob(folder) == folder


@dataclass(frozen=True)
class PythonTargetsRequest:
    """`folders` are those to look in, relative to the build root; `new` are folders that become
    trusses, `new_shared` those that become external packages. If the only file of a folder that
    no target owns is an empty `__init__.py`, `ignore_empty_init_files` leaves the file without
    a target.
    """

    folders: Tuple[str, ...]
    new: Tuple[str, ...]
    new_shared: Tuple[str, ...]
    ignore_empty_init_files: bool


@dataclass(frozen=True)
class PythonTargets:
    targets: Tuple[PutativeTarget, ...]


@dataclass(frozen=True)
class _Folder:
    """A truss or shared folder, `root`. `files` are its Python files, stubs included, `unowned`
    those that no Python target owns; `inner` are trusses and shared folders below it. With
    `by_folder` its targets lie in the folders of their files: some lie there already, or the truss
    leaves files out, for which Pants proposes such targets, or only some folders were asked for."""

    root: str
    files: FrozenSet[str]
    unowned: FrozenSet[str]
    inner: Tuple[str, ...]
    by_folder: bool


@rule(desc="Find Python files of trusses without targets")
async def find_python_targets(
    request: PythonTargetsRequest, all_targets: AllUnexpandedTargets
) -> PythonTargets:
    fields: List[MultipleSourcesField] = []
    for target in all_targets:
        if target.has_field(TrussSourcesField):
            fields.append(target[TrussSourcesField])
        elif target.has_field(TrussExternalPackageSourcesField):
            fields.append(target[TrussExternalPackageSourcesField])
    found = await concurrently(
        find_source_paths(FindSourcePathsRequest(field), **implicitly()) for field in fields
    )
    new = {*request.new, *request.new_shared}
    # A shared folder often has no file of its own, and then no request names it.
    shared = {*request.new_shared}
    shared.update(
        field.address.spec_path
        for field in fields
        if isinstance(field, TrussExternalPackageSourcesField)
    )
    roots = {*new, *(field.address.spec_path for field in fields)}
    asked = sorted(
        root
        for root in roots
        if can_generate_in(root) and any(is_within(folder, root) for folder in request.folders)
    )
    beside = await path_globs_to_paths(
        matching(
            join(escape_glob(folder), f"**/*.{ending}")
            for folder in asked
            for ending in ("py", "pyi")
        ),
        **implicitly(),
    )
    on_disk = _by_root(roots, beside.files)
    by_root = _by_root(roots, (path for there in found for path in there.paths))
    by_root.update((root, on_disk[root]) for root in new if root in on_disk)
    asked = [root for root in asked if root in by_root]
    folders = sorted({folder for root in asked for folder in folders_of(by_root[root])})
    owners = await concurrently(
        find_python_owners(PythonOwnersRequest(folder), **implicitly()) for folder in folders
    )
    owned_by: Dict[str, Set[Optional[str]]] = {}
    for there in owners:
        for path, nodes in there.by_file.items():
            owned_by[path] = {node.address.spec_path for node in nodes if node.address}
        for path in there.tests:
            owned_by.setdefault(path, set())
    described = [
        _Folder(
            root,
            frozenset(by_root[root]),
            frozenset(p for p in by_root[root] if p.endswith(".py") and p not in owned_by),
            tuple(sorted(r for r in roots if r != root and is_within(r, root))),
            root not in request.folders
            and not (root in shared and folders_of(by_root[root]) <= {*request.folders})
            or by_root[root] != on_disk.get(root)
            or not all(map(can_generate_in, by_root[root]))
            or any(owned_by.get(path, set()) - {root} for path in by_root[root]),
        )
        for root in asked
    ]
    inits = {
        path
        for folder in described
        for path in folder.unowned
        if request.ignore_empty_init_files and posixpath.basename(path) == _INIT_FILE
    }
    digest = await path_globs_to_digest(all_of(sorted(inits)), **implicitly())
    contents = await get_digest_contents(digest)
    empty = frozenset(file.path for file in contents if not file.content.strip())
    return PythonTargets(
        tuple(
            target
            for folder in described
            for target in _targets(folder, frozenset(request.folders), empty)
        )
    )


def _by_root(roots: Collection[str], paths: Iterable[str]) -> Dict[str, Set[str]]:
    """The Python files among the paths, by the nearest root above each."""
    found: Dict[str, Set[str]] = {}
    for path in paths:
        if path.endswith((".py", ".pyi")):
            nearest = next((f for f in (*ancestors(path), "") if f in roots), None)
            if nearest is not None:
                found.setdefault(nearest, set()).add(path)
    return found


def folders_of(paths: Iterable[str]) -> Set[str]:
    return {posixpath.dirname(path) for path in paths}


def files_of(alias: str, paths: Iterable[str]) -> Set[str]:
    """Returns the Python files that a target of the type takes by default."""
    return {path for path in paths if _alias_for(posixpath.basename(path)) == alias}


def _alias_for(name: str) -> str:
    for alias, globs in _DEFAULT_GLOBS.items():
        if any(fnmatchcase(name, glob) for glob in globs):
            return alias
    return SOURCES


def _targets(
    folder: _Folder, asked: FrozenSet[str], empty: FrozenSet[str]
) -> Iterator[PutativeTarget]:
    """One for each kind of files. It lies in the root where no target of the root owns a file of
    this kind, and else in each folder, as Pants' own tailor has it."""
    inner = [below(path, folder.root) for path in folder.inner]
    for alias in _NAMES:
        unowned = files_of(alias, folder.unowned)
        there = files_of(alias, folder.files)
        is_first = unowned == {path for path in there if path.endswith(".py")}
        safe = not any(map(_UNSAFE.search, inner))
        if is_first and not folder.by_folder and safe:
            if unowned - empty:
                yield _target(folder.root, _NAMES[alias], alias, _globs(alias, folder, inner))
            continue
        for path in filter(can_generate_in, sorted(folders_of(unowned) & asked)):
            here = {file for file in unowned if posixpath.dirname(file) == path}
            if len(here) > 1 or here - empty:
                all_here = {file for file in there if posixpath.dirname(file) == path}
                yield from _targets_of_folder(folder.root, path, alias, here, all_here)


def _targets_of_folder(
    root: str, path: str, alias: str, unowned: Set[str], there: Set[str]
) -> Iterator[PutativeTarget]:
    """They name their sources only where the default ones would take what another target owns."""
    is_default = unowned == {file for file in there if file.endswith(".py")}
    names = [posixpath.basename(file) for file in sorted(unowned)]
    unsafe = [] if is_default else [name for name in names if _UNSAFE.search(name)]
    for name in unsafe:
        logger.warning(
            f"No target is added for {join(path, name)!r}: a BUILD file cannot hold its name. "
            f"Rename the file, or add it to a target by a glob."
        )
    sources = tuple(escape_glob(name) for name in names if name not in unsafe)
    if sources:
        has_own_name = path == root or alias != SOURCES
        name = _NAMES[alias] if has_own_name else posixpath.basename(path)
        yield _target(path, name, alias, () if is_default else sources)


def _globs(alias: str, folder: _Folder, inner: Iterable[str]) -> Tuple[str, ...]:
    """For all files of the kind below the root."""
    names = {posixpath.basename(path) for path in files_of(alias, folder.files)}
    has_stubs = any(path.endswith(".pyi") for path in folder.files)
    endings = (".py", ".pyi") if has_stubs else (".py",)
    if alias == SOURCES:
        globs = [f"*{ending}" for ending in endings if any(n.endswith(ending) for n in names)]
        others = [glob for globs in _DEFAULT_GLOBS.values() for glob in globs]
    else:
        globs = [g for g in _DEFAULT_GLOBS[alias] if any(fnmatchcase(n, g) for n in names)]
        others = []
    return (
        *(f"**/{glob}" for glob in globs),
        *(f"!**/{glob}" for glob in others if glob.endswith(endings)),
        *(f"!{escape_glob(path)}/**" for path in inner),
    )


def _target(path: str, name: str, alias: str, sources: Tuple[str, ...]) -> PutativeTarget:
    kwargs: Dict[str, Any] = {"sources": sources} if sources else {}
    return PutativeTarget(path, name, alias, (), (), kwargs=kwargs)


def rules() -> Iterable[object]:
    return collect_rules()
