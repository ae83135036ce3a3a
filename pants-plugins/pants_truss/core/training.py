"""Parses the entry point of training: a file, or a function of a module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from pants_truss.core.errors import TrussError
from pants_truss.core.paths import normalize_inside

RUNNER = "run_training.py"
FACTS = "run_training.json"
REQUIREMENTS = "training_requirements.txt"

_MODULE = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_FUNCTION = re.compile(rf"({_MODULE}):([A-Za-z_]\w*)")


@dataclass(frozen=True)
class EntryPoint:
    """Either `file`, a normalised path relative to the BUILD file, or `function` of `module`."""

    file: Optional[str] = None
    module: Optional[str] = None
    function: Optional[str] = None


def parse_entry_point(value: str) -> EntryPoint:
    """`train.py`, `training/train.py` or `training.train:main`. Raises `TrussError`."""
    found = _FUNCTION.fullmatch(value)
    if found and not found.group(1).endswith(".py"):
        return EntryPoint(module=found.group(1), function=found.group(2))
    if value.endswith(".py"):
        file = normalize_inside(value)
        if file:
            return EntryPoint(file=file)
        raise TrussError(
            f"{value!r} lies outside the folder of the BUILD file. Name the function as "
            f"`module:function`, or move the target to the folder of the file."
        )
    as_file = re.fullmatch(r"(.+)\.py:([A-Za-z_]\w*)", value)
    module = (normalize_inside(as_file.group(1)) or "").replace("/", ".") if as_file else ""
    if as_file and re.fullmatch(_MODULE, module):
        raise TrussError(f"{value!r} mixes two forms. Write `{module}:{as_file.group(2)}`.")
    if re.fullmatch(_MODULE, value):
        raise TrussError(
            f"{value!r} names no function. Write `{value}:main`, or the path of a file."
        )
    raise TrussError(
        f"{value!r} is neither a file nor a function. Write `train.py` or `training.train:main`."
    )
