"""Words and sentences."""

from __future__ import annotations

import re
from typing import Iterator, List

from textkit.clean import normalise

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def words(text: str) -> List[str]:
    """The words of a text, normalised: "Don't panic!" -> ["don't", "panic"]."""
    return _WORD.findall(normalise(text))


def sentences(text: str) -> List[str]:
    """The sentences of a text, as written."""
    return [part for part in _SENTENCE_END.split(text.strip()) if part]


def ngrams(text: str, size: int) -> Iterator[str]:
    """The runs of `size` characters in each word, with `_` for the word's edges."""
    for word in words(text):
        padded = f"_{word}_"
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size]
