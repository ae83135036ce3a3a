"""Makes the image layout of a `truss_image`: one image, or an index of one for each platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable, Tuple, Type

from pants.backend.docker.target_types import (
    DockerImageBuildImageLabelsOptionField,
    DockerImageTagsField,
)
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.rules import collect_rules
from pants.engine.target import Field, FieldSet
from pants.util.frozendict import FrozenDict

from pants_truss.core.oci.documents import Descriptor, Platform, index_blob, layout_files
from pants_truss.engine import concurrently, create_digest, implicitly, merge_digests, rule
from pants_truss.image import find_truss, oci_image
from pants_truss.image.find_truss import FindTrussOfImageRequest, find_truss_of_image
from pants_truss.image.oci_image import OciImage, OciImageRequest, make_oci_image
from pants_truss.image.target_types import (
    TrussImageAnnotationsField,
    TrussImageBaseField,
    TrussImageTrussField,
)


@dataclass(frozen=True)
class OciFields(FieldSet):
    """The fields of a `truss_image` that say what its layout holds, apart from the platforms."""

    required_fields: ClassVar[Tuple[Type[Field], ...]] = (TrussImageTrussField,)

    truss: TrussImageTrussField
    base: TrussImageBaseField
    annotations: TrussImageAnnotationsField
    labels: DockerImageBuildImageLabelsOptionField
    tags: DockerImageTagsField


@dataclass(frozen=True)
class OciLayoutRequest:
    fields: OciFields
    platforms: Tuple[Platform, ...]


@dataclass(frozen=True)
class OciLayout:
    """`digest` has the layout at its root, `top` is what its index names, `images` are in the order
    of the platforms."""

    digest: Digest
    top: Descriptor
    images: Tuple[OciImage, ...]


@rule
async def make_oci_layout(request: OciLayoutRequest) -> OciLayout:
    fields, platforms = request.fields, request.platforms
    found = await find_truss_of_image(FindTrussOfImageRequest(fields.truss), **implicitly())
    annotations: FrozenDict[str, str] = FrozenDict(fields.annotations.value or {})
    images = await concurrently(
        make_oci_image(
            OciImageRequest(
                found.truss,
                platform,
                fields.base.value,
                f"The target {fields.address}",
                FrozenDict(fields.labels.value or {}),
                annotations,
            ),
            **implicitly(),
        )
        for platform in platforms
    )
    files = []
    top = images[0].manifest
    if len(images) > 1:
        index = index_blob(
            [(image.manifest, platform) for image, platform in zip(images, platforms)],
            annotations,
        )
        top = index.descriptor
        files.append(FileContent(top.path, index.content))
    tag = (fields.tags.value or ("latest",))[0]
    one = platforms[0] if len(platforms) == 1 else None
    files += [FileContent(path, data) for path, data in layout_files(top, one, tag).items()]
    documents = await create_digest(CreateDigest(files), **implicitly())
    digest = await merge_digests(
        MergeDigests([documents, *(image.digest for image in images)]), **implicitly()
    )
    return OciLayout(digest, top, images)


def rules() -> Iterable[object]:
    return [*collect_rules(), *find_truss.rules(), *oci_image.rules()]
