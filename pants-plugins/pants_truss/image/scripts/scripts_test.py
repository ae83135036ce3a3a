"""Runs the scripts with a Python, on files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SCRIPTS = Path(__file__).parent


def run(script: str, folder: Path, spec: Dict[str, Any], *, fails: bool = False) -> str:
    (folder / "spec.json").write_text(json.dumps(spec))
    for path in (SCRIPTS / script, SCRIPTS.parent.parent / "core/bounded_tar.py"):
        shutil.copy(path, folder)
    process = subprocess.run(
        [sys.executable, "-I", script, "spec.json"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert bool(process.returncode) == fails, process.stderr
    return process.stderr if fails else process.stdout.strip()


def make_layer(
    folder: Path, files: Dict[str, bytes], entries: Sequence[Tuple[str, str]], **options: Any
) -> Tuple[Path, str]:
    for path, content in files.items():
        file = folder / "tree" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    spec = {
        "tree": "tree",
        "out": "out",
        "entries": entries,
        "compression": "gzip",
        "level": 6,
        "mtime": 0,
        **options,
    }
    diff_id = run("make_layer.py", folder, spec)
    (blob,) = (folder / "out").iterdir()
    return blob, diff_id


def test_a_layer(tmp_path: Path) -> None:
    blob, diff_id = make_layer(
        tmp_path,
        {"a/run": b"run", "a/b": b"", "ä": b"x"},
        [("ä", "f"), ("a/run", "x"), ("a", "d"), ("a/b", "f")],
        mtime=7,
    )
    content = blob.read_bytes()
    assert hashlib.sha256(content).hexdigest() == blob.name
    raw = gzip.decompress(content)
    assert hashlib.sha256(raw).hexdigest() == diff_id
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        found = [(e.name, oct(e.mode), e.mtime, e.uid, e.uname, e.size) for e in tar]
    assert found == [
        ("a", "0o755", 7, 0, "", 0),
        ("a/b", "0o644", 7, 0, "", 0),
        ("a/run", "0o755", 7, 0, "", 3),
        ("ä", "0o644", 7, 0, "", 1),
    ]


def test_layers_do_not_depend_on_place_and_time(tmp_path: Path) -> None:
    blobs = []
    for name, umask in (("one", 0o022), ("another folder", 0o077)):
        folder = tmp_path / name
        folder.mkdir()
        before = os.umask(umask)
        try:
            blobs.append(make_layer(folder, {"a": b"x" * 3_000_000}, [("a", "f")]))
        finally:
            os.umask(before)
        os.utime(folder / "tree/a", (1, 1))
    assert blobs[0][0].name == blobs[1][0].name


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "tree/a").symlink_to("../secret")
    spec = {
        "tree": "tree",
        "out": "out",
        "entries": [("a", "f")],
        "compression": "none",
        "level": 0,
        "mtime": 0,
    }
    assert "Too many levels of symbolic links" in run("make_layer.py", tmp_path, spec, fails=True)


NAMES = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=80
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=st.dictionaries(NAMES, st.binary(max_size=50), max_size=6))
def test_layers_round_trip(
    files: Dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("layer")
    (folder / "tree").mkdir()
    blob, _ = make_layer(folder, files, [(name, "f") for name in files], compression="none")
    with tarfile.open(blob) as tar:
        found = {e.name: tar.extractfile(e).read() for e in tar}  # type: ignore[union-attr]
    assert found == files


def member(name: str, target: str = "", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.linkname, info.type = target, kind
    return info


def link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, target, tarfile.SYMTYPE)


def folder_of(name: str) -> tarfile.TarInfo:
    return member(name, "", tarfile.DIRTYPE)


def inspect(tmp_path: Path, *layers: List[tarfile.TarInfo], **options: Any) -> Dict[str, str]:
    names: List[str] = []
    diff_ids = []
    for number, members in enumerate(layers):
        names.append(f"layer{number}")
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for info in members:
                tar.addfile(info)
        raw = data.getvalue()
        diff_ids.append(f"sha256:{hashlib.sha256(raw).hexdigest()}")
        (tmp_path / names[-1]).write_bytes(gzip.compress(raw) if number % 2 else raw)
    spec = {
        "layers": names,
        "diff_ids": diff_ids,
        "path": "/usr/local/bin:/usr/bin",
        "python": "python3",
        "ours": ["app", "opt/truss"],
        "new": ["opt/truss"],
        **options,
    }
    found: Dict[str, str] = json.loads(run("inspect_base.py", tmp_path, spec))
    return found


PYTHON_ORG = [
    member("./usr/local/bin/python3.11"),
    link("./usr/local/bin/python3", "python3.11"),
    member("./usr/local/lib/python3.11/os.py"),
]
DEBIAN = [
    member("usr/bin/python3.11"),
    link("usr/bin/python3", "python3.11"),
    link("bin", "usr/bin"),
    member("usr/lib/python3.11/os.py"),
    folder_of("usr/lib/python3/dist-packages"),
]
CONDA = [
    member("opt/conda/bin/python3.12"),
    link("opt/conda/bin/python3", "python3.12"),
    member("opt/conda/lib/python3.12/os.py"),
]
VENV = [
    link("venv/bin/python3", "/usr/bin/python3.11"),
    link("venv/bin/python", "python3"),
    member("venv/pyvenv.cfg"),
]
SITES: Dict[str, Any] = {
    "python.org": ([PYTHON_ORG], {}, "3.11", "usr/local/lib/python3.11/site-packages"),
    "debian": ([DEBIAN], {}, "3.11", "usr/local/lib/python3.11/dist-packages"),
    "merged": ([DEBIAN], {"path": "/bin"}, "3.11", "usr/local/lib/python3.11/dist-packages"),
    "conda": (
        [DEBIAN, CONDA],
        {"path": "/opt/conda/bin:/usr/bin"},
        "3.12",
        "opt/conda/lib/python3.12/site-packages",
    ),
    "by path": (
        [DEBIAN, CONDA],
        {"python": "/opt/conda/bin/python3"},
        "3.12",
        "opt/conda/lib/python3.12/site-packages",
    ),
    "venv": (
        [DEBIAN, VENV],
        {"python": "/venv/bin/python"},
        "3.11",
        "venv/lib/python3.11/site-packages",
    ),
    "alternatives": (
        [
            [
                member("usr/bin/python3.11"),
                member("usr/lib/python3.11/os.py"),
                link("etc/alternatives/python3", "/usr/bin/python3.11"),
                link("usr/bin/python3", "/etc/alternatives/python3"),
            ]
        ],
        {},
        "3.11",
        "usr/lib/python3.11/site-packages",
    ),
    "no version in its name": (
        [[member("usr/bin/python3"), member("usr/lib/python3.9/os.py")]],
        {},
        "3.9",
        "usr/lib/python3.9/site-packages",
    ),
    "a later layer": (
        [
            DEBIAN,
            [
                member("usr/bin/python3.12"),
                member("usr/lib/python3.12/os.py"),
                link("usr/bin/python3", "python3.12"),
            ],
        ],
        {},
        "3.12",
        "usr/local/lib/python3.12/dist-packages",
    ),
    "opaque": (
        [CONDA, [member("opt/.wh..wh..opq")], DEBIAN],
        {"path": "/opt/conda/bin:/usr/bin"},
        "3.11",
        "usr/local/lib/python3.11/dist-packages",
    ),
}


@pytest.mark.parametrize("name", SITES)
def test_the_python_of_a_base(tmp_path: Path, name: str) -> None:
    layers, options, version, site = SITES[name]
    found = inspect(tmp_path, *layers, **options)
    prefix = site.rpartition("/lib/python")[0]
    assert found == {"version": version, "site": site, "prefix": prefix}


ERRORS: Dict[str, Any] = {
    "absolute": ([[member("/etc/x")]], "leads out of the image"),
    "parent": ([DEBIAN, [member("a/../../x")]], "leads out of the image"),
    "hard link": ([[member("x", "../x", tarfile.LNKTYPE)]], "leads out of the image"),
    "no python": ([[member("etc/x")]], "it has no python3 on its PATH"),
    "loop": ([[link("usr/bin/python3", "python3")]], "it has no python3"),
    "hidden": ([DEBIAN, [member("usr/bin/.wh.python3")]], "It has /usr/bin/python3.11"),
    "hidden folder": ([DEBIAN, [member("usr/.wh.bin")]], "it has no python3"),
    "no library": ([DEBIAN[:2]], "its Python 3.11 has no library in /usr/lib"),
    "our folder": ([DEBIAN, [link("app", "/srv")]], "its /app is a link to '/srv'"),
    "an image of a truss": ([DEBIAN, [folder_of("opt/truss")]], "it already has /opt/truss"),
    "scripts": (
        [DEBIAN, [link("usr/local/bin", "/etc")]],
        "its /usr/local/bin is a link to '/etc'",
    ),
    "musl": ([[*PYTHON_ORG, member("lib/ld-musl-x86_64.so.1")]], "its C library is musl"),
    "root hidden": ([DEBIAN, [member(".wh..wh..opq")]], "it has no python3"),
    "above ours": ([DEBIAN, [link("opt", "/srv")]], "its /opt is a link to '/srv'"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_invalid_bases(tmp_path: Path, name: str) -> None:
    layers, message = ERRORS[name]
    assert message in inspect(tmp_path, *layers)["error"]


def test_a_musl_beside_a_glibc(tmp_path: Path) -> None:
    loaders = [member("lib/ld-musl-x86_64.so.1"), member("lib64/ld-linux-x86-64.so.2")]
    assert inspect(tmp_path, [*PYTHON_ORG, *loaders])["version"] == "3.11"


def test_a_layer_that_is_not_a_tar(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"not a tar" * 100)
    bad: Dict[str, Any] = {"layers": ["bad"], "diff_ids": ["sha256:0"]}
    assert "the layer bad cannot be read" in inspect(tmp_path, **bad)["error"]


def test_a_layer_that_does_not_match_the_config(tmp_path: Path) -> None:
    error = inspect(tmp_path, DEBIAN, diff_ids=["sha256:" + "0" * 64])["error"]
    assert "the layer layer0 has the uncompressed digest sha256:" in error
    assert "but its config says" in error
