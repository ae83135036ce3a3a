"""Notices that the Pants that started this process is gone: it was killed, and ended nothing.

Pants ends what it runs when it is interrupted. Standard library only.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Callable, Optional

# Seconds.
_POLL = 0.5


# The variable with the process id of Pants. Without it, a Pants that was gone before this process
# looked for the first time would never count as gone.
STARTED_BY = "PANTS_TRUSS_STARTED_BY"


class Parent:
    def __init__(self) -> None:
        self._parent = os.getppid()
        # Processes that this one starts have another parent.
        self._pants: Optional[int] = int(os.environ.pop(STARTED_BY, "") or 0) or None

    @property
    def is_gone(self) -> bool:
        return os.getppid() != self._parent or not (self._pants is None or runs(self._pants))

    def end_with_it(self, then: Callable[[], object] = bool) -> None:
        """Sends SIGTERM to this process when Pants is gone, and calls `then` in a thread."""

        def watch() -> None:
            while not self.is_gone:
                time.sleep(_POLL)
            os.kill(os.getpid(), signal.SIGTERM)
            then()

        threading.Thread(target=watch, daemon=True).start()


def runs(process: int) -> bool:
    """Returns True if there is a process of this id that has not ended. A killed process stays in
    the table until its parent asks for it, and the parent may wait for the output of this process
    first. Without psutil, which the environments of tools do not have."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        # The process belongs to another user.
        return True
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[:1] != [b"Z"]
    except OSError:
        # There is no `/proc`, or the process has gone meanwhile, which the next call sees.
        return True
