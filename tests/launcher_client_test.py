"""What the `./pants` script does with a daemon: the same by the native client and without it."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Dict

import pytest

from support.launcher import Clone
from support.processes import wait_for_end

WITHOUT_CLIENT = {"PANTS_NO_NATIVE_CLIENT": "1"}
each_client = pytest.mark.parametrize("client", [{}, WITHOUT_CLIENT], ids=["native", "python"])


def commands(clone: Clone, **lines: str) -> None:
    targets = [
        f"run_shell_command(name={name!r}, command={line!r})" for name, line in lines.items()
    ]
    (clone.root / "BUILD").write_text("\n".join(targets))


def wait_for(file: Path) -> str:
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, f"no {file}"
        time.sleep(0.05)
    return file.read_text()


@pytest.mark.parametrize(
    "option", [{}, {"PANTS_PANTSD": "false"}, {"PANTS_CONCURRENT": "true"}], ids=str
)
def test_a_daemon_that_is_not_wanted(option: Dict[str, str], ready: Clone) -> None:
    log = ready.root / ".pants.d/pants.log"
    before = log.read_text().count("handling request")
    arguments = ["--version"] if option else ["--no-pantsd", "--version"]
    assert ready.run(*arguments, **option).stdout == "2.17.1\n"
    assert log.read_text().count("handling request") == before


@each_client
def test_exit_codes(client: Dict[str, str], ready: Clone) -> None:
    commands(ready, code="exit 42")
    assert ready.run("run", ":code", **client).returncode == 42
    assert ready.run("run", ":code", **client).returncode == 42
    run = ready.run("no-such-goal", **client)
    assert run.returncode == 1
    assert "Unknown goal: no-such-goal" in run.stdout + run.stderr


@each_client
def test_what_is_typed_in_and_where(client: Dict[str, str], ready: Clone) -> None:
    commands(ready, echo='read line; echo "<$line>"')
    folder = ready.root / "folder"
    folder.mkdir(exist_ok=True)
    run = subprocess.run(
        ["../pants", "run", "//:echo"],
        input="typed in\n",
        env={**ready.environment, **client},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert run.stdout == "<typed in>\n", run.stderr


@each_client
def test_changed_options(client: Dict[str, str], ready: Clone) -> None:
    """Of the command line, of the environment and of pants.toml."""
    goals = ("help", "targets")
    assert "python_source" not in ready.run(*goals, **client).stdout
    python = "--backend-packages=+['pants.backend.python']"
    assert "python_source" in ready.run(python, *goals, **client).stdout
    assert "python_source" not in ready.run(*goals, **client).stdout
    named = {"PANTS_BACKEND_PACKAGES": "+['pants.backend.python']"}
    assert "python_source" in ready.run(*goals, **client, **named).stdout
    ready.configure("pants.backend.shell", "pants.backend.python")
    assert "python_source" in ready.run(*goals, **client).stdout
    # One that is the daemon's own starts another.
    (daemon,) = ready.daemons()
    assert ready.run("--pantsd-invalidation-globs=+['x']", "--version", **client).returncode == 0
    (other,) = ready.daemons()
    assert other != daemon
    ready.configure("pants.backend.shell")


@each_client
@pytest.mark.parametrize(
    "number, code",
    [(signal.SIGINT, 1), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)],
    ids=["INT", "TERM", "HUP"],
)
def test_signals(
    number: int, code: int, client: Dict[str, str], ready: Clone, tmp_path: Path
) -> None:
    """The command ends, and what it runs does."""
    file = tmp_path / "pid"
    commands(ready, wait=f"echo $$ >{file}; exec sleep 600")
    process = ready.start("run", ":wait", **client)
    pid = int(wait_for(file))
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    wait_for_end(pid)


@each_client
def test_a_daemon_that_is_gone(client: Dict[str, str], ready: Clone) -> None:
    """Killed between two commands: the next one starts another."""
    (daemon,) = ready.daemons()
    ready.end_daemons(signal.SIGKILL)
    run = ready.run("--version", **client)
    assert (run.returncode, run.stdout) == (0, "2.17.1\n")
    assert ready.daemons() not in ([], [daemon])


@each_client
def test_a_daemon_that_dies_at_work(client: Dict[str, str], ready: Clone, tmp_path: Path) -> None:
    """The command fails and is not run a second time: it may be a deployment."""
    file = tmp_path / "log"
    commands(ready, wait=f"echo began >>{file}; exec sleep 600")
    process = ready.start("run", ":wait", **client)
    wait_for(file)
    ready.end_daemons(signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "killed" in stderr
    assert file.read_text() == "began\n"
    # And then all is well again.
    commands(ready, end=f"echo ended >>{file}")
    assert ready.run("run", ":end", **client).returncode == 0
    assert file.read_text() == "began\nended\n"


@pytest.mark.parametrize("locale", [{}, {"LANG": "C"}, {"LC_CTYPE": "POSIX"}], ids=str)
def test_caches_hold_without_a_locale(locale: Dict[str, str], ready: Clone) -> None:
    """A run that starts the daemon and the next have one environment for what they run."""
    command = (
        "shell_command(name='now', command='date +%N >out', tools=['date'], output_files=['out'])"
    )
    package = "archive(name='a', files=[':now'], format='tar')"
    (ready.root / "BUILD").write_text(f"{command}\n{package}\n")
    archive = ready.root / "dist/a.tar"
    python = ready.run("package", ":a", **locale, **WITHOUT_CLIENT)
    assert python.returncode == 0, python.stderr
    first = archive.read_bytes()
    assert ready.run("package", ":a", **locale).returncode == 0
    assert archive.read_bytes() == first
