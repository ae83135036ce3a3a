"""`pants run` of a `truss_image`: a container on this machine, by Docker or podman."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Tuple

from pants.backend.docker.package_types import BuiltDockerImage
from pants.backend.python.subsystems.setup import PythonSetup
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.core.util_rules.system_binaries import (
    BinaryNotFoundError,
    BinaryPathRequest,
    BinaryPathTest,
)
from pants.engine.fs import EMPTY_DIGEST, AddPrefix, Digest
from pants.engine.platform import Platform as LocalPlatform
from pants.engine.rules import collect_rules
from pants.engine.target import Target
from pants.util.logging import LogLevel

from pants_truss.core.examples import first_input
from pants_truss.core.oci.documents import Platform
from pants_truss.core.oci.platforms import pants_machine, parse_platform
from pants_truss.image import docker_image, image_target, oci_layout
from pants_truss.image.docker_image import DockerImageRequest, build_image
from pants_truss.image.image_target import (
    CheckImageTargetRequest,
    FindTrussOfImageRequest,
    check_image_target,
    find_truss_of_image,
)
from pants_truss.image.oci_layout import OciFieldSet, OciLayoutRequest, make_oci_layout
from pants_truss.image.subsystem import TrussImageSubsystem
from pants_truss.image.target_types import (
    ImageBuilder,
    TrussImageBuilderField,
    TrussImagePlatformsField,
    TrussImageTrussField,
)
from pants_truss.pants_api import (
    add_prefix,
    concurrently,
    find_binary,
    implicitly,
    rule,
)
from pants_truss.pants_api.own_process import started_by
from pants_truss.script_tool import launch
from pants_truss.script_tool.launch import LaunchRequest, prepare_launch
from pants_truss.script_tool.tool_python import tool_pex_request
from pants_truss.serving import local_truss
from pants_truss.serving.local_truss import describe_truss
from pants_truss.subsystems.script_tool import TrussImageTool
from pants_truss.target_types.field_sets import part_of

_FOLDER = "local"
_SCRIPTS = (
    ("pants_truss.image.scripts", "run_image.py"),
    ("pants_truss.image.scripts", "archive.py"),
    ("pants_truss.serving.scripts", "parent.py"),
    ("pants_truss.serving.scripts", "ports.py"),
)


@dataclass(frozen=True)
class TrussImageRunFieldSet(RunFieldSet, OciFieldSet):
    required_fields = (TrussImageTrussField, TrussImageBuilderField)
    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED

    builder: TrussImageBuilderField
    platforms: TrussImagePlatformsField

    @classmethod
    def opt_out(cls, tgt: Target) -> bool:
        """A context is not an image."""
        return bool(tgt[TrussImageBuilderField].value == ImageBuilder.CONTEXT.value)


@dataclass(frozen=True)
class FindEnginesRequest:
    """`names` are the names of suitable container engines, best first."""

    names: Tuple[str, ...]


@dataclass(frozen=True)
class ContainerEngines:
    """`paths` of installed engines. An engine may still be unreachable."""

    paths: Tuple[str, ...]


@rule
async def find_engines(
    request: FindEnginesRequest, env_aware: TrussImageSubsystem.EnvironmentAware
) -> ContainerEngines:
    found = await concurrently(
        find_binary(
            BinaryPathRequest(
                binary_name=name,
                search_path=env_aware.executable_search_path,
                test=BinaryPathTest(args=["--version"]),
            ),
            **implicitly(),
        )
        for name in request.names
    )
    paths = tuple(paths.first_path.path for paths in found if paths.first_path)
    if paths:
        return ContainerEngines(paths)
    names = " or ".join(f"`{name}`" for name in request.names)
    raise BinaryNotFoundError(
        f"No container engine found to run an image: no {names} in "
        f"{', '.join(env_aware.executable_search_path)}. Install one, or use `pants run` on the "
        f"truss itself, which needs none."
    )


@dataclass(frozen=True)
class RunnableImageRequest:
    field_set: TrussImageRunFieldSet


@dataclass(frozen=True)
class RunnableImage:
    """`image` is the name of the image in the engine. If the engine may have to load the image,
    `digest` holds it in a layout, with the digest `manifest`."""

    engines: Tuple[str, ...]
    image: str
    manifest: str
    digest: Digest
    notes: Tuple[str, ...]


@rule
async def find_runnable_image(request: RunnableImageRequest, local: LocalPlatform) -> RunnableImage:
    field_set = request.field_set
    if field_set.builder.value == ImageBuilder.DOCKER.value:
        engines = await find_engines(FindEnginesRequest(("docker",)), **implicitly())
        found = await find_truss_of_image(FindTrussOfImageRequest(field_set.truss), **implicitly())
        built = await build_image(
            DockerImageRequest(field_set.address, found.truss), **implicitly()
        )
        artifact = built.artifacts[0]
        assert isinstance(artifact, BuiltDockerImage)
        return RunnableImage(engines.paths, artifact.tags[0], "", EMPTY_DIGEST, ())
    engines = await find_engines(FindEnginesRequest(("docker", "podman")), **implicitly())
    oci_fields = part_of(OciFieldSet, field_set)
    platform = choose_platform(field_set.platforms.value, local)
    made = await make_oci_layout(OciLayoutRequest(oci_fields, (platform,)), **implicitly())
    image = made.images[0]
    # By name, because engines differ in which digest is the id of an image.
    name = f"truss-image:{image.manifest.hex[:16]}"
    return RunnableImage(engines.paths, name, image.manifest.digest, made.digest, image.notes)


def choose_platform(offered: Tuple[str, ...], local: LocalPlatform) -> Platform:
    """Returns this machine's platform, or else the first: engines can emulate others."""
    platforms = [parse_platform(platform) for platform in offered]
    fitting = [p for p in platforms if local.value.endswith(pants_machine(p))]
    return (fitting or platforms)[0]


@rule(desc="Prepare an image to be run", level=LogLevel.DEBUG)
async def run_truss_image(
    field_set: TrussImageRunFieldSet,
    options: TrussImageSubsystem,
    tool: TrussImageTool,
    python_setup: PythonSetup,
) -> RunRequest:
    await check_image_target(CheckImageTargetRequest(field_set.address), **implicitly())
    runnable = await find_runnable_image(RunnableImageRequest(field_set), **implicitly())
    found = await find_truss_of_image(FindTrussOfImageRequest(field_set.truss), **implicitly())
    described = await describe_truss(found.truss, **implicitly())
    facts: Dict[str, Any] = {
        "address": field_set.address.spec,
        "engines": list(runnable.engines),
        "image": runnable.image,
        "layout": "layout" if runnable.manifest else None,
        "manifest": runnable.manifest,
        "environment": dict(described.environment_variables),
        "example": first_input(described.examples),
        "arguments": list(options.run_args),
        "notes": list(runnable.notes),
    }
    launched = await prepare_launch(
        LaunchRequest(
            _SCRIPTS,
            (tool_pex_request(tool, python_setup),),
            await add_prefix(AddPrefix(runnable.digest, f"{_FOLDER}/layout"), **implicitly()),
            folder=_FOLDER,
            spec_name="image.json",
            spec=json.dumps(facts),
            in_workspace=True,
        ),
        **implicitly(),
    )
    return RunRequest(
        digest=launched.digest,
        args=launched.run_args,
        append_only_caches=launched.append_only_caches,
        extra_env=started_by(),
    )


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *docker_image.rules(),
        *image_target.rules(),
        *local_truss.rules(),
        *oci_layout.rules(),
        *launch.rules(),
        *TrussImageRunFieldSet.rules(),
    ]
