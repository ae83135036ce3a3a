"""Which variables of the shell a model sees in `pants run`. An image has none of them."""

import os
from fnmatch import fnmatchcase
from typing import Iterable, List

# What a program needs to find its files and to talk to a terminal, and the model's secrets.
ALWAYS = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "SHLVL", "_", "TMPDIR"),
    *("TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "TZ", "LANG", "LANGUAGE", "LC_*"),
    "PYTHON*",
    "TRUSS_SECRET_*",
)
SHOWN = 10


def limit(patterns: Iterable[str]) -> List[str]:
    """Removes the variables that neither `ALWAYS` nor `patterns` names, and returns lines for the
    log. They have names, never values."""
    patterns = tuple(patterns)
    others = sorted(name for name in os.environ if not matches(name, ALWAYS))
    dropped = [name for name in others if not matches(name, patterns)]
    for name in dropped:
        del os.environ[name]
    return describe([name for name in others if name in os.environ], dropped)


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def describe(kept: List[str], dropped: List[str]) -> List[str]:
    lines = []
    if kept:
        lines.append(
            f"The model sees variables of your shell that an image does not have: {names(kept)}."
        )
    if dropped:
        lines.append(
            f"The model does not see {names(dropped)}: `[truss-server].env_vars` does not name "
            f"them."
        )
    return lines


def names(found: List[str]) -> str:
    shown = [name if name.isidentifier() else ascii(name) for name in found[:SHOWN]]
    more = len(found) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
