"""Does for images of trusses what Pants' docker backend does for a `docker_image`: one `docker
build`, and the same image names, on all releases of Pants.

The backend's own rule only takes the context from the dependencies of a target. The functions that
it uses accept any context, but take more arguments with each release.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Tuple

from pants.backend.docker.goals.package_image import (
    DockerInfoV1,
    DockerPackageFieldSet,
    get_build_options,
    parse_image_id_from_docker_build_output,
)
from pants.backend.docker.package_types import BuiltDockerImage
from pants.backend.docker.subsystems.docker_options import DockerOptions
from pants.backend.docker.subsystems.dockerfile_parser import DockerfileInfo
from pants.backend.docker.util_rules.docker_binary import DockerBinary
from pants.backend.docker.util_rules.docker_build_args import DockerBuildArgs
from pants.backend.docker.util_rules.docker_build_context import DockerBuildContext
from pants.backend.docker.util_rules.docker_build_env import DockerBuildEnvironment
from pants.engine.fs import Snapshot
from pants.engine.process import FallibleProcessResult, Process
from pants.engine.target import Target
from pants.util.value_interpolation import InterpolationContext


@dataclass(frozen=True)
class DockerBuild:
    """The process to run, and its results. `tags` are full names of the image."""

    process: Process
    tags: Tuple[str, ...]
    refs: Tuple[Any, ...]


def plan_docker_build(
    *,
    target: Target,
    fields: DockerPackageFieldSet,
    options: DockerOptions,
    docker: DockerBinary,
    snapshot: Snapshot,
    context_root: str,
    dockerfile: str,
    build_args: DockerBuildArgs,
    declared_args: Iterable[str],
    stage_and_tag: str,
    environment: DockerBuildEnvironment,
    more_tags: Tuple[str, ...],
) -> DockerBuild:
    """`snapshot` holds the context in the folder `context_root`; `dockerfile` is its path.
    `declared_args` are the ARG lines; `stage_and_tag` are those of the FROM line."""
    info = DockerfileInfo(
        address=target.address,
        digest=snapshot.digest,
        source=dockerfile,
        build_args=DockerBuildArgs.from_strings(*declared_args),
        version_tags=(stage_and_tag,),
    )
    context = DockerBuildContext.create(
        build_args=build_args,
        # Without this, Pants would suggest other names for COPY lines.
        snapshot=snapshot,
        build_env=environment,
        upstream_image_ids=(),
        dockerfile_info=info,
        **accepted_arguments(DockerBuildContext.create, should_suggest_renames=False),
    )
    refs = tuple(
        fields.image_refs(
            default_repository=options.default_repository,
            registries=options.registries(),
            interpolation_context=context.interpolation_context,
            additional_tags=more_tags,
        )
    )
    tags = tuple(tag.full_name for ref in refs for tag in ref.tags)
    build_options = get_build_options(
        context=context,
        field_set=fields,
        global_target_stage_option=options.build_target_stage,
        target=target,
        **accepted_arguments(
            get_build_options,
            global_build_hosts_options=getattr(options, "build_hosts", None),
            global_build_no_cache_option=getattr(options, "build_no_cache", None),
            use_buildx_option=getattr(options, "use_buildx", False),
            global_extra_options=tuple(getattr(options, "build_extra_options", ()) or ()),
        ),
    )
    process = docker.build_image(
        tags=tags or ("",),
        digest=snapshot.digest,
        dockerfile=dockerfile,
        build_args=build_args,
        context_root=context_root,
        env=environment.environment,
        extra_args=tuple(build_options),
        **accepted_arguments(docker.build_image, use_buildx=getattr(options, "use_buildx", False)),
    )
    return DockerBuild(process, tags, refs)


def accepted_arguments(function: Callable[..., Any], **arguments: Any) -> Mapping[str, Any]:
    """Returns the arguments that the function has parameters for."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in parameters}


def built_image(
    build: DockerBuild, docker: DockerBinary, result: FallibleProcessResult, info_path: str
) -> Tuple[BuiltDockerImage, bytes]:
    """Returns the artifact, and the content of `docker-info.json`."""
    parse: Any = parse_image_id_from_docker_build_output
    wants_docker = "docker" in inspect.signature(parse).parameters  # Pants 2.19
    outputs = (result.stdout, result.stderr)
    image_id: str = parse(docker, *outputs) if wants_docker else parse(*outputs)
    info = DockerInfoV1.serialize(build.refs, image_id=image_id)
    return BuiltDockerImage.create(image_id, build.tags, info_path), info


def push_on_package(fields: DockerPackageFieldSet, options: DockerOptions) -> str:
    """Returns `[docker].push_on_package` (`allow`, `warn`, `ignore` or `error`) for an image that
    `docker build` pushes because of its `output`. Empty for other images, and up to Pants 2.31,
    which does not have the option."""
    pushes: Any = getattr(fields, "pushes_on_package", None)
    option: Any = getattr(options, "push_on_package", None)
    return str(option.value) if pushes and option and pushes() else ""


@dataclass(frozen=True)
class ImageName:
    """`full` includes the registry, if there is one. `not_pushed` is the reason, or empty."""

    full: str
    tag: str
    not_pushed: str


def image_names(
    fields: DockerPackageFieldSet, options: DockerOptions, digest: str
) -> Tuple[ImageName, ...]:
    """Returns the names of an existing image, as for a `docker_image`. `digest` replaces
    `{pants.hash}`, the only placeholder that works without a Dockerfile."""
    refs = fields.image_refs(
        default_repository=options.default_repository,
        registries=options.registries(),
        interpolation_context=InterpolationContext.from_dict({"pants": {"hash": digest}}),
    )
    return tuple(
        ImageName(tag.full_name, tag.formatted, _not_pushed(ref.registry, tag.uses_local_alias))
        for ref in refs
        for tag in ref.tags
    )


def _not_pushed(registry: Any, uses_local_alias: bool) -> str:
    if uses_local_alias:
        return f"(by `use_local_alias` on registry @{registry.alias})"
    if registry and registry.skip_push:
        return f"(by `skip_push` on registry @{registry.alias})"
    return ""
