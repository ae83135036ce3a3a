"""Uses a minimal server in place of Truss's own, and of uvicorn."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import yaml

from pants_truss.serving.scripts import shell_variables
from pants_truss.serving.scripts.shell_variables import ALWAYS

SCRIPTS = Path(__file__).resolve().parent

UVICORN = """\
import signal
import socket
import time

class Config:
    def __init__(self, app, host, port, timeout_graceful_shutdown, log_level):
        self.host, self.port = host, port
        print("config", host == "0.0.0.0", port == 1, timeout_graceful_shutdown, log_level)

class Server:
    def __init__(self, config):
        self.config, self.should_exit = config, False

    def handle_exit(self, number, frame):
        print("told to exit", flush=True)
        self.should_exit = True

    def run(self, model):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        host = self.config.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, self.config.port), family=family):
            while not (self.should_exit or model.failed):
                time.sleep(0.02)
            if model.is_busy:
                time.sleep(60)
"""
TRUSS_SERVER = """\
import threading
import uvicorn
from model_wrapper import ModelWrapper

INFERENCE_SERVER_FAILED_FILE = "~/inference_server_crashed.txt"

class TrussServer:
    def __init__(self, port, config):
        self._model = ModelWrapper()

    def start(self):
        config = uvicorn.Config(
            self, host="0.0.0.0", port=1, timeout_graceful_shutdown=3600, log_level="info"
        )
        server = uvicorn.Server(config)
        print(INFERENCE_SERVER_FAILED_FILE)
        threading.Thread(target=self._model.load, daemon=True).start()
        server.run(self._model)
"""
MODEL_WRAPPER = """\
class Descriptor:
    websocket = None

class ModelWrapper:
    ready = failed = is_busy = False
    model_descriptor = Descriptor

    def load(self):
        try:
            self._load_impl()
        except Exception:
            self.failed = True

    def _load_impl(self):
        with open("model/model.py") as file:
            exec(file.read(), {"wrapper": self})
        self.ready = True
