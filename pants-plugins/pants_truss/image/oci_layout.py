"""Makes the image layout of a `truss_image`: one image, or an index with one for each platform."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Iterable, List, Tuple, Type

from pants.backend.docker.subsystems.docker_options import DockerOptions
from pants.backend.docker.target_types import DockerImageBuildImageLabelsOptionField
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.rules import collect_rules
from pants.engine.target import Field, FieldSet, InvalidFieldException
from pants.util.frozendict import FrozenDict

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.documents import Descriptor, Platform, index_blob, layout_files
from pants_truss.core.oci.reference import parse_reference
from pants_truss.image import docker_image, image_target, oci_image
from pants_truss.image.docker_build import ImageName, image_names
from pants_truss.image.docker_image import DockerFieldSet, docker_fields
from pants_truss.image.image_target import (
    CheckImageTargetRequest,
    FindTrussOfImageRequest,
    check_image_target,
    find_truss_of_image,
)
from pants_truss.image.oci_image import OciImage, OciImageRequest, make_oci_image
from pants_truss.image.target_types import (
    TrussImageAnnotationsField,
    TrussImageBaseField,
    TrussImageTrussField,
)
from pants_truss.pants_api import concurrently, create_digest, implicitly, merge_digests, rule

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class OciFieldSet(FieldSet):
    """The fields of a `truss_image` that define the content of its layout, except the platforms."""

    required_fields: ClassVar[Tuple[Type[Field], ...]] = (TrussImageTrussField,)

    truss: TrussImageTrussField
    base: TrussImageBaseField
    annotations: TrussImageAnnotationsField
    labels: DockerImageBuildImageLabelsOptionField


@dataclass(frozen=True)
class OciLayoutRequest:
    fields: OciFieldSet
    platforms: Tuple[Platform, ...]


@dataclass(frozen=True)
class OciLayout:
    """`digest` holds the layout at its root. `top` is the manifest or index that its index names.
    `images` are in the order of the platforms. `names` are those of an equal `docker_image`."""

    digest: Digest
    top: Descriptor
    images: Tuple[OciImage, ...]
    names: Tuple[ImageName, ...]


@rule
async def make_oci_layout(request: OciLayoutRequest, options: DockerOptions) -> OciLayout:
    fields, platforms = request.fields, request.platforms
    checked = await check_image_target(CheckImageTargetRequest(fields.address), **implicitly())
    found = await find_truss_of_image(FindTrussOfImageRequest(fields.truss), **implicitly())
    annotations: FrozenDict[str, str] = FrozenDict(fields.annotations.value or {})
    images = await concurrently(
        make_oci_image(
            OciImageRequest(
                found.truss,
                fields.address.spec,
                platform,
                fields.base.value,
                FrozenDict(fields.labels.value or {}),
                annotations,
            ),
            **implicitly(),
        )
        for platform in platforms
    )
    files: List[FileContent] = []
    top = images[0].manifest
    if len(images) > 1:
        index = index_blob(
            [(image.manifest, platform) for image, platform in zip(images, platforms)],
            annotations,
        )
        top = index.descriptor
        files.append(FileContent(top.path, index.content))
    named = docker_fields(checked.target)
    names = image_names(named, options, top.hex)
    _check_names(named, names)
    one = platforms[0] if len(platforms) == 1 else None
    tags = [name.tag for name in names]
    files += [FileContent(path, data) for path, data in layout_files(top, one, tags).items()]
    documents = await create_digest(CreateDigest(files), **implicitly())
    digest = await merge_digests(
        MergeDigests([documents, *(image.digest for image in images)]), **implicitly()
    )
    return OciLayout(digest, top, images, names)


def _check_names(fields: DockerFieldSet, names: Tuple[ImageName, ...]) -> None:
    """Checks names like Docker. Without Docker, no other check runs before the push."""
    if not names:
        raise InvalidFieldException(
            f"The '{fields.tags.alias}' field in target {fields.address} must name at least one "
            f'tag, but is empty. For example: `{fields.tags.alias}=["latest"]`.'
        )
    for name in names:
        repository = name.full[: -len(name.tag) - 1]
        if not _TAG.fullmatch(name.tag):
            raise InvalidFieldException(
                f"The '{fields.tags.alias}' field in target {fields.address} has {name.tag!r}, "
                f"which is not a valid image tag. Use up to 128 letters, digits, `_`, `.` or `-`, "
                f"not starting with `.` or `-`."
            )
        if not _is_repository(repository):
            raise InvalidFieldException(
                f"The '{fields.repository.alias}' field in target {fields.address} gives the name "
                f"{repository!r}, which is not a valid image name. Use lower-case letters and "
                f"digits, with single `.`, `_` or `-` between them, in parts separated by `/`."
            )


def _is_repository(text: str) -> bool:
    try:
        found = parse_reference(text)
    except TrussError:
        return False
    return not found.tag and not found.digest


def rules() -> Iterable[object]:
    return [*collect_rules(), *docker_image.rules(), *image_target.rules(), *oci_image.rules()]
