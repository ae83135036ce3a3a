"""Trusses below the folder of a truss or an external package, which holds their files too."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping, Sequence, Tuple

from pants.engine.fs import CreateDigest, FileDigest, FileEntry
from pants.engine.rules import collect_rules

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.globs import escape_glob
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.paths import ancestors, below, is_within, join
from pants_truss.core.truss_config import CONFIG_FILE, TrussConfig
from pants_truss.core.truss_detection import detect_config, is_truss
from pants_truss.pants_api import create_digest, get_digest_contents, implicitly, rule


@dataclass(frozen=True)
class NestedTrussesRequest:
    """Files in which a config or a model class may be: path, SHA-256 and size."""

    configs: Tuple[Tuple[str, str, int], ...]
    models: Tuple[Tuple[str, str, int], ...]


@dataclass(frozen=True)
class NestedTrusses:
    """Folders of trusses, each around no other."""

    folders: Tuple[str, ...]


# Longer files are no configs, and no model classes.
_MAX_BYTES = 1_000_000


@rule
async def find_nested_trusses(request: NestedTrussesRequest) -> NestedTrusses:
    if not request.configs:
        return NestedTrusses(())
    entries = [
        FileEntry(path, FileDigest(sha256, size))
        for path, sha256, size in (*request.configs, *request.models)
    ]
    digest = await create_digest(CreateDigest(entries), **implicitly())
    contents = {file.path: file.content for file in await get_digest_contents(digest)}
    folders = set()
    for path, _, _ in request.configs:
        config = detect_config(contents[path])
        folder = posixpath.dirname(path)
        if config and is_truss(config, contents.get(join(folder, config.model_file))):
            folders.add(folder)
    return NestedTrusses(
        tuple(sorted(f for f in folders if not folders.intersection(ancestors(f))))
    )


def nested_request(
    files: Iterable[GatheredFile], config: TrussConfig, target: str, roots: Mapping[str, str]
) -> NestedTrussesRequest:
    """What to look into among the files of the truss `target` and its external packages; `roots`
    has the folder of each by its address. A config in the model, the data and the packages of the
    truss itself is part of it."""
    parts = (config.model_module_dir, config.data_dir, config.bundled_packages_dir)
    present = [
        file
        for file in files
        if file.target in roots
        and posixpath.dirname(file.source or "") != roots[file.target or ""]
        and file.size <= _MAX_BYTES
        and not (file.target == target and any(p and is_within(file.path, p) for p in parts))
    ]
    configs = [file for file in present if posixpath.basename(file.source or "") == CONFIG_FILE]
    folders = {posixpath.dirname(file.source or "") for file in configs}
    models = [
        file
        for file in present
        if file.path.endswith(".py") and folders.intersection(ancestors(file.source or ""))
    ]
    return NestedTrussesRequest(_described(configs), _described(models))


def _described(files: Sequence[GatheredFile]) -> Tuple[Tuple[str, str, int], ...]:
    # Two packages of a truss may have one file.
    return tuple(sorted({(file.source or "", file.sha256, file.size) for file in files}))


def nested_findings(nested: NestedTrusses, roots: Mapping[str, str]) -> Iterator[Finding]:
    """`roots` are those of `nested_request`."""
    for folder in nested.folders:
        around = [each for each in roots.items() if is_within(folder, each[1])]
        target, root = max(around, key=lambda each: len(each[1]))
        glob = f"!{escape_glob(below(folder, root))}/**"
        yield Finding(
            "nested-truss",
            join(folder, CONFIG_FILE),
            f"it is the config of a truss of its own, and {target} holds its files too. Leave them "
            f'out: add "{glob}" to `sources` of {target} (by default '
            f'`["**/*"]`).',
            Severity.WARNING,
        )


def rules() -> Iterable[object]:
    return collect_rules()
