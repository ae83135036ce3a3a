"""The errors that planning raises and the findings that it reports, in whole messages."""

from __future__ import annotations

from typing import Iterable, List, Optional, Sequence, Tuple

import pytest
from pants.engine.addresses import Address

from pants_truss.core.gather_plan import GatherPlan, plan_gather
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.import_walk import WalkedGraph
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.source_tree import SourceFile, SourceTree
from pants_truss.core.truss_config import parse
from pants_truss.gather.plan_findings import (
    collision_findings,
    dropped_findings,
    refuse_bad_paths,
    refuse_narrow_sources,
    unowned_findings,
)
from pants_truss.imports.import_closure import ImportClosure
from pants_truss.imports.python_owners import PythonModules
from pants_truss.sources.config_file import InvalidTruss, TrussConfigFile
from pants_truss.sources.target_files import ReadSourceTree
from pants_truss.sources.workspace_scan import BadPath
from pants_truss.subsystems.gather import PackageCollisions

ADDRESS = Address("src/t")
CONFIG = TrussConfigFile("src/t/config.yaml", b"", parse(b"bundled_packages_dir: vendor\n"))
NOTHING = IgnorePatterns([])


def tree(root: str, *paths: str, address: str = "", reason: str = "truss") -> SourceTree:
    files = tuple(SourceFile(path, "0", 1, False) for path in paths)
    return SourceTree(root, address, files, reason)


def read(root: str, *paths: str, bad: Sequence[BadPath] = ()) -> ReadSourceTree:
    return ReadSourceTree(tree(root, *paths, address=f"{root}:x"), tuple(bad), ())


# --- Bad paths.


def refused(ignore: Iterable[str], *trees: ReadSourceTree) -> str:
    with pytest.raises(InvalidTruss) as raised:
        refuse_bad_paths(ADDRESS, CONFIG, trees, IgnorePatterns(ignore))
    return str(raised.value)


def test_bad_paths_of_all_trees_are_one_error() -> None:
    own = read("src/t", bad=[BadPath("a", "", "is a symlink, which"), BadPath("b/c", "", "is")])
    package = read("lib", bad=[BadPath("d", "", "has")])
    assert refused([], own, package) == (
        "src/t:t: src/t/a (src/t:x) is a symlink, which.\n"
        "src/t/b/c (src/t:x) is.\n"
        "lib/d (lib:x) has.\n"
        "Or leave it out with `!` in `sources` of its target."
    )


def test_a_bad_path_at_the_build_root() -> None:
    own = ReadSourceTree(tree("", address="//:x"), (BadPath("a", "", "is"),), ())
    assert ": a (//:x) is.\n" in refused([], own)


@pytest.mark.parametrize(
    ("pattern", "own", "package"),
    [
        ("a", True, True),
        ("/a", True, False),
        ("/vendor/a", False, True),
        ("vendor/", False, True),
        ("a/", True, True),
        ("b", False, False),
    ],
)
def test_a_bad_path_that_the_truss_leaves_out_is_not_an_error(
    pattern: str, own: bool, package: bool
) -> None:
    ignore, bad = IgnorePatterns([pattern]), [BadPath("a", "", "is bad")]
    for trees, is_left_out in (
        ([read("src/t", bad=bad)], own),
        ([read("src/t"), read("lib", bad=bad)], package),
    ):
        if is_left_out:
            refuse_bad_paths(ADDRESS, CONFIG, trees, ignore)
        else:
            assert "a (" in refused([pattern], *trees)


def test_no_bad_paths_are_no_error() -> None:
    refuse_bad_paths(ADDRESS, CONFIG, [read("src/t", "a"), read("lib")], NOTHING)


# --- Narrow sources.


