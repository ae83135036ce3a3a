"""Decides which values messages and reports may show; many people read their logs."""

from __future__ import annotations

import re

_SIGNS = re.compile(
    # A URL with a password, a long run of characters as in a token, or a whole command.
    r"://[^/\s]*@|[A-Za-z0-9+/_=-]{24,}|\s|(?i:passw|secret|token)"
)
MAX_SHOWN = 60


def may_show(text: str) -> bool:
    """Accepts only short, plain text: a name, a number, a path."""
    return len(text) <= MAX_SHOWN and not _SIGNS.search(text)
