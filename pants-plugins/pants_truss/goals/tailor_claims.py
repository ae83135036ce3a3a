"""Keeps Pants' own tailor away from files of new trusses and shared folders.

Pants proposes `python_sources()` in each folder with Python files that no target owns, in the same
run in which this plugin proposes the `truss`, and gives some targets the name of their folder. In
that run the files have an owner, a target without a BUILD file: `tailor_python` proposes targets
for the Python files, and the truss gets the name. Afterwards the truss owns its files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Dict, Iterable, List, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.rules import collect_rules
from pants.engine.target import RegisteredTargetTypes

from pants_truss.core.globs import escape_glob
from pants_truss.core.paths import is_within, join
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.goals.tailor_python import SOURCES, can_generate_in
from pants_truss.pants_api import (
    CommandLineOptions,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    path_globs_to_paths,
    rule,
)
from pants_truss.pants_api.synthetic_targets import (
    SyntheticAddressMaps,
    SyntheticTargetsRequest,
    files_targets,
)
from pants_truss.sources.detected_trusses import DetectTrussesRequest, detect_trusses
from pants_truss.sources.globs import matching
from pants_truss.subsystems.gather import TrussGatherSubsystem
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

_GOAL = "tailor"
_NAME = "truss-tailor"
_CLAIMED = ("*", "**/*.py", "**/*.pyi")
# Pants makes targets of requirements of these, with names of their own.
_NOT_CLAIMED = ("*requirements*.txt", "Pipfile.lock", "pyproject.toml")


@dataclass(frozen=True)
class ClaimsOfTailorRequest(SyntheticTargetsRequest):
    path: str = SyntheticTargetsRequest.SINGLE_REQUEST_FOR_ALL_TARGETS


@rule
async def claim_python_files(
    request: ClaimsOfTailorRequest,
    command_line: CommandLineOptions,
    subsystem: TrussGatherSubsystem,
    python_setup: PythonSetup,
    target_types: RegisteredTargetTypes,
) -> SyntheticAddressMaps:
    if (
        _GOAL not in command_line.options.goals
        or not subsystem.tailor
        or not python_setup.tailor_source_targets
        or SOURCES not in target_types.aliases
    ):
        return SyntheticAddressMaps()
    found = await detect_trusses(DetectTrussesRequest((f"**/{CONFIG_FILE}",)), **implicitly())
    kinds: Dict[str, str] = {}
    for truss in found.trusses:
        kinds.update(dict.fromkeys(truss.external, TrussExternalPackageTarget.alias))
    kinds.update((truss.folder, TrussTarget.alias) for truss in found.trusses)
    folders = tuple(sorted(filter(can_generate_in, kinds)))
    # All targets cannot be asked for here: these are some of them.
    digest = await path_globs_to_digest(
        matching(join(escape_glob(folder), "BUILD*") for folder in folders), **implicitly()
    )
    declared = {
        (file.path.rpartition("/")[0], kind)
        for file in await get_digest_contents(digest)
        for kind in set(kinds.values())
        if re.search(rf"\b{kind}\s*\(".encode(), file.content)
    }
    new = [folder for folder in folders if (folder, kinds[folder]) not in declared]
    paths = await path_globs_to_paths(
        matching(join(escape_glob(folder), glob) for folder in new for glob in _CLAIMED),
        **implicitly(),
    )
    claimed = (
        path
        for path in paths.files
        if can_generate_in(path)
        and not any(fnmatchcase(path.rpartition("/")[2], glob) for glob in _NOT_CLAIMED)
    )
    return files_targets(request, _NAME, _by_folder(new, claimed))


def _by_folder(folders: Iterable[str], paths: Iterable[str]) -> Dict[str, Tuple[str, ...]]:
    """Globs for the files below each folder, relative to it. Folders without files are left out."""
    found: Dict[str, List[str]] = {}
    all_paths = sorted(paths)
    for folder in folders:
        start = len(folder) + 1 if folder else 0
        for path in all_paths:
            if is_within(path, folder):
                found.setdefault(folder, []).append(escape_glob(path[start:]))
    return {folder: tuple(globs) for folder, globs in found.items()}


def rules() -> Iterable[object]:
    return [*collect_rules(), *ClaimsOfTailorRequest.rules()]
