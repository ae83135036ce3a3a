"""Parses references to images: `name`, `name:tag`, `name@digest`, `name:tag@digest`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.injection import IMAGE

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class ImageReference:
    """`name` is kept as written, with or without a registry."""

    name: str
    tag: Optional[str]
    digest: Optional[str]

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def fetched(self) -> str:
        """The reference for a registry. A digest replaces the tag: tools refuse both."""
        if self.digest:
            return f"{self.name}@{self.digest}"
        return f"{self.name}:{self.tag or 'latest'}"

    def pinned(self, digest: str) -> ImageReference:
        return ImageReference(self.name, self.tag, digest)


def parse_reference(text: str) -> ImageReference:
    """Raises `TrussError` for text that is not a reference to an image."""
    if not IMAGE.fullmatch(text):
        raise TrussError(
            f"{text!r} is not an image reference. Write, for example, `python:3.11-slim`."
        )
    rest, _, digest = text.partition("@")
    if digest and not _DIGEST.fullmatch(digest):
        raise TrussError(
            f"{text!r} has an invalid digest. Write `sha256:` followed by 64 hexadecimal digits."
        )
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return ImageReference(f"{folder}{slash}{name}", tag or None, digest or None)
