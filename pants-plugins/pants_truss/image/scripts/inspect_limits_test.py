"""Layers that would fill the memory, or keep the script busy without end."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import zlib
from pathlib import Path
from typing import Any, Tuple

import pytest

from pants_truss.testutil.scripts import import_scripts

SCRIPTS = Path(__file__).resolve().parent
inspect_base, bounded_tar = import_scripts(
    ["inspect_base", "bounded_tar"], SCRIPTS, SCRIPTS.parent.parent / "core"
)

END = b"\0" * 1024


def header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 512)


def extended(kind: bytes, content: bytes) -> bytes:
    return header("x", kind, len(content)) + padded(content)


def pax(key: str, value: str) -> bytes:
    record = f" {key}={value}\n".encode()
    size = len(record)
    while len(str(size)) + len(record) != size:
        size = len(str(size)) + len(record)
    return str(size).encode() + record


def write(folder: Path, content: bytes, packed: bytes = b"") -> Tuple[str, str]:
    path = folder / "blob"
    path.write_bytes(packed or content)
    return str(path), f"sha256:{hashlib.sha256(content).hexdigest()}"


def read(folder: Path, content: bytes, packed: bytes = b"") -> Any:
    made = inspect_base.Tree()
    made.add_layer(*write(folder, content, packed))
    return made


def refused(folder: Path, content: bytes, packed: bytes = b"") -> str:
    with pytest.raises(inspect_base.BadBase) as caught:
        read(folder, content, packed)
    return str(caught.value)


LIMIT = 1024 * 1024


@pytest.mark.parametrize(
    "kind",
    [
        *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
        *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    ],
)
@pytest.mark.parametrize("size", [LIMIT + 1, 10**9, 2**60])
def test_a_large_header(tmp_path: Path, kind: bytes, size: int) -> None:
    assert refused(tmp_path, header("x", kind, size) + END) == (
        f"the layer blob has headers of {size} bytes for one entry; the limit is {LIMIT}"
    )


def test_a_header_of_negative_size(tmp_path: Path) -> None:
    assert "has headers of -1 bytes" in refused(tmp_path, header("x", tarfile.XHDTYPE, -1) + END)


def test_headers_up_to_the_limit(tmp_path: Path) -> None:
    attribute = pax("SCHILY.xattr.user.x", "v" * (LIMIT - 100))
    found = read(tmp_path, (extended(b"x", attribute) + header("a", tarfile.DIRTYPE)) * 3 + END)
    assert found.kinds == {"a": "folder"}


def test_many_headers_for_one_entry(tmp_path: Path) -> None:
    half = extended(b"x", pax("comment", "v" * (LIMIT // 2)))
    assert "has headers of" in refused(tmp_path, half + half + header("a") + END)
    small = extended(b"x", pax("comment", "v")) * 900
    assert "the layer blob " in refused(tmp_path, small + header("a") + END)


def test_headers_for_all_entries_are_kept_in_memory(tmp_path: Path) -> None:
    content = b"".join(
        extended(b"g", pax(f"key{number}", "v" * (LIMIT // 4))) + header("a") for number in range(5)
    )
    assert "has headers of" in refused(tmp_path, content + END)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE])
def test_a_long_name(tmp_path: Path, kind: bytes) -> None:
    def entry(size: int) -> bytes:
        return extended(b"x", pax("path", "é" * (size // 2))) + header("a", kind, link="b") + END

    assert read(tmp_path, entry(4096)).entries == 1
    assert refused(tmp_path, entry(4098)) == (
        f"the layer blob has the entry {'é' * 40!r}, whose name or link target has 4098 bytes; the "
        f"limit is 4096"
    )


def test_a_long_link(tmp_path: Path) -> None:
    content = extended(b"K", b"l" * 5000 + b"\0") + header("a", tarfile.SYMTYPE, link="b") + END
    assert "has the entry 'a', whose name or link target has 5000 bytes" in refused(
        tmp_path, content
    )


def test_a_python_that_reads_headers_in_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits lean on a method of `tarfile` that is not public."""
    monkeypatch.setattr(tarfile.TarFile, "next", lambda tar: tarfile.TarInfo("a"))
    assert "whose size was not checked" in refused(tmp_path, header("a") + END)


@pytest.mark.parametrize("size", [1024**3 + 1, 2**70])
@pytest.mark.parametrize("in_pax", [True, False])
def test_the_size_of_an_entry(tmp_path: Path, size: int, in_pax: bool) -> None:
    """`tarfile` would skip it block by block, long after the end of the blob."""
    content = header("a", size=size) + END
    if in_pax:
        content = extended(b"x", pax("size", str(size))) + header("a") + END
    assert refused(tmp_path, content) == (
        f"the layer blob has the entry 'a' of {size} bytes; the limit is {1024**3}"
    )


def test_a_negative_size_of_an_entry(tmp_path: Path) -> None:
    """Newer releases of Python refuse it themselves, or, in a PAX header, take it for 0."""
    size = -(2**70)
    assert refused(tmp_path, header("a", size=size) + END) in [
        f"the layer blob has the entry 'a' of {size} bytes; the limit is {1024**3}",
        "the layer blob cannot be read: invalid offset",
    ]
    content = extended(b"x", pax("size", str(size))) + header("a", tarfile.DIRTYPE) + END
    try:
        assert read(tmp_path, content).kinds == {"a": "folder"}
    except inspect_base.BadBase as e:
        assert f"of {size} bytes" in str(e)


