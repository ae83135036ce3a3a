"""What the `./pants` script does with a daemon: the same by the native client and without it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Dict

import pytest

from support.launcher import Clone, Installed, install
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
    """Options of the command line, of the environment and of pants.toml."""
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


@each_client
@pytest.mark.parametrize("reader", ["head -n 1", "true", "cat >/dev/full"])
def test_output_that_cannot_be_written(
    reader: str, client: Dict[str, str], ready: Clone, tmp_path: Path
) -> None:
    """Nor is it run a second time for that."""
    file = tmp_path / "log"
    commands(ready, noisy=f"for i in 1 2 3 4 5; do echo $i | tee -a {file}; sleep 0.3; done")
    script = f"{ready.root}/pants run :noisy | {reader}"
    environment = {**ready.environment, **client}
    subprocess.run(["bash", "-c", script], cwd=ready.root, env=environment, capture_output=True)
    time.sleep(2)
    lines = file.read_text().split()
    assert lines == sorted(set(lines))


@pytest.mark.parametrize(
    "option",
    [
        {"PANTS_LEVEL": "warn"},
        {"PANTS_WORKDIR": "work"},
        {"PANTS_SUBPROCESSDIR": "processes"},
    ],
    ids=lambda option: next(iter(option)),
)
def test_a_daemon_that_dies_and_leaves_no_trace(
    option: Dict[str, str], installed: Installed, tmp_path: Path
) -> None:
    """Where the script cannot see in the log whether the command was begun."""
    clone = Clone(tmp_path / "clone", {**installed.environment}).configure("pants.backend.shell")
    for name, value in option.items():
        setting = value if name == "PANTS_LEVEL" else str(tmp_path / value)
        toml = clone.root / "pants.toml"
        key = {"PANTS_WORKDIR": "pants_workdir", "PANTS_SUBPROCESSDIR": "pants_subprocessdir"}
        line = f'[GLOBAL]\n{key.get(name, "level")} = "{setting}"\n'
        toml.write_text(toml.read_text().replace("[GLOBAL]\n", line))
    file = tmp_path / "log"
    commands(clone, wait=f"echo $PPID >>{file}; exec sleep 600")
    assert clone.run("--version").returncode == 0
    process = clone.start("run", ":wait")
    daemon = int(wait_for(file))
    os.kill(daemon, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert file.read_text() == f"{daemon}\n"


def test_a_script_that_is_not_executable(ready: Clone) -> None:
    ready.end_daemons()
    (ready.root / "pants").chmod(0o644)
    try:
        for _ in range(2):
            run = subprocess.run(
                ["bash", "pants", "--version"],
                cwd=ready.root,
                env=ready.environment,
                capture_output=True,
                text=True,
            )
            assert (run.returncode, run.stdout) == (0, "2.17.1\n"), run.stderr
    finally:
        (ready.root / "pants").chmod(0o755)


@each_client
def test_a_bootstrap_file(client: Dict[str, str], ready: Clone) -> None:
    """As the official launcher reads it."""
    commands(ready, show="echo $FOR_ALL")
    (ready.root / ".pants.bootstrap").write_text("export FOR_ALL=${FOR_ALL:-}once\n")
    try:
        assert ready.run("run", ":show", **client).stdout == "once\n"
    finally:
        (ready.root / ".pants.bootstrap").unlink()


def test_an_installation_that_failed_is_made_again(tmp_path: Path) -> None:
    """The installed release has lost its Python."""
    machine = install(tmp_path)
    clone = Clone(tmp_path / "other", machine.environment).configure()
    python = machine.home / "venv/bin/python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.9")
    nowhere = {"PANTS_LAUNCHER_INDEX": "http://127.0.0.1:9/simple"}
    assert clone.run("--no-pantsd", "--version", **nowhere).returncode == 1
    run = clone.run("--no-pantsd", "--version")
    assert (run.returncode, run.stdout) == (0, "2.17.1\n"), run.stderr


@pytest.mark.parametrize(
    "locale",
    [{}, {"LANG": "C"}, {"LC_CTYPE": "POSIX"}, {"LANG": "xx_XX.UTF-8"}, {"LC_CTYPE": "xx"}],
    ids=str,
)
def test_environments_without_a_locale(locale: Dict[str, str], ready: Clone) -> None:
    """What Pants runs gets the same, by either client."""
    commands(ready, show='echo "<$LANG> <$LC_CTYPE> <$LC_ALL>"')
    python = ready.run("run", ":show", **locale, **WITHOUT_CLIENT)
    assert python.returncode == 0, python.stderr
    assert ready.run("run", ":show", **locale).stdout == python.stdout


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
