"""A stand-in for Baseten on loopback: as much of it as `truss push` talks to.

It takes the API's calls and the upload as the real one does, as far as that is known: it checks
credentials, decodes the config, wants the upload to be there before a model is made of it, and
refuses a second deployment of one name. `faults` make it fail.

Each remote is a path, `http://127.0.0.1:PORT/NAME`: so every call says whose it is.
"""

from __future__ import annotations

import base64
import io
import json
import re
import socket
import tarfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

# The steps of a push, in their order.
STEPS = ("models", "model", "teams", "validation", "credentials", "upload", "create")

# The one address, but for Baseten's own, whose REST API is not Baseten's: at `api.` before it. As a
# proxy the stand-in gets both, for the account `local`.
LOCAL = "localhost:8000"

_OPERATIONS = {
    "create": r"create_model(_version)?_from_truss\(",
    "credentials": r"model_s3_upload_credentials",
    "validation": r"truss_validation\(",
    "teams": r"query Teams|\bteams\s*\{",
    "models": r"\bmodels\(",
    "model": r"\bmodel\(",
}


@dataclass
class Fault:
    """`kind` is an HTTP status, or

    * `cut-request`: the connection ends after `at_byte` bytes of the body;
    * `cut-answer`: all is done, and the connection ends after `at_byte` bytes of the answer;
    * `slow`: the answer takes `seconds`;
    * `error`: an error of GraphQL, with `code`;
    * `hang`: no answer, until the server stops;
    * `echo`: refused, with the credentials in the answer.

    It happens `times` times, and is then gone.
    """

    step: str
    kind: Any
    times: int = 1_000_000
    at_byte: int = 0
    seconds: float = 0
    code: Optional[str] = None


@dataclass
class Account:
    """What one remote has. `deployments` are dictionaries, oldest first."""

    key: str
    scheme: str = "Api-Key"
    models: Dict[str, str] = field(default_factory=dict)
    deployments: List[Dict[str, Any]] = field(default_factory=list)
    uploads: Dict[str, bytes] = field(default_factory=dict)
    parts: Dict[str, Dict[int, bytes]] = field(default_factory=dict)
    faults: List[Fault] = field(default_factory=list)
    calls: List[str] = field(default_factory=list)
    # The state of deployments when the API is asked.
    status: str = "MODEL_READY"

    def archive(self, number: int = -1) -> Dict[str, Tuple[bytes, int]]:
        """What a deployment was made of: path -> content and mode."""
        data = self.uploads[self.deployments[number]["s3_key"]]
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            members = archive.getmembers()
            assert all(member.isfile() for member in members)
            contents: List[Any] = [archive.extractfile(member) for member in members]
            return {m.name: (file.read(), m.mode) for m, file in zip(members, contents)}


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
        """Reads the body, as far as the fault of the step lets it."""
        length = int(self.headers.get("Content-Length") or 0)
        # What is asked is in the first bytes of a body; an upload is known by its path.
        start = self.rfile.read(min(length, 65536)) if step(b"") == "" else b""
        with self.baseten.lock:
            name_of_step = step(start)
            account.calls.append(name_of_step)
            fault = next((f for f in account.faults if f.step == name_of_step and f.times), None)
            if fault:
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
        if fault and fault.kind == "hang":
            self.baseten.stopping.wait(60)
            raise _Cut
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
                data = Graph(self.baseten, account, name).answer(operation(body), request)
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
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Refused(Exception):
    """An error in an answer of GraphQL."""


