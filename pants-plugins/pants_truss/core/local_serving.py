"""The parts of a config that matter when a truss runs without an image."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from pants_truss.core.truss_config import OTHER_SERVERS

# Keys that take effect when an image is built or deployed, so not on this machine.
_OF_IMAGES = (
    "base_image",
    "system_packages",
    "build_commands",
    "external_data",
    "model_cache",
    "weights",
)


def needs_image(data: Mapping[Any, Any]) -> Optional[str]:
    """Returns the key that makes the truss run only in an image, or None."""
    return next((key for key in OTHER_SERVERS if data.get(key)), None)


def accelerator(data: Mapping[Any, Any]) -> Optional[str]:
    """Returns the GPU that the truss requests, as written in the config, or None."""
    resources = data.get("resources")
    if not isinstance(resources, dict):
        return None
    if resources.get("accelerator"):
        return str(resources["accelerator"])
    return "a GPU" if resources.get("use_gpu") is True else None


def left_to_images(data: Mapping[Any, Any]) -> Tuple[str, ...]:
    """Returns the config keys that have no effect without an image, in Truss's order."""
    return tuple(key for key in _OF_IMAGES if data.get(key))


def environment_variables(data: Mapping[Any, Any]) -> Dict[str, str]:
    """Returns the variables of the server process. As in Truss, booleans are written as in YAML."""
    found = data.get("environment_variables")
    if not isinstance(found, dict):
        return {}
    return {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in found.items()
    }
