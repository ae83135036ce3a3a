"""`pants run`: what a model sees when it is served here, and how serving begins and ends."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

from support.monorepo import PYTHON_TOML, Monorepo
from support.processes import is_running
from support.server import Server
from support.truss_library import TrussError, TrussLibrary
from support.websocket import talk

CONFIG = """\
python_version: py311
data_dir: weights/small
external_package_dirs: [../shared/one, ../shared/two]
environment_variables: {GREETING: hello, LEVEL: 3}
secrets: {token: null}
requirements: [six==1.16.0]
"""

MODEL = """\
import json
import os
import sys

import six
from split import first, second


class Model:
    def __init__(self, **kwargs):
        self._data = kwargs["data_dir"]
        self._secrets = kwargs["secrets"]
        self._config = kwargs["config"]

    def load(self):
        self._words = (self._data / "words.txt").read_text().split()

    async def predict(self, request):
        import lazy

        kind = request["kind"]
        if kind == "stream":
            return self._stream(request["count"])
        if kind == "raise":
            raise ValueError("the model's own error")
        return {
            "data": self._words,
            "lazy": lazy.NAME,
            "split": [first.NAME, second.NAME],
            "secret": self._secrets["token"],
            "environment": [os.environ["GREETING"], os.environ["LEVEL"]],
            "config": self._config["runtime"]["predict_concurrency"],
            "six": six.__version__,
            "python": sys.version_info[:2],
            "leaked": [name for name in os.environ if name.startswith(("PEX_", "PYTHONPATH"))],
            "here": os.getcwd() == os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        }

    def _stream(self, count):
        for number in range(count):
            yield f"{number} "