class Graph:
    def __init__(self, baseten: Baseten, account: Account, name: str) -> None:
        self._baseten, self._account, self._name = baseten, account, name

    def answer(self, name: str, request: Dict[str, Any]) -> Dict[str, Any]:
        query = request["query"]
        answer: Dict[str, Any] = getattr(self, f"_{name}")(query, request.get("variables") or {})
        return answer

    def _teams(self, *_: Any) -> Dict[str, Any]:
        return {"teams": [{**_TEAM, "default": True}]}

    def _models(self, *_: Any) -> Dict[str, Any]:
        models = self._account.models.items()
        return {"models": [{"id": id, "name": name, "team": _TEAM} for name, id in models]}

    def _model(self, query: str, _: Any) -> Dict[str, Any]:
        model_id = argument(query, "id")
        versions = [
            {
                "id": deployment["id"],
                "current_model_deployment_status": {
                    "status": deployment.get("status", self._account.status)
                },
            }
            for deployment in self._account.deployments
            if deployment["model_id"] == model_id
        ]
        if model_id not in self._account.models.values():
            return {"model": None}
        return {"model": {"id": model_id, "versions": versions}}

    def _validation(self, query: str, _: Any) -> Dict[str, Any]:
        config = json.loads(base64.b64decode(argument(query, "config") or ""))
        if not config.get("resources"):
            raise Refused("The config has no resources")
        return {"truss_validation": {"success": True, "details": "{}"}}

    def _credentials(self, *_: Any) -> Dict[str, Any]:
        url = self._baseten.url(self._name)
        return {
            "model_s3_upload_credentials": {
                "s3_bucket": "bucket",
                "s3_key": f"models/{time.monotonic_ns()}/truss.tgz",
                "aws_access_key_id": access_key(self._account),
                "aws_secret_access_key": f"storage-{self._account.key}",
                "aws_session_token": f"session-{self._account.key}",
                # Truss hands all of these to boto3.
                "endpoint_url": url,
                "region_name": "us-east-1",
            }
        }

    def _create(self, query: str, variables: Dict[str, Any]) -> Dict[str, Any]:
        account = self._account
        is_version = "create_model_version_from_truss(" in query
        s3_key = argument(query, "s3_key")
        if s3_key not in account.uploads:
            raise Refused("There is no upload of that key")
        name = argument(query, "name")
        version_name = name if is_version else argument(query, "version_name")
        names = [d["name"] for d in account.deployments if d["name"]]
        if version_name and version_name in names:
            raise Refused(f"A deployment with the name {version_name} exists already")
        if is_version:
            model_id = argument(query, "model_id") or ""
            if model_id not in account.models.values():
                raise Refused("There is no such model")
        else:
            assert name
            if name in account.models:
                raise Refused(f"A model with the name {name} exists already")
            model_id = account.models[name] = f"m{len(account.models) + 1}{self._name}"
        deployment = {
            "id": f"d{len(account.deployments) + 1}{self._name}",
            "model_id": model_id,
            "name": version_name,
            "environment": argument(query, "environment_name"),
            "s3_key": s3_key,
            "config": json.loads(base64.b64decode(argument(query, "config") or "")),
            "raw_config": base64.b64decode(variables.get("rawConfig") or ""),
            "labels": json.loads(variables.get("userDeployMetadata") or "null"),
        }
        account.deployments.append(deployment)
        mutation = "create_model_version_from_truss" if is_version else "create_model_from_truss"
        oracle = {"id": model_id, "name": name, "hostname": f"http://model-{model_id}.example"}
        version = {"id": deployment["id"], "oracle": oracle, "instance_type": {"name": "1x2"}}
        return {mutation: {"model_version": version}}


_TEAM = {"id": "t1", "name": "platform"}


def access_key(account: Account) -> str:
    return f"AKIA{abs(hash(account.key)) % 10**12:012}"


def operation(body: bytes) -> str:
    """Which step of a push it is that a query asks for."""
    query = json.loads(body)["query"]
    for name, pattern in _OPERATIONS.items():
        if re.search(pattern, query):
            return name
    raise AssertionError(f"a query that nobody knows: {query}")


def argument(query: str, name: str) -> Optional[str]:
    match = re.search(rf'\b{name}: "([^"]*)"', query)
    return match.group(1) if match else None


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
