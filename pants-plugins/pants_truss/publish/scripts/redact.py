"""Keeps secrets out of printed output."""

from __future__ import annotations

import configparser
import io
import os
from contextlib import suppress
from typing import Iterable, List, TextIO

_VARIABLES = ("BASETEN_API_KEY", "BASETEN_TRUSS_AUTH_API_KEY")
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
            # Rich pads lines to their full width.
            self._stream.write(self.redact(line).rstrip() + "\n")
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
    return [secret for secret in found if secret]
