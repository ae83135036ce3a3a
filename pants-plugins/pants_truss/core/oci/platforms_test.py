from __future__ import annotations

from typing import List, Set, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.tags import parse_tag

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.documents import Platform
from pants_truss.core.oci.platforms import complete_platform, machine, parse_platform


def test_platforms() -> None:
    assert parse_platform("linux/amd64") == Platform("linux", "amd64")
    arm = parse_platform("linux/arm64/v8")
    assert (str(arm), machine(arm)) == ("linux/arm64/v8", "aarch64")


@pytest.mark.parametrize("text", ["", "linux", "windows/amd64", "linux/mips", "linux/amd64/"])
def test_unsupported_platforms(text: str) -> None:
    with pytest.raises(TrussError, match="Use `linux/amd64` or `linux/arm64`"):
        parse_platform(text)


def test_the_complete_platform_for_pex() -> None:
    told = complete_platform((3, 11), Platform("linux", "arm64"))
    tags = told["compatible_tags"]
    assert tags[0] == "cp311-cp311-manylinux_2_31_aarch64"
    assert "cp311-cp311-manylinux2014_aarch64" in tags
    assert "cp38-abi3-manylinux2014_aarch64" in tags
    assert tags[-1] == "py30-none-any"
    assert not [tag for tag in tags if "x86_64" in tag or "manylinux1" in tag]
    assert told["marker_environment"]["platform_machine"] == "aarch64"
    assert told["marker_environment"]["python_version"] == "3.11"


def test_older_names_of_wheels() -> None:
    tags = complete_platform((3, 9), Platform("linux", "amd64"), 17)["compatible_tags"]
    assert "cp39-cp39-manylinux1_x86_64" in tags
    assert "cp39-cp39-linux_x86_64" in tags
    assert "cp39-cp39-manylinux_2_18_x86_64" not in tags


@pytest.mark.parametrize(
    "text",
    [
        "Linux/amd64",
        "linux/x86_64",
        "linux/aarch64",
        "linux/amd64\n",
        " linux/amd64",
        "linux/arm",
        "linux/arm64/v8/x",
        "linux/arm64/../x",
        "linux\\amd64",
        "linux/amd64/\u00e9",
    ],
)
def test_almost_valid_platforms(text: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse_platform(text)
    assert str(caught.value) == (
        f"{text!r} is not a supported platform. Use `linux/amd64` or `linux/arm64`."
    )


@given(st.sampled_from(["amd64", "arm64"]), st.sampled_from(["", "v1", "v8", "v9_2"]))
def test_platforms_round_trip(architecture: str, variant: str) -> None:
    platform = Platform("linux", architecture, variant)
    assert parse_platform(str(platform)) == platform


# Compares by the names of wheels, which pip and Pex match against the list.
WHEELS: List[Tuple[str, int, Set[str], int]] = [
    # (its tags, its oldest glibc 2, architectures, its oldest Python 3)
    ("py3-none-any", 0, {"amd64", "arm64"}, 0),
    ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", 17, {"amd64"}, 11),
    ("cp311-cp311-manylinux_2_34_aarch64", 34, {"arm64"}, 11),
    ("cp39-abi3-manylinux_2_28_x86_64", 28, {"amd64"}, 9),
    ("cp311-cp311-manylinux2010_x86_64", 12, {"amd64"}, 11),
    ("py3-none-manylinux1_x86_64", 5, {"amd64"}, 0),
    ("cp311-none-linux_aarch64", 0, {"arm64"}, 11),
    ("cp311-cp311-musllinux_1_2_x86_64", 0, set(), 11),
    ("cp311-cp311-macosx_11_0_arm64", 0, set(), 11),
    ("cp311-cp311-win_amd64", 0, set(), 11),
    ("cp312-abi3-manylinux2014_aarch64", 17, {"arm64"}, 12),
    ("pp39-pypy39_pp73-manylinux2014_x86_64", 0, set(), 9),
    ("cp311-cp311t-manylinux2014_x86_64", 0, set(), 11),
]


def tags_for(python: Tuple[int, int], architecture: str, glibc: int) -> List[str]:
    told = complete_platform(python, Platform("linux", architecture), glibc)
    tags: List[str] = told["compatible_tags"]
    return tags


@pytest.mark.parametrize("wheel", WHEELS, ids=[wheel[0] for wheel in WHEELS])
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("glibc", [17, 28, 34])
def test_which_wheels_fit(
    wheel: Tuple[str, int, Set[str], int], architecture: str, glibc: int
) -> None:
    name, oldest, architectures, python = wheel
    fits = not {str(tag) for tag in parse_tag(name)}.isdisjoint(
        tags_for((3, 11), architecture, glibc)
    )
    assert fits is (architecture in architectures and glibc >= oldest and python <= 11)


@pytest.mark.parametrize(
    ("name", "glibc"), [("manylinux2014", 17), ("manylinux2010", 12), ("manylinux1", 5)]
)
def test_an_old_name_follows_the_new_one(name: str, glibc: int) -> None:
    tags = tags_for((3, 11), "amd64", 31)
    new = tags.index(f"cp311-cp311-manylinux_2_{glibc}_x86_64")
    assert tags[new + 1] == f"cp311-cp311-{name}_x86_64"


@given(st.integers(8, 13), st.sampled_from(["amd64", "arm64"]), st.integers(17, 40))
def test_a_newer_glibc_adds_wheels_in_front_of_the_others(
    minor: int, architecture: str, glibc: int
) -> None:
    older = tags_for((3, minor), architecture, glibc)
    newer = tags_for((3, minor), architecture, glibc + 1)
    added = {tag for tag in newer if f"manylinux_2_{glibc + 1}_" in tag}
    assert added and [tag for tag in newer if tag not in added] == older
    assert len(set(newer)) == len(newer)
    assert newer[0].startswith(f"cp3{minor}-cp3{minor}") and newer[0] in added


@pytest.mark.parametrize("python", [(3, 9), (3, 10), (3, 13)])
def test_markers_are_those_of_the_image(python: Tuple[int, int]) -> None:
    told = complete_platform(python, Platform("linux", "arm64", "v8"))["marker_environment"]
    assert set(told) == set(default_environment())
    assert told["python_version"] == f"3.{python[1]}"
    assert (told["sys_platform"], told["platform_machine"]) == ("linux", "aarch64")
