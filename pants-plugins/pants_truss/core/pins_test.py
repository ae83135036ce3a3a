from __future__ import annotations

from typing import Dict, List, Set, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from pants_truss.core.errors import TrussError
from pants_truss.core.lockfile import LockedDistribution, Lockfile
from pants_truss.core.pins import Pin, RequirementOf, pin_requirements
from pants_truss.core.requirement import marker_environments

Strings = Tuple[str, ...]

ENVIRONMENTS = marker_environments("3.11")


def lock(
    *entries: str,
    has_edges: bool = True,
    has_extras: bool = True,
    python_versions: Strings = (),
) -> Lockfile:
    """`a 1.0: b>=1, c` is a distribution and what it requires."""
    distributions = {}
    for entry in entries:
        head, _, requires = entry.partition(": ")
        name, version = head.split()
        parsed = tuple(Requirement(text) for text in requires.split(", ") if text)
        distributions[name] = LockedDistribution(name, version, parsed)
    return Lockfile(distributions, python_versions, has_edges, has_extras)


def pin(lockfile: Lockfile, *wanted: str) -> List[str]:
    return [found.text for found in pins(lockfile, *wanted)]


def pins(lockfile: Lockfile, *wanted: str) -> List[Pin]:
    requirements = [RequirementOf(text, "here", "said so") for text in wanted]
    return list(pin_requirements(requirements, lockfile, "x.lock", ENVIRONMENTS))


LOCK = lock(
    "a 1.0: b>=1, w; sys_platform == 'win32', x; extra == 'more'",
    "b 2.0: c[deep]",
    "c 3.0: a, d; extra == 'deep'",
    "d 4.0",
    "x 5.0: d",
    "z 6.0",
)


def test_the_closure_with_extras_and_cycles() -> None:
    assert pin(LOCK, "a") == ["a==1.0", "b==2.0", "c==3.0", "d==4.0"]
    assert pin(LOCK, "A[More]>=0.5") == ["a==1.0", "b==2.0", "c==3.0", "d==4.0", "x==5.0"]
    assert pin(LOCK, "c") == ["a==1.0", "b==2.0", "c==3.0", "d==4.0"]
    assert pin(LOCK) == []


def test_reasons() -> None:
    assert {p.name: p.reason for p in pins(LOCK, "a", "d")} == {
        "a": "said so",
        "b": "required by a",
        "c": "required by b",
        "d": "required by c",
    }


def test_extras_that_are_wanted_later_are_followed_too() -> None:
    assert pin(lock("a 1: b; extra == 'e'", "b 1", "c 1: a[e]"), "a", "c") == [
        "a==1",
        "b==1",
        "c==1",
    ]


def test_a_requirement_for_another_platform_is_none() -> None:
    assert pin(LOCK, "nothing; sys_platform == 'win32'", "z") == ["z==6.0"]


def test_urls_stay_as_they_are_written() -> None:
    wanted = ["z @ git+https://host/z.git@v1", "git+https://host/q.git", "--pre", "--pre", "z>=1"]
    assert pin(LOCK, *wanted) == [
        "--pre",
        "z @ git+https://host/z.git@v1",
        "git+https://host/q.git",
    ]
    named = lock("y 1: z", "z 1")
    assert pin(named, "git+https://host/y.git#egg=Y") == ["git+https://host/y.git#egg=Y", "z==1"]


def test_an_extra_stays_where_the_lockfile_does_not_say_what_it_needs() -> None:
    lockfile = lock("a 1", "b 1: a", has_extras=False)
    assert pin(lockfile, "a[y,x]", "b") == ["a[x,y]==1", "b==1"]


def test_one_distribution_from_two_urls() -> None:
    with pytest.raises(
        TrussError, match=r"'z @ https://h/2' \(here\) contradicts 'z @ https://h/1'"
    ):
        pin(LOCK, "z @ https://h/1", "z @ https://h/2")
    assert pin(LOCK, "z @ https://h/1", "z@ https://h/1", "z") == ["z @ https://h/1"]


def test_a_url_that_is_not_the_locked_one() -> None:
    locked = LockedDistribution("a", "1", (), "git+https://h/a.git@v1")
    lockfile = Lockfile({"a": locked}, (), True, True)
    assert pin(lockfile, "a") == pin(lockfile, "a @ git+https://h/a.git@v1")
    with pytest.raises(TrussError, match="contradicts the lockfile x.lock, which has a @ git"):
        pin(lockfile, "a @ git+https://h/a.git@v2")


def test_a_lockfile_without_edges_is_taken_whole() -> None:
    assert pin(lock("a 1", "b 1", has_edges=False), "a") == ["a==1", "b==1"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            ["q"],
            r"the lockfile x.lock has no q for this Python on Linux, which 'q' \(here\) asks for. Add",
        ),
        (["a>=2"], r"'a>=2' \(here\) contradicts the lockfile x.lock, which has a==1.0. Make them"),
        (["a==0.9; python_version > '3'"], "contradicts"),
        (["a b"], "here: 'a b' is not a requirement"),
    ],
)
def test_what_does_not_fit(wanted: List[str], message: str) -> None:
    with pytest.raises(TrussError, match=message):
        pin(LOCK, *wanted)


def test_a_lockfile_with_a_gap() -> None:
    with pytest.raises(TrussError, match="has no b, which its a requires"):
        pin(lock("a 1: b>=2"), "a")


def test_a_prerelease_that_is_locked_is_what_was_wanted() -> None:
    assert pin(lock("a 2.0rc1"), "a>=1") == ["a==2.0rc1"]


@pytest.mark.parametrize(
    "versions",
    [
        ("==3.11.*",),
        ("<3.9", ">=3.11.4,<3.12"),
        ("==3.11.4",),
        (">=3.11.2,<3.11.9",),
        (">=3.8",),
        (),
    ],
)
def test_a_python_that_the_lockfile_is_for(versions: Strings) -> None:
    assert pin(lock("a 1", python_versions=versions), "a") == ["a==1"]


def test_another_python() -> None:
    with pytest.raises(TrussError, match="is py311, but the lockfile x.lock is for Python ==3.10"):
        pin(lock("a 1", python_versions=("==3.10.*",)), "a")


# --- Random lockfiles.

NAMES = st.sampled_from("abcdefg")
GRAPHS = st.fixed_dictionaries({n: st.sets(NAMES, max_size=3) for n in "abcdefg"})


@given(GRAPHS, st.sets(NAMES))
def test_each_distribution_that_is_needed_is_pinned_once(
    graph: Dict[str, Set[str]], roots: Set[str]
) -> None:
    lockfile = lock(*(f"{name} 1: {', '.join(sorted(r))}" for name, r in graph.items()))
    needed, wider = set(roots), set(roots)
    while True:
        wider = needed | {other for name in needed for other in graph[name]}
        if wider == needed:
            break
        needed = wider
    assert pin(lockfile, *sorted(roots)) == [f"{name}==1" for name in sorted(needed)]
