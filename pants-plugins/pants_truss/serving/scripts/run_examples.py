"""Loads a truss with the server of its Truss release and predicts the truss's examples.

It calls the server's own application, without a network.

    run_examples.py result.json

Exits with 1 if anything failed. `result.json` holds the results (see `core/model_report.py`).
"""

import asyncio
import importlib
import json
import logging
import math
import os
import sys
import threading
import time
from typing import Any, Dict, List, Optional

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, SCRIPTS)
import asgi_client  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import local_truss  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import model_problems  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

# Results of a model differ in the last bits between machines.
TOLERANCE = 1e-6


def matches(output: Any, expected: Any) -> bool:
    """Returns True if `output` is the expected JSON; numbers may differ slightly."""
    if isinstance(expected, bool) or isinstance(output, bool):
        return output is expected
    if isinstance(expected, (int, float)) and isinstance(output, (int, float)):
        try:
            return math.isclose(output, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        except OverflowError:
            # Integers too large for a float.
            return output == expected
    if isinstance(expected, dict) and isinstance(output, dict):
        return output.keys() == expected.keys() and all(
            matches(output[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(output, list):
        return len(output) == len(expected) and all(map(matches, output, expected))
    return bool(output == expected)


async def run_example(client: Any, is_websocket: bool, example: Dict[str, Any]) -> Any:
    """Returns the model's answer. A stream is its text, or its chunks if a list is expected."""
    given = example["input"]
    if is_websocket:
        parts = given if isinstance(given, list) else [given]
        texts = [part if isinstance(part, str) else json.dumps(part) for part in parts]
        answers = await client.talk(texts)
        return answers if isinstance(given, list) or len(answers) != 1 else answers[0]
    status, content_type, chunks = await client.post(json.dumps(given).encode())
    text = b"".join(chunks).decode("utf-8", "replace")
    if status >= 400:
        raise RuntimeError(f"The server answered with status {status}: {text}")
    if "json" in content_type:
        return asgi_client.decode(text)
    if isinstance(example.get("output"), list):
        return [chunk.decode("utf-8", "replace") for chunk in chunks]
    return text


async def run_examples(
    client: Any, is_websocket: bool, here: Any, logged: Any
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
            # The error of the model says more than the server's answer to it.
            error = logged.errors[0]
        result["seconds"] = round(time.perf_counter() - start, 3)
        result["error"] = model_problems.describe(error, here) if error else None
        result["matches"] = "output" not in example or matches(result["output"], example["output"])
        results.append(result)
    return results


def load(wrapper: Any, errors: List[BaseException]) -> None:
    """Loads the model in a separate thread, like the server."""
    thread = threading.Thread(target=wrapper.load, daemon=True)
    thread.start()
    thread.join()
    if not wrapper.ready and not errors:
        errors.append(RuntimeError("The server could not load the model. See its log."))


def run(here: Any) -> Dict[str, Any]:
    wrapper_module: Any = importlib.import_module("model_wrapper")
    errors: List[BaseException] = []
    local_truss.on_load(wrapper_module.ModelWrapper, here, errors.append)
    truss_server: Any = importlib.import_module("truss_server")
    server = truss_server.TrussServer(0, "config.yaml")
    start = time.perf_counter()
    load(server._model, errors)
    result: Dict[str, Any] = {
        "python": sys.version.split()[0],
        "load": {
            "seconds": round(time.perf_counter() - start, 3),
            "error": model_problems.describe(errors[0], here) if errors else None,
        },
        "examples": [],
    }
    if not errors:
        logged = model_problems.LoggedErrors(here)
        for name in (None, "uvicorn", "uvicorn.error"):
            logging.getLogger(name).addHandler(logged)
        descriptor = getattr(server._model, "model_descriptor", None)
        is_websocket = bool(getattr(descriptor, "websocket", None))
        client = asgi_client.Client(server.create_application())
        result["examples"] = asyncio.run(run_examples(client, is_websocket, here, logged))
    result["shadowed"] = model_problems.find_shadowed(here)
    return result


def failed(result: Dict[str, Any]) -> bool:
    return bool(
        result["load"]["error"]
        or result["shadowed"]
        or any(example["error"] or not example["matches"] for example in result["examples"])
    )


def main() -> int:
    here = local_truss.find_here()
    destination = here.root / sys.argv[1]
    home = here.root / "home"
    home.mkdir(exist_ok=True)
    os.environ["HOME"] = str(home)
    local_truss.adopt_orphans()
    local_truss.enter(here)
    local_truss.set_environment(local_truss.load_config())
    result = run(here)
    destination.write_text(json.dumps(result, default=str), encoding="utf-8")
    return int(failed(result))


if __name__ == "__main__":
    local_truss.leave(main())
