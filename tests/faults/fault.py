"""A small fault of the plugin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`before` occurs exactly once in the file at `path`, which is relative to the plugin's
    package."""

    path: str
    # The wrong behaviour, in words.
    name: str
    before: str
    after: str
