"""Starts a container of an image on this machine, and ends it.

    run_image.py [--host HOST] [--port PORT] [-- arguments of the container engine]

Runs beside image.json with the keys: `address`, the address of the target; `engines`, the paths of
docker and podman, if they exist; `image`, its name or id; `layout` and `manifest`, which locate the
image if the engine may lack it; `environment`, variables of the config; `example`, a sample body;
`arguments` of the engine; `notes` for the user.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import archive  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import parent  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import ports  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

INSIDE = 8080
# Seconds that running requests get after Ctrl-C.
GRACE = 2
MAX_EXAMPLE = 2000


# Settings of docker, podman, and what they are made of.
CLIENT = re.compile(
    "(BUILDAH|BUILDKIT|CONTAINERS?|DOCKER|LC|LD|LISTEN|NOTIFY|PODMAN|REGISTRY|SSL|STORAGE|XDG)_"
    "|(GODEBUG|GOGC|GOMAXPROCS|GOMEMLIMIT|GOTRACEBACK|HOME|LANG|NO_COLOR|PATH|TERM|TMPDIR|TZ)$"
    "|(?i:[a-z]+_proxy)$"
)
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
        "--port", type=int, default=INSIDE, help="default: %(default)s; 0 uses any free port"
    )
    parser.add_argument("engine", nargs="*", help="arguments of `docker run` or `podman run`")
    return parser.parse_args()


def choose_engine(engines: List[str]) -> str:
    """Returns the first engine that answers: a client may exist without its daemon."""
    for engine in engines[:-1]:
        if run_quietly([engine, "version"]) == 0:
            return engine
    return engines[-1]


def load(facts: Dict[str, Any], engine: str) -> None:
    """Loads the image, unless the engine has it: its name contains the digest of its content."""
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
        fail(f"{engine} cannot load the image of {facts['address']}. See the output above.")


def run_quietly(command: List[str]) -> int:
    return subprocess.run(
        command, capture_output=True, check=False, start_new_session=True
    ).returncode


def creation(facts: Dict[str, Any], name: str, host: str, port: int, more: List[str]) -> List[str]:
    """Returns the arguments of the engine that create the container."""
    secret_variables = {n for n in os.environ if n.startswith("TRUSS_SECRET_")}
    by_name, by_file = split_variables(facts)
    names = {*by_name, *secret_variables}
    shown = f"[{host}]" if ":" in host else host
    return [
        "create",
        "--rm",
        f"--name={name}",
        f"--publish={shown}:{port}:{INSIDE}",
        # By name: the values come from this process and appear in no list of processes.
        *(f"--env={name}" for name in sorted(names)),
        *(["--env-file=/dev/stdin"] if by_file else []),
        *facts["arguments"],
        *more,
        facts["image"],
    ]


def split_variables(facts: Dict[str, Any]) -> Tuple[Dict[str, str], Dict[str, str]]:
    """The variables of the config: those that the engine's client has itself and hands on, and
    those that would change what the client does, and so come from a file. In a file a value cannot
    have several lines, and engines disagree on quotes."""
    by_name: Dict[str, str] = {}
    by_file: Dict[str, str] = {}
    for name, value in facts["environment"].items():
        # The image defines this port, and publishes it.
        if name == "INFERENCE_SERVER_PORT":
            continue
        if not CLIENT.match(name):
            by_name[name] = value
        elif "\n" in value or "\r" in value:
            fail(
                f"{facts['address']}: `environment_variables` has {name} with several lines, which "
                f"the container engine cannot take. Write it in one line."
            )
        else:
            by_file[name] = value
    return by_name, by_file


class Interrupts:
    """Raises KeyboardInterrupt for the first Ctrl-C or SIGTERM only, so that nothing interrupts the
    end of a container. A signal within `held` is raised when `held` ends."""

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
    """Starts processes in sessions of their own: this process passes on the terminal's Ctrl-C."""

    def __init__(self, facts: Dict[str, Any], engine: str, host: str, port: int) -> None:
        self.facts, self.engine, self.host, self.port = facts, engine, host, port
        self.is_ready = False
        self._client: "Optional[subprocess.Popen[bytes]]" = None
        self.name = f"truss-{secrets.token_hex(6)}"

    def create(self, more: List[str]) -> None:
        """Must not be interrupted: otherwise the engine could create a container that this process
        does not know, or this process could lose a client that it has just started."""
        arguments = creation(self.facts, self.name, self.host, self.port, more)
        by_name, by_file = split_variables(self.facts)
        code = subprocess.run(
            [self.engine, *arguments],
            env={**os.environ, **by_name},
            input="".join(f"{name}={value}\n" for name, value in by_file.items()).encode(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        ).returncode
        if code:
            fail(
                f"{self.engine} cannot create a container of {self.facts['address']}. See the "
                f"output above."
            )

    def remove(self) -> None:
        run_quietly([self.engine, "stop", f"--time={GRACE}", self.name])
        # The container is gone by now, unless it never started.
        run_quietly([self.engine, "rm", "--force", self.name])
        if self._client:
            try:
                self._client.wait(timeout=GRACE)
            except subprocess.TimeoutExpired:
                self._client.kill()

    def run(self) -> int:
        """Runs until the container ends by itself."""
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


def serve(facts: Dict[str, Any], arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    try:
        port = ports.find_port(facts["address"], arguments.host, arguments.port)
    except ports.NoPort as e:
        fail(str(e))
    reach = ports.describe_reach(arguments.host)
    for note in (*facts["notes"], *([reach] if reach else [])):
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
        say(f"The container of {facts['address']} exited with code {code}.")
    elif not container.is_ready:
        code = 1
        say(f"The container of {facts['address']} exited before its model was loaded.")
    return code


def main() -> int:
    interrupts = Interrupts()
    with open(os.path.join(HERE, "image.json"), encoding="utf-8") as file:
        facts = json.load(file)
    arguments = parse_arguments(facts["address"])
    parent.Parent().end_with_it()
    try:
        return serve(facts, arguments, interrupts)
    except KeyboardInterrupt:
        return 128 + (interrupts.number or signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