"""

FILES: Dict[str, str] = {
    "t/rich/config.yaml": CONFIG,
    "t/rich/BUILD": "truss()\n",
    "t/rich/model/__init__.py": "",
    "t/rich/model/model.py": MODEL,
    "t/rich/weights/small/words.txt": "a b\n",
    "t/rich/examples.yaml": "- name: One\n  input: {kind: all, it's: 1}\n",
    "t/shared/one/BUILD": "truss_external_package()\n",
    "t/shared/one/lazy.py": "NAME = 'lazy'\n",
    "t/shared/one/split/__init__.py": "",
    "t/shared/one/split/first.py": "NAME = 'first'\n",
    # Truss in memory takes it for a package, and fails.
    "t/shared/one/lib2.egg-info/PKG-INFO": "Name: lib2\n",
    "t/shared/two/BUILD": "truss_external_package()\n",
    "t/shared/two/split/second.py": "NAME = 'second'\n",
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("serve")
    repo = Monorepo(
        base / "repo", base / "machine", {"TRUSS_SECRET_token": "s3cret"}, shares_store=True
    )
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/t/*"'))
    repo.write_all(FILES)
    yield repo
    repo.stop_daemon()


def truss(repo: Monorepo, name: str, model: str, config: str = "", build: str = "") -> str:
    folder = f"t/{name}"
    repo.write(f"{folder}/BUILD", build or "truss()\n")
    repo.write(f"{folder}/config.yaml", f"python_version: py311\n{config}")
    repo.write(f"{folder}/model/model.py", model)
    return folder


ECHO = "class Model:\n    def predict(self, request):\n        return request\n"


# --- What the model sees.


def test_everything_a_model_is_given(repo: Monorepo, truss: TrussLibrary) -> None:
    expected = {
        "data": ["a", "b"],
        "lazy": "lazy",
        "split": ["first", "second"],
        "secret": "s3cret",
        "environment": ["hello", "3"],
        "config": 1,
        "six": "1.16.0",
        "python": [3, 11],
        "leaked": [],
        "here": True,
    }
    with Server(repo, "t/rich") as server:
        assert server.predict({"kind": "all"}) == expected
        streamed = server.request(
            "POST", "/v1/models/model:predict", b'{"kind": "stream", "count": 4}'
        )
        assert streamed.body == b"0 1 2 3 "
        failed = server.request("POST", "/v1/models/model:predict", b'{"kind": "raise"}')
        assert failed.status == 500
        # It goes on, and says what was wrong.
        assert server.predict({"kind": "all"}) == expected
        server.wait_for("ValueError: the model's own error")
        # A line to copy, with the first example.
        curl = next(line for line in server.log if line.startswith("  curl "))
        assert """-d '{"kind": "all", "it'"'"'s": 1}'""" in curl
        assert f"http://127.0.0.1:{server.port}/v1/models/model:predict" in curl
        assert "s3cret" not in server.text
        _assert_loopback_only(server.port)
    with pytest.raises(TrussError):
        truss.call("predict", str(repo.root / "t/rich"), {"kind": "all"})


def _assert_loopback_only(port: int) -> None:
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            if state == "0A" and int(address.rpartition(":")[2], 16) == port:
                listening.append(address.rpartition(":")[0])
    assert listening == ["0100007F"]


def test_the_servers_own_routes(repo: Monorepo) -> None:
    model = (
        "class Model:\n"
        "    def predict(self, request):\n        return request\n"
        "    async def chat_completions(self, request):\n        return {'chat': request}\n"
        "    def embeddings(self, request):\n        return {'embeddings': request}\n"
    )
    with Server(repo, truss(repo, "routes", model)) as server:
        for path, answer in [
            ("/v1/chat/completions", {"chat": {"a": 1}}),
            ("/v1/embeddings", {"embeddings": {"a": 1}}),
            ("/v1/models/model:predict", {"a": 1}),
            ("/invocations", {"a": 1}),
        ]:
            assert json.loads(server.request("POST", path, b'{"a": 1}').body) == answer
        for path in ("/", "/ping", "/v1/models/model", "/v1/models/model/loaded"):
            assert server.request("GET", path).status == 200
        assert server.request("GET", "/metrics/").status == 200
        assert server.request("POST", "/v1/completions", b"{}").status == 404


def test_websockets(repo: Monorepo) -> None:
    model = (
        "class Model:\n"
        "    async def websocket(self, ws):\n"
        "        while True:\n"
        "            await ws.send_text((await ws.receive_text())[::-1])\n"
    )
    config = "runtime: {transport: {kind: websocket}}\n"
    with Server(repo, truss(repo, "websocket", model, config)) as server:
        assert talk(server.host, server.port, "/v1/websocket", ["abc", "xyz"]) == ["cba", "zyx"]
        server.wait_for(f"  ws://127.0.0.1:{server.port}/v1/websocket")


# --- Beginning and ending.


def wait_for_answer(server: Server, data: object, expected: object) -> None:
    """After an edit. Pants may see one as several, where the file system takes its time, and starts
    the server for each."""
    answer = None
    while answer != expected:
        server.wait_until_ready()
        with suppress(OSError, http.client.HTTPException):
            answer = server.predict(data)


def test_an_edit_of_shared_code_restarts_the_server(repo: Monorepo) -> None:
    with Server(repo, "t/rich") as server:
        before = server.predict({"kind": "all"})
        assert before["lazy"] == "lazy"
        repo.replace("t/shared/one/lazy.py", "NAME = 'edited'\n")
        wait_for_answer(server, {"kind": "all"}, {**before, "lazy": "edited"})
        assert len(server.pids) >= 2 and not is_running(server.pids[0])
        repo.replace("t/shared/one/lazy.py", "NAME = 'lazy'\n")
        wait_for_answer(server, {"kind": "all"}, before)
        # A file that the truss does not use does not cause a restart.
        repo.write("t/other/x.py", "")
        time.sleep(1.5)
        assert is_running(server.pids[-1])


FORKING = """\
import multiprocessing
import subprocess
import time

class Model:
    def load(self):
        context = multiprocessing.get_context("fork")
        self._worker = context.Process(target=time.sleep, args=(600,))
        self._worker.start()
        tool = subprocess.Popen(["sleep", "600"], start_new_session=True)
        print("started", self._worker.pid, tool.pid, flush=True)
        {more}

    def predict(self, x):
        return {answer}
