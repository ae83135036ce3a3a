"""Signs of spam that no word count shows: code that only this truss needs."""

from __future__ import annotations

import re
from typing import List

_RULES = {
    "shouting": re.compile(r"\b[A-Z]{4,}\b.*\b[A-Z]{4,}\b", re.DOTALL),
    "many exclamation marks": re.compile(r"!{3,}"),
    "sum of money": re.compile(r"[$\u20ac\u00a3]\s?\d"),
}


def broken_rules(text: str) -> List[str]:
    return [name for name, pattern in _RULES.items() if pattern.search(text)]
