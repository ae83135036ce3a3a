"""Real servers of the Remote Execution API on loopback, and repositories that use them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterable, List, Sequence

from support.monorepo import DOWNLOADS
from support.tools import find_remote_tool

# Disk, as a server for a team has it, and as many connections as a build machine makes.
_CACHE = """\
server: [!channel {{address: "{address}", insecure-mode: true}}]
authorization: {{method: none}}
monitoring: {{enabled: false}}
storages: [!disk-storage &disk {{path: "{folder}"}}]
caches:
  - !lru-action-cache &actions
    {{storage: *disk, max-cached-refs: 100000, allow-updates: true, cache-failed-actions: false}}
instances:
  - name: ''
    services:
      [!cas {{storage: *disk}}, !bytestream {{storage: *disk}}, !action-cache {{cache: *actions}}]
thread-pool-size: 400
"""

# Settings of a machine that are part of the keys of processes, the same on all machines.
TOML = """\
[python-bootstrap]
search_path = [{interpreters}]

[pex]
executable_search_paths = ["/usr/local/bin", "/usr/bin", "/bin"]

[subprocess-environment]
env_vars = ["LANG=C.UTF-8", "LC_ALL=C.UTF-8", "SSL_CERT_FILE", "SSL_CERT_DIR"]
"""


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


class Server:
    """A process that listens at `address`; it ends with the `with` block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = free_address()
        folder.mkdir(parents=True, exist_ok=True)
        self._processes: List["subprocess.Popen[bytes]"] = []

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def start(self) -> None:
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            # Unpacking the tool takes a while, so it is shared.
            "PEX_ROOT": os.environ.get("PEX_ROOT", os.path.join(os.environ["HOME"], ".pex")),
        }
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(
                list(self.command()),
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        host, _, port = self.address.partition(":")
        deadline = time.monotonic() + 120
        while True:
            assert process.poll() is None, (self.folder / "log").read_text()
            with suppress(OSError):
                socket.create_connection((host, int(port)), timeout=1).close()
                return
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def kill(self) -> None:
        """At once, as a machine that goes away; what runs below it goes too."""
        for process in self._processes:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class CacheServer(Server):
    """BuildGrid: blobs and results of processes, as files in `blobs`. `space` is what its disk can
    hold, in MiB; by default that of the machine."""

    space = 0

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    def command(self) -> Sequence[str]:
        config = self.folder / "buildgrid.yml"
        config.write_text(_CACHE.format(address=self.address, folder=self.blobs))
        server = [str(find_remote_tool("buildgrid")), "server", "start", str(config)]
        if not self.space:
            return server
        self.blobs.mkdir(exist_ok=True)
        # A disk of its own, which only this process sees.
        script = f'mount -t tmpfs -o size={self.space}m tmpfs "$0" && exec "$@"'
        return [
            "unshare",
            "--mount",
            "--map-root-user",
            "sh",
            "-c",
            script,
            str(self.blobs),
        ] + server

    def stored(self) -> List[Path]:
        """The files of all blobs."""
        return [path for path in self.blobs.rglob("*") if path.is_file()]


class ExecutionServer(Server):
    """buildbox: executes processes, each in a sandbox of bubblewrap with `mounts` from here, and
    has their results. Pex keeps in `caches` what it unpacks, on a worker as anywhere: a worker of
    another test has done that before."""

    mounts: Sequence[str] = ()
    caches = Path(DOWNLOADS, "worker")

    def wait_until_it_executes(self) -> None:
        """The first process that a client has asked for is under way."""
        deadline = time.monotonic() + 300
        while not any(_runs_bubblewrap(process.pid) for process in self._processes):
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        super().kill()
        # The file systems that the server mounted: no process can read or delete files in them now.
        for line in Path("/proc/mounts").read_text().splitlines():
            mounted = line.split()[1]
            if mounted.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", mounted], check=True)

    def command(self) -> Sequence[str]:
        self.caches.mkdir(parents=True, exist_ok=True)
        mounts = [
            "/usr:/usr",
            "/usr/bin:/bin",
            "/usr/lib:/lib",
            "/usr/lib64:/lib64",
            "/etc:/etc",
            f"{self.caches}:{APPEND_ONLY_CACHES}",
            *(f"{folder}:{folder}" for folder in self.mounts),
        ]
        return [
            str(find_remote_tool("buildbox")),
            "casd",
            f"--bind={self.address}",
            "--buildbox-run=buildbox-run",
            *(f"--runner-arg=--bind-mount={mount}" for mount in mounts),
            "--jobs=2",
            str(self.folder / "storage"),
        ]


APPEND_ONLY_CACHES = "/caches"


def _runs_bubblewrap(session: int) -> bool:
    """Returns True if a process of the session runs bubblewrap."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
            if name == "bwrap" and int(rest.split()[3]) == session:
                return True
    return False


def interpreters() -> List[str]:
    """Folders with the Python of trusses, and with the one that runs Pants: as `PATH` has them, but
    without the shims of version managers."""
    found = [os.path.dirname(os.path.realpath(_base_python())), *_pyenv(), "/usr/bin"]
    return list(dict.fromkeys(found))


def _base_python() -> str:
    return os.path.join(sysconfig.get_config_var("BINDIR") or "", "python3")


def _pyenv() -> Iterable[str]:
    root = Path(os.environ.get("PYENV_ROOT") or os.path.join(os.environ["HOME"], ".pyenv"))
    return [str(path.parent) for path in sorted(root.glob("versions/3.11.*/bin/python3.11"))]


def python_folders() -> List[str]:
    """All that a worker needs for these interpreters, and for Pants' own Python."""
    folders = {str(Path(folder).parent) for folder in interpreters()}
    return sorted({*folders, *_prefixes()} - {"/usr"})


def _prefixes() -> Iterable[str]:
    """Returns the prefixes of the Python that runs Pants."""
    python = os.environ.get("TRUSS_TEST_PANTS_PYTHON", sys.executable)
    command = "import sys; print(sys.prefix); print(sys.base_prefix)"
    return subprocess.check_output([python, "-c", command], text=True).split()


def cache_options(address: str) -> Dict[str, str]:
    """By environment: the same repository with a server and without."""
    return {
        "PANTS_REMOTE_CACHE_READ": "true",
        "PANTS_REMOTE_CACHE_WRITE": "true",
        "PANTS_REMOTE_STORE_ADDRESS": f"grpc://{address}",
        "PANTS_REMOTE_CACHE_WARNINGS": "backoff",
        # By default Pants leaves behind what is not uploaded three seconds after all is done.
        "PANTS_SESSION_END_TASKS_TIMEOUT": "120",
        "PANTS_REMOTE_CACHE_RPC_TIMEOUT_MILLIS": "20000",
        "PANTS_REMOTE_STORE_RPC_TIMEOUT_MILLIS": "120000",
    }


def execution_options(address: str) -> Dict[str, str]:
    return {
        "PANTS_REMOTE_STORE_ADDRESS": f"grpc://{address}",
        "PANTS_REMOTE_EXECUTION": "true",
        "PANTS_REMOTE_EXECUTION_ADDRESS": f"grpc://{address}",
        "PANTS_REMOTE_EXECUTION_APPEND_ONLY_CACHES_BASE_PATH": APPEND_ONLY_CACHES,
        "PANTS_SUBPROCESS_ENVIRONMENT_ENV_VARS": f"+{_with_values()!r}",
        # For the package index. The name is buildbox's.
        "PANTS_REMOTE_EXECUTION_EXTRA_PLATFORM_PROPERTIES": "['network=on']",
    }


def _with_values() -> List[str]:
    """A variable without a value is taken from the worker, which has none."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE")
    return ["PIP_CONFIG_FILE=/dev/null", *([f"REQUESTS_CA_BUNDLE={bundle}"] if bundle else [])]


def toml() -> str:
    return TOML.format(interpreters=", ".join(f'"{folder}"' for folder in interpreters()))
