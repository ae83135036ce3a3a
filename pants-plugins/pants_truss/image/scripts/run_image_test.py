"""Tests how a container ends, with a slow engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Sequence

import pytest

SCRIPTS = Path(__file__).parent
SERVING = SCRIPTS.parent.parent / "serving/scripts"

# Logs each call when it begins, and again when it is done.
ENGINE = """\
#!/bin/sh
echo "$1 $2" >> log
case "$1" in
  create) sleep 1 ;;
  start) echo $$ > pid; exec sleep 60 ;;
  # As of a container that is gone, the client ends, whether the script knows of it yet or not.
  rm) [ ! -f pid ] || kill "$(cat pid)" ;;
esac
echo "$1 done" >> log
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("run_image.py", "archive.py"):
        shutil.copy(SCRIPTS / name, tmp_path)
    for name in ("parent.py", "ports.py"):
        shutil.copy(SERVING / name, tmp_path)
    engine = tmp_path / "docker"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    facts = {
        "address": "a:image",
        "engines": [str(engine)],
        "image": "it:1",
        "layout": None,
        "manifest": "",
        "environment": {"GREETING": "hello", "INFERENCE_SERVER_PORT": "9"},
        "example": "{}",
        "arguments": ["--memory=1g"],
        "notes": ["Warning: a note"],
    }
    (tmp_path / "image.json").write_text(json.dumps(facts))
    return tmp_path


# A Python on a busy machine: its child may be far along before Python knows of it.
BUSY = """\
import runpy, subprocess, time
begin = subprocess.Popen.__init__
def begin_and_wait(*arguments, **more):
    begin(*arguments, **more)
    time.sleep(0.3)
subprocess.Popen.__init__ = begin_and_wait
runpy.run_path("run_image.py", run_name="__main__")
"""


def start(
    folder: Path, *arguments: str, command: Sequence[str] = ("run_image.py",)
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-I", *command, "--port=0", *arguments],
        cwd=folder,
        env={**os.environ, "TRUSS_SECRET_token": "s3cret"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def log(folder: Path) -> List[str]:
    path = folder / "log"
    return path.read_text().splitlines() if path.exists() else []


def wait_for(folder: Path, word: str) -> None:
    deadline = time.monotonic() + 20
    while not any(line.startswith(word) for line in log(folder)):
        assert time.monotonic() < deadline, log(folder)
        time.sleep(0.02)


@pytest.mark.parametrize("command", [["run_image.py"], ["-c", BUSY]], ids=["idle", "busy"])
@pytest.mark.parametrize("moment", ["create", "start"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_container_is_removed(
    folder: Path, moment: str, number: signal.Signals, command: List[str]
) -> None:
    process = start(folder, command=command)
    wait_for(folder, moment)
    process.send_signal(number)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 128 + number, output
    assert "Traceback" not in output
    lines = log(folder)
    # Not before the container exists: otherwise it would remain.
    assert lines.index("create done") < next(i for i, x in enumerate(lines) if x[:4] == "stop")
    assert "rm --force" in lines


def test_the_terminals_interrupt_reaches_no_engine(folder: Path) -> None:
    process = start(folder)
    wait_for(folder, "start")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    assert all(os.getsid(int(child)) != os.getsid(process.pid) for child in children)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_the_arguments_of_the_engine(folder: Path) -> None:
    (folder / "docker").write_text('#!/bin/sh\nfor a; do echo "$a"; done >> log\n')
    process = start(folder, "--", "--gpus=all")
    output = process.communicate(timeout=30)[0]
    told = log(folder)
    assert {"--memory=1g", "--gpus=all", "--env=GREETING", "--env=TRUSS_SECRET_token"} <= {*told}
    assert told.index("--gpus=all") < told.index("it:1")
    assert any(x.startswith("--publish=127.0.0.1:") and x.endswith(":8080") for x in told)
    assert not any("INFERENCE_SERVER_PORT" in x or "s3cret" in x for x in told)
    assert "Warning: a note" in output
    # The container exits at once.
    assert process.returncode == 1
    assert "exited before its model was loaded" in output


CREATE = """\
#!/bin/sh
[ "$1" = create ] || exit 0
for a; do echo "$a"; done > log
env > env
cat > stdin
"""


def test_values_of_variables_are_in_no_list_of_processes(folder: Path) -> None:
    """And those that the engine itself would heed do not reach it."""
    (folder / "docker").write_text(CREATE)
    facts = json.loads((folder / "image.json").read_text())
    facts["environment"] = {
        "TOKEN": "t0ken one\nt0ken two",
        "GOOGLE_KEY": "t0ken three",
        "HTTPS_PROXY": "http://me:t0ken@proxy",
        "DOCKER_HOST": "tcp://t0ken",
        "PATH": "/t0ken",
    }
    (folder / "image.json").write_text(json.dumps(facts))
    start(folder).communicate(timeout=30)
    names = [line for line in log(folder) if line.startswith("--env")]
    assert not any("t0ken" in line for line in log(folder))
    assert {"--env=TOKEN", "--env=GOOGLE_KEY", "--env-file=/dev/stdin"} <= {*names}
    assert sorted((folder / "stdin").read_text().splitlines()) == [
        "DOCKER_HOST=tcp://t0ken",
        "HTTPS_PROXY=http://me:t0ken@proxy",
        "PATH=/t0ken",
    ]
    of_client = (folder / "env").read_text()
    assert "TOKEN=t0ken one\nt0ken two\n" in of_client and "GOOGLE_KEY=t0ken three" in of_client
    assert not any(word in of_client for word in ("me:t0ken", "tcp:", "PATH=/t0ken"))


def test_a_setting_of_the_engine_with_several_lines(folder: Path) -> None:
    facts = json.loads((folder / "image.json").read_text())
    facts["environment"] = {"DOCKER_HOST": "a\nB=c"}
    (folder / "image.json").write_text(json.dumps(facts))
    process = start(folder)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 1 and "create done" not in log(folder)
    assert "a:image: `environment_variables` has DOCKER_HOST with several lines" in output


def test_an_engine_that_cannot_create_a_container(folder: Path) -> None:
    (folder / "docker").write_text("#!/bin/sh\necho no such image >&2\nexit 125\n")
    process = start(folder)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert "no such image" in output and "cannot create a container of a:image" in output
