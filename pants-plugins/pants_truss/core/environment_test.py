from __future__ import annotations

from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.environment import (
    Distribution,
    Wanted,
    disagreements,
    joint_requirements,
    own_requirements,
)
from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import lines_of, parse_line

SERVER = [
    "-i https://example.com/simple",
    "",
    "# base",
    "fastapi>=0.114,<0.125.0",
    "numpy<2.0 # old",
]
CONSTRAINTS = ["fastapi<0.137", "numpy<3.0"]


def test_own_requirements_stay_within_the_servers_bounds() -> None:
    assert own_requirements(["pandas", "rich==1"], SERVER, CONSTRAINTS) == Wanted(
        ("pandas", "rich==1"),
        ("fastapi<0.137", "fastapi>=0.114,<0.125.0", "numpy<2.0", "numpy<3.0"),
    )


def test_what_the_truss_lists_replaces_what_the_server_does() -> None:
    assert own_requirements(["NumPy==2.1"], SERVER, CONSTRAINTS) == Wanted(
        ("NumPy==2.1",), ("fastapi<0.137", "fastapi>=0.114,<0.125.0", "numpy<3.0")
    )
    assert joint_requirements(["NumPy==2.1"], SERVER, CONSTRAINTS) == Wanted(
        ("NumPy==2.1", "fastapi>=0.114,<0.125.0"), ("fastapi<0.137", "numpy<3.0")
    )


def test_where_pip_looks_is_left_to_pants() -> None:
    listed = ["--extra-index-url https://example.com/simple", "--find-links=wheels", "rich"]
    assert own_requirements(listed, [], []) == Wanted(("rich",))


