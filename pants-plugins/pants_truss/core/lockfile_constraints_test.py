"""Lockfiles in pip's constraints format, as pip-compile, uv and people write them."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Set, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pants_truss.core.errors import TrussError
from pants_truss.core.locked import Lockfile
from pants_truss.core.lockfile import parse
from pants_truss.core.requirement import marker_environments


def read(text: str, python: str = "3.11") -> Lockfile:
    return parse(text.encode(), marker_environments(python))


def pins(lockfile: Lockfile) -> Dict[str, str]:
    return {name: locked.pin for name, locked in lockfile.distributions.items()}


def edges(lockfile: Lockfile) -> Dict[str, List[str]]:
    return {
        name: sorted(canonicalize_name(requirement.name) for requirement in locked.requires)
        for name, locked in lockfile.distributions.items()
    }


@pytest.mark.parametrize(
    ("line", "pin"),
    [
        ("A_b.C == 1.0", "a-b-c==1.0"),
        ("a==1!2.0+cpu.1", "a==1!2.0+cpu.1"),
        ("a[y,x]==1", "a==1"),
        ("a==1;python_version>'3'", "a==1"),
        ("a==1  # why, and == 2", "a==1"),
        ("a==1 --hash sha256:00 --hash=sha256:11  # via b", "a==1"),
        ("a==1 \\\n    --hash=sha256:00 \\\n    # via b", "a==1"),
        ("a @ https://h/a.whl#sha256=00", "a @ https://h/a.whl#sha256=00"),
        ("a @ https://h/a.whl --hash=sha256:00", "a @ https://h/a.whl"),
        ("a@ git+https://h/a.git@v1 ; sys_platform == 'linux'", "a @ git+https://h/a.git@v1"),
    ],
)
def test_one_pin(line: str, pin: str) -> None:
    lockfile = read(f"{line}\n")
    assert list(pins(lockfile).values()) == [pin]
    assert not lockfile.has_extras


@pytest.mark.parametrize(
    "line",
    [
        "-i https://h/simple",
        "--index-url=https://h/simple",
        "--find-links wheels  # ours",
        "--trusted-host h",
        "--no-binary :all:",
        "--pre",
        "--require-hashes\n    # via pip.conf",
    ],
)
def test_options_that_say_nothing_about_versions(line: str) -> None:
    assert pins(read(f"{line}\na==1\n{line}\n")) == {"a": "a==1"}


@pytest.mark.parametrize(
    "line", ["-c other.txt", "-e .", "--requirement=other.txt", "./a.whl", "https://h/a.whl"]
)
def test_what_would_lock_in_another_place(line: str) -> None:
    with pytest.raises(TrussError) as caught:
        read(f"a==1\n\n{line}\n")
    assert f"has {line!r} on line 3, where a pin was expected" in str(caught.value)


@pytest.mark.parametrize("specifier", [">=1", "<=1", "~=1.0", "!=1", "==1,<2", ">1,<2", ""])
def test_what_is_not_pinned(specifier: str) -> None:
    with pytest.raises(TrussError) as caught:
        read(f"# by hand\nb==1\nA{specifier}  # any\n")
    assert str(caught.value).startswith("does not pin a with `==`: it has 'A")
    assert str(caught.value).endswith(" on line 3.")


@pytest.mark.parametrize(
    "text",
    [
        "git+https://me:s3cret@h/a.git\n",
        "--editable git+https://me:s3cret@h/a.git\n",
        "a @ https://me:s3cret@h/1.whl\na @ https://me:s3cret@h/2.whl\n",
        "a b @ https://me:s3cret@h/1.whl\n",
    ],
)
def test_credentials_in_constraints_are_not_shown(text: str) -> None:
    with pytest.raises(TrussError) as caught:
        read(text)
    assert "s3cret" not in str(caught.value)
    assert "***@h" in str(caught.value)


# --- Markers.


@pytest.mark.parametrize(("python", "version"), [("3.9", "1"), ("3.10", "2"), ("3.12", "2")])
def test_of_lines_for_several_pythons_that_of_the_truss(python: str, version: str) -> None:
    text = "a==1 ; python_version < '3.10'\na==2 ; python_version >= '3.10'\n"
    assert pins(read(text, python)) == {"a": f"a=={version}"}


def test_lines_for_several_patch_releases_of_which_none_is_the_newest() -> None:
    text = "a==1 ; python_full_version < '3.11.4'\na==2 ; python_full_version < '3.11.6'\n"
    with pytest.raises(TrussError, match="^locks a twice: a==1 on line 1 and a==2 on line 2.$"):
        read(text)


def test_the_same_pin_twice_is_one() -> None:
    assert pins(read("Foo_Bar==1\nb==1\nfoo.bar == 1\n")) == {"foo-bar": "foo-bar==1", "b": "b==1"}


def test_pins_for_other_platforms_alone_lock_nothing() -> None:
    with pytest.raises(TrussError, match="^locks nothing"):
        read("a==1 ; sys_platform == 'win32'\n")


# --- What requires what.


@pytest.mark.parametrize(
    ("comment", "parents"),
    [
        ("  # via a", {"a"}),
        ("\n    # via\n    #   a\n    #   C.c", {"a", "c-c"}),
        ("\n    # via a, c_c", {"a", "c-c"}),
        ("\n    # via -r requirements.in, a", {"a"}),
        ("\n    # via\n    #   -c c_c.txt\n    #   a[more]", {"a"}),
        ("\n    # via a (1.0)", {"a"}),
        ("\n\n    # via a", {"a"}),
        ("\n    # pinned: see c_c\n    # via a", {"a"}),
        ("\n    # via my-project (pyproject.toml)", set()),
        ("\n    # via -r a", set()),
    ],
)
def test_annotations(comment: str, parents: Set[str]) -> None:
    head = "a==1  # via -r x\nc-c==1  # via -r x\n"
    lockfile = read(f"{head}b==1{comment}\n# a\n")
    assert lockfile.has_edges
    assert {name for name, requires in edges(lockfile).items() if "b" in requires} == parents


@pytest.mark.parametrize("comment", ["", "# viable since a", "# why: via a", "#"])
def test_other_comments_are_no_annotations(comment: str) -> None:
    assert not read(f"a==1  # via -r x\nb==1  {comment}\n").has_edges


NAMES = ("a", "b-c", "d1", "e", "zz")
GRAPHS = st.fixed_dictionaries({name: st.sets(st.sampled_from(NAMES)) for name in NAMES})
# How a name, the end of a line, and what requires it are written.
STYLES = st.tuples(
    st.sampled_from([str, str.upper, lambda name: name.replace("-", "_")]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["  # via {}", "\n    # via {}", "\n    # via\n    #   {}"]),
    st.sampled_from(["", " \\\n    --hash=sha256:00", " --hash=sha256:00"]),
)


def in_pips_format(graph: Dict[str, Set[str]], style: Tuple[Any, str, str, str]) -> str:
    spelled, end, annotation, hashes = style
    lines = []
    for name in graph:
        parents = [spelled(other) for other in sorted(graph) if name in graph[other]]
        separator = "\n    #   " if annotation.endswith("#   {}") else ", "
        via = annotation.format(separator.join([*parents, "-r x.in"]))
        lines.append(f"{spelled(name)}==1.0{hashes}{via}\n")
    return "".join(lines).replace("\n", end)


def in_pexs_format(graph: Dict[str, Set[str]]) -> str:
    locked = [
        {
            "project_name": name,
            "version": "1.0",
            "requires_dists": sorted(requires),
            "artifacts": [{"url": f"https://h/{name}.whl"}],
        }
        for name, requires in graph.items()
    ]
    return json.dumps({"locked_resolves": [{"locked_requirements": locked}]})


@given(GRAPHS, STYLES)
def test_both_formats_say_the_same(
    graph: Dict[str, Set[str]], style: Tuple[Any, str, str, str]
) -> None:
    constraints, locked = read(in_pips_format(graph, style)), read(in_pexs_format(graph))
    assert pins(constraints) == pins(locked)
    assert edges(constraints) == edges(locked)
    assert constraints.has_edges and locked.has_edges


# --- Text of any kind.

PARTS = st.sampled_from(
    ["a==1", "a", "==", " ", ";", "#", "# via a", "\\", "@ https://h", "--pre", "'", "extra", "[x]"]
)
LINES = st.lists(st.lists(PARTS | st.text(max_size=4), max_size=4).map("".join), max_size=5)


@given(LINES)
def test_any_text_is_read_or_refused(lines: List[str]) -> None:
    try:
        lockfile = read("\n".join(lines))
    except TrussError:
        return
    for locked in lockfile.distributions.values():
        assert len(locked.pin.splitlines()) == 1


def test_a_last_line_that_would_go_on() -> None:
    assert set(pins(read("a==1\nb==2 \\"))) == {"a", "b"}
    assert set(pins(read("a==1 \\\n"))) == {"a"}


def test_the_line_that_is_named_is_the_first_of_its_entry() -> None:
    text = "b==1\na>=1 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n"
    with pytest.raises(TrussError, match="on line 2"):
        read(text)
