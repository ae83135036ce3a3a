"""Reads the archives with `tarfile`, an independent implementation of the format."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.script_tool import make_tar

SCRIPT = Path(__file__).resolve().parent / "make_tar.py"


def write(folder: Path, files: Dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def make(folder: Path, **options: Any) -> bytes:
    spec: Dict[str, Any] = {
        "tree": str(folder / "tree"),
        "parts": str(folder / "parts"),
        "executables": [],
        "out": str(folder / "out.tar"),
        "end": True,
        **options,
    }
    make_tar.main(spec)
    return Path(spec["out"]).read_bytes()


def contents(archive: bytes) -> Dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]


def test_entries_have_names_contents_and_modes_and_nothing_else(tmp_path: Path) -> None:
    files = {"b": b"1", "a/run": b"2", "a.b": b"3", "ä": b"4", "A": b"", "a/deep/er/x": b"5" * 600}
    write(tmp_path / "tree", files)
    (tmp_path / "tree/empty folder").mkdir()
    (tmp_path / "tree/b").chmod(0o777)
    archive = make(tmp_path, executables=["a/run", "a/deep", "not there"])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = [(m.name, oct(m.mode), m.type, m.mtime, m.uid, m.uname, m.size) for m in tar]
    expected = [("A", 0), ("a.b", 1), ("a/deep/er/x", 600), ("a/run", 1), ("b", 1), ("ä", 1)]
    assert found == [
        (name, "0o755" if name == "a/run" else "0o644", b"0", 0, 0, "", size)
        for name, size in expected
    ]
    assert contents(archive) == files
    assert len(archive) % tarfile.RECORDSIZE == 0


def test_neither_times_nor_the_order_on_disk_matter(tmp_path: Path) -> None:
    files = {f"{number % 5}/{number}": bytes([number]) for number in range(40)}
    write(tmp_path / "one/tree", files)
    write(tmp_path / "two/tree", dict(reversed(list(files.items()))))
    os.utime(tmp_path / "two/tree/0/0", (1, 1))
    (tmp_path / "two/tree/0/0").chmod(0o700)
    assert make(tmp_path / "one") == make(tmp_path / "two")


def test_an_empty_archive(tmp_path: Path) -> None:
    assert make(tmp_path) == bytes(tarfile.RECORDSIZE)
    assert make(tmp_path, end=False) == b""


def test_parts_give_the_same_archive_as_their_files(tmp_path: Path) -> None:
    files = {"a": b"1", "b/c": b"2" * 5000, "d": b"", "e": b"4"}
    whole = make(write(tmp_path / "whole/tree", files).parent)
    last = tmp_path / "last"
    # Parts are copied in the order of their paths, which may have folders.
    parts: Dict[str, List[str]] = {"1": ["a"], "2/deep": ["b/c"], "2/lower": []}
    for part, names in parts.items():
        source = tmp_path / "from" / part
        (source / "tree").mkdir(parents=True)
        write(source / "tree", {name: files[name] for name in names})
        path = last / "parts" / part
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(source, end=False))
    write(last / "tree", {name: files[name] for name in ("d", "e")})
    assert make(last) == whole


NAMES = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=90
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 250)


@settings(max_examples=25)
@given(st.dictionaries(NAMES, st.binary(max_size=1100), max_size=5), st.booleans())
def test_archives_round_trip(
    tmp_path_factory: pytest.TempPathFactory, files: Dict[str, bytes], deep: bool
) -> None:
    folder = tmp_path_factory.mktemp("tar")
    # These paths are too long for the original tar format.
    prefix = "/".join(["d" * 60] * 5) + "/" if deep else ""
    write(folder / "tree", {prefix + name: content for name, content in files.items()})
    archive = make(folder)
    assert contents(archive) == {prefix + name: content for name, content in files.items()}
    names = list(contents(archive))
    assert names == sorted(names, key=os.fsencode)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    tree = os.fsencode(tmp_path / "tree")
    os.makedirs(tree)
    names = [b"\xff\xfe", "😀".encode(), b"a\nb", b"-", b"\\", b"a\xe4"]
    for name in names:
        with open(os.path.join(tree, name), "wb") as file:
            file.write(name)
    archive = make(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert [os.fsencode(m.name) for m in tar] == sorted(names)
    assert {os.fsencode(name) for name in contents(archive)} == {*names}


def run(folder: Path, **spec: Any) -> Any:
    known = {"tree": "tree", "parts": "p", "executables": [], "out": "out.tar", "end": True}
    (folder / "spec.json").write_text(json.dumps({**known, **spec}))
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "spec.json"], cwd=folder, capture_output=True, text=True
    )


def test_the_command_line(tmp_path: Path) -> None:
    write(tmp_path / "tree", {"a": b"1"})
    process = run(tmp_path)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    assert (tmp_path / "out.tar").read_bytes() == make(tmp_path)


@pytest.mark.parametrize("target", ["../secret", "../folder", "nowhere", "link", "real"])
def test_a_link_is_not_followed(tmp_path: Path, target: str) -> None:
    write(tmp_path, {"secret": b"s", "folder/x": b"", "tree/real": b""})
    (tmp_path / "tree/link").symlink_to(target)
    process = run(tmp_path)
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1] == (
        "OSError: [Errno 40] Too many levels of symbolic links: 'tree/link'"
    )


def test_a_folder_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    out = io.BytesIO()
    with pytest.raises(IsADirectoryError):
        make_tar.add("a", str(tmp_path), 0o644, out)
    with pytest.raises(ValueError, match="^'dev/null' is not a file$"):
        make_tar.add("dev/null", os.devnull, 0o644, out)
    assert out.getvalue() == b""


def test_files_below_a_folder(tmp_path: Path) -> None:
    found: List[str] = make_tar.files_below(str(tmp_path / "nowhere"))
    assert found == []
    write(tmp_path, {"a-b": b"", "a/b": b"", "a.c": b"", "B": b"", "é": b"", "z": b""})
    (tmp_path / "a/link").symlink_to(tmp_path)
    assert make_tar.files_below(str(tmp_path)) == ["B", "a-b", "a.c", "a/b", "a/link", "z", "é"]
    assert make_tar.files_below(str(tmp_path / "z")) == []
