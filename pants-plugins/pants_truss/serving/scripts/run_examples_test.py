"""Uses a minimal server in place of Truss's own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, List, Optional, Tuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

SCRIPTS = Path(__file__).resolve().parent
sys.path.insert(0, str(SCRIPTS))
import asgi_client  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import run_examples  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

Message = Dict[str, Any]
Application = Callable[[Message, Any, Any], Awaitable[None]]


@pytest.mark.parametrize(
    "output, expected, same",
    [
        (1, 1.0, True),
        (1.0000001, 1, True),
        (0.0, 9e-7, True),
        (0, 2e-6, False),
        (1e12, 1e12 + 1e5, True),
        (1.00001, 1, False),
        # JSON has integers too large for a float.
        (10**400, 1, False),
        (1, 10**400, False),
        (10**400, 10**400, True),
        (float("inf"), 1e308, False),
        # Python has numbers that JSON does not have.
        (True, 1, False),
        (1, True, False),
        (False, 0, False),
        (False, None, False),
        (None, False, False),
        (True, True, True),
        (None, None, True),
        ("1", 1, False),
        ("a", "a", True),
        ("ä", "a\u0308", False),
        ([], {}, False),
        ([], [], True),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ([1, 2], [1], False),
        ([[0.1 + 0.2]], [[0.3]], True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ({"a": 1, "b": None}, {"a": 1}, False),
        ({"b": [True], "a": {"c": 1}}, {"a": {"c": 1.0}, "b": [True]}, True),
        ({"a": {"c": True}}, {"a": {"c": 1}}, False),
        ("[1]", [1], False),
    ],
)
def test_matches(output: Any, expected: Any, same: bool) -> None:
    assert run_examples.matches(output, expected) is same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text() | st.floats(-1e9, 1e9),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_matches_itself_but_not_a_larger_value(value: Any) -> None:
    copy = json.loads(json.dumps(value))
    assert run_examples.matches(copy, value)
    assert not run_examples.matches([copy], [value, value])
    assert not run_examples.matches({"a": copy}, {"b": value})


def http(
    *chunks: bytes, status: int = 200, kind: bytes = b"application/json", seen: Optional[Any] = None
) -> Application:
    async def application(scope: Message, receive: Any, send: Any) -> None:
        if seen is not None:
            seen.append((await receive())["body"])
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk})

    return application


def example(application: Application, is_websocket: bool = False, **given: Any) -> Any:
    client = asgi_client.Client(application)
    return asyncio.run(run_examples.run_example(client, is_websocket, given))


@pytest.mark.parametrize(
    "application, given, output",
    [
        (http(b'{"a": ', b"[1]}"), {}, {"a": [1]}),
        # The content type says JSON, but the body is not JSON.
        (http(b"{"), {}, "{"),
        (http(b"null", kind=b"application/problem+json; charset=utf-8"), {}, None),
        (http(b"[1]", kind=b"text/plain"), {}, "[1]"),
        (http(b"a", b"b", kind=b"text/event-stream"), {}, "ab"),
        (http(b"a", b"b", kind=b"text/event-stream"), {"output": "ab"}, "ab"),
        (http(b"a", b"b", kind=b"text/event-stream"), {"output": []}, ["a", "b"]),
        (http(b'["a"', b"]"), {"output": ["a"]}, ["a"]),
        # One character is split over two chunks.
        (http(b"\xc3", b"\xa4", kind=b""), {}, "ä"),
        (http(b"\xff", kind=b""), {"output": ["x"]}, ["�"]),
        (http(kind=b""), {}, ""),
        (http(b"1", status=399), {}, 1),
    ],
)
def test_answers_of_a_model(application: Application, given: Any, output: Any) -> None:
    assert example(application, input={}, **given) == output


def test_the_input_is_sent_as_json() -> None:
    seen: List[bytes] = []
    example(http(seen=seen), input={"ä": [1.5, None, "\n"]})
    assert [json.loads(body) for body in seen] == [{"ä": [1.5, None, "\n"]}]


@pytest.mark.parametrize("status", [400, 404, 503])
def test_an_error_status_is_an_error(status: int) -> None:
    with pytest.raises(RuntimeError) as caught:
        example(http(b'{"error": ', b'"\xc3\xa4"}', status=status), input={})
    assert str(caught.value) == f'The server answered with status {status}: {{"error": "ä"}}'


async def repeat(scope: Message, receive: Any, send: Any) -> None:
    """Answers each text as many times as it has characters."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        for _ in range(len(message.get("text", ""))):
            await send({"type": "websocket.send", "text": message["text"]})


@pytest.mark.parametrize(
    "given, output",
    [
        ("a", "a"),
        ("", []),
        ("ab", ["ab", "ab"]),
        (1, 1),
        (["a"], ["a"]),
        ([], []),
        (["a", 1, "bc"], ["a", 1, "bc", "bc"]),
        ([{}], [{}, {}]),
    ],
)
def test_answers_of_a_websocket(given: Any, output: Any) -> None:
    assert example(repeat, is_websocket=True, input=given) == output


# The complete script.

