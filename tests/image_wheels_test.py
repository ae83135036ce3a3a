"""Wheels of the index with a compiled part or with data files: an image has what pip installs."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Dict, List

from support.image_layout import Layout
from support.images import CONFIG, make, package

# Resolved together, with all that they require.
PINS = Path("tests/image_wheels.txt")
# Where a distribution is installed, in an image and by `pip install --prefix`.
IN_IMAGE = "opt/truss/requirements/"
BY_PIP = "lib/python3.11/site-packages/"
# Wheels for the oldest glibc that bases are assumed to have, as the plugin chooses them.
PLATFORMS = [*(f"manylinux_2_{minor}" for minor in range(31, 4, -1)), "manylinux2014"]
PLATFORMS += ["manylinux2010", "manylinux1"]


def test_an_image_has_the_files_that_pip_installs(tmp_path: Path) -> None:
    pins = PINS.read_text(encoding="utf-8").split()
    repo = make(tmp_path / "repo", tmp_path / "machine", shares_store=True)
    listed = "".join(f"- {pin}\n" for pin in pins)
    repo.write("src/a/config.yaml", f"{CONFIG}requirements:\n{listed}")
    try:
        layout = package(repo)
    finally:
        repo.stop_daemon()
    ours, theirs = files_of_image(layout), files_of_pip(tmp_path, pins)
    assert len(theirs) > 100 * len(pins)
    assert sorted(set(theirs) - set(ours)) == []
    assert sorted(set(ours) - set(theirs)) == []
    assert [path for path in ours if ours[path] != theirs[path]] == []


def files_of_image(layout: Layout) -> Dict[str, str]:
    found: Dict[str, str] = {}
    (layer,) = (layer for layer in layout.layers if layer.name == "requirements")
    with layer.tar as tar:
        for entry in tar:
            file = tar.extractfile(entry)
            if file:
                found[entry.name] = digest_of(entry.name, file.read())
    return found


def files_of_pip(folder: Path, pins: List[str]) -> Dict[str, str]:
    """Without byte code and headers of C, which no image has."""
    prefix, wheels = folder / "prefix", folder / "wheels"
    platforms = [f"--platform={name}_x86_64" for name in PLATFORMS]
    only = ["--quiet", "--no-deps", "--only-binary=:all:"]
    pip("download", *only, *platforms, "--dest", str(wheels), *pins)
    options = ["--quiet", "--no-deps", "--no-compile", "--ignore-installed", "--no-index"]
    pip("install", *options, "--find-links", str(wheels), "--prefix", str(prefix), *pins)
    found: Dict[str, str] = {}
    for file in sorted(prefix.rglob("*")):
        path = str(file.relative_to(prefix))
        if file.is_file() and not path.startswith("include/") and file.suffix != ".pyc":
            place = path.replace(BY_PIP, IN_IMAGE) if path.startswith(BY_PIP) else f"usr/{path}"
            found[place] = digest_of(place, file.read_bytes())
    return found


def pip(*arguments: str) -> None:
    subprocess.run(["python3.11", "-m", "pip", *arguments], check=True)


def digest_of(path: str, content: bytes) -> str:
    """Scripts name the interpreter, and a `RECORD` where the scripts lie and what their digests
    are."""
    if path.startswith("usr/bin/") and content.startswith(b"#!"):
        content = content.partition(b"\n")[2]
    elif path.endswith(".dist-info/RECORD"):
        content = b""
    return hashlib.sha256(content).hexdigest()
