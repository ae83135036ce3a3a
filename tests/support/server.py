"""A truss that `pants run` serves, and a client for it."""

from __future__ import annotations

import http.client
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, List, Optional, Type

from support.monorepo import Monorepo
from support.processes import is_running

PREDICT = "/v1/models/model:predict"
_TIMEOUT = 300


class Server:
    """Runs until the `with` block ends. `log` has all lines of standard error so far."""

    def __init__(self, repo: Monorepo, address: str, *arguments: str) -> None:
        self.address = address
        self.log: List[str] = []
        self._lines: "queue.Queue[Optional[str]]" = queue.Queue()
        options = arguments if any(a.startswith("--port") for a in arguments) else ("--port=0",)
        self.process = repo.start("run", address, "--", *options, *arguments)
        threading.Thread(target=self._read, daemon=True).start()
        self.host, self.port = "127.0.0.1", 0

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def __enter__(self) -> Server:
        self.wait_until_ready()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        tb: Optional[TracebackType],
    ) -> None:
        self.stop()

    def wait_until_ready(self) -> None:
        line = self.wait_for(r"Serving \S+ at http://\S+:(\d+) ")
        found = re.search(r"http://\S+:(\d+)", line)
        assert found
        self.port = int(found.group(1))

    def wait_for(self, pattern: str) -> str:
        """The next line of the log that matches."""
        deadline = time.monotonic() + _TIMEOUT
        while True:
            try:
                line = self._lines.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {pattern!r} in:\n{self.text}") from None
            if line is None:
                self._lines.put(None)
                raise AssertionError(f"it has ended without {pattern!r}:\n{self.text}")
            self.log.append(line)
            if re.search(pattern, line):
                return line

    @property
    def text(self) -> str:
        return "\n".join(self.log)

    @property
    def pids(self) -> List[int]:
        """The pids of all servers that were started, restarts included. In a container, it is 1."""
        found = re.findall(r"Started server process \[(\d+)\]", self.text)
        return [int(pid) for pid in found if pid != "1"]

    def request(self, method: str, path: str, body: Optional[bytes] = None) -> "Answer":
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            return ask(connection, method, path, body)
        finally:
            connection.close()

    def predict(self, data: Any) -> Any:
        answer = self.request("POST", PREDICT, json.dumps(data).encode())
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def interrupt(self) -> float:
        """Sends Ctrl-C. Returns the number of seconds until everything has ended."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.wait()
        return time.monotonic() - start

    def wait(self) -> int:
        """Until it has ended by itself; the exit code."""
        code = self.process.wait(timeout=_TIMEOUT)
        while True:
            line = self._lines.get(timeout=30)
            if line is None:
                break
            self.log.append(line)
        self._lines.put(None)
        self.assert_nothing_left()
        return code

    def assert_nothing_left(self) -> None:
        deadline = time.monotonic() + 10
        left = self.pids
        while left and time.monotonic() < deadline:
            left = [pid for pid in left if is_running(pid)]
            time.sleep(0.05)
        assert not left, left

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=30)
        if self.process.poll() is None:
            self.process.kill()
        for pid in self.pids:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


class Answer:
    def __init__(self, status: int, content_type: str, body: bytes) -> None:
        self.status, self.content_type, self.body = status, content_type, body

    def __repr__(self) -> str:
        return f"{self.status} {self.content_type}: {self.body.decode('utf-8', 'replace')}"


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Optional[bytes]
) -> Answer:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return Answer(response.status, response.headers.get("content-type", ""), response.read())
