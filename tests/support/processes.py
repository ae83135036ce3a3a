"""Processes that tests have started."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import List

_SECONDS = 30


def daemon_pids(repository: Path) -> List[int]:
    """The process that was last started as the daemon of a repository, by the files in which Pants
    notes it: below `.pids` up to 2.18, below `.pants.d/pids` from then on."""
    pids = []
    for folder in (".pids", ".pants.d/pids"):
        for file in repository.glob(f"{folder}/*/pantsd/pid"):
            # A daemon that ends removes it.
            with suppress(OSError, ValueError):
                pids.append(int(file.read_text()))
    return pids


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
