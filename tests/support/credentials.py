"""Credentials that a test plants, what asks for them on loopback, and a search for all of them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import re
import secrets
import threading
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Sequence, Set, Tuple
from urllib.parse import urlsplit

from support.base_image import MANIFEST, BaseImage
from support.search import files_with, processes_with

USER = "robot"

# Name of a page -> its content type and content.
Pages = Dict[str, Tuple[str, bytes]]


_PART = "a part of a value"
_OTHERS = re.compile(r"(^|/)\.(deps|bootstrap)(/|$)")


class Planted:
    """One value for each place. All values begin with the same random word, so a search for that
    word finds each of them, and none of another run."""

    def __init__(self, places: Sequence[str]) -> None:
        self.word = f"planted{secrets.token_hex(4)}"
        self.values = {p: f"{self.word}-{i:02}-{p}" for i, p in enumerate(places)}

    def __getitem__(self, place: str) -> str:
        return self.values[place]

    def basic(self, place: str) -> str:
        """The user and the value, as HTTP and Docker encode them."""
        return base64.b64encode(f"{USER}:{self[place]}".encode()).decode()

    @property
    def roots(self) -> List[str]:
        """Each form of any value begins with one of these."""
        return _forms(self.word)

    def places_in(self, text: str) -> List[str]:
        if not any(root in text for root in self.roots):
            return []
        found = [p for p, value in self.values.items() if any(f in text for f in _forms(value))]
        return found or [_PART]

    def files_in(self, folder: Path) -> Dict[str, List[str]]:
        """File -> the places whose values are in it, in any form."""
        suspects = files_with(folder, self.roots)
        if not suspects:
            return {}
        found: Dict[str, List[str]] = {}
        for place, value in self.values.items():
            for path in files_with(folder, _forms(value)):
                found.setdefault(path, []).append(place)
        return {path: found.get(path, [_PART]) for path in suspects}

    def packed_files_in(self, folder: Path) -> Dict[str, List[str]]:
        """The same for what gzip and zip files hold."""
        found = {}
        for name, content in packed_files(folder):
            if any(root.encode() in content for root in self.roots):
                found[name] = self.places_in(content.decode("utf-8", "replace"))
        return found


def _forms(text: str) -> List[str]:
    """The text, and what is the same in base64 wherever in a longer text it stands."""
    forms = [text]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + text.encode()).decode().rstrip("=")
        partial = (offset + len(text)) % 3 != 0
        forms.append(encoded[(0, 2, 3)[offset] : -1 if partial else None])
    return forms


def packed_files(folder: Path) -> Iterator[Tuple[str, bytes]]:
    """Yields the content of each gzip file below `folder`, and of each member of a zip file. The
    files of other projects in a Pex, thousands of them, are left out."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        name = path.relative_to(folder).as_posix()
        if _OTHERS.search(name):
            continue
        with open(path, "rb") as file:
            start = file.read(2)
        if start == b"\x1f\x8b":
            try:
                yield name, gzip.decompress(path.read_bytes())
            except (EOFError, OSError, zlib.error):
                continue
        # A Pex begins with a line that says how to run it.
        elif start in (b"PK", b"#!") and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    if not _OTHERS.search(member.filename):
                        yield f"{name}!{member.filename}", archive.read(member)


class Watch:
    """Looks at the argument lists of all processes every 50 ms. `found` has those with a planted
    value, `seen` those with one of `others`."""

    def __init__(self, planted: Planted, others: Sequence[str]) -> None:
        self.found: Dict[str, List[str]] = {}
        self.seen: Set[str] = set()
        self._planted, self._others = planted, others
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            for words in processes_with([*self._planted.roots, *self._others]):
                places = self._planted.places_in(words)
                if places:
                    self.found[words.replace("\0", " ")[:400]] = places
                self.seen.update(text for text in self._others if text in words)

    def stop(self) -> None:
        self._done.set()
        self._thread.join()


class Locked:
    """A server of `pages` on loopback that wants a password. `asked` has the path and the
    credentials of each request."""

    def __init__(self, password: str) -> None:
        self.pages: Pages = {}
        self.asked: List[Tuple[str, str]] = []
        login = "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()
        handler = type("Handler", (_LockedHandler,), {"door": self, "login": login})
        self._server = _serve(handler)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def opened(self) -> List[str]:
        """The paths that were asked for with credentials."""
        return [path for path, credentials in self.asked if credentials]

    def stop(self) -> None:
        _stop(self._server)


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _LockedHandler(_Quiet):
    door: Locked
    login: str

    def do_GET(self) -> None:
        credentials = self.headers["Authorization"] or ""
        self.door.asked.append((self.path, credentials))
        if credentials != self.login:
            self.answer(401, {"WWW-Authenticate": 'Basic realm="test"'}, b"")
            return
        kind, body = self.door.pages.get(self.path, ("", b""))
        self.answer(200 if kind else 404, {"Content-Type": kind or "text/plain"}, body)

    do_HEAD = do_GET


class Proxy:
    """Forwards requests for plain HTTP. `logins` has the credentials that it got. The next
    `refusals` requests are refused, with all credentials in the answer."""

    def __init__(self) -> None:
        self.logins: Set[str] = set()
        self.refusals = 0
        self._server = _serve(type("Handler", (_ProxyHandler,), {"proxy": self}))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        _stop(self._server)


class _ProxyHandler(_Quiet):
    proxy: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        login = self.headers["Proxy-Authorization"] or ""
        self.proxy.logins.add(login)
        if self.proxy.refusals:
            self.proxy.refusals -= 1
            text = f"not accepted: {login} {self.headers['Authorization']}"
            self.answer(403, {"Content-Type": "application/json"}, _message(text))
            return
        url = urlsplit(self.path)
        connection = http.client.HTTPConnection(url.netloc, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")}
            path = url._replace(scheme="", netloc="").geturl()
            connection.request(self.command, path, body, headers)
            response = connection.getresponse()
            content = response.read()
            kept = {k: v for k, v in response.getheaders() if k in ("Content-Type", "ETag")}
            self.answer(response.status, kept, content)
        finally:
            connection.close()

    do_PUT = do_GET = do_DELETE = do_POST


def _message(text: str) -> bytes:
    return json.dumps({"message": text}).encode()


def _serve(handler: type) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _stop(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()


def index_of(name: str, content: str) -> Pages:
    """The pages of an index with one distribution, which has one module."""
    file = f"{name}-1.0-py3-none-any.whl"
    link = f'<a href="/wheels/{file}">{file}</a>'.encode()
    return {
        f"/simple/{name.replace('_', '-')}/": ("text/html", link),
        f"/wheels/{file}": ("application/octet-stream", _wheel(name, content)),
    }


def _wheel(name: str, content: str) -> bytes:
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        lines.append(f"{path},sha256={digest.rstrip(b'=').decode()},{len(text)}\n")
    files[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"])
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return data.getvalue()


def registry_of(image: BaseImage, repository: str) -> Tuple[Pages, str]:
    """The pages of a registry with one image, and the digest of the image."""
    pages: Pages = {"/v2/": ("application/json", b"{}")}
    digest = image.manifests[0]["digest"]
    for path in image.blobs:
        content = ("application/octet-stream", path.read_bytes())
        pages[f"/v2/{repository}/blobs/sha256:{path.name}"] = content
        if digest == f"sha256:{path.name}":
            pages[f"/v2/{repository}/manifests/{digest}"] = (MANIFEST, content[1])
    return pages, digest
