"""A gathered truss as one file: a tar, and the same for the same files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Sequence, Tuple

from pants.engine.fs import AddPrefix, CreateDigest, Digest, FileEntry, MergeDigests
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.tar_parts import cut
from pants_truss.engine import (
    add_prefix,
    concurrently,
    create_digest,
    get_digest_entries,
    implicitly,
    merge_digests,
    rule,
)
from pants_truss.image import tool
from pants_truss.image.tool import ImageScriptRequest, encode, run_image_script
from pants_truss.util_rules import gather
from pants_truss.util_rules.gather import entry_at, gather_truss
from pants_truss.util_rules.plan import GatherTrussRequest, OfTruss

_TREE, _PARTS = "tree", "parts"


@dataclass(frozen=True)
class MakeTarRequest:
    """Of the files below `tree/` in the digest, after the parts in `parts/`. `executables` are
    paths below `tree/`. A part has no end."""

    digest: Digest
    executables: Tuple[str, ...]
    out: str
    is_part: bool = False


@dataclass(frozen=True)
class MadeTar:
    """`digest` holds the file at its path."""

    digest: Digest


@rule(desc="Make a tar", level=LogLevel.DEBUG)
async def make_tar(request: MakeTarRequest) -> MadeTar:
    spec = {
        "tree": _TREE,
        "executables": request.executables,
        "parts": _PARTS,
        "out": "out.tar",
        "end": not request.is_part,
    }
    made = await run_image_script(
        ImageScriptRequest(
            "make_tar.py",
            encode(spec),
            request.digest,
            f"Make {'a part of a tar' if request.is_part else request.out}",
            output_files=("out.tar",),
        ),
        **implicitly(),
    )
    entries = await get_digest_entries(made.digest)
    moved = [
        FileEntry(request.out, entry.file_digest)
        for entry in entries
        if isinstance(entry, FileEntry)
    ]
    return MadeTar(await create_digest(CreateDigest(moved), **implicitly()))


@dataclass(frozen=True)
class TarTrussRequest(OfTruss):
    """`path` is where the tar goes in the result."""

    truss: GatherTrussRequest
    path: str


@rule(desc="Make the tar of a truss", level=LogLevel.DEBUG)
async def tar_truss(request: TarTrussRequest) -> MadeTar:
    gathered = await gather_truss(request.truss, **implicitly())
    parts = cut(gathered.files)
    if not parts.parts:
        tree = await add_prefix(AddPrefix(gathered.digest, _TREE), **implicitly())
        return await make_tar(
            MakeTarRequest(tree, _executables(parts.rest), request.path), **implicitly()
        )
    digests = await concurrently(
        create_digest(CreateDigest(_entries(files)), **implicitly())
        for files in (*parts.parts, parts.rest)
    )
    made = await concurrently(
        make_tar(
            MakeTarRequest(digest, _executables(files), f"{_PARTS}/{number:06d}", is_part=True),
            **implicitly(),
        )
        for number, (digest, files) in enumerate(zip(digests, parts.parts))
    )
    whole = await merge_digests(
        MergeDigests([digests[-1], *(part.digest for part in made)]), **implicitly()
    )
    return await make_tar(
        MakeTarRequest(whole, _executables(parts.rest), request.path), **implicitly()
    )


def _executables(files: Sequence[GatheredFile]) -> Tuple[str, ...]:
    return tuple(file.path for file in files if file.is_executable)


def _entries(files: Sequence[GatheredFile]) -> Sequence[FileEntry]:
    return [entry_at(f"{_TREE}/{file.path}", file) for file in files]


def rules() -> Iterable[object]:
    return [*collect_rules(), *gather.rules(), *tool.rules()]
