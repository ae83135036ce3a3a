from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Tuple

import pytest

from pants_truss.testutil.processes import is_alive

SCRIPT = Path(__file__).resolve().parent / "wait_for_edit.sh"
MESSAGE = "m/config.yaml:2: é\n"
WAITS = f"{MESSAGE}Waiting for the next edit.\n"

# Starts the script, prints its process id, and exits when a line is read.
START = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); input()"


def command(folder: Path, *arguments: str) -> List[str]:
    message = folder / "message.txt"
    message.write_text(MESSAGE, encoding="utf-8")
    return ["/bin/sh", str(SCRIPT), str(message), *arguments]


def start_by_another(folder: Path) -> "subprocess.Popen[bytes]":
    """A process that starts the script, in the place of Pants."""
    return subprocess.Popen(
        [sys.executable, "-c", START, *command(folder, "--reload")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def read_until(stream: int, end: str) -> str:
    found = b""
    while not found.decode("utf-8", "replace").endswith(end):
        found += os.read(stream, 1000)
    return found.decode()


@pytest.mark.parametrize("arguments", [(), ("--port=1",), ("--no-reload",)])
def test_without_a_terminal_the_run_ends(tmp_path: Path, arguments: Tuple[str, ...]) -> None:
    done = subprocess.run(
        command(tmp_path, *arguments), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert (done.returncode, done.stderr.decode()) == (1, MESSAGE)


@pytest.mark.parametrize(
    ("on_terminal", "arguments"), [(False, ("--port=1", "--reload")), (True, ())]
)
def test_it_waits_with_reload_and_on_a_terminal(
    tmp_path: Path, on_terminal: bool, arguments: Tuple[str, ...]
) -> None:
    above, below = os.openpty()
    stdin = below if on_terminal else subprocess.DEVNULL
    process = subprocess.Popen(
        command(tmp_path, *arguments), stdin=stdin, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert [process.stderr.readline(), process.stderr.readline()] == WAITS.splitlines(True)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
        os.close(above)
        os.close(below)


def test_a_terminal_and_no_reload(tmp_path: Path) -> None:
    above, below = os.openpty()
    done = subprocess.run(command(tmp_path, "--no-reload"), stdin=below, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr.decode()) == (1, MESSAGE)
    os.close(above)
    os.close(below)


def test_it_does_not_outlive_a_pants_that_is_a_zombie(tmp_path: Path) -> None:
    """Who started Pants asks for its exit code only when the output has ended."""
    started = start_by_another(tmp_path)
    assert started.stderr
    assert read_until(started.stderr.fileno(), "edit.\n") == WAITS
    started.kill()
    started.communicate(timeout=60)


def test_it_does_not_outlive_its_pants(tmp_path: Path) -> None:
    started = start_by_another(tmp_path)
    assert started.stdin and started.stdout and started.stderr
    process = int(started.stdout.readline())
    assert read_until(started.stderr.fileno(), "edit.\n") == WAITS
    started.stdin.close()
    started.wait()
    deadline = time.monotonic() + 60
    while is_alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    started.stdout.close()
    started.stderr.close()
