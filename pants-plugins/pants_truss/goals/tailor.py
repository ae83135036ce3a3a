"""`pants tailor`: targets for trusses, the folders they share, and the Python files in both.

Pants' own tailor proposes no Python targets for these files: an existing `truss` owns them, and
`tailor_claims` gives those of a new truss an owner.
"""

from __future__ import annotations

import logging
import posixpath
from dataclasses import dataclass
from typing import Dict, Iterable, Mapping, Set, Tuple, Type

from pants.backend.python.subsystems.setup import PythonSetup
from pants.core.goals.tailor import PutativeTarget, PutativeTargets, PutativeTargetsRequest
from pants.engine.rules import collect_rules
from pants.engine.target import AllUnexpandedTargets, RegisteredTargetTypes, Target
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_truss.core.globs import escape_glob
from pants_truss.core.paths import ancestors, is_within, join
from pants_truss.core.terminal import visible_line
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.goals import tailor_claims, tailor_python
from pants_truss.goals.tailor_python import (
    SOURCES,
    PythonTargetsRequest,
    find_python_targets,
    is_target_name,
)
from pants_truss.pants_api import implicitly, rule
from pants_truss.sources import detected_trusses
from pants_truss.sources.detected_trusses import DetectTrussesRequest, detect_trusses
from pants_truss.subsystems.gather import TrussGatherSubsystem
from pants_truss.target_types.truss import (
    TrussConfigField,
    TrussExternalPackageSourcesField,
    TrussExternalPackageTarget,
    TrussTarget,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PutativeTrussTargetsRequest(PutativeTargetsRequest):
    pass


@dataclass(frozen=True)
class RepositoryTrussesRequest:
    pass


@dataclass(frozen=True)
class RepositoryTrusses:
    """The folders with a Truss `config.yaml` and no `truss` target, and the folders that any truss
    names in `external_package_dirs` and that exist; relative to the build root. `all` are the
    folders of all trusses, with a target or without."""

    new: Tuple[str, ...]
    external: Tuple[str, ...]
    all: Tuple[str, ...]


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
    detected = await detect_trusses(
        DetectTrussesRequest(
            ("**/" + CONFIG_FILE, *map(escape_glob, sorted(owned))), tuple(sorted(owned.items()))
        ),
        **implicitly(),
    )
    new = {t.folder for t in detected.trusses if t.config_path not in owned}
    content = {folder for truss in detected.trusses for folder in truss.content}
    passed_over = {f for f in new if content.intersection((f, *ancestors(f)))}
    for folder in sorted(passed_over):
        logger.info(
            f"No target for {visible_line(join(folder, CONFIG_FILE))}: it lies in the data, the "
            f"model or the packages of another truss."
        )
    return RepositoryTrusses(
        tuple(sorted(new - passed_over)),
        tuple(sorted({folder for truss in detected.trusses for folder in truss.external})),
        tuple(sorted({truss.folder for truss in detected.trusses} - passed_over)),
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
    putative = [
        _putative(
            TrussTarget if folder in found.new else TrussExternalPackageTarget,
            folder,
            _sources_around(folder, found.all),
        )
        for folder in sorted(folders)
    ]
    named = [_named(target, taken) for target in putative]
    if SOURCES not in target_types.aliases or not python_setup.tailor_source_targets:
        return PutativeTargets(named)
    python = await find_python_targets(
        PythonTargetsRequest(
            request.dirs,
            found.new,
            tuple(folder for folder in found.external if folder not in has_package),
            python_setup.tailor_ignore_empty_init_files,
        ),
        **implicitly(),
    )
    for named_target in named:
        taken.setdefault(named_target.path, set()).add(named_target.name)
    return PutativeTargets([*named, *(_named(target, taken) for target in python.targets)])


def _sources_around(folder: str, trusses: Iterable[str]) -> Tuple[str, ...]:
    """The `sources` of a truss or package that has trusses below its folder; empty without any."""
    start = f"{folder}/" if folder else ""
    below = [t[len(start) :] for t in trusses if t != folder and t.startswith(start)]
    outer = [t for t in below if not any(above in below for above in ancestors(t))]
    return ("**/*", *(f"!{escape_glob(t)}/**" for t in sorted(outer))) if outer else ()


def _putative(
    target_type: Type[Target], folder: str, sources: Tuple[str, ...] = ()
) -> PutativeTarget:
    """Returns a proposal without sources. Otherwise Pants would compare these with the files of
    Python targets, which a truss has too."""
    kwargs = {"sources": sources} if sources else {}
    return PutativeTarget(
        folder, posixpath.basename(folder), target_type.alias, (), (), kwargs=kwargs
    )


def _named(target: PutativeTarget, taken: Mapping[str, Set[str]]) -> PutativeTarget:
    """With another name where a target of the folder has its name already, or where Pants takes no
    target of that name."""
    if target.name not in taken.get(target.path, ()) and is_target_name(target.name):
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
        *detected_trusses.rules(),
        *tailor_claims.rules(),
        *tailor_python.rules(),
        UnionRule(PutativeTargetsRequest, PutativeTrussTargetsRequest),
    ]