@pytest.mark.parametrize(
    ("config", "user_ignore", "paths", "missing"),
    [
        ("config.yaml", None, ["config.yaml"], None),
        ("config.yaml", b"", ["config.yaml", ".truss_ignore"], None),
        ("config.yaml", None, ["model/model.py"], "config.yaml"),
        ("conf/prod.yaml", None, ["config.yaml"], "conf/prod.yaml"),
        ("config.yaml", b"", ["config.yaml"], ".truss_ignore"),
        # The config first.
        ("config.yaml", b"x", [], "config.yaml"),
    ],
)
def test_sources_that_leave_out_what_gathering_reads(
    config: str, user_ignore: Optional[bytes], paths: List[str], missing: Optional[str]
) -> None:
    own = tree("src/t", *paths)
    if missing is None:
        refuse_narrow_sources(ADDRESS, config, own, user_ignore)
        return
    with pytest.raises(InvalidTruss) as raised:
        refuse_narrow_sources(ADDRESS, config, own, user_ignore)
    assert str(raised.value) == (
        f"src/t:t: its `sources` leave out its {missing}. Add "
        f"'{missing}' to them, or changes to it will go unnoticed."
    )


# --- Collisions.


def gathered(path: str, target: str, content: str = "0") -> GatheredFile:
    source = f"{target.partition(':')[0]}/{path}"
    return GatheredFile(path, content, 1, False, target, source, "truss")


def collisions(
    behavior: PackageCollisions, *claims: Sequence[GatheredFile]
) -> List[Tuple[str, str, str, Severity]]:
    found = collision_findings(plan_gather(claims), behavior)
    return [(f.rule, f.path, f.message, f.severity) for f in found]


ONE, TWO = gathered("p/a.py", "one:t", "1"), gathered("p/a.py", "two:t", "2")
BOTH = "p/a.py comes from more than one source: one/p/a.py (one:t), two/p/a.py (two:t). "


def test_a_collision_is_reported_at_the_last_source() -> None:
    assert collisions(PackageCollisions.ERROR, [ONE], [TWO]) == [
        (
            "collision",
            "two/p/a.py",
            BOTH + "Rename one, leave one out with `!` in `sources` of its target, or set "
            '`[truss-gather].package_collisions = "warn"` to let the last one win.',
            Severity.ERROR,
        )
    ]
    assert collisions(PackageCollisions.WARN, [ONE], [TWO]) == [
        ("collision", "two/p/a.py", BOTH + "The last one wins.", Severity.WARNING)
    ]


def test_a_generated_file_is_reported_at_its_place_in_the_truss() -> None:
    made = GatheredFile("p/a.py", "2", 1, False, "two:t", None, "generated")
    ((_, path, _, _),) = collisions(PackageCollisions.WARN, [ONE], [made])
    assert path == "p/a.py"


@pytest.mark.parametrize(
    ("behavior", "other_target", "severity"),
    [
        (PackageCollisions.ERROR, "two:t", Severity.ERROR),
        (PackageCollisions.WARN, "two:t", Severity.WARNING),
        # Both are of one target: the repository has them so, and nothing overwrites them here.
        (PackageCollisions.ERROR, "one:t", Severity.WARNING),
    ],
)
def test_names_that_some_file_systems_take_for_one(
    behavior: PackageCollisions, other_target: str, severity: Severity
) -> None:
    one, other = gathered("p/A.py", "one:t"), gathered("p/a.py", other_target)
    folder = other_target.partition(":")[0]
    assert collisions(behavior, [one, other]) == [
        (
            "collision",
            f"{folder}/p/a.py",
            f"{folder}/p/a.py ({other_target}) and one/p/A.py (one:t) are p/a.py and p/A.py in the "
            "gathered truss: names that are equal but for case or Unicode normalisation, so one "
            "overwrites the other on macOS and Windows. Rename one.",
            severity,
        )
    ]


def test_a_plan_without_collisions() -> None:
    assert not [*collision_findings(GatherPlan((ONE,), ()), PackageCollisions.ERROR)]
    # The same bytes twice are no collision.
    same = gathered("p/a.py", "two:t", "1")
    assert not collisions(PackageCollisions.ERROR, [ONE], [same])


# --- Dropped files.


def closure(*left_out: Tuple[str, str]) -> ImportClosure:
    return ImportClosure((), (), WalkedGraph((), (), (), ()), left_out)


