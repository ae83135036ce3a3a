"""Calls of Pants' docker backend since Pants 2.30: its own named rules."""

from __future__ import annotations

from typing import Any

from pants.backend.docker.goals.publish import push_docker_images
from pants.backend.docker.target_types import DockerImageTags, DockerImageTagsRequest
from pants.backend.docker.target_types import get_docker_image_tags as _get_docker_image_tags
from pants.backend.docker.util_rules.docker_build_args import (
    docker_build_args as get_docker_build_args,
)
from pants.backend.docker.util_rules.docker_build_env import (
    docker_build_environment_vars as get_docker_build_environment,
)

from pants_truss.pants_api import implicitly

__all__ = [
    "get_docker_build_args",
    "get_docker_build_environment",
    "get_docker_image_tags",
    "push_docker_images",
]


async def get_docker_image_tags(
    request: DockerImageTagsRequest, **_implicit: Any
) -> DockerImageTags:
    return await _get_docker_image_tags(**implicitly({request: DockerImageTagsRequest}))
