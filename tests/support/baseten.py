"""A stand-in for Baseten on loopback: as much of it as `truss push` talks to.

It takes the API's calls and the upload like the real one, in all that is known of it: it checks
credentials, decodes the config, wants the upload to be there before a model is made of it, and
refuses a second deployment of one name. `faults` make it fail.

Each remote is a path, `http://127.0.0.1:PORT/NAME`: so every call says whose it is.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional
from urllib.parse import parse_qs, urlsplit

from support.baseten_graph import Account, Fault, Graph, Refused, access_key, operation

# The one remote that is not Baseten's of which Truss does not ask Baseten's REST API, but one at
# `api.` before its name. As a proxy the stand-in gets both, for the account `local`.
LOCAL = "localhost:8000"


class Baseten:
    """`on_call`, if set, is called with each request's step, before it is answered."""

    def __init__(self) -> None:
        self.accounts: Dict[str, Account] = {}
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.on_call: Optional[Callable[[str, str], None]] = None
        handler = type("Handler", (_Handler,), {"baseten": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, name: str) -> str:
        return f"http://{self.address}/{name}"

    def account(self, name: str, key: str, **options: Any) -> Account:
        self.accounts[name] = Account(key, **options)
        return self.accounts[name]

    def trussrc(self) -> str:
        """Truss's own file, with all accounts as remotes."""
        return "".join(
            f"[{name}]\nremote_provider = baseten\nremote_url = {self.url(name)}\n"
            f"api_key = {account.key}\n"
            for name, account in self.accounts.items()
        )

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Cut(Exception):
    """The connection is to end here."""


class _Handler(BaseHTTPRequestHandler):
    baseten: Baseten
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        with suppress(_Cut, ConnectionError):
            super().handle_one_request()
            return
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    # The way of a request: what is it, does it fail, is it allowed, what is the answer.

    def _serve(self) -> None:
        # Through a proxy the whole URL is there.
        url = urlsplit(self.path)
        self.fault: Optional[Fault] = None
        path = url.path.strip("/").split("/")
        if url.netloc == LOCAL:
            path.insert(0, "local")
        if url.netloc.startswith("api.") and path[:2] == ["v1", "models"]:
            self._rest(path)
            return
        account = self.baseten.accounts.get(path[0])
        if account is None:
            self._answer(404, {"message": f"no such remote: {path[0]}"})
        elif path[1:] == ["graphql"]:
            self._graphql(account, path[0])
        else:
            self._storage(account, path[0], url.path, parse_qs(url.query, keep_blank_values=True))

    def _body(self, step: Callable[[bytes], str], account: Account, name: str) -> bytes:
        """Reads the body, or the part of it that the fault of the step allows."""
        length = int(self.headers.get("Content-Length") or 0)
        # The first bytes of a body hold the query. An upload is recognised by its path.
        start = self.rfile.read(min(length, 65536)) if step(b"") == "" else b""
        with self.baseten.lock:
            name_of_step = step(start)
            account.calls.append(name_of_step)
            fault = next((f for f in account.faults if f.step == name_of_step and f.times), None)
            if fault and fault.after:
                fault.after -= 1
                fault = None
            elif fault:
                fault.times -= 1
        if self.baseten.on_call:
            self.baseten.on_call(name, name_of_step)
        self.fault = fault
        if fault and fault.kind == "cut-request":
            self.rfile.read(min(length - len(start), fault.at_byte))
            raise _Cut
        body = start + self.rfile.read(length - len(start))
        if fault and fault.kind == "slow":
            self.baseten.stopping.wait(fault.seconds)
        if fault and fault.kind == "hold":
            fault.released.wait(60)
        return body

    def _failed(self) -> bool:
        if self.fault and self.fault.kind == "echo":
            self._answer(400, {"message": f"not accepted: {self.headers['Authorization']}"})
            return True
        if self.fault and isinstance(self.fault.kind, int):
            self._answer(self.fault.kind, {"message": "a fault that was asked for"})
            return True
        return False

    def _graphql(self, account: Account, name: str) -> None:
        body = self._body(lambda start: operation(start) if start else "", account, name)
        if self._failed():
            return
        if self.headers["Authorization"] != f"{account.scheme} {account.key}":
            self._answer(401, {"message": "Invalid credentials"})
            return
        if self.fault and self.fault.kind == "error":
            extensions = {"code": self.fault.code} if self.fault.code else {}
            error = {"message": "an error that was asked for", "extensions": extensions}
            self._answer(200, {"errors": [error], "data": None})
            return
        request = json.loads(body)
        with self.baseten.lock:
            try:
                data = Graph(account, self.baseten.url(name), name).answer(operation(body), request)
                self._answer(200, {"data": data})
            except Refused as e:
                self._answer(200, {"errors": [{"message": str(e)}], "data": None})

    def _rest(self, path: List[str]) -> None:
        """`/v1/models/ID/deployments/ID`, which a wait asks."""
        found = [
            (account, deployment)
            for account in self.baseten.accounts.values()
            for deployment in account.deployments
            if path[2:] == [deployment["model_id"], "deployments", deployment["id"]]
        ]
        key = self.headers["Authorization"].partition(" ")[2]
        if not found or found[0][0].key != key:
            self._answer(404, {"message": "not found"})
            return
        account, deployment = found[0]
        if account.rest_status != 200:
            self._answer(account.rest_status, {"message": "a fault that was asked for"})
            return
        self._answer(200, {"id": deployment["id"], "status": account.status})

    def _storage(self, account: Account, name: str, path: str, query: Dict[str, List[str]]) -> None:
        """As S3: an object in one piece, or in parts."""
        body = self._body(lambda _: "upload", account, name)
        if self._failed():
            return
        if f"Credential={access_key(account)}/" not in (self.headers["Authorization"] or ""):
            self._answer(403, {"message": "AccessDenied"})
            return
        key = path.partition("/bucket/")[2]
        etag = {"ETag": '"etag"'}
        with self.baseten.lock:
            if self.command == "POST" and "uploads" in query:
                account.parts[key] = {}
                text = f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId>"
                self._write(200, (text + "</InitiateMultipartUploadResult>").encode())
            elif self.command == "PUT" and "partNumber" in query:
                account.parts[key][int(query["partNumber"][0])] = unchunked(self.headers, body)
                self._write(200, b"", etag)
            elif self.command == "POST" and "uploadId" in query:
                parts = account.parts.pop(key)
                account.uploads[key] = b"".join(parts[number] for number in sorted(parts))
                text = "<CompleteMultipartUploadResult><ETag>etag</ETag>"
                self._write(200, (text + "</CompleteMultipartUploadResult>").encode())
            elif self.command == "PUT":
                account.uploads[key] = unchunked(self.headers, body)
                self._write(200, b"", etag)
            else:
                account.parts.pop(key, None)
                self._write(204, b"")

    def _answer(self, status: int, data: Any) -> None:
        self._write(status, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _write(self, status: int, body: bytes, headers: Optional[Dict[str, str]] = None) -> None:
        if self.fault and self.fault.kind == "cut-answer":
            whole = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            self.wfile.write(whole[: self.fault.at_byte])
            self.wfile.flush()
            raise _Cut
        if self.fault and self.fault.kind == "gateway":
            status, body = 502, b"<html>Bad gateway</html>"
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def unchunked(headers: Any, body: bytes) -> bytes:
    """The content of an upload with `aws-chunked` encoding, which has sizes and checksums in it."""
    if "aws-chunked" not in (headers.get("Content-Encoding") or ""):
        return body
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            break
        found, body = found + body[:length], body[length + 2 :]
    return found
