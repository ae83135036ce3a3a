"""`pants tailor`: targets for trusses, the folders they share, and the Python files in both.

Pants' own tailor takes what a `truss` owns for owned, and proposes no `python_sources` for it; what
no target owns yet is left to it.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Container, Dict, Iterable, Iterator, Mapping, Sequence, Set, Tuple, Type

from pants.backend.python.subsystems.setup import PythonSetup
from pants.base.build_environment import get_buildroot
from pants.core.goals.tailor import PutativeTarget, PutativeTargets, PutativeTargetsRequest
from pants.engine.rules import collect_rules
from pants.engine.target import AllUnexpandedTargets, RegisteredTargetTypes, Target
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_truss.core.errors import TrussError
from pants_truss.core.globs import escape_glob
from pants_truss.core.paths import ancestors, is_within, join, resolve_external_package_dir
from pants_truss.core.tailoring import is_truss, parse_truss_config
from pants_truss.core.truss_config import CONFIG_FILE, TrussConfig
from pants_truss.goals import tailor_python
from pants_truss.goals.tailor_python import (
    SOURCES,
    PythonTargetsRequest,
    files_of,
    find_python_targets,
)
from pants_truss.pants_api import (
    concurrently,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    path_globs_to_paths,
    rule,
)
from pants_truss.sources.globs import all_of, matching
from pants_truss.sources.workspace_scan import ResolveFolderRequest, resolve_folder
from pants_truss.subsystems.gather import TrussGatherSubsystem
from pants_truss.target_types.truss import (
    TrussConfigField,
    TrussExternalPackageSourcesField,
    TrussExternalPackageTarget,
    TrussTarget,
)


@dataclass(frozen=True)
class PutativeTrussTargetsRequest(PutativeTargetsRequest):
    pass


@dataclass(frozen=True)
class RepositoryTrussesRequest:
    pass


@dataclass(frozen=True)
class RepositoryTrusses:
    """The folders with a Truss `config.yaml` and no `truss` target, and the folders that any truss
    names in `external_package_dirs` and that exist; relative to the build root."""

    new: Tuple[str, ...]
    external: Tuple[str, ...]


async def _read(globs: Sequence[str]) -> Dict[str, bytes]:
    digest = await path_globs_to_digest(matching(globs), **implicitly())
    return {file.path: file.content for file in await get_digest_contents(digest)}


def _is_truss(path: str, config: TrussConfig, models: Mapping[str, bytes]) -> bool:
    if posixpath.basename(path) != CONFIG_FILE:
        return False
    return is_truss(config, models.get(join(posixpath.dirname(path), config.model_file)))


def _external(truss_dir: str, config: TrussConfig) -> Iterator[str]:
    """Folders that the config names well; the others are `pants lint`'s to tell of."""
    for value in config.external_package_dirs:
        try:
            yield resolve_external_package_dir(
                value, truss_dir=truss_dir, build_root=get_buildroot()
            )
        except TrussError:
            continue


@rule(desc="Find trusses without targets")
async def find_repository_trusses(
    _: RepositoryTrussesRequest, all_targets: AllUnexpandedTargets
) -> RepositoryTrusses:
    # The folder of the truss by its config, which may lie in a folder of it.
    owned = {
        join(target.address.spec_path, target[TrussConfigField].value): target.address.spec_path
        for target in all_targets
        if target.has_field(TrussConfigField)
    }
    configs = await _read(["**/" + CONFIG_FILE, *map(escape_glob, sorted(owned))])
    parsed = {path: parse_truss_config(content) for path, content in configs.items()}
    models = await _read(
        [
            escape_glob(join(posixpath.dirname(path), config.model_file))
            for path, config in parsed.items()
            if config
        ]
    )
    trusses: Dict[str, TrussConfig] = {}
    for path, config in parsed.items():
        if config and (path in owned or _is_truss(path, config, models)):
            trusses[path] = config
    folder_of = {path: owned.get(path, posixpath.dirname(path)) for path in trusses}
    named = sorted({each for path in trusses for each in _external(folder_of[path], trusses[path])})
    real = await concurrently(
        resolve_folder(ResolveFolderRequest(folder), **implicitly()) for folder in named
    )
    folders = sorted({found.folder for found in real if found.folder})
    inside = await path_globs_to_paths(all_of(folders), **implicitly())
    new = {posixpath.dirname(path) for path in trusses if path not in owned}
    all_folders = set(folder_of.values())
    return RepositoryTrusses(
        # A config within a truss is data of that truss.
        tuple(sorted(f for f in new if not all_folders.intersection(ancestors(f)))),
        tuple(folder for folder in folders if folder in inside.dirs),
    )


@rule(desc="Determine candidate truss targets to create", level=LogLevel.DEBUG)
async def find_putative_truss_targets(
    request: PutativeTrussTargetsRequest,
    subsystem: TrussGatherSubsystem,
    python_setup: PythonSetup,
    all_targets: AllUnexpandedTargets,
    target_types: RegisteredTargetTypes,
) -> PutativeTargets:
    if not subsystem.tailor:
        return PutativeTargets()
    found = await find_repository_trusses(RepositoryTrussesRequest(), **implicitly())
    taken: Dict[str, Set[str]] = {}
    for target in all_targets:
        taken.setdefault(target.address.spec_path, set()).add(target.address.target_name)
    has_package = {
        target.address.spec_path
        for target in all_targets
        if target.has_field(TrussExternalPackageSourcesField)
    }
    folders = {
        *(folder for folder in found.new if folder in request.dirs),
        *(
            folder
            for folder in found.external
            if folder not in has_package and any(is_within(d, folder) for d in request.dirs)
        ),
    }
    beside = await path_globs_to_paths(
        matching([join(escape_glob(folder), "*.py") for folder in sorted(folders)]), **implicitly()
    )
    has_python = SOURCES in target_types.aliases and python_setup.tailor_source_targets
    with_python = {
        posixpath.dirname(path) for path in files_of(SOURCES, beside.files) if has_python
    }
    putative = [
        _putative(TrussTarget if folder in found.new else TrussExternalPackageTarget, folder)
        for folder in sorted(folders)
    ]
    named = [_named(target, taken, with_python) for target in putative]
    if not has_python:
        return PutativeTargets(named)
    python = await find_python_targets(
        PythonTargetsRequest(
            request.dirs, tuple(sorted(folders)), python_setup.tailor_ignore_empty_init_files
        ),
        **implicitly(),
    )
    for named_target in named:
        taken.setdefault(named_target.path, set()).add(named_target.name)
    return PutativeTargets([*named, *(_named(t, taken, set()) for t in python.targets)])


def _putative(target_type: Type[Target], folder: str) -> PutativeTarget:
    """Without sources for Pants to compare: a truss holds files that Python targets own too."""
    return PutativeTarget(folder, posixpath.basename(folder), target_type.alias, (), ())


def _named(
    target: PutativeTarget, taken: Mapping[str, Set[str]], with_python: Container[str]
) -> PutativeTarget:
    """With a name of its own, where another target has that of the folder, or is about to: Pants
    gives it to the `python_sources` of the files in it."""
    if target.name not in taken.get(target.path, ()) and target.path not in with_python:
        return target
    return target.rename(_NAMES.get(target.type_alias, target.name))


_NAMES = {
    TrussTarget.alias: "truss",
    TrussExternalPackageTarget.alias: "truss_external_package",
    SOURCES: "sources",
}


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *tailor_python.rules(),
        UnionRule(PutativeTargetsRequest, PutativeTrussTargetsRequest),
    ]
