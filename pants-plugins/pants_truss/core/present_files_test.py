from __future__ import annotations

from typing import List, Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.present_files import PresentFiles, PresentTree, present_tree
from pants_truss.core.source_tree import SourceFile, SourceTree

HELD = PresentFiles(
    truss=PresentTree("t", frozenset({"model/model.py", "model/helper.py", "packages/own/x.py"})),
    packages=(PresentTree("s/ext", frozenset({"lib/a.py", "lib/b.py"})),),
    bundled_packages_dir="packages",
    model_module_dir="model",
)


def test_holders() -> None:
    assert HELD.holder_of("t/model/model.py") is HELD.truss
    assert HELD.holder_of("s/ext/lib/a.py") is HELD.packages[0]
    for path in ("t/other.py", "t2/model/model.py", "s/ext/lib/c.py", "model/model.py", None):
        assert HELD.holder_of(path) is None


def test_files_of_the_truss_are_there() -> None:
    assert HELD.is_there("t/packages/own/x.py", "packages/own/x.py", "s/else.py")


def test_files_of_a_package_are_there_under_the_name_that_they_land_at() -> None:
    assert HELD.is_there("s/ext/lib/a.py", "lib/a.py", "t/model/model.py")
    assert not HELD.is_there("s/ext/lib/a.py", "ext/lib/a.py", "t/model/model.py")
    # A relative import between the two: Pants makes it absolute by its source root.
    assert HELD.is_there("s/ext/lib/a.py", "ext/lib/a.py", "s/ext/lib/b.py")
    assert not HELD.is_there("s/ext/lib/c.py", "lib/c.py", "s/ext/lib/b.py")


def test_the_model_folder_comes_first_whoever_asks() -> None:
    assert HELD.takes_precedence("model/helper.py", "t/model/model.py")
    assert HELD.takes_precedence("model/helper.py", "shared/else.py")
    assert not HELD.takes_precedence("model/absent.py", "t/model/model.py")


def test_what_is_bundled_anyway_comes_first_for_what_is_held() -> None:
    assert HELD.takes_precedence("own/x.py", "t/model/model.py")
    assert HELD.takes_precedence("lib/b.py", "t/model/model.py")
    assert HELD.takes_precedence("own/x.py", "s/ext/lib/a.py")
    # Shared code may mean another: then there are two, and that is a collision.
    assert not HELD.takes_precedence("own/x.py", "shared/else.py")
    assert not HELD.takes_precedence("own/y.py", "t/model/model.py")


@pytest.mark.parametrize(
    ("init", "module", "source_root", "runs"),
    [
        # The truss's own: nothing above `model` and above the bundled packages runs.
        ("t/model/__init__.py", "t/model/model.py", "t", True),
        ("t/__init__.py", "t/model/model.py", "t", False),
        ("__init__.py", "t/model/model.py", "", False),
        ("t/packages/own/__init__.py", "t/packages/own/x.py", "t/packages", True),
        ("t/packages/__init__.py", "t/packages/own/x.py", "t", False),
        ("t/__init__.py", "t/packages/own/x.py", "", False),
        # Files of an external package.
        ("s/ext/lib/__init__.py", "s/ext/lib/a.py", "s", True),
        ("s/ext/__init__.py", "s/ext/lib/a.py", "s", False),
        ("s/__init__.py", "s/ext/lib/a.py", "", False),
        # Those that are bundled, below their source root.
        ("shared/x/__init__.py", "shared/x/y/z.py", "shared", True),
        ("shared/__init__.py", "shared/x/y/z.py", "shared", False),
        ("shared/__init__.py", "shared/x/y/z.py", "", True),
        ("__init__.py", "shared/x/y/z.py", "", False),
    ],
)
def test_the_init_files_that_python_runs_before_a_module(
    init: str, module: str, source_root: str, runs: bool
) -> None:
    assert HELD.runs_init(init, module, source_root) is runs


def test_init_files_above_folders_that_are_nested_in_the_truss() -> None:
    nested = PresentFiles(
        PresentTree("t", frozenset({"serving/code/model.py", "vendor/py/own/x.py", "data/d.py"})),
        (),
        "vendor/py",
        "serving/code",
    )
    assert nested.runs_init("t/serving/code/__init__.py", "t/serving/code/model.py", "t")
    assert not nested.runs_init("t/serving/__init__.py", "t/serving/code/model.py", "t")
    assert nested.runs_init("t/vendor/py/own/__init__.py", "t/vendor/py/own/x.py", "t")
    assert not nested.runs_init("t/vendor/__init__.py", "t/vendor/py/own/x.py", "t")
    assert nested.runs_init("t/data/__init__.py", "t/data/d.py", "t")
    at_root = PresentFiles(PresentTree("", frozenset({"model/model.py"})), (), "packages", "model")
    assert at_root.runs_init("model/__init__.py", "model/model.py", "")
    assert not at_root.runs_init("__init__.py", "model/model.py", "")


def test_what_is_ignored_is_not_held() -> None:
    def tree(root: str, *paths: str) -> SourceTree:
        return SourceTree(root, "a:a", tuple(SourceFile(path, "0", 1, False) for path in paths))

    ignore = IgnorePatterns(["*.pyc", "/packages/lib/drop.py"])
    truss = present_tree(tree("t", "model/model.py", "model/x.pyc"), "", ignore)
    assert truss.paths == {"model/model.py"}
    assert truss.leaves_out("t/model/x.pyc")
    package = present_tree(tree("e", "lib/a.py", "lib/drop.py"), "packages", ignore)
    assert package.paths == {"lib/a.py"}


