"""Reads archives that are not trusted with `tarfile`, within limits: the layers of images, and the
tars in `dist/`.

Tools of the plugin run this file, too, so it imports only the standard library.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from typing import Any, BinaryIO, Callable, Iterator, Optional, Type

# The bytes of the PAX headers and GNU long names of one entry. Go, and so every engine, has the
# same limit for each of them.
MAX_HEADER = 1024 * 1024
# The bytes of a name and of the target of a link: `PATH_MAX` of Linux.
MAX_NAME = 4096
# Before Python 3.12.6 and its contemporaries, `tarfile` takes hours for a header of digits.
LONG_NUMBER = re.compile(rb"[0-9]{1001}")
CHUNK = 1024 * 1024


class BadArchive(Exception):
    """The message continues a sentence about the archive."""


class BoundedStream:
    """A stream of at most `limit` bytes. It is a file for `tarfile`, which reads headers and skips
    the data of entries. `why` ends the message of an archive that is larger."""

    def __init__(self, stream: BinaryIO, limit: int, why: str = "") -> None:
        self._stream, self._why = stream, why
        self._limit, self._size = limit, 0

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._next(size - len(data))
            if not part:
                break
            data += part
        if LONG_NUMBER.search(data):
            raise BadArchive("has a number of more than 1000 digits in a header")
        return data

    def tell(self) -> int:
        return self._size

    def seek(self, position: int) -> None:
        if position < self._size:
            raise BadArchive("has an entry that begins before the one that it follows")
        while self._size < position and self._next(min(position - self._size, CHUNK)):
            pass

    def _next(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except Exception as e:
            # Each decompressor has its own errors.
            raise BadArchive(f"cannot be read: {e}") from None
        self._size += len(data)
        if self._size > self._limit:
            raise BadArchive(f"unpacks to more than {self._limit} bytes{self._why}")
        return data


class Hashed(BoundedStream):
    """Its digest is known after it was read to its end."""

    def __init__(self, stream: BinaryIO, limit: int, why: str = "") -> None:
        super().__init__(stream, limit, why)
        self._hash = hashlib.sha256()

    def _next(self, size: int) -> bytes:
        data = super()._next(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        while self._next(CHUNK):
            pass
        return f"sha256:{self._hash.hexdigest()}"


EXTENDED = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)
SPARSE = "has a sparse file, which not all tools can read"


def bounded_headers() -> Type[tarfile.TarInfo]:
    """Returns a class for one layer. `tarfile` reads each header into memory as a whole."""

    class Bounded(tarfile.TarInfo):
        # The bytes of headers for the next entry, and of those for all entries.
        pending = 0
        kept = 0

        checked = 0

        def _proc_member(self, tar: Any) -> Any:
            # Each release of Python comes here with a header, before it reads what belongs to it.
            self._check()
            return super()._proc_member(tar)  # type: ignore[misc]

        def _check(self) -> None:
            bounded = type(self)
            bounded.checked += 1
            if self.type == tarfile.GNUTYPE_SPARSE:
                raise BadArchive(SPARSE)
            if self.type not in EXTENDED:
                bounded.pending = bounded.kept
                return
            bounded.pending += self.size
            bounded.kept += self.size if self.type == tarfile.XGLTYPE else 0
            if self.size < 0 or bounded.pending > MAX_HEADER:
                raise BadArchive(
                    f"has headers of {bounded.pending} bytes for one entry; the limit is "
                    f"{MAX_HEADER}"
                )

        def _proc_gnusparse_10(self, *_: Any) -> None:
            # Other sparse formats lie in a header.
            raise BadArchive(SPARSE)

    return Bounded


def members(tar: Any, limit: int) -> Iterator[tarfile.TarInfo]:
    following: Callable[[], Optional[tarfile.TarInfo]] = tar.next
    # `tarfile` has read the first entry already.
    checked = 0
    while True:
        member = following()
        if member is None:
            return
        if tar.tarinfo.checked == checked:
            raise BadArchive("has a header whose size was not checked")
        checked = tar.tarinfo.checked
        # `tarfile` would keep all of them.
        tar.members.clear()
        size = max(len(os.fsencode(text)) for text in (member.name, member.linkname))
        if size > MAX_NAME:
            raise BadArchive(
                f"has the entry {member.name[:40]!r}, whose name or link target has {size} bytes; "
                f"the limit is {MAX_NAME}"
            )
        if not 0 <= member.size <= limit:
            raise BadArchive(
                f"has the entry {member.name!r} of {member.size} bytes; the limit is {limit}"
            )
        yield member
