"""`pants package` of a `truss_image`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterable, List, Tuple

from pants.backend.docker.subsystems.docker_options import DockerOptions
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.engine.fs import (
    EMPTY_DIGEST,
    AddPrefix,
    CreateDigest,
    Digest,
    FileContent,
    FileEntry,
    MergeDigests,
)
from pants.engine.rules import collect_rules
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_truss.core.oci.layout_outputs import paths_beside
from pants_truss.core.oci.platforms import parse_platform
from pants_truss.core.oci.sbom import FILE_SUFFIX as SBOM_SUFFIX
from pants_truss.core.output_path import TAR_SUFFIX
from pants_truss.gather import output_path
from pants_truss.gather.output_path import ResolveOutputPathRequest, resolve_output_path
from pants_truss.image import build_context, docker_image, image_target, oci_layout
from pants_truss.image.build_context import BuildContextRequest, make_build_context
from pants_truss.image.docker_build import ImageName
from pants_truss.image.docker_image import DockerImageRequest, build_image, may_build
from pants_truss.image.image_target import (
    CheckImageTargetRequest,
    FindTrussOfImageRequest,
    check_image_target,
    find_truss_of_image,
)
from pants_truss.image.layer import ImageTimeRequest, find_image_time
from pants_truss.image.oci_image import OciImage
from pants_truss.image.oci_layout import OciFieldSet, OciLayout, OciLayoutRequest, make_oci_layout
from pants_truss.image.target_types import (
    ImageBuilder,
    TrussImageBuilderField,
    TrussImageDockerArchiveField,
    TrussImageEnvironmentField,
    TrussImageOutputPathField,
    TrussImagePinRequirementsField,
    TrussImagePlatformsField,
    TrussImageTrussField,
)
from pants_truss.pants_api import (
    add_prefix,
    create_digest,
    get_digest_entries,
    implicitly,
    merge_digests,
    rule,
)
from pants_truss.script_tool.rules import ScriptRequest, encode, run_script
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.target_types.field_sets import part_of


@dataclass(frozen=True)
class TrussImagePackageFieldSet(PackageFieldSet, OciFieldSet):
    required_fields = (TrussImageTrussField, TrussImageBuilderField)

    builder: TrussImageBuilderField
    platforms: TrussImagePlatformsField
    docker_archive: TrussImageDockerArchiveField
    pin_requirements: TrussImagePinRequirementsField
    output_path: TrussImageOutputPathField
    environment: TrussImageEnvironmentField


@dataclass(frozen=True)
class ArchiveRequest:
    """`names` are the names of the image in an engine; `path` is the file to write."""

    layout: OciLayout
    image: OciImage
    names: Tuple[str, ...]
    path: str


@dataclass(frozen=True)
class Archive:
    digest: Digest


@rule(desc="Write an image as one file", level=LogLevel.DEBUG)
async def archive_image(request: ArchiveRequest) -> Archive:
    time = await find_image_time(ImageTimeRequest(), **implicitly())
    layout = await add_prefix(AddPrefix(request.layout.digest, "layout"), **implicitly())
    spec = {
        "layout": "layout",
        "manifest": request.image.manifest.digest,
        "names": request.names,
        "mtime": time.epoch,
        "out": "image.tar",
    }
    result = await run_script(
        ScriptRequest(
            "pants_truss.image.scripts",
            "archive.py",
            encode(spec),
            layout,
            f"Write {request.path}",
            output_files=("image.tar",),
        ),
        **implicitly(),
    )
    entries = await get_digest_entries(result.digest)
    renamed = [
        replace(entry, path=request.path) for entry in entries if isinstance(entry, FileEntry)
    ]
    return Archive(await create_digest(CreateDigest(renamed), **implicitly()))


@dataclass(frozen=True)
class OciArtifact(BuiltPackageArtifact):
    """A layout to publish. `digest` is the digest of the image in it."""

    digest: str = ""
    names: Tuple[ImageName, ...] = ()


@dataclass(frozen=True)
class PackageOciImageRequest:
    """`output` is the path of the layout below `dist/`."""

    field_set: TrussImagePackageFieldSet
    output: str


@rule(desc="Package an OCI image", level=LogLevel.DEBUG)
async def package_oci_image(request: PackageOciImageRequest) -> BuiltPackage:
    field_set, output = request.field_set, request.output
    platforms = tuple(parse_platform(platform) for platform in field_set.platforms.value)
    made = await make_oci_layout(
        OciLayoutRequest(part_of(OciFieldSet, field_set), platforms), **implicitly()
    )
    digests = [await add_prefix(AddPrefix(made.digest, output), **implicitly())]
    notes = list(dict.fromkeys(note for image in made.images for note in image.notes))
    lines = tuple(f"  {line}" for line in (f"image {made.top.digest}", *notes))
    artifacts: List[BuiltPackageArtifact] = [
        OciArtifact(output, extra_log_lines=lines, digest=made.top.digest, names=made.names)
    ]
    for beside, image in zip(paths_beside(output, platforms), made.images):
        bom = FileContent(beside + SBOM_SUFFIX, image.sbom)
        digests.append(await create_digest(CreateDigest([bom]), **implicitly()))
        artifacts.append(OciArtifact(bom.path))
        if field_set.docker_archive.value:
            archive = ArchiveRequest(
                made, image, tuple(name.full for name in made.names), beside + TAR_SUFFIX
            )
            archived = await archive_image(archive, **implicitly())
            digests.append(archived.digest)
            names = ", ".join(archive.names)
            artifacts.append(
                OciArtifact(archive.path, extra_log_lines=(f"  `docker load` calls it {names}",))
            )
    digest = await merge_digests(MergeDigests(digests), **implicitly())
    return BuiltPackage(digest, tuple(artifacts))


@rule
async def package_truss_image(
    field_set: TrussImagePackageFieldSet,
    docker_options: DockerOptions,
    publish: TrussPublishSubsystem,
) -> BuiltPackage:
    checked = await check_image_target(CheckImageTargetRequest(field_set.address), **implicitly())
    output = await resolve_output_path(
        ResolveOutputPathRequest(field_set.output_path), **implicitly()
    )
    if field_set.builder.value == ImageBuilder.OCI.value:
        packaged = await package_oci_image(
            PackageOciImageRequest(field_set, output.path), **implicitly()
        )
        return packaged
    found = await find_truss_of_image(FindTrussOfImageRequest(field_set.truss), **implicitly())
    if field_set.builder.value == ImageBuilder.DOCKER.value:
        if not may_build(checked.target, docker_options, publish.dry_run):
            return BuiltPackage(EMPTY_DIGEST, ())
        built = await build_image(
            DockerImageRequest(field_set.address, found.truss), **implicitly()
        )
        return built
    pinned = field_set.pin_requirements.value
    made = await make_build_context(BuildContextRequest(found.truss, pinned), **implicitly())
    digest = await add_prefix(AddPrefix(made.digest, output.path), **implicitly())
    notes = tuple(f"  {note}" for note in made.gathered.notes)
    return BuiltPackage(digest, (OciArtifact(output.path, extra_log_lines=notes),))


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *build_context.rules(),
        *docker_image.rules(),
        *image_target.rules(),
        *oci_layout.rules(),
        *output_path.rules(),
        UnionRule(PackageFieldSet, TrussImagePackageFieldSet),
    ]