def test_the_number_of_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_base, "MAX_ENTRIES", 3)
    made = inspect_base.Tree()
    two = write(tmp_path, header("a") * 2 + END)
    made.add_layer(*two)
    with pytest.raises(inspect_base.BadBase) as caught:
        made.add_layer(*two)
    assert str(caught.value) == ("the layer blob exceeds the limit of 3 entries in all layers")


def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = header("a", size=10_000_000) + b"\0" * 10_000_384 + END
    packed = gzip.compress(content)
    assert len(content) > 900 * len(packed)
    assert read(tmp_path, content, packed)
    monkeypatch.setattr(inspect_base, "ALWAYS_ALLOWED", 1000)
    limit = 200 * len(packed)
    assert refused(tmp_path, content, packed) == (
        f"the layer blob has the entry 'a' of 10000000 bytes; the limit is {limit}"
    )
    many = (header("a", size=512) + b"\0" * 512) * 10_000 + END
    packed = gzip.compress(many)
    assert refused(tmp_path, many, packed) == (
        f"the layer blob unpacks to more than {200 * len(packed)} bytes, the limit for a blob of "
        f"its size (200 times as much, at least 1000, at most {1024**4})"
    )
    # Bytes after the last entry count too, because the digest includes them.
    tail = header("a") + END + b"\0" * 10_000_000
    assert "unpacks to more than" in refused(tmp_path, tail, gzip.compress(tail))


def test_the_limit_of_a_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "blob"
    for size, limit in ((10, 1024**3), (6 * 2**20, 1200 * 2**20), (6 * 2**30, 1024**4)):
        with path.open("wb") as file:
            file.truncate(size)
        assert inspect_base.layer_limit(str(path)) == limit


@pytest.mark.parametrize("entry", [header("a", tarfile.GNUTYPE_SPARSE), None])
def test_sparse_files(tmp_path: Path, entry: Any) -> None:
    version = pax("GNU.sparse.major", "1") + pax("GNU.sparse.minor", "0")
    content = entry or extended(b"x", version) + header("a", size=512) + padded(b"9" * 100)
    assert refused(tmp_path, content + END) == (
        "the layer blob has a sparse file, which not all tools can read"
    )


def test_blobs_that_are_corrupt_inside(tmp_path: Path) -> None:
    """Decompressors raise errors of their own, which are not errors of files."""
    content = header("a") + END
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = body.compress(content) + body.flush()
    for packed in (
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff" + deflated,
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + deflated + struct.pack("<LL", 0, 0),
    ):
        assert refused(tmp_path, content, packed).startswith("the layer blob cannot be read: ")


def test_bad_frames_of_zstandard(tmp_path: Path) -> None:
    zstandard: Any = pytest.importorskip("zstandard")
    content = header("a") + END
    good = zstandard.ZstdCompressor().compress(content)
    assert read(tmp_path, content, good).entries == 1
    for packed in (good[:4] + b"\xff" * 20, good[:10] + b"\xff" * 20):
        assert refused(tmp_path, content, packed).startswith("the layer blob cannot be read: ")
    # A frame may ask for a window of gigabytes.
    parameters = zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = compressor.compress(content) + compressor.flush()
    assert "too much memory" in refused(tmp_path, content, packed)


def test_many_whiteouts_are_fast(tmp_path: Path) -> None:
    """Comparing each with each would take hours."""
    made = inspect_base.Tree()
    made.kinds = {f"a/b{number}/c": "folder" for number in range(100_000)}
    made._hide({f"a/b{number}" for number in range(0, 200_000, 2)}, {"x", "y"})
    assert len(made.kinds) == 50_000


def test_data_of_many_entries_is_not_kept() -> None:
    content = header("a") * 1000 + END
    tarinfo = bounded_tar.bounded_headers()
    tar: Any = tarfile.TarFile(fileobj=io.BytesIO(content), tarinfo=tarinfo)
    seen = [len(tar.members) for _ in bounded_tar.members(tar, 10)]
    assert len(seen) == 1000 and max(seen) <= 1


@pytest.mark.parametrize("kind", [b"x", b"g"])
def test_a_header_of_digits(tmp_path: Path, kind: bytes) -> None:
    """The regular expression of older releases of `tarfile` takes hours for it."""
    assert refused(tmp_path, extended(kind, b"1" * 1_000_000) + header("a") + END) == (
        "the layer blob has a number of more than 1000 digits in a header"
    )
    # Data of files may be anything.
    content = header("a", size=1_000_448) + b"1" * 1_000_448 + header("b") + END
    assert read(tmp_path, content).entries == 2


def test_an_entry_that_goes_on_after_the_end(tmp_path: Path) -> None:
    assert refused(tmp_path, header("a", size=10**9)) == (
        "the layer blob cannot be read: unexpected end of data"
    )
