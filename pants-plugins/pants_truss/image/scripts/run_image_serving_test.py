"""With an engine whose containers really serve: a small HTTP server in each."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

SCRIPTS = Path(__file__).resolve().parent
SERVING = SCRIPTS.parent.parent / "serving/scripts"
sys.path[:0] = [str(SERVING), str(SCRIPTS)]
import run_image  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

# `fails` has the exit codes of commands, `statuses` what is answered, the last one for ever.
ENGINE = """\
import http.server, json, os, signal, sys

def read(name, otherwise):
    return json.load(open(name)) if os.path.exists(name) else otherwise

command, arguments = sys.argv[2], sys.argv[3:]
with open("log", "a") as log:
    log.write(json.dumps([os.path.basename(sys.argv[1]), command, *arguments]) + "\\n")
code = read("fails", {}).get(f"{os.path.basename(sys.argv[1])} {command}", 0)
if command == "create" and not code:
    publish = next(a for a in arguments if a.startswith("--publish="))
    with open("port", "w") as file:
        file.write(publish.split(":")[-2])
if command == "start" and not code:
    statuses = read("statuses", [200])
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()
            if self.path == "/end":
                os._exit(0)
        def log_message(self, *_):
            pass
    with http.server.HTTPServer(("127.0.0.1", read("port", 0)), Handler) as server:
        with open("pid", "w") as file:
            file.write(str(os.getpid()))
        server.serve_forever()
if command == "stop" and os.path.exists("pid"):
    os.kill(read("pid", 0), signal.SIGTERM)
if command == "load" and not code:
    with open("loaded.tar", "wb") as file:
        file.write(sys.stdin.buffer.read())
