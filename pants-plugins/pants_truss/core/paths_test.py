from __future__ import annotations

from typing import Optional

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.paths import (
    ancestors,
    is_within,
    join,
    normalize_inside,
    resolve_external_package_dir,
)


def resolve(value: str, truss_dir: str = "trusses/a") -> str:
    return resolve_external_package_dir(value, truss_dir=truss_dir, build_root="/repo")


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("a", "a"),
        ("./a//b/", "a/b"),
        ("a/../b", "b"),
        (".", ""),
        ("a/..", ""),
        ("", None),
        ("..", None),
        ("../a", None),
        ("a/../../b", None),
        ("/a", None),
        ("..a", "..a"),
    ],
)
def test_normalize_inside(path: str, normal: Optional[str]) -> None:
    assert normalize_inside(path) == normal


def test_ancestors_join_and_is_within() -> None:
    assert list(ancestors("a/b/c")) == ["a/b", "a"]
    assert list(ancestors("a")) == []
    assert join("", "a", "b") == "a/b"
    assert is_within("a/b", "a") and is_within("a", "a") and is_within("a", "")
    assert not is_within("ab", "a")


@pytest.mark.parametrize(
    ("value", "folder"),
    [
        ("../../shared", "shared"),
        ("../../shared/", "shared"),
        ("../b/../../shared/x", "shared/x"),
        ("extra", "trusses/a/extra"),
        ("./extra", "trusses/a/extra"),
        ("/repo/shared", "shared"),
        ("/repo/x/../shared", "shared"),
        ("../a-b", "trusses/a-b"),
    ],
)
def test_resolve(value: str, folder: str) -> None:
    assert resolve(value) == folder


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "~/x",
            r"begins with `~`, which Truss does not expand. Write .* `../../shared/my_package`",
        ),
        ("~", "does not expand. Write"),
        ("../../../x", r"outside the build root \(/x\)"),
        ("/etc", r"outside the build root \(/etc\)"),
        ("/repository/x", "outside the build root"),
        (".", "is the truss itself"),
        ("", "is the truss itself"),
        ("../a", "is the truss itself"),
        ("/repo/trusses/a", "is the truss itself"),
        ("..", "is the folder 'trusses', which holds the truss itself"),
        ("../..", "is the folder '.', which holds the truss itself"),
        ("/repo", "holds the truss itself"),
    ],
)
def test_refused(value: str, message: str) -> None:
    with pytest.raises(TrussError, match=message):
        resolve(value)


def test_a_truss_at_the_build_root() -> None:
    assert resolve("shared", truss_dir="") == "shared"
    with pytest.raises(TrussError, match="is the truss itself"):
        resolve(".", truss_dir="")
