"""Starts a container of an image on this machine, and ends it.

    run_image.py [--host HOST] [--port PORT] [-- arguments of the container engine]

It is run beside image.json: `address`, that of the target; `engines`, the paths of docker and
podman as far as they are there; `image`, its name or id; `layout` and `manifest`, where the image
is if the engine may lack it; `environment`, variables of the config; `example`, a body to try;
`arguments` of the engine.
"""

import argparse
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
from typing import Any, Dict, List, NoReturn, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import archive  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import ports  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

INSIDE = 8080
# How long requests may go on after Ctrl-C, in seconds.
GRACE = 2
MAX_EXAMPLE = 2000


def fail(message: str) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
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
        if subprocess.run([engine, "version"], capture_output=True, check=False).returncode == 0:
            return engine
    return engines[-1]


def load(facts: Dict[str, Any], engine: str) -> None:
    """Unless the engine has this very image: its id is a digest of all that it is."""
    inspect = [engine, "image", "inspect", facts["image"]]
    known = subprocess.run(inspect, capture_output=True, check=False)
    if known.returncode == 0:
        return
    print(f"Loading the image into {os.path.basename(engine)}.", file=sys.stderr, flush=True)
    process = subprocess.Popen([engine, "load"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin
    try:
        layout = os.path.join(HERE, facts["layout"])
        archive.write_archive(layout, facts["manifest"], [], 0, process.stdin)
        process.stdin.close()
    except BrokenPipeError:
        pass
    if process.wait():
        fail(f"{engine} has not taken the image of {facts['address']}: see above.")


def command(
    facts: Dict[str, Any], engine: str, name: str, host: str, port: int, more: List[str]
) -> List[str]:
    secret_variables = sorted(n for n in os.environ if n.startswith("TRUSS_SECRET_"))
    variables = [f"{name}={value}" for name, value in sorted(facts["environment"].items())]
    shown = f"[{host}]" if ":" in host else host
    return [
        engine,
        "run",
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


class Container:
    def __init__(
        self, facts: Dict[str, Any], engine: str, host: str, port: int, more: List[str]
    ) -> None:
        self.facts, self.engine, self.host, self.port = facts, engine, host, port
        self.name = f"truss-{secrets.token_hex(6)}"
        # In a group of its own: the terminal's Ctrl-C is for this process to pass on.
        self.process = subprocess.Popen(
            command(facts, engine, self.name, host, port, more),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        subprocess.run(
            [self.engine, "stop", f"--time={GRACE}", self.name],
            capture_output=True,
            check=False,
        )
        try:
            self.process.wait(timeout=GRACE + 5)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def announce(self) -> None:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        while self.process.poll() is None and not is_ready(host, self.port):
            time.sleep(0.1)
        if self.process.poll() is not None:
            return
        url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        example = self.facts["example"]
        body = example if len(example) <= MAX_EXAMPLE else "{}"
        print(
            f"Serving {self.facts['address']} at {url} (Ctrl-C ends it). Try:\n"
            f"  curl {url}/v1/models/model:predict -d {shlex.quote(body)}",
            file=sys.stderr,
            flush=True,
        )


def is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/v1/models/model")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def watch_parent(container: Container) -> None:
    """Pants ends what it runs; if Pants itself is killed, nothing would."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    container.stop()
    os._exit(128 + signal.SIGTERM)


def main() -> int:
    with open(os.path.join(HERE, "image.json"), encoding="utf-8") as file:
        facts = json.load(file)
    arguments = parse_arguments(facts["address"])
    try:
        port = ports.find_port(facts["address"], arguments.host, arguments.port)
    except ports.NoPort as e:
        fail(str(e))
    engine = choose_engine(facts["engines"])
    if facts["layout"]:
        load(facts, engine)
    ended: List[int] = []

    def end(number: int, _: Optional[Any]) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    container = Container(facts, engine, arguments.host, port, arguments.engine)
    for task in (container.announce, lambda: watch_parent(container)):
        threading.Thread(target=task, daemon=True).start()
    try:
        code = container.process.wait()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        container.stop()
        return 128 + ended[0]
    if code:
        print(
            f"The container of {facts['address']} has ended with {code}.",
            file=sys.stderr,
            flush=True,
        )
    return code


if __name__ == "__main__":
    sys.exit(main())