@pytest.mark.parametrize(
    "line, message",
    [
        ("lib @ https://user:token@example.com/lib.whl", "'lib @ https://***@example.com/lib.whl'"),
        ("git+https://token@example.com/lib.git", "has credentials"),
        ("-r more.txt", "'-r more.txt' works in an image only"),
        ("-e .", "works in an image only"),
        ("./wheels/lib.whl", "find_links"),
        ("not a requirement!", "is not a requirement"),
    ],
)
def test_what_cannot_be_installed_here(line: str, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        own_requirements([line], SERVER, CONSTRAINTS)
    assert message in str(caught.value)
    assert "token" not in str(caught.value)


def test_lines_of_a_requirements_file() -> None:
    text = "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb  # why\n\n"
    assert [line.strip() for line in lines_of(text)] == ["a==1", "b  # why", ""]


def dist(name: str, version: str, *requires: str) -> Distribution:
    return Distribution(name, version, requires)


SERVER_DISTRIBUTIONS = (
    dist("fastapi", "0.124", "starlette<0.51,>=0.40", "Pydantic-Core>=1; extra == 'all'"),
    dist("starlette", "0.50"),
    dist("pydantic_core", "2.0"),
    dist("tomli", "1.0"),
)


@pytest.mark.parametrize(
    "own, found",
    [
        ((), ()),
        ((dist("rich", "13", "pygments>2"),), ()),
        ((dist("starlette", "0.50.3"),), ()),
        (
            (dist("Starlette", "0.60"),),
            ("fastapi 0.124 requires starlette<0.51,>=0.40, but Starlette is 0.60",),
        ),
        # Only the one in front is imported: what the other would require does not matter.
        ((dist("fastapi", "0.130"), dist("starlette", "0.60")), ()),
        ((dist("a", "1", "tomli>=2; python_version < '3.11'"),), ()),
        (
            (dist("a", "1", "tomli>=2; python_version >= '3.11'"),),
            ("a 1 requires tomli>=2; python_version >= '3.11', but tomli is 1.0",),
        ),
        # An extra that nobody has asked for.
        ((dist("pydantic-core", "0.1"),), ()),
        ((dist("starlette", "0.50.dev1"),), ()),
        ((dist("starlette", "local-build"),), ()),
    ],
)
def test_disagreements(own: Tuple[Distribution, ...], found: Tuple[str, ...]) -> None:
    assert disagreements(own, SERVER_DISTRIBUTIONS, "3.11") == found


def test_lists_are_sorted_and_each_line_is_there_once() -> None:
    listed = ["rich # why", "", "rich", "attrs==1", "# no", "rich>1"]
    constraints = ["numpy<2", "-c x.txt", "https://example.com/x.whl", "numpy<2"]
    assert own_requirements(listed, ["numpy<2"], constraints) == Wanted(
        ("attrs==1", "rich", "rich>1"), ("numpy<2",)
    )


def test_a_url_that_names_a_distribution_replaces_the_servers_line() -> None:
    egg = "git+https://example.com/x.git#egg=NumPy"
    assert joint_requirements([egg], SERVER, []) == Wanted(("fastapi>=0.114,<0.125.0", egg))
    nameless = "git+https://example.com/numpy.git"
    assert "numpy<2.0" in joint_requirements([nameless], SERVER, []).requirements


@pytest.mark.parametrize(
    "option",
    [
        "-i https://user:token@example.com/simple",
        "--index-url=https://user:token@example.com/simple",
        "--no-index",
        "-f wheels",
        "--trusted-host=example.com",
        "--prefer-binary",
        "--only-binary=:all:",
        "--no-binary :all:",
        "--pre",
    ],
)
def test_options_that_are_for_pip_alone(option: str) -> None:
    assert own_requirements([option, "rich"], [], []) == Wanted(("rich",))


@pytest.mark.parametrize(
    "option", ["-c x.txt", "--requirement=x.txt", "--editable .", "--prefix=/", "--indexes x", "-"]
)
def test_other_options_are_refused_with_a_way_out(option: str) -> None:
    with pytest.raises(TrussError) as caught:
        own_requirements(["rich", option], [], [])
    assert f"{option!r} works in an image only" in str(caught.value)
    assert "Name the distributions it brings one by one" in str(caught.value)


LINES = st.lists(
    st.builds(
        lambda name, rest: name + rest,
        st.sampled_from(["numpy", "NumPy", "rich", "my_lib", "My.Lib"]),
        st.sampled_from(["", "==1", ">=1,<2", "[x]", "; python_version > '3'", " # why"]),
    )
)


def names(lines: Tuple[str, ...]) -> List[str]:
    return [line.name or "" for line in map(parse_line, lines) if line]


@given(LINES, LINES, LINES)
def test_both_ways_install_the_same_names_within_the_same_bounds(
    listed: List[str], server: List[str], constraints: List[str]
) -> None:
    own = own_requirements(listed, server, constraints)
    joint = joint_requirements(listed, server, constraints)
    assert set(own.requirements) <= set(joint.requirements)
    # Nothing that the truss lists is asked for in the server's words, too.
    added = tuple(set(joint.requirements) - set(own.requirements))
    assert not set(names(added)) & set(names(own.requirements))
    assert set(names(joint.requirements)) == set(names(tuple(listed + server)))
    assert set(own.constraints) == {*joint.constraints, *added}


@pytest.mark.parametrize(
    "required, fits",
    [
        ("tomli", True),
        ("tomli @ https://example.com/tomli.whl", True),
        ("Tomli>=1,<2", True),
        ("tomli!=1.0.0", False),
        ("tomli==1.*", True),
        ("not-there>=1", True),
        ("tomli>=2; sys_platform == 'darwin'", True),
        ("tomli>=2; python_full_version < '3.11.2'", False),
        ("tomli>=2; extra == 'toml'", True),
    ],
)
def test_what_goes_together(required: str, fits: bool) -> None:
    assert (not disagreements((dist("a", "1", required),), SERVER_DISTRIBUTIONS, "3.11")) is fits


def test_each_disagreement_is_told_in_the_order_of_names() -> None:
    own = (dist("b", "2", "tomli>=2"), dist("Starlette", "0.1"), dist("a", "1", "B<2", "tomli<1"))
    assert disagreements(own, SERVER_DISTRIBUTIONS, "3.11") == (
        "a 1 requires B<2, but b is 2",
        "a 1 requires tomli<1, but tomli is 1.0",
        "b 2 requires tomli>=2, but tomli is 1.0",
        "fastapi 0.124 requires starlette<0.51,>=0.40, but Starlette is 0.1",
    )


VERSIONS = st.sampled_from(["1", "2", "3"])
REQUIRES = st.lists(st.tuples(st.sampled_from("abc"), VERSIONS), max_size=2)
INSTALLED = st.dictionaries(st.sampled_from("abc"), st.tuples(VERSIONS, REQUIRES))
Installed = Dict[str, Tuple[str, List[Tuple[str, str]]]]


@given(INSTALLED, INSTALLED)
def test_what_lies_behind_another_has_no_say(own: Installed, server: Installed) -> None:
    def distributions(found: Installed) -> List[Distribution]:
        return [
            dist(name, version, *(f"{other}=={wanted}" for other, wanted in requires))
            for name, (version, requires) in found.items()
        ]

    imported = {**server, **own}
    expected = {
        f"{name} {version} requires {other}=={wanted}, but {other} is {imported[other][0]}"
        for name, (version, requires) in imported.items()
        for other, wanted in requires
        if other in imported and imported[other][0] != wanted
    }
    found = disagreements(distributions(own), distributions(server), "3.11")
    assert set(found) == expected
    assert disagreements(distributions(imported), (), "3.11") == found
