"""Situations that need timing within one process of the library."""

from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path
from typing import List

from truss.truss_handle.truss_handle import TrussHandle


def gather_while_editing(truss: str, copied: str, source: str, content: str) -> str:
    """Gathers, and writes `source` once the gather has copied it to a path ending in `copied`."""
    edited = threading.Event()

    def edit() -> None:
        shadows = Path.home() / ".truss" / "shadow_trusses"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if any(path.stat().st_size for path in shadows.glob(f"*/{copied}")):
                Path(source).write_text(content)
                edited.set()
                return

    editor = threading.Thread(target=edit)
    editor.start()
    gathered = TrussHandle(Path(truss)).gather()
    editor.join()
    if not edited.is_set():
        raise RuntimeError("The gather was over before the file was edited.")
    return str(gathered)


def gather_in_processes(truss: str, count: int) -> List[str]:
    """The errors of `count` processes that gather the same truss at the same time."""
    context = multiprocessing.get_context("fork")
    barrier, errors = context.Barrier(count), context.Queue()

    def gather() -> None:
        barrier.wait()
        try:
            TrussHandle(Path(truss)).gather()
            errors.put("")
        except BaseException as e:
            errors.put(f"{type(e).__name__}: {e}")

    processes = [context.Process(target=gather) for _ in range(count)]
    for process in processes:
        process.start()
    results = [errors.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    return [error for error in results if error]
