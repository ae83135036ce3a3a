"""Reads a base image. Its content is not trusted, and its layers are not unpacked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Mapping, Tuple

from pants.engine.fs import Digest, DigestSubset, FileEntry, RemovePrefix
from pants.engine.rules import collect_rules

from pants_truss.core.dockerfile import DEFAULT_PATH
from pants_truss.core.errors import TrussError
from pants_truss.core.oci import base_image
from pants_truss.core.oci.base_image import (
    MAX_INDEXES,
    check_blob,
    check_config,
    check_document_size,
    choose,
    document,
)
from pants_truss.core.oci.documents import INDEX_FILE, Descriptor, Platform, blob_path
from pants_truss.core.oci.sys_path_hook import ROOT
from pants_truss.core.paths import join
from pants_truss.core.server_layout import APP, PACKAGES
from pants_truss.image import fetch_base as fetching
from pants_truss.image.fetch_base import FetchBaseRequest, FetchedBase, fetch_base
from pants_truss.image.subsystem import TrussImageSubsystem
from pants_truss.pants_api import (
    digest_subset,
    get_digest_contents,
    get_digest_entries,
    implicitly,
    path_globs_to_digest,
    remove_prefix,
    rule,
)
from pants_truss.script_tool import rules as script_tool
from pants_truss.script_tool.rules import ScriptRequest, encode, run_script
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.globs import all_of


@dataclass(frozen=True)
class FindBaseRequest:
    """`text` is a reference, or the path of a folder with an OCI layout. `origin` is the place that
    names it. `python` is a name on the PATH of the image, or an absolute path."""

    text: str
    origin: str
    platform: Platform
    python: str


@dataclass(frozen=True)
class BaseImage:
    """A checked base image.

    `manifest` is the digest of the manifest. `digest` holds the blobs of the layers at their paths
    in an image layout; `config` and `layers` are JSON. `python` is a version such as `3.11`, `site`
    the folder whose `.pth` files it reads first, and `prefix` its installation prefix. `notes` are
    shown to the user.
    """

    name: str
    manifest: str
    digest: Digest
    config: str
    layers: str
    python: str
    site: str
    prefix: str
    notes: Tuple[str, ...]

    @property
    def config_data(self) -> Dict[str, Any]:
        data: Dict[str, Any] = json.loads(self.config)
        return data

    @property
    def layers_data(self) -> Tuple[Mapping[str, Any], ...]:
        return tuple(json.loads(self.layers))


@dataclass(frozen=True)
class ReadBlobsRequest:
    """`paths` are paths in the layout."""

    base: FetchedBase
    paths: Tuple[str, ...]


@dataclass(frozen=True)
class ReadBlobs:
    """The files at these paths, if they exist."""

    digest: Digest


@rule
async def read_blobs(request: ReadBlobsRequest) -> ReadBlobs:
    """Reads only the named blobs: a layout in the repository may hold many images."""
    paths = [join(request.base.folder, path) for path in request.paths]
    if request.base.digest is None:
        found = await path_globs_to_digest(all_of(paths), **implicitly())
    else:
        found = await digest_subset(
            DigestSubset(request.base.digest, all_of(paths)), **implicitly()
        )
    return ReadBlobs(await remove_prefix(RemovePrefix(found, request.base.folder)))


@dataclass(frozen=True)
class ReadDocumentRequest:
    base: FetchedBase
    descriptor: Descriptor
    what: str


@dataclass(frozen=True)
class BaseDocument:
    """`content` is JSON with the digest of the descriptor."""

    content: bytes


@rule
async def read_document(request: ReadDocumentRequest) -> BaseDocument:
    descriptor = request.descriptor
    blobs = await read_blobs(ReadBlobsRequest(request.base, (descriptor.path,)), **implicitly())
    entries = await get_digest_entries(blobs.digest)
    try:
        check_blobs([descriptor], entries, request.what)
        check_document_size(descriptor.size, descriptor.path, request.what)
    except TrussError as e:
        raise InvalidTruss(str(e)) from None
    contents = await get_digest_contents(blobs.digest)
    return BaseDocument(contents[0].content)


def _size(entries: Iterable[object]) -> int:
    files = (entry.file_digest for entry in entries if isinstance(entry, FileEntry))
    return sum(file.serialized_bytes_length for file in files)


def check_blobs(descriptors: Iterable[Descriptor], entries: Iterable[object], what: str) -> None:
    files = {entry.path: entry.file_digest for entry in entries if isinstance(entry, FileEntry)}
    for descriptor in descriptors:
        found = files.get(descriptor.path)
        if found is None:
            raise TrussError(f"{what}: the layout lacks {descriptor.path}. Fetch it again.")
        check_blob(descriptor, found.fingerprint, found.serialized_bytes_length, what)


@dataclass(frozen=True)
class ReadBaseRequest:
    base: FetchedBase
    platform: Platform
    what: str


@dataclass(frozen=True)
class ReadBase:
    """See `BaseImage`."""

    manifest: str
    digest: Digest
    config: str
    layers: str


@rule(desc="Read a base image")
async def read_base(request: ReadBaseRequest) -> ReadBase:
    base, what = request.base, request.what
    index = await read_blobs(ReadBlobsRequest(base, (INDEX_FILE,)), **implicitly())
    entries = await get_digest_entries(index.digest)
    try:
        check_document_size(_size(entries), INDEX_FILE, what)
    except TrussError as e:
        raise InvalidTruss(str(e)) from None
    contents = await get_digest_contents(index.digest)
    try:
        choice = choose(document(contents[0].content, what), request.platform, what, is_layout=True)
        for depth in range(1, MAX_INDEXES + 1):
            # An index may list indexes, such as the index of a multi-platform image under a tag.
            if choice.is_index and depth == MAX_INDEXES:
                raise TrussError(
                    f"{what} nests indexes too deeply: {choice.descriptor.digest} is in "
                    f"{MAX_INDEXES} others, which is the limit."
                )
            found = await read_document(
                ReadDocumentRequest(base, choice.descriptor, what), **implicitly()
            )
            data = document(found.content, what)
            if not choice.is_index:
                break
            choice = choose(data, request.platform, what)
        manifest = base_image.manifest(data, what)
        config_blob = await read_document(
            ReadDocumentRequest(base, manifest.config, what), **implicitly()
        )
        config = document(config_blob.content, what)
        check_config(config, len(manifest.layers), request.platform, what)
        blobs = await read_blobs(
            ReadBlobsRequest(base, tuple(layer.path for layer in manifest.layers)), **implicitly()
        )
        check_blobs(manifest.layers, await get_digest_entries(blobs.digest), what)
    except TrussError as e:
        raise InvalidTruss(str(e)) from None
    return ReadBase(
        choice.descriptor.digest, blobs.digest, encode(config), encode(manifest.as_json)
    )


@rule(desc="Find a base image")
async def find_base(request: FindBaseRequest, options: TrussImageSubsystem) -> BaseImage:
    text, origin = request.text, request.origin
    if text in options.bases:
        text, origin = options.bases[text], f"`[truss-images].bases` for {text!r}"
    fetched = await fetch_base(FetchBaseRequest(text, origin, request.platform), **implicitly())
    what = f"{origin}: the base image {text}"
    read = await read_base(ReadBaseRequest(fetched, request.platform, what), **implicitly())
    environment = base_image.environment(json.loads(read.config))
    spec = {
        "layers": [
            blob_path(layer["digest"].partition(":")[2]) for layer in json.loads(read.layers)
        ],
        "path": environment.get("PATH", DEFAULT_PATH),
        "diff_ids": json.loads(read.config)["rootfs"]["diff_ids"],
        "python": request.python,
        "ours": [APP, PACKAGES, ROOT],
        "new": [ROOT],
    }
    result = await run_script(
        ScriptRequest(
            "pants_truss.image.scripts",
            "inspect_base.py",
            encode(spec),
            read.digest,
            f"Look for Python in {text}",
            imported=(("pants_truss.core", "bounded_tar.py"),),
        ),
        **implicitly(),
    )
    found = json.loads(result.stdout)
    if "error" in found:
        raise InvalidTruss(f"{what} cannot be used: {found['error'].rstrip('.')}.")
    return BaseImage(
        text,
        read.manifest,
        read.digest,
        read.config,
        read.layers,
        found["version"],
        found["site"],
        found["prefix"],
        fetched.notes,
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *fetching.rules(), *script_tool.rules()]
