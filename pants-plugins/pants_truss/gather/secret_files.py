"""Looks for credentials in files, a folder at a time: an edit has one folder read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Tuple

from pants.engine.fs import CreateDigest
from pants.engine.rules import collect_rules

from pants_truss.core.lint.secret_scan import MAX_BYTES, Secret, scan
from pants_truss.pants_api import create_digest, get_digest_contents, implicitly, rule
from pants_truss.sources.file_entries import SourceFile, source_entries

# The maximum number of bytes that are read at a time.
BATCH_BYTES = 20_000_000


@dataclass(frozen=True)
class ScanForSecretsRequest:
    files: Tuple[SourceFile, ...]


@dataclass(frozen=True)
class FoundSecrets:
    """By the path of the file."""

    secrets: Tuple[Tuple[str, Secret], ...]


@rule
async def scan_for_secrets(request: ScanForSecretsRequest) -> FoundSecrets:
    found: List[Tuple[str, Secret]] = []
    for batch in split_into_batches(request.files):
        digest = await create_digest(CreateDigest(source_entries(batch)), **implicitly())
        for file in await get_digest_contents(digest):
            found += ((file.path, secret) for secret in scan(file.path, file.content))
    return FoundSecrets(tuple(found))


def split_into_batches(files: Iterable[SourceFile]) -> Iterator[List[SourceFile]]:
    batch: List[SourceFile] = []
    size = 0
    for file in files:
        if not 0 < file.size <= MAX_BYTES:
            continue
        if batch and size + file.size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def by_folder(files: Iterable[SourceFile]) -> List[Tuple[SourceFile, ...]]:
    folders: Dict[str, List[SourceFile]] = {}
    for file in files:
        folders.setdefault(file.path.rpartition("/")[0], []).append(file)
    return [tuple(found) for _, found in sorted(folders.items())]


def rules() -> Iterable[object]:
    return collect_rules()
