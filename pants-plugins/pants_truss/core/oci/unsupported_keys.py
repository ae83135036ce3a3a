"""Finds config keys that need a Dockerfile, because the build runs commands or fetches files."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping, Tuple

from pants_truss.core.dockerfile import Instruction
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
# Keys whose effect a prepared base image can have in place of a Dockerfile.
_IN_A_BASE = ("system_packages", "build_commands")


def dockerfile_keys(data: Mapping[Any, Any]) -> Tuple[str, ...]:
    """Returns the keys, dotted, in the order of Truss."""
    keys = [key for key in _KEYS if data.get(key)]
    runtime = data.get("runtime")
    ssh = runtime.get("remote_ssh") if isinstance(runtime, dict) else None
    if isinstance(ssh, dict) and ssh.get("enabled"):
        keys.append("runtime.remote_ssh")
    return tuple(keys)


def advice(keys: Tuple[str, ...]) -> str:
    """Returns what to do about the keys."""
    others = all(key in _IN_A_BASE for key in keys)
    base = ", or a `base` that already has it and a config without the key" if others else ""
    return f'Use `builder="docker"`{base}.'


# Each word has one way to match, because a search for other ways takes exponential time.
_INSTALL = r"(?:[^\s=]+=\S+ )*uv pip install(?: --\S+| \$\(which python3\)| (?!--)[\w/.-]+)*?"
_OPTIONS = r"(?: --\S+| -c [\w./]+)*"
# Commands that an image without a Dockerfile replaces or does not need: users that nothing runs as,
# and package lists for tools that are not installed.
_KNOWN = tuple(
    re.compile(pattern)
    for pattern in (
        r"mkdir -p [\w/${} ]+",
        r"useradd [\w/ -]+",
        r"grep -w 'ID=debian[^']*' /etc/os-release \|\| \{ [^{}]* \}",
        r"\S+( \S+)? -c \"import sys; [^\"]*\"( \|\| \{ [^{}]* \})?",
        r"if \[ -f (/etc/apt/sources\S*) \]; then sed -i\S* '[^']*' \1; fi",
        # Tools that only the Dockerfile itself uses, to install and to fetch.
        r"command -v curl >/dev/null 2>&1 \|\| \(apt update && apt install -y curl\)",
        r"if ! command -v uv >/dev/null 2>&1; then curl [^;]*; fi",
        rf"{_INSTALL} -r [\w./]+{_OPTIONS}( && rm -f [\w./]+)?",
        rf"uv export --frozen --format requirements-txt > (\S+) && {_INSTALL} -r \S+{_OPTIONS}"
        r"( && rm -f \1)?",
    )
)


def unknown_commands(instructions: Iterable[Instruction]) -> Tuple[str, ...]:
    """Returns the RUN lines of a Truss Dockerfile whose effect on the image is unknown."""
    commands = [" ".join(i.text.split()) for i in instructions if i.keyword == "RUN"]
    return tuple(c for c in commands if not any(known.fullmatch(c) for known in _KNOWN))