def test_a_truss_in_the_build_root() -> None:
    present = PresentFiles(PresentTree("", frozenset({"model/a.py"})), (), "packages", "model")
    assert present.is_there("model/a.py", "model/a.py", None)
    assert not present.is_there("lib/a.py", "lib/a.py", None)
    assert present.holder_of("model/a.py") is present.truss
    # A package's root lies in the truss's: the truss holds only what it has.
    nested = PresentFiles(
        present.truss, (PresentTree("s", frozenset({"a.py"})),), "packages", "model"
    )
    assert nested.holder_of("s/a.py") is nested.packages[0]


def test_of_two_packages_the_first_that_holds_a_file() -> None:
    outer, inner = PresentTree("s", frozenset({"kit/a.py"})), PresentTree(
        "s/kit", frozenset({"a.py"})
    )
    present = PresentFiles(HELD.truss, (outer, inner), "packages", "model")
    assert present.holder_of("s/kit/a.py") is outer
    # It lies at both names.
    assert present.is_there("s/kit/a.py", "kit/a.py", None)
    assert present.is_there("s/kit/a.py", "a.py", None)
    assert not present.is_there("s/kit/a.py", "s/kit/a.py", None)


def test_a_package_may_import_only_its_own_files_by_another_name() -> None:
    other = PresentTree("s/other", frozenset({"b.py"}))
    present = PresentFiles(HELD.truss, (*HELD.packages, other), "packages", "model")
    assert present.is_there("s/ext/lib/a.py", "ext/lib/a.py", "s/ext/lib/b.py")
    assert not present.is_there("s/ext/lib/a.py", "ext/lib/a.py", "s/other/b.py")
    assert not present.is_there("s/ext/lib/a.py", "ext/lib/a.py", None)
    # Not a file of the package, though it lies in its folder.
    assert not present.is_there("s/ext/lib/a.py", "ext/lib/a.py", "s/ext/lib/absent.py")


@pytest.mark.parametrize(
    ("module_path", "expected"),
    [
        ("kit.py", True),
        ("kit/__init__.py", True),
        ("lib/one.py", True),
        ("lib/one/__init__.py", True),
        ("lib/fast.so", True),
        ("kit/other.py", False),
        ("one.py", False),
        ("one/__init__.py", False),
        ("lib/fast.py", False),
        ("lib/fast.so/__init__.py", False),
        ("__init__.py", False),
        # In the folder for shared code, not in the truss itself.
        ("packages/kit/__init__.py", False),
        ("model/model.py", True),
        ("model/absent.py", False),
        # Not the model's folder.
        ("models/m.py", False),
    ],
)
def test_a_module_that_is_bundled_anyway_in_either_form(module_path: str, expected: bool) -> None:
    present = PresentFiles(
        PresentTree("t", frozenset({"model/model.py", "models/m.py", "vendor/py/kit/__init__.py"})),
        (PresentTree("s", frozenset({"lib/one.py", "lib/fast.so"})),),
        "vendor/py",
        "model",
    )
    assert present.takes_precedence(module_path, "t/model/model.py") is expected


def test_whose_import_it_is_matters_outside_the_model() -> None:
    for importer in (None, "src/else.py", "t/model/absent.py", "model/model.py"):
        assert not HELD.takes_precedence("lib/a.py", importer)
        assert HELD.takes_precedence("model/model.py", importer)


@pytest.mark.parametrize(
    ("file", "holds", "leaves_out"),
    [
        ("a/x.py", True, False),
        ("a/x.pyc", False, True),
        ("a/absent.py", False, False),
        ("ab/x.py", False, False),
        ("x.py", False, False),
        ("a", False, False),
        ("b/x.py", False, False),
        ("b/x.pyc", False, False),
        ("b/a/x.py", False, False),
    ],
)
def test_a_held_tree_knows_its_files_by_their_place_in_the_repository(
    file: str, holds: bool, leaves_out: bool
) -> None:
    tree = PresentTree("a", frozenset({"x.py"}), frozenset({"x.pyc"}))
    assert (tree.holds(file), tree.leaves_out(file)) == (holds, leaves_out)


file_paths = st.lists(st.sampled_from(["a", "b", "c.py"]), min_size=1, max_size=3).map("/".join)


@given(
    st.sampled_from(["", "r", "r/s"]),
    st.sampled_from(["", "packages", "a/b"]),
    st.sets(file_paths, max_size=6),
    st.lists(st.sampled_from(["a", "/a", "b/", "*.py", "!c.py", "packages", "/a/b/c.py"])),
)
def test_each_file_of_a_source_is_held_or_left_out(
    root: str, folder: str, paths: Set[str], lines: List[str]
) -> None:
    source = SourceTree(root, "x:x", tuple(SourceFile(path, "0", 1, False) for path in paths))
    ignore = IgnorePatterns(lines)
    tree = present_tree(source, folder, ignore)
    assert tree.root == root
    for path in paths:
        file = f"{root}/{path}" if root else path
        landed = f"{folder}/{path}" if folder else path
        assert tree.leaves_out(file) == ignore.is_ignored(landed)
        assert tree.holds(file) != tree.leaves_out(file)
        assert tree.holds_as(file, path) == tree.holds(file)
    assert tree.paths | tree.ignored == paths
