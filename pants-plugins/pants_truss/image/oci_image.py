"""Makes an image of a truss without a container engine: cached layers, and documents that name
them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, Optional, Tuple

from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.rules import collect_rules
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core import dockerfile
from pants_truss.core.manifest import to_bytes
from pants_truss.core.oci import base_image
from pants_truss.core.oci.documents import (
    Blob,
    Descriptor,
    Platform,
    config_blob,
    manifest_blob,
)
from pants_truss.core.oci.sbom import ImageMaterials, sbom
from pants_truss.core.oci.unsupported_keys import advice, dockerfile_keys, unknown_commands
from pants_truss.core.server_layout import place_in_image
from pants_truss.core.yaml_document import parse
from pants_truss.gather.gather import gather_truss
from pants_truss.image import base_image as base_image_rules
from pants_truss.image import truss_layers
from pants_truss.image.base_image import BaseImage, FindBaseRequest, find_base
from pants_truss.image.build_context import describe_image
from pants_truss.image.layer import ImageTimeRequest, find_image_time
from pants_truss.image.subsystem import TrussImageSubsystem
from pants_truss.image.truss_layers import ImageLayersRequest, make_image_layers
from pants_truss.image.whiteouts import refuse_whiteouts
from pants_truss.pants_api import create_digest, implicitly, merge_digests, rule
from pants_truss.serving.environment import dotted
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet, TrussParameter

_TREE_DIGEST = "com.baseten.truss.tree-digest"
_BASE_DIGEST = "org.opencontainers.image.base.digest"
_REVISION = "org.opencontainers.image.revision"


@dataclass(frozen=True)
class OciImageRequest(TrussParameter):
    """`address` is the address of the image. `base` is a reference or the path of a layout; by
    default the config or Truss names it. `labels` and `annotations` are added to the image's."""

    truss: TrussFieldSet
    address: str
    platform: Platform
    base: Optional[str]
    labels: FrozenDict[str, str]
    annotations: FrozenDict[str, str]


@dataclass(frozen=True)
class OciImage:
    """`digest` holds the blobs at their paths in an image layout. `notes` are shown to the user."""

    manifest: Descriptor
    digest: Digest
    sbom: bytes
    notes: Tuple[str, ...]


@rule(desc="Make an OCI image", level=LogLevel.DEBUG)
async def make_oci_image(request: OciImageRequest, options: TrussImageSubsystem) -> OciImage:
    truss = request.truss
    gathered = await gather_truss(truss, **implicitly())
    config_path, truss_config = gathered.config_file.path, gathered.config_file.config
    data = parse(gathered.config).data
    _refuse_dockerfile_keys(request, config_path, data)
    in_image = place_in_image(gathered.files, truss_config)
    refuse_whiteouts(truss.address, in_image)
    described = await describe_image(truss, **implicitly())
    instructions = described.instructions
    found = await find_base(
        FindBaseRequest(
            request.base or dockerfile.base_of(instructions),
            _origin(request, config_path, bool(data.get("base_image"))),
            request.platform,
            dockerfile.settings(instructions, {}).entrypoint[0],
        ),
        **implicitly(),
    )
    _check_python(request, found, truss_config.python, config_path)
    made = await make_image_layers(
        ImageLayersRequest(truss, request.platform, found.site, found.prefix), **implicitly()
    )
    time = await find_image_time(ImageTimeRequest(), **implicitly())
    config = config_blob(
        found.config_data,
        request.platform,
        _run_config(found, instructions, request.labels),
        [each.layer for each in made.layers],
        time.epoch,
    )
    manifest = manifest_blob(
        config.descriptor,
        [*found.layers_data, *(each.layer.descriptor.as_json() for each in made.layers)],
        {
            _BASE_DIGEST: found.manifest,
            **request.annotations,
            **({_REVISION: options.revision} if options.revision else {}),
            _TREE_DIGEST: gathered.tree_digest,
        },
    )
    documents = await create_digest(CreateDigest(_files(config, manifest)), **implicitly())
    digest = await merge_digests(
        MergeDigests([found.digest, documents, *(each.digest for each in made.layers)]),
        **implicitly(),
    )
    materials = ImageMaterials(
        request.address,
        manifest.descriptor.digest,
        (found.name, found.manifest),
        gathered.tree_digest,
        found.python,
        in_image,
        made.distributions,
    )
    return OciImage(
        manifest.descriptor,
        digest,
        to_bytes(sbom(materials)),
        (
            *found.notes,
            *made.notes,
            *_too_many_layers(found, len(made.layers)),
            *_unknown(config_path, instructions),
            *gathered.notes,
        ),
    )


def _files(*blobs: Blob) -> List[FileContent]:
    return [FileContent(blob.descriptor.path, blob.content) for blob in blobs]


def _origin(request: OciImageRequest, config_path: str, has_base: bool) -> str:
    """Returns the target, and the place that names the base, for messages."""
    if request.base:
        return request.address
    if has_base:
        return f"{request.address} (`base_image` in {config_path})"
    return f"{request.address} (Truss's default base for the Python of {config_path})"


def _refuse_dockerfile_keys(request: OciImageRequest, path: str, data: Mapping[Any, Any]) -> None:
    keys = dockerfile_keys(data)
    if keys:
        named = ", ".join(f"`{key}`" for key in keys)
        what = f"only a Dockerfile supports {named}. {advice(keys)}"
        raise InvalidTruss.of(request.address, what, path)


def _too_many_layers(found: BaseImage, more: int) -> List[str]:
    count = len(found.layers_data) + more
    if count <= base_image.DOCKER_LAYERS:
        return []
    return [
        f"Warning: the image has {count} layers, {count - more} of them from its base "
        f"{found.name}. Docker runs images of at most {base_image.DOCKER_LAYERS}. Use a base with "
        f"fewer layers, or lower `[truss-images].shared_layers`."
    ]


def _unknown(path: str, instructions: Tuple[dockerfile.Instruction, ...]) -> List[str]:
    return [
        f"Warning: {path}: the Dockerfile that Truss writes runs {command!r}, but this image "
        f'does not. Use `builder="docker"` to run it.'
        for command in unknown_commands(instructions)
    ]


def _check_python(
    request: OciImageRequest, found: BaseImage, python: Tuple[int, int], path: str
) -> None:
    wanted = dotted(python)
    if found.python != wanted:
        raise InvalidTruss.of(
            request.address,
            f"the base image {found.name} has Python {found.python}, but `python_version` is "
            f"py{wanted.replace('.', '')}. Use a base with Python {wanted}, or write "
            f"`python_version: py{found.python.replace('.', '')}`.",
            path,
        )


def _run_config(
    found: BaseImage, instructions: Tuple[dockerfile.Instruction, ...], labels: Mapping[str, str]
) -> Mapping[str, object]:
    data = found.config_data
    settings = dockerfile.settings(instructions, base_image.environment(data))
    all_labels = {**((data.get("config") or {}).get("Labels") or {}), **labels}
    return {
        "Env": [f"{name}={value}" for name, value in settings.environment.items()],
        "WorkingDir": settings.working_dir,
        "User": settings.user,
        "Entrypoint": list(settings.entrypoint),
        # Like Docker, a new entry point drops the command of the base.
        "Cmd": list(settings.cmd),
        "Labels": all_labels or None,
    }


def rules() -> Iterable[object]:
    return [*collect_rules(), *base_image_rules.rules(), *truss_layers.rules()]
