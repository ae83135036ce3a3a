"""Whether a text may be shown: messages and reports go to logs that many people read."""

from __future__ import annotations

import re

_SIGNS = re.compile(
    # A URL with a password, a long run as in tokens, or a whole command.
    r"://[^/\s]*@|[A-Za-z0-9+/_=-]{24,}|\s|(?i:passw|secret|token)"
)
MAX_SHOWN = 60


def may_show(text: str) -> bool:
    """Only what is short and plain: a name, a number, a path."""
    return len(text) <= MAX_SHOWN and not _SIGNS.search(text)
