"""Loads a truss with the server of its Truss release and has it predict the truss's examples: the
server's own application, called without a network.

    run_examples.py result.json

Exits with 1 if anything failed; `result.json` tells what (see `core/model_report.py`).
"""

import ast
import asyncio
import importlib
import json
import logging
import math
import os
import sys
import sysconfig
import threading
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Iterator, List, Optional, Tuple

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, SCRIPTS)
from local_truss import (  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
    Here,
    adopt_orphans,
    enter,
    find_here,
    leave,
    load_config,
    on_load,
    set_environment,
)

PREDICT = "/v1/models/model:predict"
WEBSOCKET = "/v1/websocket"
# Results of a model differ in the last bits from one machine to the next.
TOLERANCE = 1e-6


# --- Errors.


def describe(error: BaseException, here: Here) -> Dict[str, Any]:
    importer, line = _importer(error, here)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return {
        "type": type(error).__name__,
        "message": _relative(str(error), here),
        "traceback": _relative(_traceback(error, here), here),
        "missing": missing,
        "hidden": _hidden(missing, here) if missing else None,
        "importer": importer,
        "line": line,
        "via": _importing_distribution(error, here) if missing else None,
    }


def _hidden(module: str, here: Here) -> Optional[Dict[str, str]]:
    """Where a module that was not found is bundled after all, and what stands in front of it."""
    parts = module.split(".")
    for end in (".py", "/__init__.py", ""):
        path = here.packages / ("/".join(parts) + end)
        if path.exists():
            for length in range(len(parts) - 1, 0, -1):
                used = _origin(sys.modules.get(".".join(parts[:length])))
                if used:
                    unused = path.relative_to(here.root).as_posix()
                    return {"used": _relative(used, here), "unused": unused}
    return None


def _origin(module: Any) -> Optional[str]:
    """The file of a module, a file in `stdlib` for one that is compiled into Python, and None for a
    namespace package."""
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    if origin in ("built-in", "frozen"):
        return os.path.join(sysconfig.get_path("stdlib"), f"{module.__name__}.py")
    return getattr(module, "__file__", None) or None


def _importing_distribution(error: BaseException, here: Here) -> Optional[str]:
    """The file of an installed distribution that an import failed in, if it was in one."""
    files = [_relative(frame.filename, here) for frame in traceback.extract_tb(error.__traceback__)]
    own = [file for file in files if file.startswith(("app/model/", "packages/", "site-packages/"))]
    return own[-1] if own and own[-1].startswith("site-packages/") else None


def _importer(error: BaseException, here: Here) -> Tuple[Optional[str], Optional[int]]:
    """The last place in the truss that the error came through."""
    found: Tuple[Optional[str], Optional[int]] = (None, None)
    if isinstance(error, SyntaxError) and error.filename:
        file = Path(error.filename)
        return _place(file, here), error.lineno
    for frame in traceback.extract_tb(error.__traceback__):
        place = _place(Path(frame.filename), here)
        if place:
            found = (place, frame.lineno)
    return found


def _place(file: Path, here: Here) -> Optional[str]:
    for folder in (here.app / "model", here.packages):
        if folder in file.parents:
            return file.relative_to(here.root).as_posix()
    return None


def _traceback(error: BaseException, here: Here) -> str:
    """From the first frame in the truss on: what comes before is the server's."""
    tb: Optional[TracebackType] = error.__traceback__
    while tb and not _place(Path(tb.tb_frame.f_code.co_filename), here):
        tb = tb.tb_next
    return "".join(traceback.format_exception(type(error), error, tb or error.__traceback__))


def _relative(text: str, here: Here) -> str:
    """Without the folders of this machine."""
    for folder in here.sites:
        text = text.replace(folder, "site-packages")
    text = text.replace(sysconfig.get_path("stdlib"), "stdlib")
    return text.replace(f"{here.root}{os.sep}", "")


