"""Tests parts of the script; `scripts_test.py` runs the whole script."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import tarfile
from pathlib import Path
from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

# Not an import statement, because its own imports are not available here.
make_layer: Any = importlib.import_module("pants_truss.image.scripts.make_layer")


def compress(level: int, pieces: List[bytes]) -> bytes:
    gzipped = make_layer.compressor("gzip", level)
    return b"".join([*(gzipped.compress(piece) for piece in pieces), gzipped.flush()])


@given(st.lists(st.binary(max_size=3000), max_size=4), st.integers(0, 9))
def test_gzip_in_pieces(pieces: List[bytes], level: int) -> None:
    compressed = compress(level, pieces)
    assert gzip.decompress(compressed) == b"".join(pieces)
    # The header has no name, time or system, so it is the same everywhere.
    assert compressed[:10] == bytes([31, 139, 8, 0, 0, 0, 0, 0, 0, 255])


def test_the_size_is_written_modulo_4_gib() -> None:
    """RFC 1952, ISIZE."""
    gzipped = make_layer.compressor("gzip", 1)
    gzipped._size = 2**32 - 1
    gzipped.compress(b"ab")
    assert gzipped.flush()[-4:] == b"\x01\0\0\0"


def test_the_level_counts() -> None:
    data = [b"a b c d " * 2000]
    stored, quick, best = (len(compress(level, data)) for level in (0, 1, 9))
    assert stored > len(data[0]) > quick > best


class Output(io.BytesIO):
    """The content can be read after the blob was closed."""

    content = b""

    def close(self) -> None:
        self.content = self.getvalue()
        super().close()


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("pieces", [[], [b""], [b"a", b"b" * 100_000]])
def test_both_sides_of_a_blob_are_hashed(compression: str, pieces: List[bytes]) -> None:
    out = Output()
    blob = make_layer.Blob(out, make_layer.compressor(compression, 6))
    assert [blob.write(piece) for piece in pieces] == [len(piece) for piece in pieces]
    raw = b"".join(pieces)
    assert blob.tell() == len(raw)
    outer, inner = blob.close()
    assert out.closed
    assert outer == hashlib.sha256(out.content).hexdigest()
    assert inner == hashlib.sha256(raw).hexdigest()
    assert (gzip.decompress(out.content) if compression == "gzip" else out.content) == raw


def make(folder: Path, *entries: Any) -> str:
    diff_id: str = make_layer.main(
        {
            "tree": str(folder / "tree"),
            "out": str(folder / "out"),
            "entries": entries,
            "compression": "none",
            "level": 0,
            "mtime": 0,
        }
    )
    return diff_id


def test_a_layer_has_only_the_given_entries_in_byte_order(tmp_path: Path) -> None:
    (tmp_path / "tree/a").mkdir(parents=True)
    for name in ("a/b", "a-b", "a.b", "é", "z", "not named"):
        (tmp_path / "tree" / name).write_text(name)
    long = "d" * 90 + "/" + "e" * 90
    diff_id = make(
        tmp_path, ("é", "f"), (long, "d"), ("z", "f"), ("a/b", "f"), ("a.b", "f"), ("a-b", "f")
    )
    # The entry of a folder needs no folder on disk. Without compression both digests are equal.
    (blob,) = (tmp_path / "out").iterdir()
    assert blob.name == diff_id
    with tarfile.open(blob) as tar:
        assert tar.getnames() == ["a-b", "a.b", "a/b", long, "z", "é"]
        assert tar.getmember(long).isdir()


@pytest.mark.parametrize("kind", ["f", "x"])
def test_a_missing_file(tmp_path: Path, kind: str) -> None:
    (tmp_path / "tree").mkdir()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        make(tmp_path, ("nowhere", kind))
    # An unfinished file has no name of a blob.
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["layer"]


def test_an_empty_layer(tmp_path: Path) -> None:
    assert make(tmp_path) == hashlib.sha256(bytes(tarfile.RECORDSIZE)).hexdigest()


def test_an_entry_has_no_owner() -> None:
    found = [make_layer.header("a", kind, 7) for kind in "dfx"]
    assert [(e.type, oct(e.mode), e.mtime, e.uid, e.gid, e.uname) for e in found] == [
        (tarfile.DIRTYPE, "0o755", 7, 0, 0, ""),
        (tarfile.REGTYPE, "0o644", 7, 0, 0, ""),
        (tarfile.REGTYPE, "0o755", 7, 0, 0, ""),
    ]
