from __future__ import annotations

from typing import List, Tuple

import pytest

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.shadowing import Owner, check_shadowing, server_owners
from pants_truss.core.source_tree import TRUSS

OWNER = Owner(frozenset({"yaml", "google.protobuf", "google.api.http_pb2"}), "it", "rule")


def told(paths: List[str], owners: Tuple[Owner, ...] = (OWNER,)) -> List[str]:
    files = [GatheredFile(path, "", 0, False, "t:t", f"t/{path}", TRUSS) for path in paths]
    found = check_shadowing(files, "packages", owners)
    return [finding.message.split("`")[1] for finding in found]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["packages/yaml.py"], ["yaml"]),
        (["packages/yaml/a.py", "packages/yaml/b.py"], ["yaml"]),
        (["packages/yaml.cpython-311-x86_64-linux-gnu.so"], ["yaml"]),
        (["packages/google/mine.py"], []),
        (["packages/google/__init__.py", "packages/google/mine.py"], ["google"]),
        (["packages/google/protobuf/mine.py"], ["google.protobuf"]),
        (["packages/google/api/__init__.py"], ["google.api"]),
        (["packages/google/api/mine.py"], []),
        (["packages/google.py"], ["google"]),
        (["packages/mine/yaml.py", "packages/yaml-x/a.py", "packages/yaml/x.txt"], []),
        (["model/yaml.py", "yaml.py", "packages.py", "packages/__init__.py"], []),
    ],
)
def test_modules(paths: List[str], expected: List[str]) -> None:
    assert told(paths) == expected


def names(
    release: Tuple[int, ...], python: str, paths: Tuple[str, ...] = ()
) -> List[frozenset[str]]:
    return [owner.modules for owner in server_owners(release, python, paths)]


def test_the_release_of_truss_picks_the_table() -> None:
    assert {"common", "shared"} <= names((0, 18, 17), "3.11")[0]
    assert not {"common", "shared"} & names((0, 18, 18), "3.11")[0]
    assert "_truss_common" in names((0, 18, 35), "3.11")[0]
    # Newer than any known, and older than any.
    assert names((1, 0), "3.11") == names((0, 18, 35), "3.11")
    assert "common" in names((0, 1), "3.11")[0]


def test_the_python_of_the_truss_picks_the_standard_library() -> None:
    old, new = names((0, 18, 35), "3.11"), names((0, 18, 35), "3.13")
    assert {"json", "telnetlib", "_abc"} <= old[1]
    assert "telnetlib" not in new[1]
    assert "tomllib" not in names((0, 18, 35), "3.9")[1]
    assert "zipp" in names((0, 18, 35), "3.9")[2]


def test_the_trusss_own_folders() -> None:
    release = (0, 18, 35)
    assert "model" not in names(release, "3.11", ("model/model.py", "data/x.txt"))[0]
    own = names(release, "3.11", ("model/__init__.py", "data/__init__.py"))[0]
    assert {"model", "data", "model.model"} <= own
