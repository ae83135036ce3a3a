"""What to do about a file that a model could not open: where the repository has it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

from pants.engine.rules import collect_rules

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.globs import escape_glob
from pants_truss.core.paths import ancestors, below, join
from pants_truss.core.server_layout import APP, place_in_image
from pants_truss.gather import gather
from pants_truss.gather.data_files import DataAdviceRequest, find_data_advice
from pants_truss.gather.gather import gather_truss
from pants_truss.pants_api import implicitly, path_globs_to_paths, rule
from pants_truss.sources.file_modes import FileModesRequest, read_file_modes
from pants_truss.sources.globs import matching
from pants_truss.target_types.field_sets import TrussFieldSet


@dataclass(frozen=True)
class FileFixRequest:
    """`path` and `opener`, the file whose code opens it, are places in `core.server_layout`."""

    truss: TrussFieldSet
    path: str
    opener: Optional[str]


@dataclass(frozen=True)
class FileFix:
    """A sentence or two; empty if the repository has no such file."""

    text: str


@rule(desc="Look for a file that a model could not open")
async def find_file_fix(request: FileFixRequest) -> FileFix:
    gathered = await gather_truss(request.truss, **implicitly())
    layout = place_in_image(gathered.files, gathered.config_file.config)
    place = _find_in_image(layout, request.path)
    if place:
        source = layout[place].source or layout[place].path
        return FileFix(
            f"{source} is in the truss, at {place}, but the server runs in {APP}. Open it by a "
            f"path that begins at `Path(__file__).parent`."
        )
    candidates = _candidates(layout, request.path)
    modes = await read_file_modes(FileModesRequest(tuple(candidates)), **implicitly())
    there = [path for path in candidates if path in modes.files]
    if not there:
        name = posixpath.basename(request.path)
        found = await path_globs_to_paths(matching([f"**/{escape_glob(name)}"]), **implicitly())
        there = _nearest(found.files, request.truss.address.spec_path)
        if not there:
            return FileFix("")
    path = there[0]
    opener = layout.get(request.opener or "")
    owners = {
        request.truss.address.spec: request.truss.address.spec_path,
        **gathered.package_roots,
    }
    target = opener.target if opener else None
    if target in owners and f"{path}/".startswith(f"{owners[target or '']}/"):
        return FileFix(
            f"The repository has {path}, which the truss does not have. Add it to `sources` of "
            f"{target}, or take it back with a `!` line in `.truss_ignore` of the truss."
        )
    advice = await find_data_advice(
        DataAdviceRequest(path, target, request.truss.address.spec), **implicitly()
    )
    return FileFix(f"The repository has {path}, which the truss does not have. {advice.text}")


def _find_in_image(layout: Dict[str, GatheredFile], path: str) -> Optional[str]:
    """The one file of the truss that a path means which does not begin at its own folder."""
    if not path.startswith(f"{APP}/"):
        return None
    end = f"/{path[len(APP) + 1 :]}"
    found = [place for place in layout if place.endswith(end)]
    return found[0] if len(found) == 1 else None


def _candidates(layout: Dict[str, GatheredFile], path: str) -> List[str]:
    """Where the repository has the file, if it has it beside what lies beside it in the image."""
    folders: Dict[str, List[str]] = {}
    for place, file in layout.items():
        if file.source:
            folder = folders.setdefault(posixpath.dirname(place), [])
            if posixpath.dirname(file.source) not in folder:
                folder.append(posixpath.dirname(file.source))
    found = []
    for above in ancestors(path):
        rest = below(path, above)
        found += [join(folder, rest) for folder in folders.get(above, ())]
    return found


def _nearest(files: Iterable[str], folder: str) -> List[str]:
    def distance(file: str) -> int:
        return len(posixpath.relpath(file, folder or ".").split("/"))

    return sorted(files, key=lambda file: (distance(file), file))


def rules() -> Iterable[object]:
    return [*collect_rules(), *gather.rules()]