def test_imports_that_are_left_out_are_reported_by_path() -> None:
    imported = [
        tree("lib", "z/build/x.py", "kept.py", reason="imported by src/t/model/model.py"),
        tree("lib", "build/__init__.py", reason="explicit dependency"),
    ]
    left_out = closure(("src/t/model/build/a.py", "imported by src/t/model/b.py"))
    found = [*dropped_findings(CONFIG, left_out, imported, IgnorePatterns(["build/"]))]
    assert [(f.path, f.message.partition(",")[0]) for f in found] == [
        ("lib/build/__init__.py", "it is explicit dependency"),
        ("lib/z/build/x.py", "it is imported by src/t/model/model.py"),
        ("src/t/model/build/a.py", "it is imported by src/t/model/b.py"),
    ]
    assert found[0] == Finding(
        "dropped-file",
        "lib/build/__init__.py",
        "it is explicit dependency, but src/t/.truss_ignore or `[truss-gather].ignore` leaves it "
        "out. Remove the pattern, or include the file again with a `!` line after it.",
        Severity.ERROR,
    )


def test_a_pattern_means_paths_of_the_result() -> None:
    imported = [tree("lib", "x.py")]
    assert not [*dropped_findings(CONFIG, closure(), imported, IgnorePatterns(["/lib/", "/x.py"]))]
    assert [*dropped_findings(CONFIG, closure(), imported, IgnorePatterns(["/vendor/x.py"]))]


# --- Python that no target owns.


def unowned(
    own: Sequence[str], *, ignore: Sequence[str] = (), root: str = "src/t"
) -> List[Finding]:
    names = [f"{root}/{path}" if root else path for path in own]
    modules = [PythonModules((), tuple(names))]
    trees = [read(root, *own)]
    return [*unowned_findings(CONFIG, trees, modules, IgnorePatterns(ignore), [])]


def test_one_file_that_no_target_owns() -> None:
    assert unowned(["model/model.py"]) == [
        Finding(
            "unowned-python",
            "src/t/model/model.py",
            "no target owns src/t/model/model.py, so what it imports is not bundled. Write "
            '`python_sources(name="sources", sources=["model/**/*.py"])` into the BUILD file in '
            "src/t, or run `pants tailor`.",
            Severity.WARNING,
        )
    ]


def test_of_many_files_three_are_named() -> None:
    (found,) = unowned([f"m{number}.py" for number in range(5)], root="")
    assert found.message == (
        "no target owns m0.py, m1.py, m2.py and 2 more, so what they import is not bundled. Write "
        '`python_sources(name="sources", sources=["*.py"])` into the BUILD file in the build root, '
        "or run `pants tailor`."
    )
    (found,) = unowned(["a.py", "b.py", "c.py"])
    assert "owns src/t/a.py, src/t/b.py, src/t/c.py, so" in found.message


def test_what_the_truss_leaves_out_or_is_empty_needs_no_owner() -> None:
    assert not unowned(["tests/x.py"], ignore=["tests/"])
    empty = ReadSourceTree(
        SourceTree("src/t", "", (SourceFile("__init__.py", "0", 0, False),)), (), ()
    )
    modules = [PythonModules((), ("src/t/__init__.py",))]
    assert not [*unowned_findings(CONFIG, [empty], modules, NOTHING, [])]


def test_each_tree_has_a_finding_of_its_own() -> None:
    trees = [read("src/t", "a.py"), read("lib", "b.py", "c.py"), read("other", "d.py")]
    modules = [
        PythonModules((), ("src/t/a.py",)),
        PythonModules((), ("lib/c.py",)),
        PythonModules((), ()),
    ]
    ignore = IgnorePatterns(["/c.py", "/vendor/a.py"])
    found = [*unowned_findings(CONFIG, trees, modules, ignore, [])]
    assert [finding.path for finding in found] == ["src/t/a.py", "lib/c.py"]


def test_bundled_init_files_without_a_target() -> None:
    empty = SourceTree("lib", "", (SourceFile("e/__init__.py", "0", 0, False),))
    imported = [
        empty,
        tree("lib", "a/__init__.py"),
        tree("lib", "b/__init__.py", address="lib/b"),
        tree("", "c/__init__.py"),
    ]
    (found,) = unowned_findings(CONFIG, [], [], NOTHING, imported)
    assert found == Finding(
        "unowned-python",
        "lib/a/__init__.py",
        "no target owns lib/a/__init__.py, c/__init__.py, so what they import is not bundled. Make "
        "it part of the `python_sources` beside it.",
        Severity.WARNING,
    )
