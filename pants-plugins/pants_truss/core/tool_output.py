"""Reads what a tool has printed."""

from __future__ import annotations

from pants_truss.core.requirement import redacted
from pants_truss.core.terminal import visible_output


def last_line(output: str) -> str:
    """The line that says why a tool failed, safe to print and without credentials in URLs."""
    lines = visible_output(redacted(output))
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")
