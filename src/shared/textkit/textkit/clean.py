"""Normalisation of text as it comes from users."""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"<[^<>]+>")
_URL = re.compile(r"https?://\S+")
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Lower-case text with one kind of apostrophe and of space, without markup or addresses."""
    text = html.unescape(_TAG.sub(" ", text))
    text = _URL.sub(" ", text)
    text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    return _SPACE.sub(" ", text).strip().casefold()
