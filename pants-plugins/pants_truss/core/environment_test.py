from __future__ import annotations

from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.environment import (
    Distribution,
    Wanted,
    describe_unverifiable,
    disagreements,
    joint_requirements,
    own_requirements,
    without_hashes,
)
from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import parse_line

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


def test_where_pip_looks_is_said_in_a_file() -> None:
    listed = ["--extra-index-url=https://example.com/simple", "--pre --no-index", "rich"]
    found = own_requirements(listed, [], [])
    options = ("--extra-index-url https://example.com/simple", "--pre", "--no-index")
    assert found == Wanted(("rich",), (), options)
    assert found.file == "".join(f"{line}\n" for line in (*options, "rich"))
    assert own_requirements(["rich"], [], []).file == ""


def test_hashes_are_said_in_a_file() -> None:
    line = "rich==13.0 --hash=sha256:00 --hash=sha256:11"
    found = own_requirements([line], SERVER, [])
    assert found.requirements == (line,) and found.has_hashes and found.file == f"{line}\n"
    assert describe_unverifiable(found) is None
    assert without_hashes(found).file == ""


def test_pip_cannot_check_the_hashes_of_a_part_of_a_list() -> None:
    found = own_requirements(["rich==13.0 --hash=sha256:00", "x @ git+https://h/x@0"], [], [])
    assert describe_unverifiable(found) == (
        "its list has hashes, but none for x @ git+https://h/x@0, and pip checks all or none"
    )
    assert describe_unverifiable(own_requirements(["rich==13.0"], [], [])) is None


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("kit @ git+ssh://git@host/kit.git@v1", "kit @ git+ssh://git@host/kit.git@v1"),
        ("kit @ git+https://${TOKEN}@host/kit.git", "kit @ git+https://host/kit.git"),
        ("kit @ https://me:${TOKEN}@host/kit.whl", "kit @ https://host/kit.whl"),
    ],
)
def test_a_variable_of_the_environment_is_left_to_netrc(line: str, text: str) -> None:
    assert own_requirements([line], [], []).requirements == (text,)


@pytest.mark.parametrize(
    "line, message",
    [
        ("lib @ https://user:t0ken@example.com/lib.whl", "'lib @ https://***@example.com/lib.whl'"),
        ("git+https://t0ken@example.com/lib.git", "has credentials"),
        ("-r more.txt", "'-r more.txt' reads 'more.txt', which is not in the image"),
        ("-r /opt/more.txt", "'--requirement /opt/more.txt' is read in an image only"),
        ("-r https://host/more.txt", "is read in an image only"),
        ("-e .", "which is not in the image"),
        ("-f wheels", "which is not in the image"),
        ("-f /opt/wheels", "is read in an image only"),
        ("./wheels/lib.whl", "Publish it to an index"),
        ("/opt/lib.whl", "find_links"),
        ("lib @ file:///opt/lib.whl", "find_links"),
        ("--nonsense", "is not an option"),
        ("not a requirement!", "is not a requirement"),
    ],
)
def test_what_cannot_be_installed_here(line: str, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        own_requirements([line], SERVER, CONSTRAINTS)
    assert message in str(caught.value)
    assert "t0ken" not in str(caught.value)


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
            ('a 1 requires tomli>=2; python_version >= "3.11", but tomli is 1.0',),
        ),
        # No requirement asks for this extra.
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
    ("option", "given"),
    [
        ("-i https://user:t0ken@example.com/simple", "--index-url https://example.com/simple"),
        ("--index-url=https://${T}@example.com/simple", "--index-url https://example.com/simple"),
        ("--no-index", "--no-index"),
        ("-f https://example.com/links", "--find-links https://example.com/links"),
        ("--trusted-host=example.com", "--trusted-host example.com"),
        ("--prefer-binary", "--prefer-binary"),
        ("--only-binary=:all:", "--only-binary :all:"),
        ("--no-binary :all:", "--no-binary :all:"),
        ("--pre", "--pre"),
        ("--require-hashes", "--require-hashes"),
    ],
)
def test_options_are_given_to_pip_without_credentials(option: str, given: str) -> None:
    """pip has those of `~/.netrc`."""
    assert own_requirements([option, "rich"], [], []).options == (given,)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("-c x.txt", "reads 'x.txt', which is not in the image"),
        ("--requirement=x.txt", "reads 'x.txt', which is not in the image"),
        ("--editable .", "reads '.', which is not in the image"),
        ("-c https://h/x.txt", "Name the distributions that it brings one by one"),
        ("--prefix=/", "is not an option that a requirements file can have"),
        ("--indexes x", "is not an option that a requirements file can have"),
        ("-", "is not an option that a requirements file can have"),
    ],
)
def test_other_options_are_refused_with_a_way_out(option: str, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        own_requirements(["rich", option], [], [])
    assert message in str(caught.value)


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


@pytest.mark.parametrize("text", ["b (>=x y)", "b @ h://[", f"b; {'(' * 900}"])
def test_metadata_that_cannot_be_read_says_nothing(text: str) -> None:
    """pip has installed the distribution anyway."""
    assert not disagreements((dist("a", "1", text),), SERVER_DISTRIBUTIONS, "3.11")


def test_each_disagreement_comes_in_the_order_of_names() -> None:
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
