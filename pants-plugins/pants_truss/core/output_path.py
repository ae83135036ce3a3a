"""Expands the template of a target's output path below `dist/`.

The names and the default are those of Pants 2.24 and later. They work on every release.
"""

from __future__ import annotations

import posixpath
import re
from typing import Mapping, Optional, Tuple

DEFAULT = "${spec_path_normalized}/${target_name_normalized}${file_suffix}"
NAMES = ("spec_path_normalized", "target_name_normalized", "file_suffix")

# A truss that is packaged as one file has this suffix.
TAR_SUFFIX = ".tar"

_NAME = re.compile(r"\$\{([^{}]*)\}")


def expand(template: Optional[str], values: Mapping[str, str]) -> str:
    """Returns the normalised path: `./a//b` becomes `a/b`. Names that are not in `values` stay
    unchanged. None stands for the default template."""
    text = _NAME.sub(lambda match: values.get(match[1], match[0]), template or DEFAULT)
    return posixpath.normpath(text)


def unknown_names(template: Optional[str]) -> Tuple[str, ...]:
    """Returns the names in the template that have no value, such as the misspelt `${spec_path}`."""
    return tuple(name for name in _NAME.findall(template or "") if name not in NAMES)


def values(spec_path: str, target_name: str, file_suffix: str) -> Mapping[str, str]:
    """`target_name` includes parameters; `file_suffix` includes its dot."""
    named = (spec_path.replace("/", ".") or ".", target_name, file_suffix)
    return dict(zip(NAMES, named))
