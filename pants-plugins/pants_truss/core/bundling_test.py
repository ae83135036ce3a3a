from __future__ import annotations

from pants_truss.core.bundling import HeldFiles, HeldTree, held_tree
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.source_tree import SourceFile, SourceTree

HELD = HeldFiles(
    truss=HeldTree("t", frozenset({"model/model.py", "model/helper.py", "packages/own/x.py"})),
    packages=(HeldTree("s/ext", frozenset({"lib/a.py", "lib/b.py"})),),
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


def test_what_is_ignored_is_not_held() -> None:
    def tree(root: str, *paths: str) -> SourceTree:
        return SourceTree(root, "a:a", tuple(SourceFile(path, "0", 1, False) for path in paths))

    ignore = IgnorePatterns(["*.pyc", "/packages/lib/drop.py"])
    truss = held_tree(tree("t", "model/model.py", "model/x.pyc"), "", ignore)
    assert truss.paths == {"model/model.py"}
    assert truss.leaves_out("t/model/x.pyc")
    package = held_tree(tree("e", "lib/a.py", "lib/drop.py"), "packages", ignore)
    assert package.paths == {"lib/a.py"}


def test_a_truss_in_the_build_root() -> None:
    held = HeldFiles(HeldTree("", frozenset({"model/a.py"})), (), "packages", "model")
    assert held.is_there("model/a.py", "model/a.py", None)
    assert not held.is_there("lib/a.py", "lib/a.py", None)
