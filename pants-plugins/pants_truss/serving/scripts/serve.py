"""Serves a truss on this machine with the server of its Truss release.

    serve.py [--host HOST] [--port PORT] [--reload | --no-reload] [--without-gpu]
"""

import argparse
import importlib
import os
import shlex
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, SCRIPTS)
import local_truss  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import parent  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import ports  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import shell_variables  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

# Seconds that running requests get after Ctrl-C. In an image it is an hour.
GRACE = 2
MAX_EXAMPLE = 2000


def parse_arguments(facts: Dict[str, Any]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"pants run {facts['address']} --",
        description="Serves the truss with Truss's own server.",
        allow_abbrev=False,
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, this machine")
    parser.add_argument(
        "--port", type=int, default=8080, help="default: %(default)s; 0 uses any free port"
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        default=os.isatty(0),
        help="if the model does not load, wait for the next edit instead of exiting: the default "
        "on a terminal",
    )
    parser.add_argument("--no-reload", action="store_false", dest="reload", help="exit instead")
    parser.add_argument(
        "--without-gpu",
        action="store_true",
        help="serve even if the config requests a GPU and this machine has none",
    )
    return parser.parse_args()


def fail(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
    local_truss.leave(1)


def check_gpu(facts: Dict[str, Any], without: bool) -> None:
    gpu = facts["accelerator"]
    if gpu and not without and not (Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi")):
        fail(
            f"{facts['address']}: it needs {gpu} (`resources` in its config), but this machine has "
            f"no GPU. If its code runs without one: pants run {facts['address']} -- --without-gpu"
        )


class Serving:
    """The running server, and how it ends."""

    def __init__(self, here: Any, arguments: argparse.Namespace, port: int) -> None:
        self.facts = here.facts
        self.host: str = arguments.host
        self.port = port
        self.reload: bool = arguments.reload
        self.error: Optional[BaseException] = None
        self.server: Any = None

    def run(self, here: Any) -> int:
        uvicorn: Any = importlib.import_module("uvicorn")
        self._make_local(uvicorn)
        truss_server: Any = importlib.import_module("truss_server")
        wrapper: Any = importlib.import_module("model_wrapper")
        local_truss.on_load(wrapper.ModelWrapper, here, self._failed)
        # By default the server marks a failure in the home folder of its container.
        truss_server.INFERENCE_SERVER_FAILED_FILE = here.root / "inference_server_crashed.txt"
        application = truss_server.TrussServer(self.port, "config.yaml")
        threading.Thread(target=self._announce, args=(application._model,), daemon=True).start()
        application.start()
        return 1 if self.error else 0

    def _make_local(self, uvicorn: Any) -> None:
        serving, config_class, server_class = self, uvicorn.Config, uvicorn.Server

        class Config(config_class):  # type: ignore[misc, valid-type]
            def __init__(self, app: Any, **options: Any) -> None:
                # The server's own host, 0.0.0.0, would be open to the whole network.
                options.update(host=serving.host, port=serving.port)
                options["timeout_graceful_shutdown"] = GRACE
                super().__init__(app, **options)

        class Server(server_class):  # type: ignore[misc, valid-type]
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                serving.server = self

            def handle_exit(self, number: int, frame: Any) -> None:
                # A model that loads, or keeps the event loop busy, would block the exit.
                end_after(GRACE + 1, 128 + number)
                super().handle_exit(number, frame)

        uvicorn.Config, uvicorn.Server = Config, Server

    def _failed(self, error: BaseException) -> None:
        """Reports a failed load. The server has logged the traceback and ends by itself, unless the
        model called `sys.exit`, which only ends the thread that loads it."""
        self.error = error
        message = [line.strip() for line in str(error).splitlines() if line.strip()]
        what = f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
        print(f"{self.facts['address']} did not load: {what}", file=sys.stderr, flush=True)
        if type(error).__name__ == "SecretNotFound":
            print("Secrets are read from TRUSS_SECRET_<name>.", file=sys.stderr, flush=True)
        if self.facts["restartable"] and not self.reload:
            hint = f"To wait for an edit instead: pants run {self.facts['address']} -- --reload"
            print(hint, file=sys.stderr, flush=True)
        # Now, because the server kills itself on a request for a model that has not loaded.
        local_truss.end_children()
        if not isinstance(error, Exception) and self.server:
            end_after(GRACE + 1, 1)
            self.server.should_exit = True

    def _announce(self, model: Any) -> None:
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        while not model.ready:
            if self.error:
                return
            time.sleep(0.02)
        while True:
            try:
                socket.create_connection((host, self.port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{self.port}"
        serving = f"Serving {self.facts['address']} at {url} (Ctrl-C ends it)."
        if getattr(getattr(model, "model_descriptor", None), "websocket", None):
            lines = [f"{serving} Connect to:", f"  ws://{shown}:{self.port}/v1/websocket"]
        else:
            lines = [f"{serving} Try:", f"  {self._try(url)}"]
        print("\n".join(lines), file=sys.stderr, flush=True)

    def _try(self, url: str) -> str:
        example: str = self.facts["example"]
        body = example if len(example) <= MAX_EXAMPLE else "{}"
        return f"curl {url}/v1/models/model:predict -d {shlex.quote(body)}"


def end_after(seconds: float, code: int) -> None:
    def end() -> None:
        time.sleep(seconds)
        local_truss.leave(code)

    threading.Thread(target=end, daemon=True).start()


def wait_for_edit() -> None:
    local_truss.end_children()
    print("Waiting for the next edit.", file=sys.stderr, flush=True)
    while True:
        time.sleep(3600)


def main() -> int:
    here = local_truss.find_here()
    arguments = parse_arguments(here.facts)
    check_gpu(here.facts, arguments.without_gpu)
    try:
        port = ports.find_port(here.facts["address"], arguments.host, arguments.port)
    except ports.NoPort as e:
        fail(str(e))
    parent.Parent().end_with_it(lambda: end_after(GRACE + 1, 128 + signal.SIGTERM))
    local_truss.adopt_orphans()
    local_truss.enter(here)
    variables = shell_variables.limit(here.facts["env_vars"])
    local_truss.set_environment(local_truss.load_config())
    reach = ports.describe_reach(arguments.host)
    notes: List[str] = [*here.facts["notes"], *variables, *([reach] if reach else [])]
    for note in notes:
        print(note, file=sys.stderr, flush=True)
    serving = Serving(here, arguments, port)
    code = serving.run(here)
    if code and arguments.reload and here.facts["restartable"]:
        wait_for_edit()
    return code


if __name__ == "__main__":
    try:
        exit_code = main()
    except KeyboardInterrupt:
        exit_code = 128 + signal.SIGINT
    except SystemExit as e:
        exit_code = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
    local_truss.leave(exit_code)
