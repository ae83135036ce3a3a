"""Trusses by the content of their folders, whether a target says so or not."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, Sequence, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.rules import collect_rules

from pants_truss.core.errors import TrussError
from pants_truss.core.paths import join, resolve_external_package_dir
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.core.truss_detection import DetectedConfig, detect_config, is_truss
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


@dataclass(frozen=True)
class DetectTrussesRequest:
    """`globs` match configs. `owned` has the configs of targets, each with the folder of its truss:
    they are configs of Truss by their targets. All is relative to the build root."""

    globs: Tuple[str, ...]
    owned: Tuple[Tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DetectedTruss:
    """`external` are the folders that the config names in `external_package_dirs`, and that exist
    in the repository; `folder` is the one of the truss, and `content` are those of its model, its
    data and its packages. Relative to the build root."""

    config_path: str
    folder: str
    external: Tuple[str, ...]
    content: Tuple[str, ...]


@dataclass(frozen=True)
class DetectedTrusses:
    """Sorted by the path of the config."""

    trusses: Tuple[DetectedTruss, ...]


async def _read(globs: Sequence[str]) -> Dict[str, bytes]:
    digest = await path_globs_to_digest(matching(globs), **implicitly())
    return {file.path: file.content for file in await get_digest_contents(digest)}


@rule(desc="Detect trusses")
async def detect_trusses(request: DetectTrussesRequest) -> DetectedTrusses:
    owned = dict(request.owned)
    contents = await _read(request.globs)
    configs = {path: detect_config(content) for path, content in contents.items()}
    model_files = [_model_file(path, config) for path, config in configs.items() if config]
    models = await get_digest_contents(
        await path_globs_to_digest(all_of(model_files), **implicitly())
    )
    sources = {file.path: file.content for file in models}
    trusses: Dict[str, DetectedConfig] = {}
    for path, config in configs.items():
        if not config:
            continue
        if path in owned or (
            posixpath.basename(path) == CONFIG_FILE
            and is_truss(config, sources.get(_model_file(path, config)))
        ):
            trusses[path] = config
    folder_of = {path: owned.get(path, posixpath.dirname(path)) for path in trusses}
    named = {path: tuple(_external(folder_of[path], config)) for path, config in trusses.items()}
    folders = sorted({folder for found in named.values() for folder in found})
    resolved = await concurrently(
        resolve_folder(ResolveFolderRequest(folder), **implicitly()) for folder in folders
    )
    real = {folder: there.folder for folder, there in zip(folders, resolved) if there.folder}
    inside = await path_globs_to_paths(all_of(sorted(set(real.values()))), **implicitly())
    there = set(inside.dirs)
    return DetectedTrusses(
        tuple(
            DetectedTruss(
                path,
                folder_of[path],
                tuple(real[f] for f in named[path] if f in real and real[f] in there),
                tuple(join(folder_of[path], f) for f in trusses[path].content_folders),
            )
            for path in sorted(trusses)
        )
    )


def _model_file(path: str, config: DetectedConfig) -> str:
    return join(posixpath.dirname(path), config.model_file)


def _external(truss_dir: str, config: DetectedConfig) -> Iterator[str]:
    """The folders that the config names correctly. `pants lint` reports the others."""
    for value in config.external_package_dirs:
        try:
            yield resolve_external_package_dir(
                value, truss_dir=truss_dir, build_root=get_buildroot()
            )
        except TrussError:
            continue


def rules() -> Iterable[object]:
    return collect_rules()