"""


def _children(server: Server) -> List[int]:
    lines = [line for line in server.log if line.startswith("started ")]
    return [int(pid) for line in lines for pid in line.split()[1:]]


def test_processes_of_the_model_end_with_it(repo: Monorepo) -> None:
    """On a port that is always the same: a worker would keep it, as it has inherited it."""
    folder = truss(repo, "forks", FORKING.format(more="", answer=1))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Server(repo, folder, f"--port={port}") as server:
        for answer in (2, 3):
            repo.replace(f"{folder}/model/model.py", FORKING.format(more="", answer=answer))
            wait_for_answer(server, {}, answer)
        server.interrupt()
        assert len(_children(server)) >= 6
        assert not [pid for pid in _children(server) if is_running(pid)]


def test_processes_of_a_model_that_does_not_load(repo: Monorepo) -> None:
    model = FORKING.format(more="raise OSError('no')", answer=1)
    server = Server(repo, truss(repo, "forks_and_fails", model))
    assert server.wait() == 1
    assert "did not load: OSError: no" in server.text
    # The server tries a second time.
    assert len(_children(server)) == 4
    assert not [pid for pid in _children(server) if is_running(pid)]


def test_a_truss_that_is_not_to_restart(repo: Monorepo) -> None:
    folder = truss(repo, "steady", ECHO, build="truss(restartable=False)\n")
    with Server(repo, folder) as server:
        repo.replace(f"{folder}/model/model.py", ECHO.replace("return request", "return 1"))
        time.sleep(2)
        assert server.predict({"a": 1}) == {"a": 1}
        assert len(server.pids) == 1


def test_reload_waits_for_an_edit_that_fixes_the_model(repo: Monorepo) -> None:
    folder = truss(repo, "fixed", "import nothing_here\n" + ECHO)
    server = Server(repo, folder, "--reload")
    try:
        server.wait_for("did not load: ModuleNotFoundError: No module named 'nothing_here'")
        server.wait_for("Waiting for the next edit")
        repo.replace(f"{folder}/model/model.py", ECHO)
        server.wait_until_ready()
        assert server.predict({"a": 1}) == {"a": 1}
        # Pants misses an edit just after it has restarted. A restart takes half a second.
        time.sleep(2)
        repo.replace(f"{folder}/model/model.py", "def broken(:\n")
        server.wait_for("did not load: SyntaxError")
        server.wait_for("Waiting for the next edit")
        repo.replace(f"{folder}/model/model.py", ECHO)
        server.wait_until_ready()
        time.sleep(2)
        repo.replace(f"{folder}/config.yaml", "model_name: [\n")
        server.wait_for(rf"{folder}/config.yaml:2\): it is not valid YAML")
        server.wait_for("Waiting for the next edit")
        assert server.interrupt() < 10
    finally:
        server.stop()


BUSY = """\
import time
class Model:
    def {method}(self{argument}):
        print("busy", flush=True)
        time.sleep(600)
    {rest}
