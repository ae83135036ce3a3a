"""Findings about files that a truss lacks: ignored ones, pointers, empty submodules."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, List, Sequence

import pytest
from pants.engine.addresses import Address

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.source_tree import SourceFile, SourceTree
from pants_truss.core.truss_config import parse
from pants_truss.gather.absent_content import (
    ignored_findings,
    pointer_findings,
    submodule_findings,
    tracked_output_findings,
)
from pants_truss.sources.config_file import TrussConfigFile
from pants_truss.sources.pointer_files import EmptySubmodules, FoundPointers
from pants_truss.sources.target_files import ReadSourceTree
from pants_truss.sources.workspace_ignore import IgnoreLine
from pants_truss.sources.workspace_scan import MAX_IGNORED_FILES, IgnoredPath
from pants_truss.target_types.truss import (
    TrussExternalPackageSourcesField,
    TrussSourcesField,
)

CONFIG = TrussConfigFile("src/t/config.yaml", b"", parse(b"bundled_packages_dir: vendor\n"))
NOTHING = IgnorePatterns([])
OWN = IgnoreLine("*.pkl", ".gitignore:2")


def tree(
    root: str, ignored: Sequence[IgnoredPath] = (), paths: Iterable[str] = ()
) -> ReadSourceTree:
    files = tuple(SourceFile(path, "0", 1, False) for path in paths)
    return ReadSourceTree(SourceTree(root, f"{root}:x", files), (), tuple(ignored))


def file(path: str, line: IgnoreLine = OWN) -> IgnoredPath:
    return IgnoredPath(path, False, line, (path,))


def folder(path: str, *names: str, line: IgnoreLine = OWN) -> IgnoredPath:
    return IgnoredPath(path, True, line, tuple(f"{path}/{name}" for name in names or ("x",)))


def found(*trees: ReadSourceTree, ignore: Sequence[str] = ()) -> List[Finding]:
    return [*ignored_findings(CONFIG, trees, IgnorePatterns(ignore))]


# --- Ignored files.


def test_an_ignored_file_is_an_error_with_the_ways_out() -> None:
    assert found(tree("src/t", [file("data/a.pkl")])) == [
        Finding(
            "dropped-file",
            "src/t/data/a.pkl",
            "the file is left out, as Pants ignores it by `*.pkl` (.gitignore:2). To package it, "
            "add `!/src/t/data/a.pkl` to .gitignore below that line, set "
            "`pants_ignore_use_gitignore = false`, or add `pants_ignore.add = "
            '["!/src/t/data/a.pkl"]` to `[GLOBAL]` in pants.toml. To leave it out, add '
            '"!data/a.pkl" to `sources` of src/t:x.',
            Severity.ERROR,
        )
    ]


def test_an_ignored_folder_counts_its_files() -> None:
    (one,) = found(tree("src/t", [folder("data/w")]))
    assert one.message.startswith(
        "the folder is left out, as Pants ignores it by `*.pkl` (.gitignore:2). It holds 1 "
        "file. To package"
    )
    assert '"!data/w/**" to `sources` of src/t:x' in one.message
    assert "add `!/src/t/data/w/` to .gitignore" in one.message
    (many,) = found(tree("", [folder("data/w", *map(str, range(MAX_IGNORED_FILES)))]))
    assert f"It holds {MAX_IGNORED_FILES} or more files." in many.message
    assert "add `!/data/w/` to .gitignore" in many.message


def test_a_pattern_of_one_machine_says_so() -> None:
    line = IgnoreLine("*.bin", "/home/me/.config/git/ignore:1", is_personal=True)
    (one,) = found(tree("src/t", [file("data/a.bin", line)]))
    assert one.severity is Severity.ERROR
    assert (
        "by `*.bin` (/home/me/.config/git/ignore:1). That line is not part of the repository: other "
        "machines gather other files. To package it, remove the line from "
        "/home/me/.config/git/ignore, or add `pants_ignore.add"
    ) in one.message


def test_what_a_pattern_of_one_machine_brings_back() -> None:
    """The tree has the file, and the tree of another machine does not."""
    kept_by = IgnoreLine("!*.pkl", ".git/info/exclude:3", is_personal=True)
    ignored = [replace(file(f"data/{name}.pkl"), kept_by=kept_by) for name in "ab"]
    (one,) = found(tree("src/t", ignored, ["data/a.pkl", "data/b.pkl"]))
    assert (one.place, one.severity) == ("src/t/data/a.pkl", Severity.ERROR)
    assert one.message == (
        "the file and src/t/data/b.pkl are packaged on this machine only: other machines ignore "
        "them by `*.pkl` (.gitignore:2), and `!*.pkl` (.git/info/exclude:3), which is not part of "
        "the repository, brings them back here. To package them everywhere, add "
        "`!/src/t/data/a.pkl` `!/src/t/data/b.pkl` to .gitignore below that line. To leave them "
        "out, remove the line from .git/info/exclude."
    )


def test_a_pattern_of_an_option_names_the_option() -> None:
    line = IgnoreLine("*.bin", "`[GLOBAL].pants_ignore`")
    (one,) = found(tree("src/t", [file("data/a.bin", line)]))
    assert "To package it, add `pants_ignore.add = " in one.message


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("data/a.pkl", Severity.ERROR),
        ("model/a.pkl", Severity.ERROR),
        ("vendor/pkg/a.pkl", Severity.ERROR),
        ("a.pkl", Severity.WARNING),
        ("notebooks/a.pkl", Severity.WARNING),
        ("model/.cfg/a.pkl", Severity.WARNING),
        # Truss leaves these out too.
        ("model/native.so", Severity.WARNING),
        ("model/lib/a.py", Severity.WARNING),
    ],
)
def test_what_the_server_reads_is_an_error(path: str, severity: Severity) -> None:
    (one,) = found(tree("src/t", [file(path)]))
    assert one.severity is severity


def test_each_file_of_an_external_package_is_in_a_package() -> None:
    (one,) = found(tree("src/t"), tree("shared", [file("a.pkl")]))
    assert (one.path, one.severity) == ("shared/a.pkl", Severity.ERROR)


def test_many_files_of_one_pattern_are_one_finding() -> None:
    names = [f"data/{number}.pkl" for number in range(5)]
    (one,) = found(tree("src/t", [*map(file, names)]))
    assert one.message.startswith("the file and 4 more are left out, as Pants ignores them")
    assert '["!/src/t/**/*.pkl"]' in one.message and '"!**/*.pkl" to `sources`' in one.message
    two = found(tree("src/t", [file("data/a.pkl"), file("a.pkl")]))
    assert [each.severity for each in two] == [Severity.ERROR, Severity.WARNING]


def test_what_the_truss_leaves_out_is_not_missed() -> None:
    trees = [tree("src/t", [file("a.pkl"), folder("lib")]), tree("s", [folder("lib")])]
    assert not found(*trees, ignore=["*.pkl", "lib/"])
    (left,) = found(*trees, ignore=["a.pkl", "/vendor/lib/"])
    assert left.path == "src/t/lib"


# --- Content that was not fetched.


def gathered(path: str, source: str) -> GatheredFile:
    return GatheredFile(path, "0", 130, False, "src/t:x", source, "truss")


def test_pointers_have_the_severity_of_their_place() -> None:
    files = [gathered("data/a", "src/t/data/a"), gathered("doc.png", "src/t/doc.png")]
    pointers = [FoundPointers((("src/t/data/a", "is one"), ("src/t/doc.png", "is two")))]
    assert [*pointer_findings(CONFIG.config, files, pointers)] == [
        Finding("dropped-file", "src/t/data/a", "it is one.", Severity.ERROR),
        Finding("dropped-file", "src/t/doc.png", "it is two.", Severity.WARNING),
    ]


def submodules(*globs: str, paths: Sequence[str], ignore: Sequence[str] = ()) -> List[Finding]:
    fields = [
        TrussSourcesField(globs or None, Address("src/t")),
        TrussExternalPackageSourcesField(None, Address("shared")),
    ]
    return [
        *submodule_findings(CONFIG, fields, IgnorePatterns(ignore), EmptySubmodules(tuple(paths)))
    ]


def test_an_empty_submodule_names_the_command() -> None:
    paths = [
        "elsewhere/x",
        "shared/kit",
        "src/t",
        "src/t/docs",
        "src/t/model/kit",
        "src/tt/x",
    ]
    assert submodules(paths=paths) == [
        Finding(
            "dropped-file",
            "src/t/docs",
            "it is a submodule that is not checked out. Run "
            "`git submodule update --init src/t/docs`.",
            Severity.WARNING,
        ),
        Finding(
            "dropped-file",
            "src/t/model/kit",
            "it is a submodule that is not checked out. Run "
            "`git submodule update --init src/t/model/kit`.",
            Severity.ERROR,
        ),
        Finding(
            "dropped-file",
            "shared/kit",
            "it is a submodule that is not checked out. Run "
            "`git submodule update --init shared/kit`.",
            Severity.ERROR,
        ),
    ]


def test_a_submodule_that_the_truss_leaves_out_is_not_missed() -> None:
    paths = ["src/t/model/kit"]
    assert not submodules("**/*", "!model/kit/**", paths=paths)
    assert not submodules("*.yaml", paths=paths)
    assert not submodules(paths=paths, ignore=["kit/"])
    assert submodules("**/*.py", paths=paths)


def test_an_output_of_dvc_that_is_not_there() -> None:
    paths = [
        "data/a.pkl.dvc",
        "data/b.dvc",
        "data/b/x",
        "data/c.dvc",
        "data/c",
        ".dvc",
        "d.dvc",
    ]
    findings = [*tracked_output_findings(CONFIG, [tree("src/t", paths=paths)], NOTHING)]
    assert findings[0] == Finding(
        "dropped-file",
        "src/t/data/a.pkl.dvc",
        "it stands for src/t/data/a.pkl, which is not there. Run `dvc pull`.",
        Severity.WARNING,
    )
    assert [each.path for each in findings] == ["src/t/data/a.pkl.dvc", "src/t/d.dvc"]
    ignored = tree("src/t", [file("data/a.pkl")], ["data/a.pkl.dvc"])
    assert not [*tracked_output_findings(CONFIG, [ignored], NOTHING)]
    left_out = tree("src/t", paths=["d.dvc"])
    assert not [*tracked_output_findings(CONFIG, [left_out], IgnorePatterns(["/d"]))]