MODEL_WRAPPER = """\
import logging

class ModelWrapper:
    model_descriptor = None
    ready = False

    def load(self):
        try:
            self._load_impl()
        except Exception:
            logging.exception("Exception while loading model")

    def _load_impl(self):
        from model.model import Model
        self.model = Model()
        self.ready = self.model.ready
"""
TRUSS_SERVER = """\
import json
import logging
from model_wrapper import ModelWrapper

class TrussServer:
    def __init__(self, port, config):
        assert (port, config) == (0, "config.yaml")
        self._model = ModelWrapper()

    def create_application(self):
        async def application(scope, receive, send):
            status = 200
            try:
                body = json.dumps(self._model.model.predict(json.loads((await receive())["body"])))
            except Exception:
                logging.exception("Internal server error")
                status, body = 500, "it failed"
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body.encode()})
        return application
"""
ECHO = "class Model:\n    ready = True\n    def predict(self, given):\n        return given\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "root"
    (root / "local").mkdir(parents=True)
    for name in ("run_examples.py", "local_truss.py", "asgi_client.py", "model_problems.py"):
        shutil.copy(SCRIPTS / name, root / "local")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = tmp_path / f"cache/venv/lib/{version}/site-packages"
    site.mkdir(parents=True)
    (site / "yaml.pth").write_text(str(Path(yaml.__file__).parent.parent))
    files = {
        "config.yaml": "{}",
        "model_wrapper.py": MODEL_WRAPPER,
        "truss_server.py": TRUSS_SERVER,
    }
    for name, content in files.items():
        write(root, f"app/{name}", content)
    return root


def write(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def run(root: Path, model: str, *examples: Message) -> Tuple[Message, int]:
    write(root, "app/model/model.py", model)
    facts = {"examples": examples, "venvs": [{"folder": "venv", "shim": "shim"}]}
    write(root, "local/truss.json", json.dumps(facts))
    process = subprocess.run(
        [sys.executable, "local/run_examples.py", "result.json"],
        cwd=root,
        env={**os.environ, "PEX_ROOT": str(root.parent / "cache")},
        capture_output=True,
        text=True,
    )
    assert (root / "result.json").exists(), process.stderr
    result: Message = json.loads((root / "result.json").read_text())
    assert result.pop("python") == sys.version.split()[0]
    for timed in (result["load"], *result["examples"]):
        assert timed.pop("seconds") >= 0
    return result, process.returncode


def test_examples_in_their_order(root: Path) -> None:
    found, code = run(
        root,
        ECHO,
        {"name": "z", "input": {"a": 1}},
        {"name": "a", "input": 0.1, "output": 0.1000000001},
        {"name": "ä ☃", "input": "x", "output": "y"},
    )
    assert found == {
        "load": {"error": None},
        "examples": [
            {"name": "z", "output": {"a": 1}, "error": None, "matches": True},
            {"name": "a", "output": 0.1, "error": None, "matches": True},
            {"name": "ä ☃", "output": "x", "error": None, "matches": False},
        ],
        "shadowed": [],
    }
    assert code == 1


def test_a_truss_that_passes(root: Path) -> None:
    assert run(root, ECHO, {"name": "a", "input": 1, "output": 1})[1] == 0
    assert run(root, ECHO)[1] == 0
    # The home of the model is not the user's.
    model = ECHO.replace("given\n", "__import__('os').environ['HOME']\n")
    found, code = run(root, model, {"name": "a", "input": 1})
    assert (found["examples"][0]["output"], code) == (str(root / "home"), 0)
    assert (root / "home").is_dir()


def test_the_error_of_the_model_replaces_the_servers_answer(root: Path) -> None:
    model = ECHO.replace("return given", "return 1 / given")
    found, code = run(root, model, {"name": "a", "input": 0}, {"name": "b", "input": 2})
    failed, fine = found["examples"]
    assert (failed["output"], failed["error"]["type"]) == (None, "ZeroDivisionError")
    assert (failed["error"]["importer"], failed["error"]["line"]) == ("app/model/model.py", 4)
    # The next example starts without it.
    assert (fine["output"], fine["error"], code) == (0.5, None, 1)


@pytest.mark.parametrize(
    "model, kind, message, line",
    [
        ("import lacking\n", "ModuleNotFoundError", "No module named 'lacking'", 1),
        ("\nraise SystemExit('enough')\n", "SystemExit", "enough", 2),
        ("class Model:\n    (\n", "SyntaxError", None, 2),
        (
            ECHO.replace("True", "False"),
            "RuntimeError",
            "The server could not load the model. See its log.",
            None,
        ),
    ],
)
def test_a_model_that_does_not_load(
    root: Path, model: str, kind: str, message: Optional[str], line: Optional[int]
) -> None:
    found, code = run(root, model, {"name": "a", "input": 1})
    error = found["load"]["error"]
    assert (error["type"], error["line"], code) == (kind, line, 1)
    assert message is None or error["message"] == message
    # Then the server gets no requests.
    assert found["examples"] == []


def test_shadowed_code_is_a_failure_though_the_model_loads(root: Path) -> None:
    write(root, "packages/time.py", "")
    found, code = run(root, f"import time\n{ECHO}")
    assert [entry["module"] for entry in found["shadowed"]] == ["time"]
    assert (found["load"]["error"], code) == (None, 1)


def test_packages_are_appended_when_the_model_loads(root: Path) -> None:
    write(root, "packages/helper.py", "VALUE = 7\n")
    with pytest.raises(AssertionError, match="No module named 'helper'"):
        write(root, "app/truss_server.py", f"import helper\n{TRUSS_SERVER}")
        run(root, ECHO)
    write(root, "app/truss_server.py", TRUSS_SERVER)
    model = f"import helper\n{ECHO.replace('return given', 'return helper.VALUE')}"
    found, code = run(root, model, {"name": "a", "input": 1, "output": 7})
    assert (found["examples"][0]["error"], code) == (None, 0)


def test_a_thread_of_the_model_does_not_hold_up_the_end(root: Path) -> None:
    starts = "threading.Thread(target=time.sleep, args=(99,)).start()"
    model = f"import threading, time\n{starts}\n{ECHO}"
    assert run(root, model, {"name": "a", "input": 1, "output": 1})[1] == 0
