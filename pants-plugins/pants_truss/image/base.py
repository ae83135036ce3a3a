"""Finds the image that others are built on: in the repository, or in a registry."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from pants.core.util_rules import system_binaries
from pants.core.util_rules.system_binaries import BinaryPathRequest, BinaryPathTest
from pants.engine.env_vars import EnvironmentVarsRequest
from pants.engine.fs import Digest, DigestSubset, FileEntry, RemovePrefix
from pants.engine.process import Process, ProcessCacheScope
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.dockerfile import DEFAULT_PATH
from pants_truss.core.errors import TrussError
from pants_truss.core.oci import base_image
from pants_truss.core.oci.base_image import check_blob, check_config, choose, document
from pants_truss.core.oci.documents import INDEX_FILE, Descriptor, Platform, blob_path
from pants_truss.core.oci.reference import ImageReference, parse_reference
from pants_truss.core.paths import join, normalize_inside
from pants_truss.engine import (
    digest_subset,
    execute_process,
    find_binary,
    get_digest_contents,
    get_digest_entries,
    get_environment_vars,
    implicitly,
    path_globs_to_digest,
    path_globs_to_paths,
    remove_prefix,
    rule,
)
from pants_truss.image import tool
from pants_truss.image.subsystem import TrussImageSubsystem
from pants_truss.image.tool import ImageScriptRequest, encode, run_image_script
from pants_truss.util_rules.exact_globs import all_of, exactly
from pants_truss.util_rules.truss_config import InvalidTruss

# Folders of the image that are not the base's.
OURS = ("app", "packages", "opt/truss")


@dataclass(frozen=True)
class FindBaseRequest:
    """`text` is a reference, or the path of a folder with an OCI layout. `origin` is where it is
    written. `python` is as the image calls it: a name on its PATH, or an absolute path."""

    text: str
    origin: str
    platform: Platform
    python: str


@dataclass(frozen=True)
class BaseImage:
    """`digest` has the blobs of its layers, where they lie in an image layout; `config` and
    `layers` are JSON. `python` is a version such as `3.11`, and `site` the folder that this Python
    reads `.pth` files from, first of all. `notes` are for the user."""

    name: str
    digest: Digest
    config: str
    layers: str
    python: str
    site: str
    notes: Tuple[str, ...]

    @property
    def config_data(self) -> Dict[str, Any]:
        data: Dict[str, Any] = json.loads(self.config)
        return data

    @property
    def layers_data(self) -> Tuple[Mapping[str, Any], ...]:
        return tuple(json.loads(self.layers))


@dataclass(frozen=True)
class SkopeoRequest:
    """`is_pinned` tells whether the same arguments give the same result for ever."""

    arguments: Tuple[str, ...]
    description: str
    is_pinned: bool
    output_directories: Tuple[str, ...] = ()


@dataclass(frozen=True)
class SkopeoResult:
    stdout: str
    digest: Digest
    error: Optional[str]


@rule(desc="Run skopeo", level=LogLevel.DEBUG)
async def run_skopeo(
    request: SkopeoRequest,
    options: TrussImageSubsystem,
    env_aware: TrussImageSubsystem.EnvironmentAware,
) -> SkopeoResult:
    search = BinaryPathRequest(
        binary_name="skopeo",
        search_path=env_aware.executable_search_path,
        test=BinaryPathTest(args=["--version"]),
    )
    found = await find_binary(search, **implicitly())
    path = found.first_path_or_raise(search, rationale="fetch the base image of a truss")
    env = await get_environment_vars(EnvironmentVarsRequest(options.env_vars), **implicitly())
    result = await execute_process(
        Process(
            # Where images may come from is for the registry's certificate to say, as in Docker.
            argv=(path.path, "--insecure-policy", *request.arguments),
            env=env,
            description=request.description,
            output_directories=request.output_directories,
            cache_scope=(
                ProcessCacheScope.SUCCESSFUL if request.is_pinned else ProcessCacheScope.PER_SESSION
            ),
        ),
        **implicitly(),
    )
    error = _message(result.stderr) if result.exit_code else None
    return SkopeoResult(result.stdout.decode(), result.output_digest, error)


def _message(stderr: bytes) -> str:
    """The last line, without what a log has around it."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines() or ["no output"]
    message = re.search(r'msg="((?:[^"\\]|\\.)*)"', lines[-1])
    return message.group(1).replace('\\"', '"') if message else lines[-1]


@dataclass(frozen=True)
class FetchBaseRequest:
    """`text` is a reference or the path of a layout."""

    text: str
    origin: str
    platform: Platform


@dataclass(frozen=True)
class FetchedBase:
    """An OCI layout of which nothing is known yet: all of it in `digest`, or a folder of the
    repository."""

    folder: str
    digest: Optional[Digest]
    notes: Tuple[str, ...]