class LoggedErrors(logging.Handler):
    """The server answers with its own error, and logs the model's. What the model itself logs is no
    failure."""

    def __init__(self, here: Here) -> None:
        super().__init__()
        self._app, self._model = here.app, here.app / "model"
        self.errors: List[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        folders = Path(record.pathname).resolve().parents
        if error and self._app in folders and self._model not in folders:
            self.errors.append(error)


# --- The server, without a network.


class Client:
    def __init__(self, application: Any) -> None:
        self._application = application

    async def post(self, body: bytes) -> Tuple[int, str, List[bytes]]:
        """Status, content type and the chunks of the body."""
        status, content_type, chunks = 0, "", []
        requests = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Dict[str, Any]:
            if requests:
                return requests.pop()
            # Until it is cancelled: the client stays connected.
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Dict[str, Any]) -> None:
            nonlocal status, content_type
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.lower(): value for name, value in message["headers"]}
                content_type = headers.get(b"content-type", b"").decode("latin-1")
            elif message.get("body"):
                chunks.append(bytes(message["body"]))

        headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
        scope = {"type": "http", "method": "POST", "headers": headers, **_scope(PREDICT)}
        await self._application(scope, receive, send)
        return status, content_type, chunks

    async def talk(self, texts: List[str]) -> List[Any]:
        """What a websocket answers to `texts`, sent one after the other before it is closed."""
        answers: List[Any] = []
        messages: List[Dict[str, Any]] = [{"type": "websocket.connect"}]
        messages += [{"type": "websocket.receive", "text": text} for text in texts]
        messages.append({"type": "websocket.disconnect", "code": 1000})

        told = [False]

        async def receive() -> Dict[str, Any]:
            if len(messages) > 1:
                return messages.pop(0)
            told[0] = True
            return messages[0]

        async def send(message: Dict[str, Any]) -> None:
            if len(messages) == 1 and told[0]:
                # Or a model that sends for ever would.
                raise OSError("The client has closed the websocket.")
            if message["type"] == "websocket.send":
                text = message.get("text")
                if text is None:
                    text = message["bytes"].decode("utf-8", "replace")
                answers.append(_decode(text))

        scope = {"type": "websocket", "headers": [], "subprotocols": [], **_scope(WEBSOCKET)}
        await self._application(scope, receive, send)
        return answers


def _scope(path: str) -> Dict[str, Any]:
    return {
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "extensions": {},
    }


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# --- Examples.


