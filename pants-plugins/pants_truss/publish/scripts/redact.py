"""Keeps secrets, and what a terminal or a CI would obey, out of printed output."""

from __future__ import annotations

import base64
import configparser
import io
import os
import re
import sys
import urllib.parse
from contextlib import suppress
from typing import Iterable, List, TextIO

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import terminal  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

_VARIABLES = ("BASETEN_API_KEY", "BASETEN_TRUSS_AUTH_API_KEY")
# The URLs of remotes and proxies, which may have a password.
_URLS = ("BASETEN_TRUSS_AUTH_REMOTE_URL",)
_PROXY = "_proxy"
_KEYS = ("api_key", "oauth_access_token", "oauth_refresh_token")

_HIDDEN = "***"
# Shorter values are not credentials; redacting them would hide ordinary words.
_MIN_LENGTH = 6


class RedactedStream(io.TextIOBase):
    """Writes to another stream, line by line, with every secret redacted. A secret that is written
    in pieces is redacted too, if it is in one line."""

    def __init__(self, stream: TextIO, secrets: Iterable[str]) -> None:
        self._stream = stream
        self._secrets: List[str] = []
        self._pending = ""
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        known = {*self._secrets, *(secret for secret in secrets if len(secret) >= _MIN_LENGTH)}
        # The longest first, because one secret may contain another.
        self._secrets = sorted(known, key=lambda secret: (-len(secret), secret))

    def redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def write(self, text: str) -> int:
        *lines, self._pending = (self._pending + text).split("\n")
        for line in lines:
            # Rich pads lines to their full width. A remote may answer with any text.
            shown = terminal.visible_output(self.redact(line).rstrip())
            self._stream.write("\n".join(shown) + "\n")
        if lines:
            self._stream.flush()
        return len(text)

    def finish(self) -> None:
        """Writes the rest of an unfinished line."""
        if self._pending:
            self.write("\n")


def secrets_of_user() -> List[str]:
    """Returns all secrets in the environment and in Truss's own file, for any remote."""
    found = [os.environ.get(name, "") for name in _VARIABLES]
    parser = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error, OSError, UnicodeDecodeError):
        parser.read(os.path.expanduser(os.environ.get("USER_TRUSSRC_PATH", "~/.trussrc")))
    for section in parser.sections():
        for key in _KEYS:
            value = parser.get(section, key, fallback="")
            # Output is searched line by line. If the parser fails inside a file, it returns lists
            # of lines, up to Python 3.12.
            found += value.splitlines() if isinstance(value, str) else value
        found += _of_url(parser.get(section, "remote_url", fallback=""))
    for name, value in os.environ.items():
        if name in _URLS or name.lower().endswith(_PROXY):
            found += _of_url(value)
    return [secret for secret in found if secret]


def _of_url(url: object) -> List[str]:
    """The password of a URL, in the forms in which errors quote it. Libraries end a host at the
    first of `/`, `?` and `#`, also if one is part of a password."""
    user_info, has_user, _ = str(url).partition("//")[2].rpartition("@")
    if not has_user or ":" not in user_info:
        return []
    password = user_info.partition(":")[2]
    pieces = [piece for piece in re.split(r"[/?#@:]", password) if piece != password]
    found = [password, *pieces, urllib.parse.unquote(password)]
    # As the header of a request has them, which a proxy may repeat.
    plain = {user_info, urllib.parse.unquote(user_info)}
    found += [base64.b64encode(text.encode()).decode() for text in sorted(plain)]
    # A short password is hidden only where it is one.
    return [*found, f"//{user_info}@", user_info]
