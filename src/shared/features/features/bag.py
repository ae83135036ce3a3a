"""Bags of words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Dict, FrozenSet, Iterable

_NEGATIONS = frozenset({"not", "no", "never", "don't", "isn't", "wasn't", "can't"})


def stopwords() -> FrozenSet[str]:
    """Words that say nothing about a text's class."""
    text = Path(__file__).with_name("stopwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def bag_of_words(words: Iterable[str]) -> Dict[str, int]:
    """Counts of words without stop words; a word after a negation counts as `not_<word>`."""
    counts: Counter[str] = Counter()
    ignored = stopwords()
    negated = False
    for word in words:
        if word in _NEGATIONS:
            negated = True
        elif word not in ignored:
            counts[f"not_{word}" if negated else word] += 1
            negated = False
    return dict(counts)