def matches(output: Any, expected: Any) -> bool:
    """Whether `output` is the JSON that was expected; numbers may differ a little."""
    if isinstance(expected, bool) or isinstance(output, bool):
        return output is expected
    if isinstance(expected, (int, float)) and isinstance(output, (int, float)):
        return math.isclose(output, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(expected, dict) and isinstance(output, dict):
        return output.keys() == expected.keys() and all(
            matches(output[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(output, list):
        return len(output) == len(expected) and all(map(matches, output, expected))
    return bool(output == expected)


async def run_example(client: Client, is_websocket: bool, example: Dict[str, Any]) -> Any:
    """What the model gives. A stream is its text, or its chunks if a list is expected."""
    given = example["input"]
    if is_websocket:
        parts = given if isinstance(given, list) else [given]
        texts = [part if isinstance(part, str) else json.dumps(part) for part in parts]
        answers = await client.talk(texts)
        return answers if isinstance(given, list) or len(answers) != 1 else answers[0]
    status, content_type, chunks = await client.post(json.dumps(given).encode())
    text = b"".join(chunks).decode("utf-8", "replace")
    if status >= 400:
        raise RuntimeError(f"The server answers {status}: {text}")
    if "json" in content_type:
        return _decode(text)
    if isinstance(example.get("output"), list):
        return [chunk.decode("utf-8", "replace") for chunk in chunks]
    return text


async def run_examples(
    client: Client, is_websocket: bool, here: Here, logged: LoggedErrors
) -> List[Dict[str, Any]]:
    results = []
    for example in here.facts["examples"]:
        logged.errors.clear()
        start = time.perf_counter()
        result: Dict[str, Any] = {"name": example["name"], "output": None, "error": None}
        error: Optional[BaseException] = None
        try:
            result["output"] = await run_example(client, is_websocket, example)
        except Exception as e:
            error = e
        if logged.errors:
            # What the model raised says more than what the server made of it.
            error = logged.errors[0]
        result["seconds"] = round(time.perf_counter() - start, 3)
        result["error"] = describe(error, here) if error else None
        result["matches"] = "output" not in example or matches(result["output"], example["output"])
        results.append(result)
    return results


# --- Shadowed packages: code that was gathered, and that something else stands in front of.


def find_shadowed(here: Here) -> List[Dict[str, Any]]:
    bundled = {module: path for module, path in _modules(here.packages)}
    found = []
    for module, path in sorted(bundled.items()):
        loaded = _origin(sys.modules.get(module))
        if not loaded or Path(loaded).resolve() == path.resolve():
            continue
        importer, line = _find_import(here, module)
        if importer:
            found.append(
                {
                    "module": module,
                    "used": _relative(str(loaded), here),
                    "unused": path.relative_to(here.root).as_posix(),
                    "importer": importer,
                    "line": line,
                }
            )
    # Of a package the package alone: its modules are hidden with it.
    names = {entry["module"] for entry in found}
    return [e for e in found if str(e["module"]).rpartition(".")[0] not in names]


def _modules(folder: Path) -> Iterator[Tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        parts = list(path.relative_to(folder).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        if parts:
            yield ".".join(parts), path


def _find_import(here: Here, module: str) -> Tuple[Optional[str], Optional[int]]:
    """The first place in the truss that imports `module` or something in it."""
    for folder in (here.app / "model", here.packages):
        for path in sorted(folder.rglob("*.py")):
            try:
                tree = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError):
                continue
            for node in ast.walk(tree):
                names = _imported(node)
                if any(name == module or name.startswith(f"{module}.") for name in names):
                    return path.relative_to(here.root).as_posix(), getattr(node, "lineno", None)
    return None, None


def _imported(node: ast.AST) -> List[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


# --- All of it.


def load(wrapper: Any, errors: List[BaseException]) -> None:
    """In a thread of its own, as the server does."""
    thread = threading.Thread(target=wrapper.load, daemon=True)
    thread.start()
    thread.join()
    if not wrapper.ready and not errors:
        errors.append(RuntimeError("The server could not load the model; see its log."))


def run(here: Here) -> Dict[str, Any]:
    wrapper_module: Any = importlib.import_module("model_wrapper")
    errors: List[BaseException] = []
    on_load(wrapper_module.ModelWrapper, here, errors.append)
    truss_server: Any = importlib.import_module("truss_server")
    server = truss_server.TrussServer(0, "config.yaml")
    start = time.perf_counter()
    load(server._model, errors)
    result: Dict[str, Any] = {
        "python": sys.version.split()[0],
        "load": {
            "seconds": round(time.perf_counter() - start, 3),
            "error": describe(errors[0], here) if errors else None,
        },
        "examples": [],
    }
    if not errors:
        logged = LoggedErrors(here)
        for name in (None, "uvicorn", "uvicorn.error"):
            logging.getLogger(name).addHandler(logged)
        descriptor = getattr(server._model, "model_descriptor", None)
        is_websocket = bool(getattr(descriptor, "websocket", None))
        client = Client(server.create_application())
        result["examples"] = asyncio.run(run_examples(client, is_websocket, here, logged))
    result["shadowed"] = find_shadowed(here)
    return result


def failed(result: Dict[str, Any]) -> bool:
    return bool(
        result["load"]["error"]
        or result["shadowed"]
        or any(example["error"] or not example["matches"] for example in result["examples"])
    )


def main() -> int:
    here = find_here()
    destination = here.root / sys.argv[1]
    home = here.root / "home"
    home.mkdir(exist_ok=True)
    os.environ["HOME"] = str(home)
    adopt_orphans()
    enter(here)
    set_environment(load_config())
    result = run(here)
    destination.write_text(json.dumps(result, default=str), encoding="utf-8")
    return int(failed(result))


if __name__ == "__main__":
    leave(main())
