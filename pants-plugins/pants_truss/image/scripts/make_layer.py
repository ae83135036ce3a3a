"""Writes files as one reproducible layer of an image: its bytes depend only on the names, contents
and modes of the files.

    make_layer.py layer.json

The keys of layer.json: `tree`, the folder with the files; `entries`, (path, kind) in the layer,
where kind is `d` for a folder, `f` for a file and `x` for an executable file; `out`, the folder for
the blob; `compression`, `gzip`, `zstd` or `none`, and `level`; `mtime` in seconds. Prints the
digest of the uncompressed layer.
"""

import hashlib
import json
import os
import struct
import sys
import tarfile
import zlib
from typing import Any, BinaryIO, Dict, List, Tuple

CHUNK = 1024 * 1024


class Gzip:
    """Writes a reproducible header: Python's has the file's name and time, zlib's the system."""

    HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

    def __init__(self, level: int) -> None:
        self._deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
        self._crc = 0
        self._size = 0
        self._header = self.HEADER

    def compress(self, data: bytes) -> bytes:
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        header, self._header = self._header, b""
        return header + self._deflate.compress(data)

    def flush(self) -> bytes:
        header, self._header = self._header, b""
        trailer = struct.pack("<LL", self._crc, self._size & 0xFFFFFFFF)
        return header + self._deflate.flush() + trailer


class Plain:
    def compress(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def compressor(name: str, level: int) -> Any:
    if name == "gzip":
        return Gzip(level)
    if name == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=level, write_checksum=True).compressobj()
    return Plain()


class Blob:
    """Compresses written data into a file, and hashes both sides."""

    def __init__(self, file: BinaryIO, compression: Any) -> None:
        self._file, self._compression = file, compression
        self._outer, self._inner = hashlib.sha256(), hashlib.sha256()
        self._position = 0

    def write(self, data: bytes) -> int:
        self._inner.update(data)
        self._put(self._compression.compress(data))
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def _put(self, data: bytes) -> None:
        self._outer.update(data)
        self._file.write(data)

    def close(self) -> Tuple[str, str]:
        """Returns the digests of the blob and of the layer."""
        self._put(self._compression.flush())
        self._file.close()
        return self._outer.hexdigest(), self._inner.hexdigest()


def header(path: str, kind: str, mtime: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.mtime = mtime
    info.type = tarfile.DIRTYPE if kind == "d" else tarfile.REGTYPE
    info.mode = 0o644 if kind == "f" else 0o755
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def write_layer(tree: str, entries: List[Tuple[str, str]], mtime: int, blob: Any) -> None:
    with tarfile.open(fileobj=blob, mode="w", format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar:
        for path, kind in sorted(entries, key=lambda entry: os.fsencode(entry[0])):
            info = header(path, kind, mtime)
            if kind == "d":
                tar.addfile(info)
                continue
            # Following a link would add a file that nothing has checked.
            descriptor = os.open(os.path.join(tree, path), os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                info.size = os.fstat(descriptor).st_size
                tar.addfile(info, file)


def main(spec: Dict[str, Any]) -> str:
    os.makedirs(spec["out"], exist_ok=True)
    unnamed = os.path.join(spec["out"], "layer")
    blob = Blob(open(unnamed, "wb"), compressor(spec["compression"], spec["level"]))
    write_layer(spec["tree"], spec["entries"], spec["mtime"], blob)
    digest, diff_id = blob.close()
    os.rename(unnamed, os.path.join(spec["out"], digest))
    return diff_id


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as spec_file:
        print(main(json.load(spec_file)))