"""
STUCK = "import time\ntime.sleep(60)\n"


class Serve:
    """Runs `serve.py`, laid out like a truss."""

    def __init__(self, folder: Path) -> None:
        self.root = folder.resolve() / "root"
        self.folder = folder
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        site = folder / f"cache/venv/lib/{version}/site-packages"
        for place in (self.root / "local", self.root / "app/model", site):
            place.mkdir(parents=True)
        for name in ("serve.py", "local_truss.py", "parent.py", "ports.py", "shell_variables.py"):
            shutil.copy(SCRIPTS / name, self.root / "local")
        (site / "yaml.pth").write_text(str(Path(yaml.__file__).parent.parent))
        (site / "uvicorn.py").write_text(UVICORN)
        (self.root / "app/truss_server.py").write_text(TRUSS_SERVER)
        (self.root / "app/model_wrapper.py").write_text(MODEL_WRAPPER)
        (self.root / "app/config.yaml").write_text("environment_variables: {GREETING: hello}\n")
        self.processes: List["subprocess.Popen[str]"] = []

    def start(
        self,
        *arguments: str,
        model: str = "",
        command: Any = (sys.executable,),
        stdin: int = subprocess.DEVNULL,
        variables: Any = (),
        **facts: Any,
    ) -> "subprocess.Popen[str]":
        (self.root / "app/model/model.py").write_text(model)
        known: Dict[str, Any] = {
            "address": "a/b:c",
            "accelerator": None,
            "env_vars": ["*"],
            "notes": [],
            "example": "{}",
            "restartable": False,
            "venvs": [{"folder": "venv", "shim": "shim"}],
        }
        (self.root / "local/truss.json").write_text(json.dumps({**known, **facts}))
        # No others, because the log would name them.
        shell = {k: v for k, v in os.environ.items() if shell_variables.matches(k, ALWAYS)}
        start = {"PEX_ROOT": str(self.folder / "cache"), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [*command, "local/serve.py", *arguments],
            cwd=self.root,
            env={**shell, **dict(variables), **start},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, **options: Any) -> Any:
        """Returns the exit code and the output."""
        process = self.start(*arguments, **options)
        _, stderr = process.communicate(timeout=60)
        return process.returncode, stderr

    def announced(self, *arguments: str, **options: Any) -> List[str]:
        """Returns the two lines with the address."""
        process = self.start(*arguments, **options)
        assert process.stderr
        lines = [process.stderr.readline().rstrip("\n") for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        return lines


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    made = Serve(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_model_sees_the_variables_of_the_shell_that_an_option_names(
    serve: Serve,
) -> None:
    variables = {"HF_TOKEN": "hf", "AWS_PROFILE": "prod", "TRUSS_SECRET_KEY": "s3cret"}
    names = ["HF_TOKEN", "AWS_PROFILE", "TRUSS_SECRET_KEY", "GREETING"]
    model = f"import os\nraise ValueError([os.environ.get(name) for name in {names}])\n"
    _, stderr = serve.run(model=model, env_vars=["HF_*"], variables=variables)
    assert "ValueError: ['hf', None, 's3cret', 'hello']" in stderr
    assert "The model sees variables of your shell that an image does not have: HF_TOKEN." in stderr
    assert "The model does not see AWS_PROFILE" in stderr and "prod" not in stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--port=x"], "argument --port: invalid int value: 'x'"),
        (["--relo"], "unrecognized arguments: --relo"),
        (["8080"], "unrecognized arguments: 8080"),
    ],
)
def test_unknown_arguments(serve: Serve, arguments: List[str], message: str) -> None:
    code, stderr = serve.run(*arguments)
    assert (code, stderr.splitlines()[-1]) == (2, f"pants run a/b:c --: error: {message}")


def test_help(serve: Serve) -> None:
    assert serve.run("--help") == (0, "")


def test_a_port_in_use_fails_before_the_model_loads(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        shutil.rmtree(serve.folder / "cache")
        code, stderr = serve.run(f"--port={port}", notes=["never said"])
    assert code == 1
    assert stderr.startswith(f"Cannot serve a/b:c on 127.0.0.1:{port}: Address already in use. ")
    assert len(stderr.splitlines()) == 1


@pytest.mark.skipif(os.path.exists("/dev/nvidia0"), reason="This machine has a GPU.")
def test_a_missing_gpu(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert serve.run("--port=0", accelerator="L4:2") == (
        1,
        "a/b:c: it needs L4:2 (`resources` in its config), but this machine has no GPU. If its code "
        "runs without one: pants run a/b:c -- --without-gpu\n",
    )
    serving = "Serving a/b:c at http://127.0.0.1:"
    assert serve.announced("--port=0", "--without-gpu", accelerator="L4")[0].startswith(serving)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "bin/nvidia-smi").chmod(0o755)
    assert serve.announced("--port=0", accelerator="L4")[0].startswith(serving)


# The address.


def test_the_announcement_can_be_pasted_into_a_shell(serve: Serve) -> None:
    port = free_port()
    example = json.dumps({"text": "it's $HOME `id`; ä"})
    lines = serve.announced(f"--port={port}", example=example)
    url = f"http://127.0.0.1:{port}"
    assert lines[0] == f"Serving a/b:c at {url} (Ctrl-C ends it). Try:"
    assert shlex.split(lines[1]) == ["curl", f"{url}/v1/models/model:predict", "-d", example]
    assert lines[1].startswith("  ")


@pytest.mark.parametrize("length, is_shown", [(2000, True), (2001, False)])
def test_an_example_that_is_too_long_for_a_line(serve: Serve, length: int, is_shown: bool) -> None:
    example = json.dumps("x" * (length - 2))
    line = serve.announced("--port=0", example=example)[1]
    assert shlex.split(line)[-1] == (example if is_shown else "{}")


def test_the_announcement_of_a_websocket(serve: Serve) -> None:
    port = free_port()
    model = "wrapper.model_descriptor.websocket = object()\n"
    assert serve.announced(f"--port={port}", model=model) == [
        f"Serving a/b:c at http://127.0.0.1:{port} (Ctrl-C ends it). Connect to:",
        f"  ws://127.0.0.1:{port}/v1/websocket",
    ]


def test_all_addresses_are_shown_as_loopback(serve: Serve) -> None:
    port = free_port()
    lines = serve.announced(f"--port={port}", "--host=0.0.0.0")
    assert lines[0].startswith(
        "The network can connect to 0.0.0.0, and the server has no authentication"
    )
    assert lines[1] == f"Serving a/b:c at http://127.0.0.1:{port} (Ctrl-C ends it). Try:"


def test_a_release_without_a_model_descriptor(serve: Serve) -> None:
    lines = serve.announced("--port=0", model="del wrapper.__class__.model_descriptor\n")
    assert lines[1].endswith("/v1/models/model:predict -d '{}'")


def test_the_server_gets_host_port_and_grace_period(serve: Serve) -> None:
    process = serve.start("--port=0", model="import os\nprint(os.environ['GREETING'])\n")
    assert process.stderr
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    assert stdout.splitlines() == [
        # The host, the port and the grace period of the server are replaced.
        "config False False 2 info",
        str(serve.root / "inference_server_crashed.txt"),
        "hello",
        "told to exit",
    ]
    assert process.returncode == 0


def test_notes_come_first(serve: Serve) -> None:
    lines = serve.announced("--port=0", notes=["One.", "Two ä."])
    assert lines == ["One.", "Two ä."]


# Models that do not load.


@pytest.mark.parametrize(
    "model, said",
    [
        ("raise ValueError('no\\n  weights')", "ValueError: no"),
        ("raise ValueError('\\n \\n  first \\n second')", "ValueError: first"),
        ("raise ValueError(' \\n')", "ValueError"),
        # Only the thread that loads ends.
        ("raise SystemExit('enough')", "SystemExit: enough"),
    ],
)
def test_a_model_that_does_not_load_is_one_line(serve: Serve, model: str, said: str) -> None:
    assert serve.run("--port=0", model=model) == (1, f"a/b:c did not load: {said}\n")


def test_a_missing_secret(serve: Serve) -> None:
    model = "class SecretNotFound(Exception):\n    pass\nraise SecretNotFound('key')\n"
    assert serve.run("--port=0", model=model) == (
        1,
        "a/b:c did not load: SecretNotFound: key\n" "Secrets are read from TRUSS_SECRET_<name>.\n",
    )


HINT = "To wait for an edit instead: pants run a/b:c -- --reload\n"


@pytest.mark.parametrize(
    "arguments, restartable, more", [([], True, HINT), ([], False, ""), (["--reload"], False, "")]
)
def test_only_what_pants_restarts_can_wait_for_an_edit(
    serve: Serve, arguments: List[str], restartable: bool, more: str
) -> None:
    found = serve.run("--port=0", *arguments, model="raise KeyError", restartable=restartable)
    assert found == (1, f"a/b:c did not load: KeyError\n{more}")


def test_reload_waits_for_the_next_edit(serve: Serve) -> None:
    process = serve.start("--port=0", "--reload", model="raise KeyError", restartable=True)
    assert process.stderr
    assert process.stderr.readline() == "a/b:c did not load: KeyError\n"
    assert process.stderr.readline() == "Waiting for the next edit.\n"
    assert process.poll() is None


def test_on_a_terminal_reload_is_the_default(serve: Serve) -> None:
    above, below = os.openpty()
    process = serve.start("--port=0", model="raise KeyError", restartable=True, stdin=below)
    assert process.stderr
    assert process.stderr.readline() == "a/b:c did not load: KeyError\n"
    assert process.stderr.readline() == "Waiting for the next edit.\n"
    ends = serve.start(
        "--port=0", "--no-reload", model="raise KeyError", restartable=True, stdin=below
    )
    assert ends.communicate(timeout=30)[1] == f"a/b:c did not load: KeyError\n{HINT}"
    os.close(above)
    os.close(below)


# The end of the process.


@pytest.mark.parametrize(
    "ends, code",
    [
        ("raise KeyboardInterrupt", 130),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit", 0),
        ("raise SystemExit('text')", 1),
    ],
)
def test_the_exit_code_is_that_of_the_server(serve: Serve, ends: str, code: int) -> None:
    server = serve.root / "app/truss_server.py"
    server.write_text(TRUSS_SERVER.replace("server.run(self._model)", ends))
    assert serve.run("--port=0", model=STUCK)[0] == code


def test_a_model_that_never_loads_does_not_block_the_exit(serve: Serve) -> None:
    model = f"wrapper.is_busy = True\nprint('loading', flush=True)\n{STUCK}"
    process = serve.start("--port=0", model=model)
    assert process.stdout
    while process.stdout.readline() != "loading\n":
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    # By itself, or by the signal if the server does not handle it yet.
    assert process.returncode in (128 + signal.SIGTERM, -signal.SIGTERM)


def test_the_server_ends_with_its_parent(serve: Serve) -> None:
    code = "import os, subprocess, sys\nprint(subprocess.Popen(sys.argv[1:]).pid)\nos.wait()\n"
    command = [sys.executable, "-c", code, sys.executable]
    process = serve.start("--port=0", command=command)
    assert process.stdout and process.stderr
    pid = int(process.stdout.readline())
    assert process.stderr.readline().startswith("Serving a/b:c")
    try:
        process.kill()
        # By now every process that holds the pipe has ended.
        watchdog = threading.Timer(30, os.kill, (pid, signal.SIGKILL))
        watchdog.start()
        said = process.stdout.read()
        watchdog.cancel()
    finally:
        process.wait()
    assert said.splitlines()[-1] == "told to exit"