"""


def test_ctrl_c_ends_it_promptly(repo: Monorepo) -> None:
    with Server(repo, "t/rich") as server:
        assert server.interrupt() < 10


def test_ctrl_c_while_the_model_loads(repo: Monorepo) -> None:
    model = BUSY.format(method="load", argument="", rest="def predict(self, x):\n        return x")
    server = Server(repo, truss(repo, "slow_load", model))
    try:
        server.wait_for("^busy")
        assert server.interrupt() < 15
    finally:
        server.stop()


def test_ctrl_c_while_it_predicts(repo: Monorepo) -> None:
    model = BUSY.format(method="predict", argument=", x", rest="")
    with Server(repo, truss(repo, "slow_predict", model)) as server:
        connection = http.client.HTTPConnection(server.host, server.port)
        connection.request("POST", "/v1/models/model:predict", b"{}", {})
        server.wait_for("^busy")
        assert server.interrupt() < 15
        connection.close()


def test_nothing_is_left_when_pants_is_killed(repo: Monorepo) -> None:
    without_daemon = replace(repo, daemon=False)
    with Server(without_daemon, "t/rich") as server:
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server.assert_nothing_left()


# --- Each error is one clear line.


def test_a_port_that_is_taken(repo: Monorepo) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = Server(repo, "t/rich", f"--port={port}")
        line = server.wait_for("Cannot serve")
        assert f"Cannot serve t/rich:rich on 127.0.0.1:{port}: Address already in use" in line
        assert "Use another port: pants run t/rich:rich -- --port=" in line
        assert server.wait() == 1
        assert not server.pids


def test_a_host_that_is_not_this_machine(repo: Monorepo) -> None:
    run = repo.pants("run", "t/rich", "--", "--port=0", "--host=nope.invalid").assert_failure()
    assert "Cannot serve t/rich:rich on nope.invalid:0: " in run.stderr
    assert "Set `--host` to an address of this machine." in run.stderr


@pytest.mark.parametrize(
    "name, model, message",
    [
        ("import", "import nothing_there\n", "ModuleNotFoundError: No module named 'nothing_there'"),
        ("init", "class Model:\n    def __init__(self):\n        raise OSError('no')\n"
         "    def predict(self, x):\n        return x\n", "OSError: no"),
        ("load", "class Model:\n    def load(self):\n        raise OSError('no weights')\n"
         "    def predict(self, x):\n        return x\n", "OSError: no weights"),
        ("exit", "import sys\nsys.exit('enough')\n", "SystemExit: enough"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_load(repo: Monorepo, name: str, model: str, message: str) -> None:
    server = Server(repo, truss(repo, f"bad_{name}", model))
    line = server.wait_for("did not load")
    assert line == f"t/bad_{name}:bad_{name} did not load: {message}"
    assert server.wait() == 1


@pytest.mark.parametrize(
    "name, config, message",
    [
        (
            "requirement",
            "requirements: [no-such-distribution-at-all==1]\n",
            "no distribution matches the requirement 'no-such-distribution-at-all==1' of "
            "`requirements` in t/wrong_requirement/config.yaml for Python 3.11",
        ),
        ("conflict", "requirements: [fastapi==0.200.0]\n", "fastapi==0.200.0"),
        (
            "docker_server",
            "docker_server: {start_command: x, server_port: 80, predict_endpoint: /, "
            "readiness_endpoint: /, liveness_endpoint: /}\n",
            "t/wrong_docker_server:wrong_docker_server (t/wrong_docker_server/config.yaml): it "
            "cannot be served without an image: `docker_server` has a server of its own.",
        ),
        (
            "gpu",
            "resources: {accelerator: L4}\n",
            "t/wrong_gpu:wrong_gpu: it needs L4 (`resources` in its config), but this machine has no "
            "GPU. If its code runs without one: pants run t/wrong_gpu:wrong_gpu -- --without-gpu",
        ),
    ],
)
def test_a_config_that_cannot_be_served(
    repo: Monorepo, name: str, config: str, message: str
) -> None:
    if name == "gpu" and Path("/dev/nvidia0").exists():
        return
    folder = truss(repo, f"wrong_{name}", ECHO, config)
    run = repo.pants("run", folder, "--", "--port=0").assert_failure()
    assert message in run.stderr
    assert "Started server" not in run.stderr
    assert run.stderr.count("Traceback") == 0


def test_a_python_that_is_not_there(repo: Monorepo) -> None:
    folder = truss(repo, "wrong_python", ECHO)
    repo.write(f"{folder}/config.yaml", "python_version: py314\n")
    run = repo.pants("run", folder).assert_failure()
    assert "t/wrong_python:wrong_python: its Python is 3.14 (`python_version`" in run.stderr
    assert "It finds " in run.stderr and "3.11" in run.stderr


def test_arguments(repo: Monorepo) -> None:
    run = repo.pants("run", "t/rich", "--", "--prot=1")
    assert run.exit_code == 2
    assert "pants run t/rich:rich --: error: unrecognized arguments: --prot=1" in run.stderr
    assert "--without-gpu" in repo.pants("run", "t/rich", "--", "--help").stdout


def test_a_gpu_that_is_not_needed_after_all(repo: Monorepo) -> None:
    folder = truss(repo, "cpu_too", ECHO, "resources: {accelerator: L4}\nweights: []\n"
                   "system_packages: [ffmpeg]\n")  # fmt: skip
    with Server(repo, folder, "--without-gpu") as server:
        assert server.predict([1]) == [1]
        assert "Only an image has what t/cpu_too/config.yaml says in `system_packages`." in (
            server.text
        )


def test_the_servers_environment_is_shared(repo: Monorepo) -> None:
    """Two trusses of one Python: the second builds only what it has of its own."""
    # Any toml is newer, and no run of the tests, which share results, has built this one.
    own = f"toml>=0.0.{time.time_ns()}"
    first = truss(repo, "env_a", ECHO)
    second = truss(repo, "env_b", ECHO, f"requirements: ['{own}']\n")
    with Server(repo, first):
        pass
    with Server(repo, second) as server:
        built = [line for line in server.log if "Building" in line and "Starting" in line]
        assert len(built) == 1 and f"requirements.pex with 1 requirement: {own}" in built[0]