@rule(desc="Fetch a base image")
async def fetch_base(request: FetchBaseRequest) -> FetchedBase:
    folder = normalize_inside(request.text)
    if folder:
        index = await path_globs_to_paths(exactly(join(folder, INDEX_FILE)), **implicitly())
        if index.files:
            return FetchedBase(folder, None, ())
    try:
        reference = parse_reference(request.text)
    except TrussError as e:
        raise InvalidTruss(
            f"{request.origin}: {e} The repository has no OCI layout in {request.text!r} either: "
            f"there is no {INDEX_FILE} in it."
        ) from None
    notes: Tuple[str, ...] = ()
    if not reference.digest:
        inspected = await run_skopeo(
            SkopeoRequest(
                ("inspect", "--format", "{{.Digest}}", f"docker://{reference.fetched}"),
                f"Find the digest of {reference}",
                is_pinned=False,
            ),
            **implicitly(),
        )
        if inspected.error:
            raise InvalidTruss(_not_fetched(request.origin, reference, inspected.error))
        reference, notes = _pin(reference, inspected.stdout.strip(), request.origin)
    fetched = await run_skopeo(
        SkopeoRequest(
            (
                *_overrides(request.platform),
                *("copy", "-q", f"docker://{reference.fetched}", "oci:base:base"),
            ),
            f"Fetch {reference}",
            is_pinned=True,
            output_directories=("base",),
        ),
        **implicitly(),
    )
    if fetched.error:
        raise InvalidTruss(_not_fetched(request.origin, reference, fetched.error))
    return FetchedBase("base", fetched.digest, notes)


def _overrides(platform: Platform) -> Tuple[str, ...]:
    variant = ("--override-variant", platform.variant) if platform.variant else ()
    return ("--override-os", platform.os, "--override-arch", platform.architecture, *variant)


def _not_fetched(origin: str, reference: ImageReference, error: str) -> str:
    return (
        f"{origin}: the image {reference} cannot be fetched: {error}\nAn image in the repository "
        f"needs no registry: `skopeo copy docker://{reference.fetched} oci:images/base:base`, and "
        f'`base="images/base"`.'
    )


def _pin(
    reference: ImageReference, digest: str, origin: str
) -> Tuple[ImageReference, Tuple[str, ...]]:
    pinned = reference.pinned(digest)
    note = (
        f"Warning: {origin}: {reference} is whatever the registry has under this tag today. "
        f"Pinned, it is {pinned}"
    )
    return pinned, (note,)


@dataclass(frozen=True)
class ReadBlobsRequest:
    """`paths` are those in the layout."""

    base: FetchedBase
    paths: Tuple[str, ...]


@dataclass(frozen=True)
class ReadBlobs:
    """The files at these paths, as far as they are there."""

    digest: Digest


@rule
async def read_blobs(request: ReadBlobsRequest) -> ReadBlobs:
    """By name: a layout in the repository may hold many images."""
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
    """`content` is JSON whose digest is that of the descriptor."""

    content: bytes


# Manifests are a few kilobytes; registries refuse more than 4 MiB.
_DOCUMENT_LIMIT = 4 * 1024 * 1024


@rule
async def read_document(request: ReadDocumentRequest) -> BaseDocument:
    descriptor = request.descriptor
    blobs = await read_blobs(ReadBlobsRequest(request.base, (descriptor.path,)), **implicitly())
    entries = await get_digest_entries(blobs.digest)
    try:
        check_blobs([descriptor], entries, request.what)
        if descriptor.size > _DOCUMENT_LIMIT:
            raise TrussError(f"{request.what}: {descriptor.digest} is too large for a document.")
    except TrussError as e:
        raise InvalidTruss(str(e)) from None
    contents = await get_digest_contents(blobs.digest)
    return BaseDocument(contents[0].content)


def check_blobs(descriptors: Iterable[Descriptor], entries: Iterable[object], what: str) -> None:
    files = {entry.path: entry.file_digest for entry in entries if isinstance(entry, FileEntry)}
    for descriptor in descriptors:
        found = files.get(descriptor.path)
        if found is None:
            raise TrussError(f"{what}: the layout lacks {descriptor.path}. Fetch it anew.")
        check_blob(descriptor, found.fingerprint, found.serialized_bytes_length, what)


@dataclass(frozen=True)
class ReadBaseRequest:
    base: FetchedBase
    platform: Platform
    what: str


@dataclass(frozen=True)
class ReadBase:
    """As in `BaseImage`."""

    digest: Digest
    config: str
    layers: str


@rule(desc="Read a base image")
async def read_base(request: ReadBaseRequest) -> ReadBase:
    base, what = request.base, request.what
    index = await read_blobs(ReadBlobsRequest(base, (INDEX_FILE,)), **implicitly())
    contents = await get_digest_contents(index.digest)
    try:
        choice = choose(document(contents[0].content, what), request.platform, what)
        for _ in range(3):
            # An index may list indexes: an image for several platforms, under a tag.
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
    return ReadBase(blobs.digest, encode(config), encode(manifest.as_json))


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
        "python": request.python,
        "ours": OURS,
    }
    result = await run_image_script(
        ImageScriptRequest(
            "inspect_base.py", encode(spec), read.digest, f"Look for Python in {text}"
        ),
        **implicitly(),
    )
    found = json.loads(result.stdout)
    if "error" in found:
        raise InvalidTruss(f"{what} cannot be used: {found['error']}.")
    return BaseImage(
        text,
        read.digest,
        read.config,
        read.layers,
        found["version"],
        found["site"],
        fetched.notes,
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *system_binaries.rules(), *tool.rules()]
