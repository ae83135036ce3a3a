"""Runs the script with commands in place of skopeo."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "push_layout.sh"
# Starts the script as Pants does.
LAUNCHER = "import subprocess, sys\nsubprocess.run(sys.argv[1:])\n"


def take_interrupts() -> None:
    """A shell cannot handle a signal that is ignored or blocked when it starts, as in a background
    job."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@pytest.fixture
def push(tmp_path: Path) -> "Push":
    return Push(tmp_path)


class Push:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, command: str, *before: str, delays: str = "") -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*before, "/bin/sh", str(SCRIPT), delays, "/bin/sh", "-c", command],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=take_interrupts,
        )

    def lines(self, name: str) -> int:
        path = self.folder / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    def wait_for(self, name: str, lines: int) -> None:
        deadline = time.monotonic() + 30
        while self.lines(name) < lines:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_what_the_command_says_and_its_code(push: Push) -> None:
    process = push.start("echo out; echo err >&2; exit 3")
    assert process.communicate(timeout=30) == ("out\n", "err\n")
    assert process.returncode == 3


def test_an_upload_that_breaks_off_is_tried_again(push: Push) -> None:
    command = 'echo >>runs; [ "$(wc -l <runs)" -eq 3 ] || { echo "broken pipe" >&2; exit 1; }'
    process = push.start(command, delays="0.1 0.1 0.1")
    _, said = process.communicate(timeout=30)
    assert (process.returncode, push.lines("runs")) == (0, 3)
    assert (
        said.splitlines()
        == [
            "broken pipe",
            "The push failed (exit code 1). Retrying in 0.1 s.",
        ]
        * 2
    )


def test_a_refusal_is_not_tried_again(push: Push) -> None:
    process = push.start("echo >>runs; echo unauthorized >&2; exit 1", delays="0.1 0.1")
    process.communicate(timeout=30)
    assert (process.returncode, push.lines("runs")) == (1, 1)


# One that writes each 50 ms that it is there.
ALIVE = "while true; do echo >>alive; sleep 0.05; done"


def assert_ended(push: Push) -> None:
    time.sleep(0.3)
    before = push.lines("alive")
    time.sleep(0.3)
    assert push.lines("alive") == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_push_ends(push: Push, number: int) -> None:
    process = push.start(ALIVE, delays="0.1")
    push.wait_for("alive", 1)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert_ended(push)


def test_a_push_that_is_interrupted_before_its_next_attempt(push: Push) -> None:
    process = push.start("echo >>runs; exit 1", delays="600")
    push.wait_for("runs", 1)
    time.sleep(0.5)
    process.terminate()
    process.communicate(timeout=30)
    assert (process.returncode, push.lines("runs")) == (130, 1)


def test_a_push_ends_with_the_pants_that_started_it(push: Push) -> None:
    process = push.start(ALIVE, sys.executable, "-c", LAUNCHER, delays="0.1")
    push.wait_for("alive", 1)
    process.kill()
    # By the end of the pipes nothing of the push is left.
    process.communicate(timeout=30)
    assert_ended(push)


def test_no_further_attempt_is_made_without_pants(push: Push) -> None:
    process = push.start("echo >>runs; exit 1", sys.executable, "-c", LAUNCHER, delays="1 0.1 0.1")
    push.wait_for("runs", 1)
    process.kill()
    process.communicate(timeout=30)
    assert push.lines("runs") == 1
