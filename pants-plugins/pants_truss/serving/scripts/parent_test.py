from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pants_truss.serving.scripts import parent

# Says that it has begun, and how it ends.
CHILD = """\
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
import parent
def end(*_):
    print("signal", flush=True)
signal.signal(signal.SIGTERM, end)
def last():
    # The handler runs in the main thread.
    time.sleep(1)
    print("then", flush=True)
    os._exit(3)
parent.Parent().end_with_it(last)
print("begun", flush=True)
while True:
    time.sleep(60)
"""
LAUNCHER = "import subprocess, sys\nsubprocess.run(sys.argv[1:])\n"


def test_a_process_ends_when_its_parent_is_killed() -> None:
    child = [sys.executable, "-c", CHILD, str(Path(parent.__file__).parent)]
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, *child], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "begun\n"
    process.kill()
    # The pipe closes when the child has ended.
    said, _ = process.communicate(timeout=30)
    assert said.splitlines() == ["signal", "then"]


def test_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert parent.runs(os.getpid()) and parent.runs(1)
    assert not parent.runs(ended.pid) and not parent.runs(1 << 80)
    assert not parent.Parent().is_gone
    monkeypatch.setenv(parent.STARTED_BY, str(os.getppid()))
    assert not parent.Parent().is_gone
    # Pants was killed before this process looked for its parent.
    monkeypatch.setenv(parent.STARTED_BY, str(ended.pid))
    assert parent.Parent().is_gone
    # No process has asked for the exit code of this one yet.
    zombie = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert zombie.stdout and zombie.stdout.read() == b""
    deadline = time.monotonic() + 30
    while parent.runs(zombie.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    zombie.communicate()
    # Processes that this one starts have another parent.
    assert parent.STARTED_BY not in os.environ


def test_a_process_stays_while_its_parent_is_there() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(Path(parent.__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdout.readline() == "begun\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1.5)
    process.kill()
    assert process.communicate(timeout=30)[0] == ""
