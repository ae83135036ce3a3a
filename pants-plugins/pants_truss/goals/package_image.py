"""`pants package` of a `truss_image`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Tuple

from pants.backend.docker.target_types import (
    DockerImageBuildImageLabelsOptionField,
    DockerImageTagsField,
)
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.engine.fs import AddPrefix, CreateDigest, FileContent, MergeDigests
from pants.engine.rules import collect_rules
from pants.engine.unions import UnionRule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core.oci.documents import index_blob, layout_files
from pants_truss.core.oci.platforms import parse_platform
from pants_truss.engine import (
    add_prefix,
    concurrently,
    create_digest,
    implicitly,
    merge_digests,
    rule,
)
from pants_truss.image import context, docker_image, find_truss, oci_image
from pants_truss.image.context import BuildContextRequest, make_build_context
from pants_truss.image.docker_image import DockerImageRequest, build_image
from pants_truss.image.find_truss import FindTrussOfImageRequest, find_truss_of_image
from pants_truss.image.oci_image import OciImage, OciImageRequest, make_oci_image
from pants_truss.image.target_types import (
    ImageBuilder,
    TrussImageAnnotationsField,
    TrussImageBaseField,
    TrussImageBuilderField,
    TrussImageDockerArchiveField,
    TrussImageOutputPathField,
    TrussImagePlatformsField,
    TrussImageTrussField,
)


@dataclass(frozen=True)
class TrussImagePackageFieldSet(PackageFieldSet):
    required_fields = (TrussImageTrussField, TrussImageBuilderField)

    truss: TrussImageTrussField
    builder: TrussImageBuilderField
    base: TrussImageBaseField
    platforms: TrussImagePlatformsField
    docker_archive: TrussImageDockerArchiveField
    annotations: TrussImageAnnotationsField
    labels: DockerImageBuildImageLabelsOptionField
    tags: DockerImageTagsField
    output_path: TrussImageOutputPathField


@dataclass(frozen=True)
class PackageOciImageRequest:
    field_set: TrussImagePackageFieldSet


@dataclass(frozen=True)
class PackagedOciImage:
    package: BuiltPackage


@rule(desc="Package an OCI image", level=LogLevel.DEBUG)
async def package_oci_image(request: PackageOciImageRequest) -> PackagedOciImage:
    fields = request.field_set
    found = await find_truss_of_image(FindTrussOfImageRequest(fields.truss), **implicitly())
    platforms = [parse_platform(platform) for platform in fields.platforms.value]
    annotations = FrozenDict(fields.annotations.value or {})
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
    tag = (fields.tags.value or ("latest",))[0]
    files = []
    top = images[0].manifest
    if len(images) > 1:
        index = index_blob(
            [(image.manifest, platform) for image, platform in zip(images, platforms)],
            annotations,
        )
        top = index.descriptor
        files.append(FileContent(top.path, index.content))
    one = platforms[0] if len(platforms) == 1 else None
    files += [FileContent(path, data) for path, data in layout_files(top, one, tag).items()]
    documents = await create_digest(CreateDigest(files), **implicitly())
    merged = await merge_digests(
        MergeDigests([documents, *(image.digest for image in images)]), **implicitly()
    )
    output = fields.output_path.value_or_default(file_ending=None)
    digest = await add_prefix(AddPrefix(merged, output), **implicitly())
    lines = [f"  image {top.digest}", *_notes(images)]
    return PackagedOciImage(
        BuiltPackage(digest, (BuiltPackageArtifact(output, extra_log_lines=tuple(lines)),))
    )


def _notes(images: Tuple[OciImage, ...]) -> List[str]:
    return list(dict.fromkeys(f"  {note}" for image in images for note in image.notes))


@rule
async def package_truss_image(field_set: TrussImagePackageFieldSet) -> BuiltPackage:
    if field_set.builder.value == ImageBuilder.OCI.value:
        packaged = await package_oci_image(PackageOciImageRequest(field_set), **implicitly())
        return packaged.package
    found = await find_truss_of_image(FindTrussOfImageRequest(field_set.truss), **implicitly())
    if field_set.builder.value == ImageBuilder.DOCKER.value:
        built = await build_image(
            DockerImageRequest(field_set.address, found.truss), **implicitly()
        )
        return built.package
    made = await make_build_context(BuildContextRequest(found.truss), **implicitly())
    output = field_set.output_path.value_or_default(file_ending=None)
    digest = await add_prefix(AddPrefix(made.digest, output), **implicitly())
    notes = tuple(f"  {note}" for note in made.gathered.notes)
    return BuiltPackage(digest, (BuiltPackageArtifact(output, extra_log_lines=notes),))


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *context.rules(),
        *docker_image.rules(),
        *find_truss.rules(),
        *oci_image.rules(),
        UnionRule(PackageFieldSet, TrussImagePackageFieldSet),
    ]
