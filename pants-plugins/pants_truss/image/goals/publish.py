"""`pants publish` of a `truss_image`: Docker pushes Docker's images, skopeo pushes layouts."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from typing import Iterable, List, Sequence, Tuple, cast

from pants.backend.docker import target_types as docker_target_types
from pants.backend.docker.goals import publish as docker_publish
from pants.backend.docker.goals.publish import (
    PublishDockerImageFieldSet,
    PublishDockerImageRequest,
)
from pants.backend.docker.package_types import BuiltDockerImage
from pants.backend.docker.subsystems.docker_options import DockerOptions
from pants.backend.docker.target_types import DockerImageSkipPushField
from pants.backend.docker.util_rules import docker_build_context
from pants.core.goals.package import BuiltPackage
from pants.core.goals.publish import (
    PublishFieldSet,
    PublishOutputData,
    PublishPackages,
    PublishProcesses,
    PublishRequest,
)
from pants.engine.fs import CreateDigest, FileContent, MergeDigests
from pants.engine.process import InteractiveProcess
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.image import image_target, skopeo
from pants_truss.image.docker_api import push_docker_images
from pants_truss.image.docker_build import push_on_package
from pants_truss.image.docker_image import docker_fields
from pants_truss.image.goals.package import OciArtifact
from pants_truss.image.image_target import CheckImageTargetRequest, check_image_target
from pants_truss.image.skopeo import FindSkopeoRequest, find_skopeo
from pants_truss.image.target_types import (
    ImageBuilder,
    TrussImageBuilderField,
    TrussImageRegistriesField,
)
from pants_truss.pants_api import HAS_CALL_BY_NAME, create_digest, implicitly, merge_digests, rule
from pants_truss.publish.redacted_env import hidden
from pants_truss.subsystems.publish import TrussPublishSubsystem


class PublishTrussImageRequest(PublishRequest):  # type: ignore[type-arg]
    pass


@dataclass(frozen=True)
class TrussImagePublishFieldSet(PublishFieldSet):  # type: ignore[type-arg]
    publish_request_type = PublishTrussImageRequest
    required_fields = (TrussImageBuilderField,)

    builder: TrussImageBuilderField
    registries: TrussImageRegistriesField
    skip_push: DockerImageSkipPushField

    def get_output_data(self) -> PublishOutputData:
        """Returns the same data as a `docker_image`."""
        by_docker = self.builder.value == ImageBuilder.DOCKER.value
        return PublishOutputData(
            {
                "publisher": "docker" if by_docker else "skopeo",
                "registries": self.registries.value or (),
                **super().get_output_data(),
            }
        )


class DockerPublishFieldSet(PublishDockerImageFieldSet):
    """Fields for Pants' docker backend, from a target without the field that selects its own."""

    required_fields = (TrussImageBuilderField,)  # type: ignore[assignment]


_SCRIPT = "push_layout.sh"


def _delays(retries: int, first: float) -> str:
    return " ".join(f"{max(first, 0) * 2**number:g}" for number in range(retries))


def _skipped(field_set: TrussImagePublishFieldSet, names: Tuple[str, ...]) -> PublishPackages:
    reason = f"(by `{field_set.skip_push.alias}` on {field_set.address})"
    return PublishPackages(names, description=reason)


def _pushed_before(
    field_set: TrussImagePublishFieldSet, names: Sequence[Tuple[str, ...]]
) -> PublishPackages:
    if names:
        pushed = tuple(tag for tags in names for tag in tags)
        return PublishPackages(pushed, description="(pushed by the build, because of `output`)")
    reason = "(not built, because of `output` and `[docker].push_on_package`)"
    return PublishPackages((field_set.address.spec,), description=reason)


