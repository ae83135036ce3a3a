"""Looks at processes that a test has started."""

from __future__ import annotations

from pathlib import Path


def is_alive(pid: int) -> bool:
    """Returns False for a process that has ended, even if its parent has not reaped it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    # The name of a program may hold anything.
    return stat.rpartition(b")")[2].split()[0] != b"Z"
