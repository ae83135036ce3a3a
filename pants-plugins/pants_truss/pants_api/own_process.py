"""How a process that Pants starts knows which Pants that was."""

from __future__ import annotations

import os
from typing import Dict


def started_by() -> Dict[str, str]:
    """A variable for the environment of a process that is to end with this Pants:
    `serving/scripts/parent.py` reads it. It would be part of a cache key, so it is for processes
    that are not cached."""
    return {"PANTS_TRUSS_STARTED_BY": str(os.getpid())}
