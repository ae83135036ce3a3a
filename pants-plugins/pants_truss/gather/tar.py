"""A gathered truss as one file: a tar, and the same for the same files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Sequence, Tuple

from pants.engine.fs import AddPrefix, CreateDigest, Digest, FileDigest, FileEntry
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.gathered import GatheredFile, digest_of
from pants_truss.core.tar_parts import cut
from pants_truss.gather import gather
from pants_truss.gather.gather import GatheredTruss, gather_truss
from pants_truss.pants_api import (
    add_prefix,
    concurrently,
    create_digest,
    get_digest_entries,
    implicitly,
    rule,
)
from pants_truss.script_tool import rules as script_tool
from pants_truss.script_tool.rules import ScriptRequest, encode, run_script
from pants_truss.sources.file_entries import entry_at
from pants_truss.target_types.field_sets import TrussFieldSet, TrussParameter

_TREE, _PARTS, _OUT = "tree", "parts", "out.tar"


@dataclass(frozen=True)
class MakeTarRequest:
    """A tar of the files below `tree/` in the digest, after the parts in `parts/`. `executables`
    are paths below `tree/`. A part has no end."""

    digest: Digest
    executables: Tuple[str, ...]
    description: str
    is_part: bool = False


@dataclass(frozen=True)
class MadeTar:
    file: FileDigest


@rule(desc="Make a tar", level=LogLevel.DEBUG)
async def make_tar(request: MakeTarRequest) -> MadeTar:
    spec = {
        "tree": _TREE,
        "executables": request.executables,
        "parts": _PARTS,
        "out": _OUT,
        "end": not request.is_part,
    }
    made = await run_script(
        ScriptRequest(
            "pants_truss.script_tool",
            "make_tar.py",
            encode(spec),
            request.digest,
            request.description,
            output_files=(_OUT,),
        ),
        **implicitly(),
    )
    entries = await get_digest_entries(made.digest)
    (file,) = (entry.file_digest for entry in entries if isinstance(entry, FileEntry))
    return MadeTar(file)


@dataclass(frozen=True)
class TarPartRequest:
    """`key` stands for `files`: the engine need not compare each of them in each run."""

    key: str
    files: Tuple[GatheredFile, ...] = field(compare=False, repr=False)

    @classmethod
    def of(cls, files: Tuple[GatheredFile, ...]) -> TarPartRequest:
        return cls(digest_of(files), files)


@rule(desc="Make a part of a tar", level=LogLevel.DEBUG)
async def make_tar_part(request: TarPartRequest) -> MadeTar:
    digest = await create_digest(CreateDigest(_entries(request.files)), **implicitly())
    return await make_tar(
        MakeTarRequest(digest, _executables(request.files), "Make a part of a tar", is_part=True),
        **implicitly(),
    )


@dataclass(frozen=True)
class TarTrussRequest(TrussParameter):
    """`path` is where the tar goes in the result."""

    truss: TrussFieldSet
    path: str


@dataclass(frozen=True)
class TarredTruss:
    """The file at its path, and what is in it: who awaited both would make the engine begin the tar
    twice, as soon as the truss is another."""

    digest: Digest
    gathered: GatheredTruss


@rule(desc="Make the tar of a truss", level=LogLevel.DEBUG)
async def tar_truss(request: TarTrussRequest) -> TarredTruss:
    gathered = await gather_truss(request.truss, **implicitly())
    parts = cut(gathered.files)
    if parts.parts:
        made = await concurrently(
            make_tar_part(TarPartRequest.of(files), **implicitly()) for files in parts.parts
        )
        beside = [
            FileEntry(f"{_PARTS}/{number:06d}", part.file) for number, part in enumerate(made)
        ]
        tree = await create_digest(CreateDigest([*beside, *_entries(parts.rest)]), **implicitly())
    else:
        tree = await add_prefix(AddPrefix(gathered.digest, _TREE), **implicitly())
    tar = await make_tar(
        MakeTarRequest(tree, _executables(parts.rest), f"Make {request.path}"),
        **implicitly(),
    )
    digest = await create_digest(CreateDigest([FileEntry(request.path, tar.file)]), **implicitly())
    return TarredTruss(digest, gathered)


def _executables(files: Sequence[GatheredFile]) -> Tuple[str, ...]:
    return tuple(file.path for file in files if file.is_executable)


def _entries(files: Sequence[GatheredFile]) -> Sequence[FileEntry]:
    return [entry_at(f"{_TREE}/{file.path}", file) for file in files]


def rules() -> Iterable[object]:
    return [*collect_rules(), *gather.rules(), *script_tool.rules()]
