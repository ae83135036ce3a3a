"""Whether processes that tests have started go on."""

from __future__ import annotations

import subprocess
import time

_SECONDS = 30


def is_running(pid: int) -> bool:
    """Not one that has ended and only waits for its parent to ask for its exit code: the first
    process of some machines takes seconds for that."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")


def wait_for_end(pid: int) -> None:
    """Fails where the process goes on."""
    deadline = time.monotonic() + _SECONDS
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} has not ended"
        time.sleep(0.05)
