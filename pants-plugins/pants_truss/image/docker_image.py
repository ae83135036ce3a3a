"""Builds an image of a truss with `docker build`, from the Dockerfile of its Truss release."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from itertools import chain
from typing import Iterable, List

from pants.backend.docker import target_types as docker_target_types
from pants.backend.docker.goals.package_image import DockerPackageFieldSet
from pants.backend.docker.subsystems.docker_options import DockerOptions
from pants.backend.docker.target_types import DockerImageTagsRequest
from pants.backend.docker.util_rules import docker_binary, docker_build_args, docker_build_env
from pants.backend.docker.util_rules.docker_binary import DockerBinary
from pants.backend.docker.util_rules.docker_build_args import DockerBuildArgsRequest
from pants.backend.docker.util_rules.docker_build_env import DockerBuildEnvironmentRequest
from pants.core.goals.package import BuiltPackage
from pants.engine.addresses import Address
from pants.engine.fs import AddPrefix, CreateDigest, FileContent
from pants.engine.rules import collect_rules
from pants.engine.target import InvalidFieldException, Target
from pants.engine.unions import UnionMembership
from pants.util.logging import LogLevel

from pants_truss.core import dockerfile
from pants_truss.core.oci.reference import parse_reference
from pants_truss.image import build_context, image_target
from pants_truss.image.build_context import (
    DOCKERFILE,
    BuildContextRequest,
    WrittenContext,
    make_build_context,
)
from pants_truss.image.docker_api import (
    get_docker_build_args,
    get_docker_build_environment,
    get_docker_image_tags,
)
from pants_truss.image.docker_build import built_image, plan_docker_build, push_on_package
from pants_truss.image.image_target import CheckImageTargetRequest, check_image_target
from pants_truss.image.target_types import (
    DOCKER_INFO,
    TrussImagePinRequirementsField,
    TrussImageRegistriesField,
    TrussImageTrussField,
)
from pants_truss.pants_api import (
    add_prefix,
    concurrently,
    create_digest,
    digest_to_snapshot,
    execute_process,
    implicitly,
    rule,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet, TrussParameter

logger = logging.getLogger(__name__)

_CONTEXT = "context"


@dataclass(frozen=True)
class DockerFieldSet(DockerPackageFieldSet):
    """The fields of a `docker_image` that a `truss_image` has, with defaults for the others."""

    required_fields = (TrussImageTrussField,)  # type: ignore[assignment]


def docker_fields(target: Target) -> DockerFieldSet:
    registries = target[TrussImageRegistriesField].for_docker(target.address)
    return replace(DockerFieldSet.create(target), registries=registries)


def may_build(target: Target, options: DockerOptions, dry_run: bool) -> bool:
    """Returns True if `pants package` builds the image; a build may also push it. Raises
    `InvalidTruss` if `[docker].push_on_package` is `error`."""
    behavior = push_on_package(docker_fields(target), options)
    if not behavior:
        return True
    pushed = f"{target.address}: the build pushes the image because of `output`"
    if behavior == "error":
        raise InvalidTruss(
            f"{pushed}, but `[docker].push_on_package` is `error`. Remove `output` and run `pants "
            f"publish`, or set `push_on_package` to `allow`."
        )
    if behavior == "warn":
        logger.warning(f"{pushed}. Set `[docker].push_on_package` to change that.")
    return behavior != "ignore" and not dry_run


@dataclass(frozen=True)
class DockerImageRequest(TrussParameter):
    address: Address
    truss: TrussFieldSet


@rule(desc="Build an image of a truss with Docker", level=LogLevel.DEBUG)
async def build_image(
    request: DockerImageRequest,
    options: DockerOptions,
    docker: DockerBinary,
    union_membership: UnionMembership,
) -> BuiltPackage:
    checked = await check_image_target(CheckImageTargetRequest(request.address), **implicitly())
    target = checked.target
    made = await make_build_context(
        BuildContextRequest(request.truss, target[TrussImagePinRequirementsField].value),
        **implicitly(),
    )
    prefixed = await add_prefix(AddPrefix(made.digest, _CONTEXT), **implicitly())
    snapshot = await digest_to_snapshot(prefixed)
    build_args = await get_docker_build_args(DockerBuildArgsRequest(target), **implicitly())
    environment = await get_docker_build_environment(
        DockerBuildEnvironmentRequest(target), **implicitly()
    )
    of_plugins = await concurrently(
        get_docker_image_tags(tags_request(target), **implicitly())
        for tags_request in union_membership.get(DockerImageTagsRequest)
        if tags_request.is_applicable(target)
    )
    fields = docker_fields(target)
    build = plan_docker_build(
        target=target,
        fields=fields,
        options=options,
        docker=docker,
        snapshot=snapshot,
        context_root=_CONTEXT,
        dockerfile=f"{_CONTEXT}/{DOCKERFILE}",
        build_args=build_args,
        declared_args=_arguments(made.written),
        stage_and_tag=stage_and_tag_of(made.written),
        environment=environment,
        more_tags=tuple(chain.from_iterable(of_plugins)),
    )
    if not build.tags:
        raise InvalidFieldException(
            f"The '{fields.tags.alias}' field in target {request.address} must name at least one "
            f'tag, but is empty. For example: `{fields.tags.alias}=["latest"]`.'
        )
    result = await execute_process(build.process, **implicitly())
    output = f"stdout:\n{result.stdout.decode()}\nstderr:\n{result.stderr.decode()}"
    if result.exit_code:
        raise InvalidTruss.of(
            request.address,
            f"`docker build` failed with exit code {result.exit_code}.\n{output}",
        )
    log = logger.info if options.build_verbose else logger.debug
    log(f"Docker build output for {build.tags[0]}:\n{output}")
    path = fields.output_path.value_or_default(file_ending=DOCKER_INFO)
    artifact, info = built_image(build, docker, result, path)
    digest = await create_digest(CreateDigest([FileContent(path, info)]), **implicitly())
    return BuiltPackage(digest, (artifact,))


def _arguments(written: WrittenContext) -> List[str]:
    return [i.text for i in written.instructions if i.keyword == "ARG"]


def stage_and_tag_of(written: WrittenContext) -> str:
    """Returns stage and tag of the FROM line, like Pants' parser of Dockerfiles."""
    image, *rest = dockerfile.stages(written.instructions)[0]
    stage = rest[1] if len(rest) == 2 else "stage0"
    reference = parse_reference(image)
    return f"{stage} {reference.tag or 'latest'}"


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *build_context.rules(),
        *docker_binary.rules(),
        *docker_build_args.rules(),
        *docker_build_env.rules(),
        *docker_target_types.rules(),
        *image_target.rules(),
    ]
