"""Compares with the files that pip writes; hashes are of fastapi 0.124.4 and pip 23.1.2."""

from __future__ import annotations

import base64
import hashlib
from typing import Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.oci.pip_installed import as_pip_installs, describe_collisions

FOLDER = "fastapi-0.124.4.dist-info"
RECORD = """\
fastapi/b.py,sha256=x,1
fastapi-0.124.4.dist-info/RECORD,,
fastapi/a.py,sha256=y,2
bin/fastapi,sha256=UogTm1voYjbvJ7By5jJXikMEAAb5CyukNYDQpF5dXGA,450
"""
ENTRY_POINTS = b"[console_scripts]\nfastapi = fastapi.cli:main\n"
EXPECTED = f"""\
bin/fastapi,sha256=35grkEZ6nSX8e7AOHs2M6mjQ1LmqkbkvdKsgLU4W4lU,200
{FOLDER}/INSTALLER,sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg,4
{FOLDER}/RECORD,,
{FOLDER}/REQUESTED,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0
fastapi/a.py,sha256=y,2
fastapi/b.py,sha256=x,1
"""


def files(**more: bytes) -> Dict[str, bytes]:
    found = {"RECORD": RECORD.encode(), "entry_points.txt": ENTRY_POINTS, **more}
    return {f"{FOLDER}/{name}": content for name, content in found.items()}


def test_the_files_are_those_that_pip_writes() -> None:
    changed = as_pip_installs(files(), ["bin/fastapi", "fastapi/a.py"])
    assert changed[f"{FOLDER}/RECORD"].decode() == EXPECTED
    assert changed[f"{FOLDER}/INSTALLER"] == b"pip\n"
    assert changed[f"{FOLDER}/REQUESTED"] == b""
    assert changed["bin/fastapi"].startswith(b"#!python\n# -*- coding: utf-8 -*-\nimport re\n")
    assert b"\nfrom fastapi.cli import main\n" in changed["bin/fastapi"]
    assert len(changed) == 4


def test_distributions_installed_by_pip_stay_unchanged() -> None:
    assert as_pip_installs({**files(), f"{FOLDER}/INSTALLER": b"uv\n"}, ["bin/fastapi"]) == {}


def test_a_script_that_was_not_installed_is_not_made() -> None:
    changed = as_pip_installs(files(), [])
    assert "bin/fastapi" not in changed
    assert b"bin/fastapi,sha256=Uog" in changed[f"{FOLDER}/RECORD"]


@pytest.mark.parametrize(
    ("line", "module", "call"),
    [
        ("x = a.b:c", "from a.b import c\n", "sys.exit(c())"),
        ("x=a:C.run", "from a import C\n", "sys.exit(C.run())"),
        ("x = a:c [extra, more]", "from a import c\n", "sys.exit(c())"),
        ("X-y.z = a:c", "from a import c\n", "sys.exit(c())"),
    ],
)
def test_entry_points(line: str, module: str, call: str) -> None:
    points = f"[other]\nx = y\n[console_scripts]\n{line}\n".encode()
    name = f"bin/{line.partition('=')[0].strip()}"
    script = as_pip_installs(files(**{"entry_points.txt": points}), [name])[name].decode()
    assert module in script and call in script


@pytest.mark.parametrize("points", [b"", b"\xff", b"no section", b"[console_scripts]\nx = a b"])
def test_entry_points_that_name_no_script(points: bytes) -> None:
    changed = as_pip_installs(files(**{"entry_points.txt": points}), ["bin/fastapi", "bin/x"])
    assert not [path for path in changed if path.startswith("bin/")]


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)))
def test_a_second_time_nothing_changes(names: "list[str]") -> None:
    """Holds for any file names."""
    quoted = ['"' + name.replace('"', '""') + '",sha256=x,1\n' for name in names]
    given_files = {f"{FOLDER}/RECORD": "".join(quoted).encode()}
    changed = as_pip_installs(given_files, [])
    record = changed[f"{FOLDER}/RECORD"].decode().splitlines()
    assert len(record) == len(names) + 2 and record == sorted(record)
    assert as_pip_installs({**given_files, **changed}, []) == {}


def recorded(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(content)}"


def test_files_that_two_distributions_have() -> None:
    records = {
        "one-1.0.dist-info/RECORD": (
            f"tests/__init__.py,{recorded(b'1')}\nLICENSE,{recorded(b'MIT')}\n"
            f"one.py,{recorded(b'1')}\nsame.py,{recorded(b's')}\n"
        ).encode(),
        "two-2.0.dist-info/RECORD": (
            f"tests/__init__.py,{recorded(b'2')}\nLICENSE,{recorded(b'BSD')}\n"
            f"same.py,{recorded(b's')}\ntwo.py,,\n"
        ).encode(),
    }
    hashes = {
        "tests/__init__.py": hashlib.sha256(b"2").hexdigest(),
        "LICENSE": hashlib.sha256(b"BSD").hexdigest(),
    }
    assert describe_collisions(records, hashes) == (
        "one 1.0 and two 2.0 both install LICENSE, tests/__init__.py. The image has the file of "
        "two 2.0.",
    )
    assert describe_collisions(records, {})[0].endswith("The image has one of them.")


def test_a_long_list_of_files_is_cut() -> None:
    records = {
        f"{name}-1.dist-info/RECORD": "".join(
            f"f{number},{recorded(name.encode())}\n" for number in range(5)
        ).encode()
        for name in ("a", "b")
    }
    (text,) = describe_collisions(records, {})
    assert "both install f0, f1, f2 and 2 more. " in text
