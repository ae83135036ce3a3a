"""What of a config only a Dockerfile can do: it runs commands, or fetches, while it is built."""

from __future__ import annotations

from typing import Any, Mapping, Tuple

from pants_truss.core.truss_config import OTHER_SERVERS

_KEYS = (
    "system_packages",
    "build_commands",
    *OTHER_SERVERS,
    "external_data",
    "hf_cache",
    "model_cache",
    "live_reload",
    "use_local_src",
)
# What goes into images but not by way of a Dockerfile that Truss writes, or by a base.
_IN_A_BASE = ("system_packages", "build_commands")


def dockerfile_keys(data: Mapping[Any, Any]) -> Tuple[str, ...]:
    """The keys, dotted, in the order of Truss."""
    keys = [key for key in _KEYS if data.get(key)]
    runtime = data.get("runtime")
    ssh = runtime.get("remote_ssh") if isinstance(runtime, dict) else None
    if isinstance(ssh, dict) and ssh.get("enabled"):
        keys.append("runtime.remote_ssh")
    return tuple(keys)


def advice(keys: Tuple[str, ...]) -> str:
    """What to do about them."""
    others = all(key in _IN_A_BASE for key in keys)
    base = ", or a `base` in which it is done and the config without the key" if others else ""
    return f'Use `builder="docker"`{base}.'