async def _publish_by_docker(
    field_set: TrussImagePublishFieldSet,
    packages: Tuple[BuiltPackage, ...],
    dry_run: bool,
    docker_options: DockerOptions,
) -> PublishProcesses:
    """Publishes like Pants' docker backend. Only this path needs Docker."""
    built = (artifact for package in packages for artifact in package.artifacts)
    names = [image.tags for image in built if isinstance(image, BuiltDockerImage)]
    if dry_run and not field_set.skip_push.value:
        why = "(dry run: would be pushed by Docker)"
        return PublishProcesses([PublishPackages(tags, description=why) for tags in names])
    checked = await check_image_target(CheckImageTargetRequest(field_set.address), **implicitly())
    if field_set.skip_push.value:
        # Since 2.32 Pants' rule leaves this to the goal, which only asks Pants' own field sets.
        return PublishProcesses([_skipped(field_set, tuple(tag for tags in names for tag in tags))])
    if push_on_package(docker_fields(checked.target), docker_options):
        return PublishProcesses([_pushed_before(field_set, names)])
    fields = DockerPublishFieldSet.create(checked.target)
    return await push_docker_images(PublishDockerImageRequest(fields, packages), **implicitly())


@rule(desc="Prepare an image to be published", level=LogLevel.DEBUG)
async def publish_truss_image(
    request: PublishTrussImageRequest,
    options: TrussPublishSubsystem,
    docker_options: DockerOptions,
) -> PublishProcesses:
    field_set = cast(TrussImagePublishFieldSet, request.field_set)
    builder = field_set.builder.value
    if builder == ImageBuilder.DOCKER.value:
        return await _publish_by_docker(
            field_set, request.packages, options.dry_run, docker_options
        )
    if builder == ImageBuilder.CONTEXT.value:
        reason = f'(no image, because of `builder="{builder}"`)'
        return PublishProcesses([PublishPackages((field_set.address.spec,), description=reason)])
    package, artifact = _layout(request.packages)
    if field_set.skip_push.value:
        names = tuple(name.full for name in artifact.names)
        return PublishProcesses([_skipped(field_set, names)])
    tool = await find_skopeo(FindSkopeoRequest("push the image of a truss"), **implicitly())
    content = pkgutil.get_data("pants_truss.image.scripts", _SCRIPT) or b""
    script = await create_digest(CreateDigest([FileContent(_SCRIPT, content)]), **implicitly())
    inputs = await merge_digests(MergeDigests([package.digest, script]), **implicitly())
    jobs: List[PublishPackages] = []
    for name in artifact.names:
        data = PublishOutputData({"image": name.full, "digest": artifact.digest})
        reason = name.not_pushed
        if options.dry_run and not reason:
            reason = f"(dry run: would be pushed @{artifact.digest})"
        if reason:
            jobs.append(PublishPackages((name.full,), description=reason, data=data))
            continue
        process = InteractiveProcess(
            (
                *("/bin/sh", _SCRIPT, _delays(options.retries, options.retry_delay)),
                *(*tool.command, "copy", "--all", "--preserve-digests"),
                f"oci:{artifact.relpath}:{name.tag}",
                f"docker://{name.full}",
            ),
            # The `PATH` on which skopeo finds the credential helper of a registry.
            env={"PATH": tool.search_path, **hidden(tool.env)},
            input_digest=inputs,
        )
        jobs.append(PublishPackages((name.full,), process, f"@{artifact.digest}", data))
    return PublishProcesses(jobs)


def _layout(packages: Tuple[BuiltPackage, ...]) -> Tuple[BuiltPackage, OciArtifact]:
    for package in packages:
        for artifact in package.artifacts:
            if isinstance(artifact, OciArtifact) and artifact.names:
                return package, artifact
    raise AssertionError("An image without layout.")


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *docker_publish.rules(),
        *docker_target_types.rules(),
        # Since 2.32 that rule calls those of a `docker_image`; the docker backend may be off.
        *(docker_build_context.rules() if HAS_CALL_BY_NAME else ()),
        *image_target.rules(),
        *skopeo.rules(),
        *TrussImagePublishFieldSet.rules(),
    ]
