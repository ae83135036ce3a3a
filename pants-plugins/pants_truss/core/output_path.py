"""Where a target's output goes below `dist/`, from a template.

The names and the default are those of Pants 2.24 and later, for every release.
"""

from __future__ import annotations

import posixpath
import re
from typing import Mapping, Optional, Tuple

DEFAULT = "${spec_path_normalized}/${target_name_normalized}${file_suffix}"
NAMES = ("spec_path_normalized", "target_name_normalized", "file_suffix")

_NAME = re.compile(r"\$\{([^{}]*)\}")


def expand(template: Optional[str], values: Mapping[str, str]) -> str:
    """The path, normalised: `./a//b` is `a/b`. A name that is not in `values` stays as it is. None
    stands for the default."""
    text = _NAME.sub(lambda match: values.get(match[1], match[0]), template or DEFAULT)
    return posixpath.normpath(text)


def unknown_names(template: Optional[str]) -> Tuple[str, ...]:
    """What the template names and has no value: `${spec_path}` is a misspelt one."""
    return tuple(name for name in _NAME.findall(template or "") if name not in NAMES)


def values(spec_path: str, target_name: str, file_suffix: str) -> Mapping[str, str]:
    """`target_name` is the one with parameters; `file_suffix` has its dot."""
    named = (spec_path.replace("/", ".") or ".", target_name, file_suffix)
    return dict(zip(NAMES, named))
