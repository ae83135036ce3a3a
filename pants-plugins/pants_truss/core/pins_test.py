from __future__ import annotations

from random import Random
from typing import Dict, FrozenSet, Iterable, List, Set, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.locked import LockedDistribution, Lockfile
from pants_truss.core.pins import Pin, RequirementOf, pin_requirements
from pants_truss.core.requirement import marker_environments, parse_locked

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
        parsed = tuple(parse_locked(text) for text in requires.split(", ") if text)
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


def test_a_requirement_for_another_platform_does_not_count() -> None:
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
            r"'q' \(here\) needs q, but the lockfile x.lock does not have it for this Python on Linux. Add",
        ),
        (
            ["a>=2"],
            r"'a>=2' \(here\) contradicts the lockfile x.lock, which has a==1.0. Change one",
        ),
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


def test_the_first_requirement_is_the_reason_and_each_pin_comes_once() -> None:
    wanted = [
        RequirementOf("git+https://h/q.git", "BUILD:1", "first"),
        RequirementOf("--pre", "config.yaml", None),
        RequirementOf("git+https://h/q.git", "BUILD:2", "second"),
        RequirementOf("z>=1", "BUILD:3", "third"),
        RequirementOf("z[x] @ https://h/z.whl", "BUILD:4", "fourth"),
    ]
    assert pin_requirements(wanted, LOCK, "x.lock", ENVIRONMENTS) == (
        Pin("--pre", None, "config.yaml", None),
        # How it is written counts more than that it is locked.
        Pin("z[x] @ https://h/z.whl", "z", "BUILD:4", "third"),
        Pin("git+https://h/q.git", None, "BUILD:1", "first"),
    )


def test_what_is_taken_from_the_lockfile_has_no_origin() -> None:
    assert [p.origin for p in pins(LOCK, "a")] == [None] * 4


def test_what_is_taken_since_nothing_says_what_can_be_left_out() -> None:
    lockfile = lock("a 1", "b 1", has_edges=False)
    assert {p.name: p.reason for p in pins(lockfile, "b")} == {
        "a": "the lockfile does not say what requires it",
        "b": "said so",
    }


def test_options_keep_their_order_and_urls_are_sorted() -> None:
    urls = ["https://h/b.whl", "https://h/a.whl", "./z.whl"]
    assert pin(LOCK, *urls, "--pre", "# no", "z", "-i https://h/simple", "", "--pre") == [
        "--pre",
        "-i https://h/simple",
        "z==6.0",
        *reversed(urls),
    ]


def test_extras_of_several_who_ask_are_put_together() -> None:
    lockfile = lock("a 1", "b 1: a[Y_y]", "c 1: a", has_extras=False)
    assert pin(lockfile, "c", "a[x]", "b") == ["a[x,y-y]==1", "b==1", "c==1"]


def test_an_extra_is_compared_in_canonical_form() -> None:
    lockfile = lock("a 1: b; extra == 'My_Extra'", "b 1", "c 1: a[my.extra]")
    assert pin(lockfile, "a[MY-extra]") == ["a==1", "b==1"]
    assert pin(lockfile, "c") == ["a==1", "b==1", "c==1"]
    assert pin(lockfile, "a[other]") == ["a==1"]


def test_a_marker_beside_an_extra() -> None:
    lockfile = lock(
        "a 1: b; extra == 'e' and sys_platform == 'win32', c; extra == 'e' and os_name == 'posix'",
        "c 1",
    )
    assert pin(lockfile, "a[e]") == ["a==1", "c==1"]


@pytest.mark.parametrize("fragment", ["#egg=a", "#sha256=00", ""])
def test_a_fragment_makes_no_other_url(fragment: str) -> None:
    locked = LockedDistribution("a", "1", (), f"git+https://h/a.git@v1{fragment}")
    lockfile = Lockfile({"a": locked}, (), True, True)
    wanted = "a @ git+https://h/a.git@v1"
    assert pin(lockfile, wanted) == [wanted]
    assert pin(lockfile, f"{wanted}#subdirectory=x") == [f"{wanted}#subdirectory=x"]


