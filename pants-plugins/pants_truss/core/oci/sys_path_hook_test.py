from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from pants_truss.core.oci.sys_path_hook import (
    is_byte_code,
    record_without_byte_code,
    script_for_image,
    site_files,
)


def paths(tmp_path: Path, *existing: str) -> List[str]:
    """Returns `sys.path` of a real Python that has the files in its own site folder, with the
    folders of an image moved to `tmp_path`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "v")], check=True)
    site = next((tmp_path / "v/lib").iterdir()) / "site-packages"
    for folder in existing:
        (tmp_path / folder).mkdir(parents=True)
    for path, content in site_files("site").items():
        moved = content.decode().replace('"/opt', f'"{tmp_path}/opt')
        (site / path.rpartition("/")[2]).write_text(moved)
    process = subprocess.run(
        [str(tmp_path / "v/bin/python"), "-c", "import sys, json; print(json.dumps(sys.path))"],
        check=True,
        capture_output=True,
        text=True,
    )
    found: List[str] = json.loads(process.stdout)
    return [
        path.replace(f"{tmp_path}/", "/") for path in found if "packages" in path or "opt" in path
    ]


def test_distributions_of_the_image_come_first(tmp_path: Path) -> None:
    found = paths(tmp_path, "opt/truss/requirements", "opt/truss/server")
    assert found[:2] == ["/opt/truss/requirements", "/opt/truss/server"]
    assert found[2].endswith("site-packages")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    found = paths(tmp_path, "opt/truss/server")
    assert found[0] == "/opt/truss/server"
    assert "/opt/truss/requirements" not in found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"#!python\nx", b"#!/usr/bin/env python3\nx"),
        (b"#!python -E\nx", b"#!/usr/bin/env python3 -E\nx"),
        (b"#!/bin/sh\nx", b"#!/bin/sh\nx"),
        (b"#!pythonw\nx", b"#!pythonw\nx"),
        (b"\x7fELF", b"\x7fELF"),
    ],
)
def test_scripts(content: bytes, expected: bytes) -> None:
    assert script_for_image(content) == expected


def test_record_lists_no_byte_code() -> None:
    record = (
        b"x/__init__.py,sha256=a,1\r\n"
        b"x/__pycache__/__init__.cpython-311.pyc,,\r\n"
        b'"x,y/__pycache__/a.cpython-311.pyc",,\r\n'
        b'"x/a,b.py",sha256=b,2\r\n'
        b"x-1.dist-info/RECORD,,"
    )
    assert record_without_byte_code(record) == (
        b'x/__init__.py,sha256=a,1\r\n"x/a,b.py",sha256=b,2\r\nx-1.dist-info/RECORD,,'
    )
    assert is_byte_code("x/__pycache__/a.pyc") and not is_byte_code("x/pycache.py")
