"""Which distributions a truss has that its list does not name.

The model server brings its own, with all that these require. Others may be in the base image, or
installed by a build command: this cannot be known here.
"""

from __future__ import annotations

import re
from typing import Any, Collection, Dict, FrozenSet, Iterable, Mapping, Optional, Sequence, Set

from packaging.utils import canonicalize_name

from pants_truss.core.errors import TrussError
from pants_truss.core.locked import Lockfile
from pants_truss.core.requirement import applies

# A distribution under several names: with or without compiled code, for CPUs or GPUs.
_VARIANT = re.compile(
    r"-(bin|binary|c|contrib|contrib-headless|cpu|cpu-only|cu\d+|cuda\d*x?|directml|"
    r"free-threaded|full|gpu|headless|intel|lite|nightly|openvino|pre|rocm|silicon|simd|wheel|wheels)$"
)
_INSTALLS = re.compile(
    r"\b(pip3?|uv|conda|mamba|micromamba|poetry|pipenv|pdm|easy_install|setup\.py)\b|\.whl\b|\.sh\b"
)
_PYTHON_PACKAGE = re.compile(r"(python3?(\.\d+)?|pypy3?)-.+")


def brings_modules(
    wanted: str,
    modules: Collection[str],
    listed: Iterable[str],
    known_modules: Mapping[str, Sequence[str]],
) -> bool:
    """Returns True if one of the distributions `listed` has the modules of `wanted`.

    `known_modules` are those of well-known distributions. Names are canonical.
    """
    stem = _stem(wanted)
    for name in listed:
        if _stem(name) == stem:
            return True
        known = known_modules.get(name, ())
        if modules and known and all(_is_in(module, known) for module in modules):
            return True
    return False


def _stem(name: str) -> str:
    while True:
        stem = _VARIANT.sub("", name.replace("-contrib-", "-"))
        if stem == name:
            return stem
        name = stem


def _is_in(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def required_by(
    names: Iterable[str], lockfile: Lockfile, environments: Sequence[Dict[str, str]]
) -> FrozenSet[str]:
    """What the distributions of a lockfile that `names` name require, themselves included."""
    found: Set[str] = set()
    pending = [name for name in names if name in lockfile.distributions]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        for requirement in lockfile.distributions[name].requires:
            required = canonicalize_name(requirement.name)
            try:
                is_needed = applies(requirement, (), environments)
            except TrussError:
                continue
            if is_needed and required in lockfile.distributions:
                pending.append(required)
    return frozenset(found)


def other_source(config: Mapping[str, Any]) -> Optional[str]:
    """The key of a config that may bring more distributions into its image, such as `base_image`;
    None if there are only the requirements."""
    image = config.get("base_image")
    if isinstance(image, dict) and image.get("image"):
        return f"the base image {image['image']}"
    for key in ("trt_llm", "bis_llm"):
        if config.get(key):
            return f"the image for `{key}`"
    commands = config.get("build_commands")
    if isinstance(commands, list) and any(_INSTALLS.search(str(line)) for line in commands):
        return "a build command"
    packages = config.get("system_packages")
    if isinstance(packages, list):
        for package in packages:
            if _PYTHON_PACKAGE.match(str(package)):
                return f"the system package {package}"
    return None
