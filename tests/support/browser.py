"""A real browser, driven by the WebDriver protocol, and a server of files for it to read.

`tests/browser/setup.sh` installs Debian's Chromium and ChromeDriver.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from support.remote import free_address

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


@dataclass(frozen=True)
class Screen:
    """In CSS pixels; a phone has a touch screen and a dense one."""

    name: str
    width: int
    height: int
    is_phone: bool


DESKTOP = Screen("desktop", 1280, 900, is_phone=False)
PHONE = Screen("phone", 360, 740, is_phone=True)


class Browser:
    def __init__(self, address: str, screen: Screen, scheme: str) -> None:
        """`scheme` is what the reader's system prefers: `light` or `dark`."""
        options: Dict[str, Any] = {
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                # In the language in which the theme's own texts are.
                "--lang=en",
                f"--window-size={screen.width},{screen.height}",
            ]
        }
        if screen.is_phone:
            metrics = {"width": screen.width, "height": screen.height, "pixelRatio": 2}
            options["mobileEmulation"] = {"deviceMetrics": {**metrics, "touch": True}}
        self._address = address
        self._session = ""
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options}
        answer = self._ask("POST", "session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"session/{answer['sessionId']}/"
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._devtools("Emulation.setEmulatedMedia", {"features": features})

    def _ask(self, method: str, path: str, body: Optional[Dict[str, Any]] = None) -> Any:
        request = urllib.request.Request(
            f"http://{self._address}/{self._session}{path}".rstrip("/"),
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def _devtools(self, command: str, parameters: Dict[str, Any]) -> Any:
        return self._ask("POST", "goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url: str) -> None:
        """Returns when the page is loaded."""
        self._ask("POST", "url", {"url": url})

    def run(self, script: str) -> Any:
        """The value that the body of a JavaScript function returns."""
        return self._ask("POST", "execute/sync", {"script": script, "args": []})

    def wait_for(self, script: str, seconds: float = 20) -> Any:
        """The first value that is true to JavaScript."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.run(script)
            if value:
                return value
            assert time.monotonic() < deadline, script
            time.sleep(0.1)

    def type(self, selector: str, text: str) -> None:
        found = self._ask("POST", "element", {"using": "css selector", "value": selector})
        self._ask("POST", f"element/{found[_ELEMENT]}/value", {"text": text})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._ask("GET", "screenshot")))

    def close(self) -> None:
        self._ask("DELETE", "")


@contextmanager
def driver() -> Iterator[str]:
    """The address of a ChromeDriver."""
    address = free_address()
    process = subprocess.Popen(
        ["chromedriver", f"--port={address.rpartition(':')[2]}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://{address}/status", timeout=5):
                    break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None, "no ChromeDriver"
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def browser(address: str, screen: Screen, scheme: str) -> Iterator[Browser]:
    made = Browser(address, screen, scheme)
    try:
        yield made
    finally:
        made.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A test needs no log of requests."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
