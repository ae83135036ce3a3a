from __future__ import annotations

from typing import Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.gather_plan import (
    GatherPlan,
    describe_collision,
    name_collisions,
    place_package,
    place_truss,
    plan_gather,
)
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.source_tree import SourceFile, SourceTree

Files = Dict[str, str]


def tree(root: str, files: Files) -> SourceTree:
    return SourceTree(
        root, f"{root}:t", tuple(SourceFile(p, sha, len(sha), False) for p, sha in files.items())
    )


def plan(
    truss: Files, *packages: Files, config_path: str = "config.yaml", ignore: Tuple[str, ...] = ()
) -> GatherPlan:
    patterns = IgnorePatterns(ignore)
    return plan_gather(
        (
            place_truss(tree("t", truss), config_path, patterns),
            *(
                place_package(tree(f"p{index}", files), "packages", patterns)
                for index, files in enumerate(packages)
            ),
        )
    )


def contents(result: GatherPlan) -> Files:
    return {file.path: file.sha256 for file in result.files}


def test_contents_of_packages_land_in_the_bundled_dir() -> None:
    result = plan({"config.yaml": "c", "packages/own.py": "o"}, {"lib/a.py": "a"}, {"b.py": "b"})
    assert contents(result) == {
        "config.yaml": "c",
        "packages/b.py": "b",
        "packages/lib/a.py": "a",
        "packages/own.py": "o",
    }
    assert not result.collisions


def test_another_config_becomes_config_yaml() -> None:
    result = plan({"config.yaml": "c", "conf/prod.yaml": "p"}, config_path="conf/prod.yaml")
    assert contents(result) == {"config.yaml": "p"}
    assert not result.collisions


def test_identical_bytes_do_not_collide() -> None:
    assert not plan({"packages/a": "x"}, {"a": "x"}, {"a": "x"}).collisions


def test_all_sources_of_a_collision_are_named_and_the_last_wins() -> None:
    result = plan({"packages/a": "0"}, {"a": "1"}, {"a": "2"})
    assert contents(result) == {"packages/a": "2"}
    (collision,) = result.collisions
    assert describe_collision(collision) == (
        "packages/a comes from more than one source: t/packages/a (t:t), p0/a (p0:t), p1/a (p1:t)"
    )


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/B.py", "a/b.py"], [("a/B.py", "a/b.py")]),
        (["A/x.py", "A/y.py", "a/x.py", "a/z.py"], [("A/x.py", "a/x.py")]),
        (["caf\u00e9.py", "cafe\u0301.py"], [("cafe\u0301.py", "caf\u00e9.py")]),
        (["stra\u00dfe", "strasse"], [("strasse", "stra\u00dfe")]),
        (["a/b", "ab", "a-b", "a_b", "A2"], []),
        (["A/b", "a"], [("A/b", "a")]),
    ],
)
def test_names_that_are_equal_on_some_file_systems(
    paths: List[str], expected: List[Tuple[str, str]]
) -> None:
    found = name_collisions(plan({path: path for path in paths}).files)
    assert [(one.path, other.path) for one, other in found] == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"x": "file"}, {"x/y": "below"}, {"packages/x/y": "below"}),
        ({"x/y": "below", "x/z": "too"}, {"x": "file"}, {"packages/x": "file"}),
    ],
)
def test_a_file_where_another_has_a_folder(first: Files, second: Files, expected: Files) -> None:
    result = plan({}, first, second)
    (collision,) = result.collisions
    assert collision.path == "packages/x"
    assert "is a file in one source and a folder in another" in describe_collision(collision)
    assert contents(result) == expected


def test_ignored_paths_neither_land_nor_collide() -> None:
    result = plan(
        {"config.yaml": "c", "a.pyc": "x"}, {"a.pyc": "1"}, {"a.pyc": "2"}, ignore=("*.pyc",)
    )
    assert contents(result) == {"config.yaml": "c"}
    assert not result.collisions


# --- Random trees against a reference that only knows dicts.

names = st.sampled_from(["a", "b", "c.py", "packages", "config.yaml"])
file_trees = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map("/".join), st.sampled_from("xyz"), max_size=6
).map(
    lambda files: {p: c for p, c in files.items() if not any(q.startswith(p + "/") for q in files)}
)


def reference(truss: Files, packages: List[Files]) -> Tuple[Files, bool]:
    result, clashed = dict(truss), False
    for package in packages:
        for path, content in package.items():
            path = f"packages/{path}"
            rivals = [
                other
                for other in result
                if other == path or other.startswith(path + "/") or path.startswith(other + "/")
            ]
            clashed |= any(other != path or result[other] != content for other in rivals)
            for other in rivals:
                del result[other]
            result[path] = content
    return result, clashed


@given(file_trees, st.lists(file_trees, max_size=4))
@settings(max_examples=600)
def test_random_trees(truss: Files, packages: List[Files]) -> None:
    result = plan(truss, *packages)
    expected, clashed = reference(truss, packages)
    assert contents(result) == expected
    assert bool(result.collisions) == clashed
    assert [file.path for file in result.files] == sorted(expected)


def test_comparing_plans_compares_each_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine compares plans whenever a dependency of a plan changes."""
    files = {f"f{number}.py": "x" for number in range(300)}
    one, other = plan(files, {"lib.py": "l"}), plan(files, {"lib.py": "l"})
    compared: List[object] = []
    equals = GatheredFile.__eq__

    def count(self: GatheredFile, other: object) -> bool:
        compared.append(other)
        return bool(equals(self, other))

    monkeypatch.setattr(GatheredFile, "__eq__", count)
    assert one == other
    assert 0 < len(compared) <= 2 * len(files)
