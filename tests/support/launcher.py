"""The `./pants` script in a repository of its own."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List

from support.pip_configuration import (
    CONSTRAINT,
    INDEX,
    LINKS,
    of_environment,
    write_configuration,
)
from support.processes import daemon_pids, is_running, wait_for_end

PYTHON = os.path.realpath(sys.executable)
TOML = """\
[GLOBAL]
pants_version = "2.17.1"
backend_packages = [{backends}]

[anonymous-telemetry]
enabled = false
"""


@dataclass
class Clone:
    """`environment` is all that the script gets."""

    root: Path
    environment: Dict[str, str] = field(default_factory=dict)

    def configure(self, *backends: str) -> Clone:
        self.root.mkdir(exist_ok=True)
        shutil.copy("pants", self.root)
        names = ", ".join(f'"{name}"' for name in backends)
        (self.root / "pants.toml").write_text(TOML.format(backends=names))
        return self

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(self.root / "pants"), *arguments],
            env={**self.environment, **environment},
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(self.root / "pants"), *arguments],
            env={**self.environment, **environment},
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def daemons(self) -> List[int]:
        """The processes that have started as daemons of this repository and go on."""
        return [pid for pid in daemon_pids(self.root) if is_running(pid)]

    def end_daemons(self, number: int = signal.SIGTERM) -> None:
        for pid in self.daemons():
            os.kill(pid, number)
            wait_for_end(pid)


def bare_environment(folder: Path) -> Dict[str, str]:
    """No `python3.9` on PATH, none of pyenv's below HOME, no uv."""
    tools = folder / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "env", "flock", "mkdir"):
        path = shutil.which(name)
        if path:
            (tools / name).symlink_to(path)
    return {"PATH": str(tools), "HOME": str(folder / "home")}


def usual_environment(folder: Path) -> Dict[str, str]:
    path = os.pathsep.join([bare_environment(folder)["PATH"], "/usr/bin", "/bin"])
    cache = str(folder / "cache")
    home = str(folder / "home")
    return {"PANTS_PYTHON": PYTHON, "XDG_CACHE_HOME": cache, "PATH": path, "HOME": home}


def certificates() -> str:
    """Those that this machine trusts."""
    named = os.environ.get("REQUESTS_CA_BUNDLE") or ssl.get_default_verify_paths().cafile
    # Debian's and most others'.
    return named or "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Installed:
    environment: Dict[str, str]
    home: Path
    said: str

    @contextmanager
    def clone(self, folder: Path) -> Iterator[Clone]:
        """A repository on that machine, with a daemon that runs."""
        clone = Clone(folder / "clone", self.environment).configure("pants.backend.shell")
        clone.run("--version")
        yield clone
        clone.end_daemons()


def install(base: Path) -> Installed:
    """Pants, on a machine whose pip is configured in each way and place."""
    configuration = write_configuration(base / "pip", CONSTRAINT, INDEX, LINKS)
    environment = usual_environment(base)
    bundle = Path(environment["HOME"], "who's trusted here.pem")
    bundle.parent.mkdir()
    shutil.copy(certificates(), bundle)
    with configuration.open("a") as file:
        # For `pip install`, this one counts.
        file.write(f"cert = /nowhere.pem\n[install]\ncert = ~/{bundle.name}\n")
    planted = {**environment, **of_environment(configuration, base)}
    clone = Clone(base / "clone", planted).configure()
    before = (clone.root / "pants.toml").read_text()
    first = clone.run("--no-pantsd", "--version")
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == "2.17.1"
    # The script writes only into its own folder: the official launcher sees an untouched file.
    assert (clone.root / "pants.toml").read_text() == before
    return Installed(environment, base / "cache/pants-from-index/2.17.1-2", first.stderr)
