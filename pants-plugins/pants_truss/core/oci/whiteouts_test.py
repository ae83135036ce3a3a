from __future__ import annotations

from typing import Dict, Mapping, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.oci.whiteouts import (
    distribution_of,
    is_whiteout,
    pattern,
    refuse_in_distributions,
    refuse_in_truss,
    whiteouts,
)


@pytest.mark.parametrize(
    "path", [".wh.a", "a/.wh.b", "a/.wh..wh..opq", ".wh..wh.aufs", ".wh.", "a/.wh.d/file", ".wh./a"]
)
def test_names_that_delete(path: str) -> None:
    assert is_whiteout(path)


@pytest.mark.parametrize("path", ["a.wh.b", "wh.a", ".wh", ".wha", ".WH.a", "a/.whatever", ".w/h."])
def test_names_that_only_look_alike(path: str) -> None:
    assert not is_whiteout(path)


@given(st.lists(st.sampled_from([".wh.", "a", "/", ".wh..wh..opq", ".", "b.wh."])).map("".join))
def test_a_path_is_refused_if_and_only_if_a_part_is(path: str) -> None:
    assert is_whiteout(path) is any(map(is_whiteout, path.split("/")))


def file(path: str, target: Optional[str] = "a:t", source: Optional[str] = "a/x") -> GatheredFile:
    return GatheredFile(path, "0" * 64, 1, False, target, source, "truss")


def error(files: Mapping[str, GatheredFile]) -> str:
    with pytest.raises(TrussError) as caught:
        refuse_in_truss(files)
    return str(caught.value)


WHY = "In an image, a name that begins with `.wh.` deletes another file"


def test_a_file_of_a_truss() -> None:
    refuse_in_truss({"app/data/x": file("data/x")})
    assert error({"app/data/.wh.x": file("data/.wh.x", source="a/data/.wh.x")}) == (
        f"an image cannot contain 'data/.wh.x' (from a/data/.wh.x (a:t)). {WHY}. Rename it, or "
        f'write `"!**/.wh.x"` in `sources` of a:t.'
    )


def test_the_place_in_the_image_decides() -> None:
    """The folder of the model has another name in an image."""
    refuse_in_truss({"app/model/model.py": file(".wh.model/model.py")})


def test_a_generated_file() -> None:
    message = error({"x/.wh.a": file("x/.wh.a", None, None)})
    assert message == f"an image cannot contain 'x/.wh.a'. {WHY}. Rename it."


def test_some_files_are_named_and_the_others_counted() -> None:
    message = error({f"x/.wh.{name}": file(f"x/.wh.{name}", None, None) for name in "edcba"})
    assert "'x/.wh.a', 'x/.wh.b', 'x/.wh.c' and 2 more. In" in message


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".wh.a", '"!**/.wh.a"'),
        ("a/.wh..wh..opq", '"!**/.wh..wh..opq"'),
        ("a/.wh.d/b/c", '"!**/.wh.d/**"'),
    ],
)
def test_the_pattern_that_leaves_a_file_out(path: str, expected: str) -> None:
    assert pattern(path) == expected


RECORDS: Dict[str, bytes] = {
    "one-1.dist-info/RECORD": b"one.py,sha256=x,1\n../../bin/.wh.python3,,\n",
    "two-2.0-dist-info/RECORD": b"",
    "two-2.dist-info/RECORD": b'two/.wh.a,,\n\n"two/.wh.b,c",,\nother/.wh.python3,,\n\xff',
}


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("two/.wh.a", "two 2"),
        ("two/.wh.b,c", "two 2"),
        ("other/.wh.python3", "two 2"),
        # The folder of scripts is another one in a record.
        ("bin/.wh.python3", "one 1"),
        ("bin/.wh.unknown", None),
    ],
)
def test_the_distribution_of_a_file(path: str, owner: Optional[str]) -> None:
    assert distribution_of(path, RECORDS) == owner


def test_a_file_of_a_distribution() -> None:
    refuse_in_distributions(["one.py", "bin/x"], RECORDS)
    with pytest.raises(TrussError) as caught:
        refuse_in_distributions(["one.py", "bin/.wh.python3"], RECORDS)
    assert str(caught.value) == (
        f"the distribution one 1 installs 'bin/.wh.python3', which an image cannot contain. {WHY}. "
        f"Use another release of the distribution, or remove it from the requirements."
    )
    with pytest.raises(TrussError, match="a distribution in its requirements installs '.wh.z'"):
        refuse_in_distributions([".wh.z"], RECORDS)


@given(st.lists(st.sampled_from(["b", ".wh.a", "a", "x/.wh.a"])))
def test_each_is_found_once_and_sorted(paths: "list[str]") -> None:
    assert whiteouts(paths) == sorted({path for path in paths if ".wh." in path})
