"""Python targets for files of trusses and shared folders that only those targets own."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Dict, Iterable, List, Set, Tuple

from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratingSourcesField,
    PythonTestsGeneratorTarget,
    PythonTestUtilsGeneratingSourcesField,
    PythonTestUtilsGeneratorTarget,
)
from pants.core.goals.tailor import AllOwnedSources, PutativeTarget
from pants.engine.rules import collect_rules
from pants.engine.target import AllUnexpandedTargets, MultipleSourcesField

from pants_truss.core.paths import is_within
from pants_truss.imports.import_graph import PythonOwnersRequest, find_python_owners
from pants_truss.pants_api import (
    concurrently,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    rule,
)
from pants_truss.sources.globs import all_of
from pants_truss.sources.target_files import FindSourcePathsRequest, find_source_paths
from pants_truss.target_types.truss import TrussExternalPackageSourcesField, TrussSourcesField


@dataclass(frozen=True)
class PythonTargetsRequest:
    """`folders` are those to look in, relative to the build root; `new` are folders that become
    trusses or external packages. Of a folder in which nothing but an empty `__init__.py` has no
    target, `ignore_empty_init_files` leaves it so."""

    folders: Tuple[str, ...]
    new: Tuple[str, ...]
    ignore_empty_init_files: bool


@dataclass(frozen=True)
class PythonTargets:
    targets: Tuple[PutativeTarget, ...]


@rule(desc="Find Python files of trusses without targets")
async def find_python_targets(
    request: PythonTargetsRequest,
    all_targets: AllUnexpandedTargets,
    all_owned_sources: AllOwnedSources,
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
    paths = {path for there in found for path in there.paths}
    # What no target owns, in new trusses too, is for Pants' own tailor.
    paths.update(
        path for path in all_owned_sources if any(is_within(path, new) for new in request.new)
    )
    by_folder: Dict[str, Set[str]] = {}
    for path in paths:
        if path.endswith(".py"):
            by_folder.setdefault(posixpath.dirname(path), set()).add(path)
    folders = sorted(by_folder.keys() & set(request.folders))
    owners = await concurrently(
        find_python_owners(PythonOwnersRequest(folder), **implicitly()) for folder in folders
    )
    unowned = {
        folder: by_folder[folder].difference(there.by_file, there.tests)
        for folder, there in zip(folders, owners)
    }
    if request.ignore_empty_init_files:
        inits = [path for paths in unowned.values() if len(paths) == 1 for path in paths]
        digest = await path_globs_to_digest(
            all_of(path for path in inits if posixpath.basename(path) == "__init__.py"),
            **implicitly(),
        )
        contents = await get_digest_contents(digest)
        empty = {file.path for file in contents if not file.content.strip()}
        unowned = {folder: paths - empty for folder, paths in unowned.items()}
    return PythonTargets(
        tuple(
            target
            for folder, paths in sorted(unowned.items())
            for target in _targets(folder, paths, by_folder[folder])
        )
    )


_TESTS = PythonTestsGeneratorTarget.alias
_TEST_UTILS = PythonTestUtilsGeneratorTarget.alias
SOURCES = PythonSourcesGeneratorTarget.alias
_NAMES = {SOURCES: "", _TESTS: "tests", _TEST_UTILS: "test_utils"}


def files_of(alias: str, paths: Iterable[str]) -> Set[str]:
    """Those of the Python files that a target of the type takes by default."""
    return {path for path in paths if _alias_for(posixpath.basename(path)) == alias}


def _alias_for(name: str) -> str:
    for alias, field in (
        (_TESTS, PythonTestsGeneratingSourcesField),
        (_TEST_UTILS, PythonTestUtilsGeneratingSourcesField),
    ):
        if any(fnmatchcase(name, glob) for glob in field.default or ()):
            return alias
    return SOURCES


def _targets(folder: str, unowned: Set[str], there: Set[str]) -> Iterable[PutativeTarget]:
    """One for each kind of files, as Pants' own tailor has it. They name their sources only where
    the default ones would take what another target owns."""
    for alias, name in _NAMES.items():
        paths = files_of(alias, unowned)
        if not paths:
            continue
        names = tuple(sorted(posixpath.basename(path) for path in paths))
        yield PutativeTarget(
            folder,
            name or posixpath.basename(folder),
            alias,
            (),
            (),
            kwargs={} if paths == files_of(alias, there) else {"sources": names},
        )


def rules() -> Iterable[object]:
    return collect_rules()
