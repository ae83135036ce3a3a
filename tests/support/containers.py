"""Container engines, and the base image, that `tests/containers/setup.sh` has prepared."""

from __future__ import annotations

import crypt
import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest

# The folder that setup.sh was given. CI sets it in any case, so that nothing is left out there.
VARIABLE = "TRUSS_TEST_CONTAINERS"
# What the tests call their images, so that they find and remove no others.
RELEASE = "baseten/truss-server-base:3.11-v0.13.0"


def prepared() -> Path:
    """Skips the test on a machine where nothing was prepared."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(
            f"no container engine for tests: `tests/containers/setup.sh FOLDER`, as root, and "
            f"{VARIABLE}=FOLDER make one"
        )
    assert (Path(folder) / "base/index.json").exists(), f"{VARIABLE}={folder}: it is not prepared"
    return Path(folder)


class Engine:
    """`docker` or `podman`."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.environment = {**os.environ, **engine_environment(folder)}

    def run(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        process = subprocess.run(
            [self.name, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert not check or process.returncode == 0, f"{arguments}: {process.stderr}"
        return process

    @contextmanager
    def container(self, image: str) -> Iterator["Container"]:
        """A running one, with nothing mounted and no network but its own loopback."""
        made = self.run("run", "--detach", "--network=none", image)
        container = Container(self, made.stdout.strip())
        try:
            container.wait()
            yield container
        finally:
            self.run("rm", "--force", container.id)

    def load(self, archive: Path) -> str:
        """The name or id that it was given."""
        output = self.run("load", "--input", str(archive)).stdout
        return output.strip().splitlines()[-1].partition(": ")[2].strip()


class Container:
    def __init__(self, engine: Engine, id: str) -> None:
        self.engine, self.id = engine, id

    def run(self, *arguments: str) -> str:
        return self.engine.run("exec", self.id, *arguments).stdout

    def python(self, code: str) -> Any:
        """Prints JSON."""
        return json.loads(self.run("python3", "-c", code))

    def wait(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            url = "http://127.0.0.1:8080/v1/models/model"
            code = self.engine.run(
                "exec",
                self.id,
                "curl",
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                url,
                check=False,
            ).stdout
            if code == "200":
                return
            time.sleep(0.3)
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        process = self.engine.run("logs", self.id)
        return process.stdout + process.stderr

    def predict(self, data: Any) -> Any:
        url = "http://127.0.0.1:8080/v1/models/model:predict"
        return json.loads(self.run("curl", "-s", "-f", url, "-d", json.dumps(data)))

    @property
    def environment(self) -> Dict[str, str]:
        """The environment of the first process in the container."""
        content = self.run("cat", "/proc/1/environ")
        pairs = (entry.partition("=") for entry in content.split("\0") if entry)
        return {name: value for name, _, value in pairs}


def engine_environment(folder: Path) -> Dict[str, str]:
    """Where the engines are, for them and for what starts them."""
    return {
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
        "CONTAINERS_CONF": f"{folder}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf",
    }


def skopeo(*arguments: str) -> str:
    process = subprocess.run(
        ["skopeo", "--insecure-policy", *arguments], capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


class Registry:
    """Debian's own, on loopback. `login` is a name and a password that it wants."""

    def __init__(self, folder: Path, login: Optional[Tuple[str, str]] = None) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        folder.mkdir()
        self._data = folder / "data"
        self._log_path = folder / "log"
        config: Dict[str, Any] = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(self._data)}},
            "http": {"addr": self.address},
        }
        if login:
            name, password = login
            salt = crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=1 << 5)
            (folder / "htpasswd").write_text(f"{name}:{crypt.crypt(password, salt)}\n")
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
        self._config = folder / "config.json"
        self._config.write_text(json.dumps(config))
        self.start()

    def start(self) -> None:
        """Once more after `stop` or `kill`, with what it had."""
        binary = shutil.which("docker-registry")
        assert binary
        with open(self._log_path, "ab") as log:
            self._process = subprocess.Popen(
                [binary, "serve", str(self._config)], stdout=log, stderr=log
            )
        self._wait()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        host, _, port = self.address.partition(":")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self._log_path.read_text())

    @property
    def uploads(self) -> List[str]:
        """The paths of all blobs and manifests that were taken in, oldest first."""
        lines = self._log_path.read_text().splitlines()
        return [
            line.partition('"PUT ')[2].partition(" ")[0].partition("?")[0]
            for line in lines
            if '"PUT ' in line and '" 201 ' in line
        ]

    def blobs(self) -> Dict[str, int]:
        """The blobs of the registry: digest -> size in bytes."""
        found = self._data.glob("docker/registry/v2/blobs/sha256/*/*/data")
        return {path.parent.name: path.stat().st_size for path in found}

    def stop(self) -> None:
        """Twice does no harm."""
        self._process.terminate()
        self._process.wait(timeout=10)
