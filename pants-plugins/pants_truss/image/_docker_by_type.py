"""Calls of Pants' docker backend up to Pants 2.29: `Get`s."""

from __future__ import annotations

from pants.backend.docker.goals.publish import PublishDockerImageRequest
from pants.backend.docker.target_types import DockerImageTags, DockerImageTagsRequest
from pants.backend.docker.util_rules.docker_build_args import (
    DockerBuildArgs,
    DockerBuildArgsRequest,
)
from pants.backend.docker.util_rules.docker_build_env import (
    DockerBuildEnvironment,
    DockerBuildEnvironmentRequest,
)
from pants.core.goals.publish import PublishProcesses

from pants_truss.pants_api._by_type import call_by_type

__all__ = [
    "get_docker_build_args",
    "get_docker_build_environment",
    "get_docker_image_tags",
    "push_docker_images",
]

get_docker_build_args = call_by_type(DockerBuildArgs, DockerBuildArgsRequest)
get_docker_build_environment = call_by_type(DockerBuildEnvironment, DockerBuildEnvironmentRequest)
get_docker_image_tags = call_by_type(DockerImageTags, DockerImageTagsRequest)
push_docker_images = call_by_type(PublishProcesses, PublishDockerImageRequest)