sys.exit(code)
"""


class Images:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for source in (SCRIPTS / "run_image.py", SCRIPTS / "archive.py", SERVING / "ports.py"):
            shutil.copy(source, folder)
        (folder / "engine.py").write_text(ENGINE)
        for name in ("docker", "podman"):
            (folder / name).write_text(
                f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I engine.py "$0" "$@"\n'
            )
            (folder / name).chmod(0o755)
        self.processes: List["subprocess.Popen[str]"] = []

    def write(self, name: str, data: Any) -> None:
        (self.folder / name).write_text(json.dumps(data))

    def start(self, *arguments: str, command: Any = (), **facts: Any) -> "subprocess.Popen[str]":
        known: Dict[str, Any] = {
            "address": "a:image",
            "engines": [str(self.folder / "docker")],
            "image": "it:1",
            "layout": None,
            "manifest": "",
            "environment": {},
            "example": "{}",
            "arguments": [],
            "notes": [],
        }
        self.write("image.json", {**known, **facts})
        process = subprocess.Popen(
            [*command, sys.executable, "-I", "run_image.py", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, **facts: Any) -> Any:
        """The exit code and what it says."""
        process = self.start(*arguments, **facts)
        _, stderr = process.communicate(timeout=60)
        return process.returncode, stderr

    @property
    def log(self) -> List[List[str]]:
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def commands(self) -> List[str]:
        return [" ".join(line[:2]) for line in self.log]


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Images]:
    made = Images(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_container_is_announced_once_its_model_is_loaded(images: Images) -> None:
    images.write("statuses", [404, 503, 200])
    port = free_port()
    example = json.dumps({"text": "it's $HOME"})
    process = images.start(f"--port={port}", example=example, notes=["Note: one.", "Note: two."])
    assert process.stderr
    lines = [process.stderr.readline() for _ in range(4)]
    url = f"http://127.0.0.1:{port}"
    assert lines[:3] == [
        "Note: one.\n",
        "Note: two.\n",
        f"Serving a:image at {url} (Ctrl-C ends it). Try:\n",
    ]
    assert shlex.split(lines[3]) == ["curl", f"{url}/v1/models/model:predict", "-d", example]
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert (process.returncode, rest) == (130, "")
    (created,) = [line for line in images.log if line[1] == "create"]
    name = next(a for a in created if a.startswith("--name="))[len("--name=") :]
    assert [line[1:] for line in images.log if line[1] != "create"] == [
        ["start", "--attach", name],
        ["stop", "--time=2", name],
        ["rm", "--force", name],
    ]
    assert f"--publish=127.0.0.1:{port}:8080" in created


def test_a_container_that_served_may_end(images: Images) -> None:
    port = free_port()
    process = images.start(f"--port={port}", "--host=0.0.0.0", example="x" * 2001)
    assert process.stderr
    url = f"http://127.0.0.1:{port}"
    # All addresses are shown as one that can be asked, and no example that is too long.
    assert process.stderr.readline() == f"Serving a:image at {url} (Ctrl-C ends it). Try:\n"
    assert process.stderr.readline() == f"  curl {url}/v1/models/model:predict -d '{{}}'\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /end HTTP/1.0\r\n\r\n")
    _, rest = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")


@pytest.mark.parametrize("code", [1, 125, 137])
def test_the_exit_code_is_that_of_the_container(images: Images, code: int) -> None:
    images.write("fails", {"docker start": code})
    assert images.run("--port=0") == (code, f"The container of a:image has ended with {code}.\n")
    assert images.commands[-2:] == ["docker stop", "docker rm"]


def test_a_port_that_is_taken_starts_nothing(images: Images) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        code, stderr = images.run(f"--port={port}", notes=["never said"])
    assert code == 1
    assert stderr.startswith(f"Cannot serve a:image on 127.0.0.1:{port}: Address already in use. ")
    assert (stderr.count("\n"), images.log) == (1, [])


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--port=x"], "argument --port: invalid int value: 'x'"),
        (["--gpus=all"], "unrecognized arguments: --gpus=all"),
        (["--ho=x"], "unrecognized arguments: --ho=x"),
    ],
)
def test_arguments_that_it_does_not_take(
    images: Images, arguments: List[str], message: str
) -> None:
    code, stderr = images.run(*arguments)
    assert (code, stderr.splitlines()[-1]) == (2, f"pants run a:image --: error: {message}")


def test_it_ends_with_the_process_that_has_started_it(images: Images) -> None:
    code = "import os, subprocess, sys\nprint(subprocess.Popen(sys.argv[1:]).pid)\nos.wait()\n"
    process = images.start("--port=0", command=[sys.executable, "-c", code])
    assert process.stdout and process.stderr
    pid = int(process.stdout.readline())
    assert process.stderr.readline().startswith("Serving a:image")
    watchdog = threading.Timer(30, os.kill, (pid, signal.SIGKILL))
    watchdog.start()
    process.kill()
    process.wait()
    # Whoever holds the pipe has ended then.
    process.stderr.read()
    watchdog.cancel()
    assert images.commands[-2:] == ["docker stop", "docker rm"]


# Engines, and how they get the image.


def test_a_client_without_its_daemon_is_passed_by(images: Images) -> None:
    engines = [str(images.folder / name) for name in ("docker", "podman")]
    images.write("fails", {"docker version": 1, "podman start": 9})
    images.run("--port=0", engines=engines)
    assert images.commands[:2] == ["docker version", "podman create"]
    (images.folder / "log").unlink()
    images.write("fails", {"docker start": 9})
    images.run("--port=0", engines=engines)
    assert images.commands[:2] == ["docker version", "docker create"]


def make_layout(folder: Path, layer: bytes) -> Dict[str, str]:
    blobs = folder / "layout/blobs/sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return f"sha256:{digest}"

    manifest = {
        "mediaType": "m",
        "config": {"digest": put(b"{}")},
        "layers": [{"digest": put(layer)}],
    }
    return {"layout": "layout", "manifest": put(json.dumps(manifest).encode())}


def test_an_image_that_the_engine_lacks_is_loaded(images: Images) -> None:
    facts = make_layout(images.folder, b"layer" * 50_000)
    images.write("fails", {"docker image": 1, "docker start": 9})
    code, stderr = images.run("--port=0", **facts)
    assert (code, stderr.splitlines()[0]) == (9, "Loading the image into docker.")
    assert images.log[:2] == [["docker", "image", "inspect", "it:1"], ["docker", "load"]]
    with tarfile.open(images.folder / "loaded.tar") as tar:
        (for_docker,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        (layer,) = for_docker["Layers"]
        assert tar.extractfile(layer).read() == b"layer" * 50_000  # type: ignore[union-attr]
    assert for_docker["RepoTags"] == ["it:1"]


def test_an_image_that_the_engine_has_is_not_loaded(images: Images) -> None:
    facts = make_layout(images.folder, b"layer")
    images.write("fails", {"docker start": 9})
    _, stderr = images.run("--port=0", **facts)
    assert "Loading" not in stderr
    assert images.commands[:2] == ["docker image", "docker create"]


def test_an_engine_that_does_not_take_the_image(images: Images) -> None:
    # It ends while much is still to be written.
    facts = make_layout(images.folder, bytes(4_000_000))
    images.write("fails", {"docker image": 1, "docker load": 7})
    assert images.run("--port=0", **facts) == (
        1,
        "Loading the image into docker.\n"
        f"{images.folder / 'docker'} has not taken the image of a:image: see above.\n",
    )
    assert images.commands == ["docker image", "docker load"]


# What the engine is told.


@pytest.fixture
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TRUSS_SECRET_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "host, shown", [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("::1", "[::1]")]
)
def test_a_container_is_created_with(
    no_secrets: None, monkeypatch: pytest.MonkeyPatch, host: str, shown: str
) -> None:
    monkeypatch.setenv("TRUSS_SECRET_b", "s3cret")
    monkeypatch.setenv("TRUSS_SECRET_a c", "s3cret")
    monkeypatch.setenv("MY_TRUSS_SECRET_x", "s3cret")
    facts = {
        "environment": {"Z": "a b=c\nd", "INFERENCE_SERVER_PORT": "9", "A": ""},
        "arguments": ["--memory=1g", "--env=A=mine"],
        "image": "it:1",
    }
    assert run_image.creation(facts, "truss-1", host, 80, ["--gpus=all", "-v"]) == [
        "create",
        "--rm",
        "--name=truss-1",
        f"--publish={shown}:80:8080",
        "--env=A=",
        "--env=Z=a b=c\nd",
        "--env=TRUSS_SECRET_a c",
        "--env=TRUSS_SECRET_b",
        # Later ones win: those of the target over the config's, the user's over all.
        "--memory=1g",
        "--env=A=mine",
        "--gpus=all",
        "-v",
        "it:1",
    ]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.server.status))  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(
    "status, expected", [(200, True), (204, False), (404, False), (503, False)]
)
def test_a_server_answers_once_its_model_is_loaded(status: int, expected: bool) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.status = status  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert run_image.answers("127.0.0.1", server.server_address[1]) is expected
        thread.join()


@pytest.mark.parametrize("said", [b"", b"no HTTP\r\n\r\n", b"HTTP/1.1 200"])
def test_what_answers_in_another_way_is_no_server(said: bytes) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer() -> None:
            connection = listener.accept()[0]
            connection.recv(1000)
            connection.sendall(said)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        expected = said == b"HTTP/1.1 200"
        assert run_image.answers("127.0.0.1", listener.getsockname()[1]) is expected
        thread.join()
    assert run_image.answers("127.0.0.1", free_port()) is False
