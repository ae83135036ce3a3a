"""A small fault of the plugin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`before` occurs exactly once in the file at `path`, which is relative to the plugin's
    package."""

    path: str
    # What is wrong then.
    name: str
    before: str
    after: str