def test_a_distribution_that_is_locked_by_url_alone_has_any_version() -> None:
    locked = LockedDistribution("a", None, (), "https://h/a.whl")
    lockfile = Lockfile({"a": locked}, (), False, False)
    assert pin(lockfile, "a>=99", "a[x]") == ["a[x] @ https://h/a.whl"]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (["q @ https://me:s3cret@h/q.whl"], "'q @ https://***@h/q.whl' (here) needs q, but"),
        (
            ["u @ https://me:s3cret@h/2.whl"],
            "which has u @ https://***@h/1.whl. Change one of them",
        ),
        (
            ["z @ https://me:s3cret@h/1.whl", "z @ https://me:s3cret@h/2.whl"],
            "'z @ https://***@h/2.whl' (here) contradicts 'z @ https://***@h/1.whl' (here)",
        ),
        (["z @ @ https://me:s3cret@h/1.whl"], "here: 'z @ @ https://***@h/1.whl' is not"),
    ],
)
def test_no_message_shows_credentials(wanted: List[str], shown: str) -> None:
    locked = LockedDistribution("u", "1", (), "https://me:s3cret@h/1.whl")
    lockfile = Lockfile({**LOCK.distributions, "u": locked}, (), True, True)
    with pytest.raises(TrussError) as caught:
        pin(lockfile, *wanted)
    assert shown in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_url_does_not_silence_another_requirement() -> None:
    with pytest.raises(TrussError, match=r"'z<6' \(here\) contradicts the lockfile x.lock"):
        pin(LOCK, "z @ https://h/z.whl", "z<6")


def test_a_lockfile_for_several_other_pythons() -> None:
    versions = ("<3.11", ">=3.12,<3.14")
    with pytest.raises(TrussError) as caught:
        pin(lock("a 1", python_versions=versions), "a")
    assert str(caught.value).endswith(
        "x.lock is for Python <3.11 or >=3.12,<3.14. Change `python_version`, or the interpreter "
        "constraints of the resolve."
    )


# --- Random lockfiles with extras: each edge is (extra it is for or "", name, extras it asks for).

EXTRAS = st.frozensets(st.sampled_from("xy"))
EDGES = st.lists(st.tuples(st.sampled_from(["", "x", "y"]), NAMES, EXTRAS), max_size=3)
EXTRA_GRAPHS = st.fixed_dictionaries({name: EDGES for name in "abcdefg"})
WANTED = st.lists(st.tuples(NAMES, EXTRAS), max_size=3)
ExtraGraph = Dict[str, List[Tuple[str, str, FrozenSet[str]]]]


def with_extras(name: str, extras: Iterable[str]) -> str:
    return f"{name}[{','.join(sorted(extras))}]" if extras else name


def lock_of(graph: ExtraGraph, has_extras: bool) -> Lockfile:
    entries = []
    for name, edges in graph.items():
        requires = [
            with_extras(other, asked) + (f"; extra == '{extra}'" if extra else "")
            for extra, other, asked in edges
        ]
        entries.append(f"{name} 1: {', '.join(requires)}")
    return lock(*entries, has_extras=has_extras)


def needed(graph: ExtraGraph, wanted: List[Tuple[str, FrozenSet[str]]]) -> Dict[str, Set[str]]:
    """Each name with its extras. `a[x]` is two nodes, `a` and `a` with `x`: plain reachability."""
    nodes = {(name, extra) for name, extras in wanted for extra in ("", *extras)}
    while True:
        more = {
            (other, asked)
            for name, extra in nodes
            for for_extra, other, extras in graph[name]
            if for_extra == extra
            for asked in ("", *extras)
        }
        if more <= nodes:
            break
        nodes |= more
    return {name: {extra for n, extra in nodes if n == name} - {""} for name, _ in sorted(nodes)}


@given(EXTRA_GRAPHS, WANTED)
def test_each_extra_that_is_needed_is_followed(
    graph: ExtraGraph, wanted: List[Tuple[str, FrozenSet[str]]]
) -> None:
    expected = needed(graph, wanted)
    texts = [with_extras(name, extras) for name, extras in wanted]
    assert pin(lock_of(graph, True), *texts) == [f"{name}==1" for name in expected]
    assert pin(lock_of(graph, False), *texts) == [
        f"{with_extras(name, extras)}==1" for name, extras in expected.items()
    ]


@given(EXTRA_GRAPHS, WANTED, st.randoms())
def test_pins_are_closed_and_need_no_order(
    graph: ExtraGraph, wanted: List[Tuple[str, FrozenSet[str]]], random: Random
) -> None:
    texts = [with_extras(name, extras) for name, extras in wanted]
    for has_extras in (True, False):
        lockfile = lock_of(graph, has_extras)
        pinned = pin(lockfile, *texts)
        again = random.sample([*pinned, *texts], len(pinned) + len(texts))
        assert pin(lockfile, *again) == pinned
