"""Makes an image of a truss without any engine: layers, each cached, and documents that name them.
"""

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
from pants_truss.core.oci.dockerfile_only import advice, dockerfile_keys, unknown_commands
from pants_truss.core.oci.documents import (
    Blob,
    Descriptor,
    Platform,
    config_blob,
    manifest_blob,
)
from pants_truss.core.oci.sbom import ImageMaterials, sbom
from pants_truss.core.server_layout import lay_out
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.core.yaml_document import parse
from pants_truss.gather.gather import gather_truss
from pants_truss.gather.plan import PlanTrussRequest, plan_truss
from pants_truss.image import base, truss_layers
from pants_truss.image.base import BaseImage, FindBaseRequest, find_base
from pants_truss.image.context import DescribeImageRequest, describe_image
from pants_truss.image.layer import ImageTimeRequest, find_image_time
from pants_truss.image.subsystem import TrussImageSubsystem
from pants_truss.image.truss_layers import ImageLayersRequest, make_image_layers
from pants_truss.pants_api import create_digest, implicitly, merge_digests, rule
from pants_truss.serving.environment import dotted
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import OfTruss, TrussFieldSet

_TREE_DIGEST = "com.baseten.truss.tree-digest"
_BASE_DIGEST = "org.opencontainers.image.base.digest"
_REVISION = "org.opencontainers.image.revision"


@dataclass(frozen=True)
class OciImageRequest(OfTruss):
    """`address` is that of the image. `base` is a reference or the path of a layout, by default
    what the config or Truss names. `labels` and `annotations` are added to the image's."""

    truss: TrussFieldSet
    address: str
    platform: Platform
    base: Optional[str]
    labels: FrozenDict[str, str]
    annotations: FrozenDict[str, str]


@dataclass(frozen=True)
class OciImage:
    """`digest` has the blobs, where they lie in an image layout. `notes` are for the user."""

    manifest: Descriptor
    digest: Digest
    sbom: bytes
    notes: Tuple[str, ...]


@rule(desc="Make an OCI image", level=LogLevel.DEBUG)
async def make_oci_image(request: OciImageRequest, options: TrussImageSubsystem) -> OciImage:
    truss = request.truss
    planned = await plan_truss(PlanTrussRequest(truss), **implicitly())
    config_path = planned.config_file.path
    data = parse(planned.generated[CONFIG_FILE]).data
    _refuse_dockerfile_keys(request, config_path, data)
    described = await describe_image(DescribeImageRequest(truss), **implicitly())
    instructions = described.written.instructions
    found = await find_base(
        FindBaseRequest(
            request.base or dockerfile.base_of(instructions),
            _origin(request, config_path, bool(data.get("base_image"))),
            request.platform,
            dockerfile.settings(instructions, {}).entrypoint[0],
        ),
        **implicitly(),
    )
    _check_python(request, found, planned.config_file.config.python, config_path)
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
    gathered = await gather_truss(truss, **implicitly())
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
        lay_out(gathered.files, planned.config_file.config),
        made.distributions,
    )
    return OciImage(
        manifest.descriptor,
        digest,
        to_bytes(sbom(materials)),
        (*found.notes, *made.notes, *_unknown(config_path, instructions), *gathered.notes),
    )


def _files(*blobs: Blob) -> List[FileContent]:
    return [FileContent(blob.descriptor.path, blob.content) for blob in blobs]


def _origin(request: OciImageRequest, config_path: str, has_base: bool) -> str:
    """Where the base is named, for messages."""
    if request.base:
        return f"The target {request.address}"
    if has_base:
        return f"The target {request.address}, by `base_image` in {config_path}"
    return f"The target {request.address}, by the default of Truss for the Python of {config_path}"


def _refuse_dockerfile_keys(request: OciImageRequest, path: str, data: Mapping[Any, Any]) -> None:
    keys = dockerfile_keys(data)
    if keys:
        named = ", ".join(f"`{key}`" for key in keys)
        raise InvalidTruss(
            f"The target {request.address}: {path} has {named}, which only a Dockerfile can do. "
            f"{advice(keys)}"
        )


def _unknown(path: str, instructions: Tuple[dockerfile.Instruction, ...]) -> List[str]:
    return [
        f"Warning: {path}: the Dockerfile that Truss writes runs {command!r}, which this image is "
        f'without. `builder="docker"` runs it.'
        for command in unknown_commands(instructions)
    ]


def _check_python(
    request: OciImageRequest, found: BaseImage, python: Tuple[int, int], path: str
) -> None:
    wanted = dotted(python)
    if found.python != wanted:
        raise InvalidTruss(
            f"The target {request.address}: the base image {found.name} has Python "
            f"{found.python}, but `python_version` in {path} is py{wanted.replace('.', '')}. Take "
            f"a base with Python {wanted}, or write "
            f"`python_version: py{found.python.replace('.', '')}`."
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
        # As Docker does with the base's, where there is a new entry point.
        "Cmd": list(settings.cmd),
        "Labels": all_labels or None,
    }


def rules() -> Iterable[object]:
    return [*collect_rules(), *base.rules(), *truss_layers.rules()]
