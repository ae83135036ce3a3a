"""The places of a gathered truss's files in an image. A truss runs on this machine in this layout.

Source: the Dockerfile of `truss/templates`. It copies the model to `/app/model`, whatever its
folder is called, the data to `/app/data`, and the bundled packages to `/packages`. Only the config
and the server's own files are added. In this module `/app` is `app` and `/packages` is `packages`.
"""

from __future__ import annotations

from typing import Dict, Iterable, Tuple

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.paths import below, is_within, join
from pants_truss.core.truss_config import TrussConfig

APP = "app"
MODEL = f"{APP}/model"
DATA = f"{APP}/data"
PACKAGES = "packages"


def served_folders(config: TrussConfig) -> Tuple[str, ...]:
    """The folders of a truss whose files an image has, relative to the truss.

    Nothing else of a truss can run there, whatever starts the server: `docker_server` replaces the
    command of the image, and not what the image holds.
    """
    return tuple(folder for folder, _ in _places(config))


def _places(config: TrussConfig) -> Tuple[Tuple[str, str], ...]:
    return (
        (config.data_dir, DATA),
        (config.model_module_dir, MODEL),
        (config.bundled_packages_dir, PACKAGES),
    )


def place_in_image(files: Iterable[GatheredFile], config: TrussConfig) -> Dict[str, GatheredFile]:
    """Returns path in the layout -> file of the gathered truss, sorted by path.

    The config and the server are not part of it. A folder with two roles in the config appears
    twice, as in an image.
    """
    found = {
        join(place, below(file.path, folder)): file
        for file in files
        for folder, place in _places(config)
        if is_within(file.path, folder) and file.path != folder
    }
    return {path: found[path] for path in sorted(found)}
