"""Makes the layers of images. Each layer is one cached process, and reproducible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Set, Tuple

from pants.engine.env_vars import EnvironmentVarsRequest
from pants.engine.fs import AddPrefix, Digest, FileEntry
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.documents import LAYER_MEDIA_TYPES, Descriptor, ImageLayer
from pants_truss.core.oci.whiteouts import WHY, is_whiteout
from pants_truss.core.paths import ancestors, is_within
from pants_truss.image.subsystem import TrussImageSubsystem
from pants_truss.pants_api import (
    add_prefix,
    get_digest_entries,
    get_environment_vars,
    implicitly,
    rule,
)
from pants_truss.script_tool import rules as script_tool
from pants_truss.script_tool.rules import (
    ScriptFailed,
    ScriptRequest,
    encode,
    run_script,
)
from pants_truss.sources.config_file import InvalidTruss

_EPOCH = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True)
class ImageTimeRequest:
    pass


@dataclass(frozen=True)
class ImageTime:
    """The time of all files in an image and of the image itself, in seconds since 1970."""

    epoch: int


@rule
async def find_image_time(_: ImageTimeRequest) -> ImageTime:
    found = await get_environment_vars(EnvironmentVarsRequest([_EPOCH]), **implicitly())
    value = found.get(_EPOCH, "") or "0"
    # The last second that a tar without extensions can represent.
    if not value.isascii() or not value.isdigit() or int(value) >= 8**11:
        raise InvalidTruss(
            f"The environment variable {_EPOCH} is {value!r}, but must be a number of seconds "
            f"since 1970. For example, use the output of `git log -1 --format=%ct`."
        )
    return ImageTime(int(value))


@dataclass(frozen=True)
class MakeLayerRequest:
    """`digest` holds the files at their paths in the image. `roots` are folders that the layer
    creates, with all folders of its files below them; other folders are the base image's."""

    comment: str
    digest: Digest
    roots: Tuple[str, ...]


@dataclass(frozen=True)
class MadeLayer:
    """`digest` holds the blob at its path in an image layout."""

    layer: ImageLayer
    digest: Digest


@rule(desc="Make a layer of an image", level=LogLevel.DEBUG)
async def make_layer(request: MakeLayerRequest, options: TrussImageSubsystem) -> MadeLayer:
    time = await find_image_time(ImageTimeRequest(), **implicitly())
    try:
        level = options.level
    except TrussError as e:
        raise InvalidTruss(str(e)) from None
    found = await get_digest_entries(request.digest)
    tree = await add_prefix(AddPrefix(request.digest, "tree"), **implicitly())
    spec = {
        "tree": "tree",
        "out": "blobs/sha256",
        "entries": _entries(found, request),
        "compression": options.compression.value,
        "level": level,
        "mtime": time.epoch,
    }
    result = await run_script(
        ScriptRequest(
            "pants_truss.image.scripts",
            "make_layer.py",
            encode(spec),
            tree,
            f"Make the layer {request.comment!r}",
            output_directories=("blobs",),
        ),
        **implicitly(),
    )
    diff_id = result.stdout.decode().strip()
    entries = await get_digest_entries(result.digest)
    for entry in entries:
        if isinstance(entry, FileEntry):
            digest = entry.file_digest
            descriptor = Descriptor(
                LAYER_MEDIA_TYPES[options.compression.value],
                f"sha256:{digest.fingerprint}",
                digest.serialized_bytes_length,
            )
            return MadeLayer(
                ImageLayer(descriptor, f"sha256:{diff_id}", request.comment), result.digest
            )
    raise ScriptFailed(f"The layer {request.comment!r} was not made.")


def _entries(found: Iterable[object], request: MakeLayerRequest) -> List[Tuple[str, str]]:
    """Returns path and kind, for the script. Links are refused: gathered and installed files
    contain none, and a link could lead out of the image. Whiteouts are refused for every layer;
    files of trusses and distributions are checked earlier, with better messages."""
    roots = request.roots
    folders: Set[str] = set(roots)
    entries: List[Tuple[str, str]] = []
    for entry in found:
        path = str(getattr(entry, "path", ""))
        if is_whiteout(path):
            raise InvalidTruss(f"The layer {request.comment!r} cannot contain {path!r}. {WHY}.")
        if isinstance(entry, FileEntry):
            entries.append((path, "x" if entry.is_executable else "f"))
        elif hasattr(entry, "target"):
            raise ScriptFailed(f"{path!r} is a link, which an image cannot contain.")
        folders.update(
            folder for folder in ancestors(path) if any(is_within(folder, root) for root in roots)
        )
    return sorted([*entries, *((folder, "d") for folder in folders)])


def rules() -> Iterable[object]:
    return [*collect_rules(), *script_tool.rules()]
