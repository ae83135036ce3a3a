"""What of a config makes a difference where a truss runs without an image."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from pants_truss.core.truss_config import OTHER_SERVERS

# What happens when an image is built or deployed, and so not here.
_OF_IMAGES = (
    "base_image",
    "system_packages",
    "build_commands",
    "external_data",
    "model_cache",
    "weights",
)


def needs_image(data: Mapping[Any, Any]) -> Optional[str]:
    """The key by which the truss runs in an image only, or None."""
    return next((key for key in OTHER_SERVERS if data.get(key)), None)


def accelerator(data: Mapping[Any, Any]) -> Optional[str]:
    """The GPU that the truss asks for, as the config writes it, or None."""
    resources = data.get("resources")
    if not isinstance(resources, dict):
        return None
    if resources.get("accelerator"):
        return str(resources["accelerator"])
    return "a GPU" if resources.get("use_gpu") is True else None


def left_to_images(data: Mapping[Any, Any]) -> Tuple[str, ...]:
    """The keys of the config that have no effect where no image is built, in the order of Truss."""
    return tuple(key for key in _OF_IMAGES if data.get(key))


def environment_variables(data: Mapping[Any, Any]) -> Dict[str, str]:
    """Of the process that serves. As Truss has them: booleans are written as in YAML."""
    found = data.get("environment_variables")
    if not isinstance(found, dict):
        return {}
    return {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in found.items()
    }
