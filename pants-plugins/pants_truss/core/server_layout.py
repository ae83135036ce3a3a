"""Where the files of a gathered truss lie in an image, which is where they lie to be run at all.

Source: the Dockerfile of `truss/templates`. It copies the model to `/app/model`, whatever its
folder is called, the data to `/app/data`, and the bundled packages to `/packages`; nothing else but
the config and the server's own files is there. Here `/app` is `app` and `/packages` is `packages`.
"""

from __future__ import annotations

from typing import Dict, Iterable

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.paths import is_within, join
from pants_truss.core.truss_config import TrussConfig

APP = "app"
MODEL = f"{APP}/model"
DATA = f"{APP}/data"
PACKAGES = "packages"


def lay_out(files: Iterable[GatheredFile], config: TrussConfig) -> Dict[str, GatheredFile]:
    """Path in the layout -> file of the gathered truss, sorted by path; without the config and the
    server. A folder that has two roles in the config is there twice, as in an image."""
    places = (
        (config.data_dir, DATA),
        (config.model_module_dir, MODEL),
        (config.bundled_packages_dir, PACKAGES),
    )
    found = {
        join(place, _below(file.path, folder)): file
        for file in files
        for folder, place in places
        if is_within(file.path, folder) and file.path != folder
    }
    return {path: found[path] for path in sorted(found)}


def _below(path: str, folder: str) -> str:
    return path[len(folder) + 1 :] if folder else path
