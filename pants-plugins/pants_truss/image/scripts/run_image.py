"""Starts a container of an image on this machine, and ends it.

    run_image.py [--host HOST] [--port PORT] [-- arguments of the container engine]

It is run beside image.json: `address`, that of the target; `engines`, the paths of docker and
podman as far as they are there; `image`, its name or id; `layout` and `manifest`, where the image
is if the engine may lack it; `environment`, variables of the config; `example`, a body to try;
`arguments` of the engine; `notes` for the user.
"""

import argparse
import contextlib
import http.client
import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Dict, Iterator, List, NoReturn, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import archive  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import ports  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

INSIDE = 8080
# How long requests may go on after Ctrl-C, in seconds.
GRACE = 2
MAX_EXAMPLE = 2000


SIGNALS = (signal.SIGINT, signal.SIGTERM)


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def fail(message: str) -> NoReturn:
    say(message)
    sys.exit(1)


def parse_arguments(address: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"pants run {address} --",
        description="Starts a container that serves the truss.",
        allow_abbrev=False,
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, this machine")
    parser.add_argument(
        "--port", type=int, default=INSIDE, help="default: %(default)s; 0 takes one that is free"
    )
    parser.add_argument("engine", nargs="*", help="arguments of `docker run` or `podman run`")
    return parser.parse_args()


def choose_engine(engines: List[str]) -> str:
    """The first that answers: a client may be there without its daemon."""
    for engine in engines[:-1]:
        if run_quietly([engine, "version"]) == 0:
            return engine
    return engines[-1]


def load(facts: Dict[str, Any], engine: str) -> None:
    """Unless the engine has this very image: its name has the digest of all that it is."""
    inspect = [engine, "image", "inspect", facts["image"]]
    if run_quietly(inspect) == 0:
        return
    say(f"Loading the image into {os.path.basename(engine)}.")
    process = subprocess.Popen(
        [engine, "load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin
    try:
        layout = os.path.join(HERE, facts["layout"])
        archive.write_archive(layout, facts["manifest"], [facts["image"]], 0, process.stdin)
        process.stdin.close()
    except BrokenPipeError:
        pass
    except KeyboardInterrupt:
        process.kill()
        raise
    if process.wait():
        fail(f"{engine} has not taken the image of {facts['address']}: see above.")


def run_quietly(command: List[str]) -> int:
    return subprocess.run(
        command, capture_output=True, check=False, start_new_session=True
    ).returncode


def creation(facts: Dict[str, Any], name: str, host: str, port: int, more: List[str]) -> List[str]:
    """The arguments of the engine that create the container."""
    secret_variables = sorted(n for n in os.environ if n.startswith("TRUSS_SECRET_"))
    variables = [
        f"{variable}={value}"
        for variable, value in sorted(facts["environment"].items())
        # It is the image's to say, and the one that is published.
        if variable != "INFERENCE_SERVER_PORT"
    ]
    shown = f"[{host}]" if ":" in host else host
    return [
        "create",
        "--rm",
        f"--name={name}",
        f"--publish={shown}:{port}:{INSIDE}",
        *(f"--env={variable}" for variable in variables),
        # By name: the values come from this process, and appear in no list of processes.
        *(f"--env={variable}" for variable in secret_variables),
        *facts["arguments"],
        *more,
        facts["image"],
    ]


class Interrupts:
    """Ctrl-C and SIGTERM, as a KeyboardInterrupt; the first only, as what ends a container is not
    to be cut short. One that comes within `held` is raised when that ends."""

    def __init__(self) -> None:
        self.number: Optional[int] = None
        self._is_held = False
        for number in SIGNALS:
            signal.signal(number, self._receive)

    def _receive(self, number: int, _: Optional[Any]) -> None:
        if self.number is None:
            self.number = number
            if not self._is_held:
                raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self.number is not None:
            raise KeyboardInterrupt


class Container:
    """What it starts is in sessions of its own: the terminal's Ctrl-C is for this process to pass
    on."""

    def __init__(self, facts: Dict[str, Any], engine: str, host: str, port: int) -> None:
        self.facts, self.engine, self.host, self.port = facts, engine, host, port
        self.is_ready = False
        self._client: "Optional[subprocess.Popen[bytes]]" = None
        self.name = f"truss-{secrets.token_hex(6)}"

    def create(self, more: List[str]) -> None:
        """Not to be interrupted: the engine's daemon might still make a container that nobody
        knows of, or this process know nothing of a client that it has just started."""
        arguments = creation(self.facts, self.name, self.host, self.port, more)
        code = subprocess.run(
            [self.engine, *arguments],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        ).returncode
        if code:
            fail(f"{self.engine} cannot create a container of {self.facts['address']}: see above.")

    def remove(self) -> None:
        run_quietly([self.engine, "stop", f"--time={GRACE}", self.name])
        # It is gone by now, unless it has not begun.
        run_quietly([self.engine, "rm", "--force", self.name])
        if self._client:
            try:
                self._client.wait(timeout=GRACE)
            except subprocess.TimeoutExpired:
                self._client.kill()

    def run(self) -> int:
        """Until it ends by itself."""
        self._client = subprocess.Popen(
            [self.engine, "start", "--attach", self.name],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        threading.Thread(target=self._announce, args=(self._client,), daemon=True).start()
        return self._client.wait()

    def _announce(self, process: "subprocess.Popen[bytes]") -> None:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        while process.poll() is None and not answers(host, self.port):
            time.sleep(0.1)
        if process.poll() is not None:
            return
        self.is_ready = True
        url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        example = self.facts["example"]
        body = example if len(example) <= MAX_EXAMPLE else "{}"
        say(
            f"Serving {self.facts['address']} at {url} (Ctrl-C ends it). Try:\n"
            f"  curl {url}/v1/models/model:predict -d {shlex.quote(body)}"
        )


def answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/v1/models/model")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def watch_parent() -> None:
    """Pants ends what it runs; if Pants itself is killed, nothing would."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def serve(facts: Dict[str, Any], arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    try:
        port = ports.find_port(facts["address"], arguments.host, arguments.port)
    except ports.NoPort as e:
        fail(str(e))
    for note in facts["notes"]:
        say(note)
    engine = choose_engine(facts["engines"])
    if facts["layout"]:
        load(facts, engine)
    container = Container(facts, engine, arguments.host, port)
    try:
        with interrupts.held():
            container.create(arguments.engine)
        code = container.run()
    finally:
        with interrupts.held():
            container.remove()
    if code:
        say(f"The container of {facts['address']} has ended with {code}.")
    elif not container.is_ready:
        code = 1
        say(f"The container of {facts['address']} has ended before its model was loaded.")
    return code


def main() -> int:
    interrupts = Interrupts()
    with open(os.path.join(HERE, "image.json"), encoding="utf-8") as file:
        facts = json.load(file)
    arguments = parse_arguments(facts["address"])
    watch_parent()
    try:
        return serve(facts, arguments, interrupts)
    except KeyboardInterrupt:
        return 128 + (interrupts.number or signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
