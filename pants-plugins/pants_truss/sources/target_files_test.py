"""The files of a target, read from real folders."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from pants.engine.addresses import Address
from pants.testutil.rule_runner import RuleRunner

from pants_truss.core.source_tree import SourceFile
from pants_truss.sources.target_files import (
    FindSourcePathsRequest,
    FoundSourcePaths,
    ReadSourceTree,
    ReadSourceTreeRequest,
)
from pants_truss.sources.workspace_ignore import IgnoreLine
from pants_truss.target_types.truss import TrussSourcesField
from pants_truss.testutil.rule_runners import new_source_tree_runner


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_source_tree_runner()


def case(
    rule_runner: RuleRunner,
    folder: str,
    files: Dict[str, str],
    build: str = "truss(name='t')",
) -> Path:
    rule_runner.write_files({f"{folder}/{path}": text for path, text in files.items()})
    rule_runner.write_files({f"{folder}/BUILD": build})
    return Path(rule_runner.build_root, folder)


def read(rule_runner: RuleRunner, folder: str) -> ReadSourceTree:
    # Links and modes are looked at once in a session.
    rule_runner.set_options([])
    target = rule_runner.get_target(Address(folder, target_name="t"))
    return rule_runner.request(ReadSourceTree, [ReadSourceTreeRequest(target[TrussSourcesField])])


def paths(found: ReadSourceTree) -> List[str]:
    return sorted(file.path for file in found.tree.files)


def problems(found: ReadSourceTree) -> List[Tuple[str, str]]:
    return [(bad.path, bad.problem) for bad in found.bad_paths]


def source_paths(rule_runner: RuleRunner, folder: str) -> List[str]:
    target = rule_runner.get_target(Address(folder, target_name="t"))
    request = FindSourcePathsRequest(target[TrussSourcesField])
    return sorted(rule_runner.request(FoundSourcePaths, [request]).paths)


LOST = "is a symlink to a file that Pants ignores, by `[GLOBAL].pants_ignore` or git"


def test_files_with_their_size_digest_and_mode(rule_runner: RuleRunner) -> None:
    folder = case(rule_runner, "plain", {"é x/[a]*.py": "é", "run.sh": "", "x": "1"})
    (folder / "run.sh").chmod(0o700)
    found = read(rule_runner, "plain")
    assert (found.tree.root, found.tree.address, found.tree.reason) == (
        "plain",
        "plain:t",
        "truss",
    )
    assert {file.path: file for file in found.tree.files} == {
        "é x/[a]*.py": SourceFile(
            "é x/[a]*.py", hashlib.sha256("é".encode()).hexdigest(), 2, False
        ),
        "run.sh": SourceFile("run.sh", hashlib.sha256(b"").hexdigest(), 0, True),
        "x": SourceFile("x", hashlib.sha256(b"1").hexdigest(), 1, False),
    }
    assert (found.bad_paths, found.ignored) == ((), ())


def test_a_mode_that_changed_is_seen_in_the_next_session(
    rule_runner: RuleRunner,
) -> None:
    folder = case(rule_runner, "modes", {"run": "x"})
    for mode, expected in (
        (0o644, False),
        (0o755, True),
        (0o655, False),
        (0o744, True),
    ):
        (folder / "run").chmod(mode)
        (file,) = read(rule_runner, "modes").tree.files
        assert file.is_executable is expected


def test_build_files_are_left_out_whatever_names_them(rule_runner: RuleRunner) -> None:
    case(
        rule_runner,
        "builds",
        {
            "sub/BUILD.pants": "",
            "sub/BUILD.md": "",
            "BUILDING": "",
            "build": "",
            "sub/x": "",
        },
        "truss(name='t', sources=['**/*', 'BUILD', 'sub/BUILD.pants'])",
    )
    # `BUILD.md` is what Pants takes for a BUILD file.
    assert paths(read(rule_runner, "builds")) == ["BUILDING", "build", "sub/x"]


def test_globs_of_the_field(rule_runner: RuleRunner) -> None:
    files = {
        "a.py": "",
        "b.py": "",
        "sub/c.py": "",
        "sub/deep/d.py": "",
        "sub/e.txt": "",
    }
    build = "truss(name='t', sources=['*.py', 'sub/**/*.py', '!b.py', '!sub/deep/**'])"
    case(rule_runner, "globs", files, build)
    assert paths(read(rule_runner, "globs")) == ["a.py", "sub/c.py"]
    assert source_paths(rule_runner, "globs") == ["globs/a.py", "globs/sub/c.py"]


def test_a_target_at_the_build_root(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "BUILD": "truss(name='t', sources=['root_*', 'rooted/**'])",
            "root_a": "",
            "rooted/b": "",
        }
    )
    found = read(rule_runner, "")
    assert (found.tree.root, found.tree.address) == ("", "//:t")
    assert paths(found) == ["root_a", "rooted/b"]


def test_no_files_are_no_error(rule_runner: RuleRunner) -> None:
    case(rule_runner, "none", {}, "truss(name='t', sources=['nothing/*'])")
    found = read(rule_runner, "none")
    assert (found.tree.files, found.bad_paths, found.ignored) == ((), (), ())


# --- Links.


def test_links_are_followed(rule_runner: RuleRunner) -> None:
    folder = case(rule_runner, "links", {"file": "x", "sub/y": "yy"})
    rule_runner.write_files({"links_other/run": "z"})
    Path(rule_runner.build_root, "links_other/run").chmod(0o755)
    (folder / "link").symlink_to("file")
    (folder / "sub/out").symlink_to("../../links_other")
    found = read(rule_runner, "links")
    assert {file.path: (file.size, file.is_executable) for file in found.tree.files} == {
        "file": (1, False),
        "link": (1, False),
        "sub/out/run": (1, True),
        "sub/y": (2, False),
    }
    assert found.bad_paths == ()


def test_bad_links_are_reported_and_the_rest_is_read(rule_runner: RuleRunner) -> None:
    folder = case(rule_runner, "bad", {"file": "x", "sub/y": ""})
    (folder / "sub/broken").symlink_to("nowhere")
    (folder / "sub/absolute").symlink_to("/etc/hostname")
    (folder / "around").symlink_to(".")
    found = read(rule_runner, "bad")
    assert paths(found) == ["file", "sub/y"]
    assert problems(found) == [
        (
            "around",
            "is a symlink to '.', a folder that holds the link: it has no end. Remove it",
        ),
        (
            "sub/absolute",
            "is a symlink to '/etc/hostname', an absolute path. Make it relative",
        ),
        (
            "sub/broken",
            "is a symlink to 'nowhere', which does not exist. Remove it or fix it",
        ),
    ]
    assert source_paths(rule_runner, "bad") == ["bad/BUILD", "bad/file", "bad/sub/y"]


@pytest.mark.parametrize(
    ("name", "sources", "told"),
    [
        ("excluded", "['**/*', '!sub/broken']", []),
        ("in_excluded", "['**/*', '!sub/**']", []),
        ("other_folder", "['*', 'other/**']", []),
        # It may have been a folder, with such a file in it.
        ("other_suffix", "['**/*.py']", ["sub/broken"]),
        ("other_suffix_here", "['sub/*.py']", []),
        ("named", "['sub/broken']", ["sub/broken"]),
        ("below", "['sub/*/*.py']", ["sub/broken"]),
        ("excluded_below", "['**/*', '!sub/broken/**']", []),
    ],
)
def test_a_bad_link_is_reported_where_the_globs_would_take_it(
    rule_runner: RuleRunner, name: str, sources: str, told: List[str]
) -> None:
    folder = case(rule_runner, name, {"sub/x.txt": ""}, f"truss(name='t', sources={sources})")
    (folder / "sub/broken").symlink_to("nowhere")
    assert [path for path, _ in problems(read(rule_runner, name))] == told


def test_a_bad_link_to_a_file_does_not_count_for_globs_of_other_files(
    rule_runner: RuleRunner,
) -> None:
    files = {"sub/x.py": "", "sub/data.txt": ""}
    folder = case(rule_runner, "to_file", files, "truss(name='t', sources=['**/*.py'])")
    (folder / "sub/absolute").symlink_to(folder / "sub/data.txt")
    found = read(rule_runner, "to_file")
    assert (paths(found), problems(found)) == (["sub/x.py"], [])
    (folder / "sub/absolute.py").symlink_to(folder / "sub/data.txt")
    assert [path for path, _ in problems(read(rule_runner, "to_file"))] == ["sub/absolute.py"]


def test_a_link_to_what_pants_ignores_is_reported(rule_runner: RuleRunner) -> None:
    folder = case(rule_runner, "lost", {".hidden/x": "", "y": ""})
    (folder / "to_file").symlink_to(".hidden/x")
    (folder / "to_folder").symlink_to(".hidden")
    found = read(rule_runner, "lost")
    assert paths(found) == ["y"]
    assert problems(found) == [
        (
            "to_folder",
            "is a symlink to '.hidden', a folder that Pants ignores (`[GLOBAL].pants_ignore` or "
            "git)",
        ),
        ("to_file", LOST),
    ]
    assert [ignored.path for ignored in found.ignored] == [".hidden"]


def test_hostile_names_of_bad_links_keep_nothing_else_out(
    rule_runner: RuleRunner,
) -> None:
    names = ["*", "a[b]", "!x", "back\\slash", "end ", "\u00e9", "#x", "{x}", "tab\t", "x\r"]
    files = {f"other_{index}": "" for index in range(3)}
    folder = case(rule_runner, "hostile", {**files, "ab": "", "x": "", "end": ""})
    for name in names:
        (folder / name).symlink_to("/nowhere")
    found = read(rule_runner, "hostile")
    assert [bad.path for bad in found.bad_paths] == sorted(names)
    assert paths(found) == ["ab", "end", "other_0", "other_1", "other_2", "x"]


def test_a_name_that_is_not_utf8_is_reported(rule_runner: RuleRunner) -> None:
    folder = case(rule_runner, "bytes", {"x": ""})
    with open(os.fsencode(str(folder)) + b"/bad\xff", "wb"):
        pass
    found = read(rule_runner, "bytes")
    assert problems(found) == [("bad\\udcff", "has a name that is not UTF-8. Rename it")]
    assert paths(found) == ["x"]


def test_a_folder_whose_name_is_not_utf8_is_reported(rule_runner: RuleRunner) -> None:
    build = "truss(name='t', sources=['config.yaml', '**/*.py'])"
    folder = case(rule_runner, "bytes_folder", {"x.py": ""}, build)
    inside = os.fsencode(str(folder)) + b"/lib\xff"
    os.mkdir(inside)
    with open(inside + b"/y.py", "wb"):
        pass
    found = read(rule_runner, "bytes_folder")
    assert [path for path, _ in problems(found)] == ["lib\\udcff"]


# --- Other paths that are left out.


def test_virtual_environments_are_left_out(rule_runner: RuleRunner) -> None:
    files = {
        "env/pyvenv.cfg": "",
        "env/lib/x.py": "",
        "model/[v]/pyvenv.cfg": "",
        "model/v": "",
    }
    folder = case(rule_runner, "venvs", files)
    (folder / "env/python").symlink_to("/usr/bin/python3")
    found = read(rule_runner, "venvs")
    assert paths(found) == ["model/v"]
    assert found.bad_paths == ()


def test_hidden_folders_are_reported_and_litter_is_not(rule_runner: RuleRunner) -> None:
    files = {".data/x": "", "sub/.more/y": "", ".mypy_cache/z": "", "keep": ""}
    case(rule_runner, "hidden", files)
    found = read(rule_runner, "hidden")
    assert [(ignored.path, ignored.files) for ignored in found.ignored] == [
        (".data", (".data/x",)),
        ("sub/.more", ("sub/.more/y",)),
    ]
    assert paths(found) == ["keep"]


def test_what_the_globs_do_not_match_is_not_missed(rule_runner: RuleRunner) -> None:
    files = {".data/x.txt": "", ".data/y.py": "", "sub/.more/z": "", ".left/z.py": "", "a.py": ""}
    build = "truss(name='t', sources=['**/*.py', '!.left/**'])"
    case(rule_runner, "narrow", files, build)
    (ignored,) = read(rule_runner, "narrow").ignored
    assert (ignored.path, ignored.files) == (".data", (".data/y.py",))
    assert ignored.line == IgnoreLine(".*/", "`[GLOBAL].pants_ignore`")


def test_a_link_loop_of_two_folders_comes_to_an_end(rule_runner: RuleRunner) -> None:
    folder = case(rule_runner, "loop", {"a/x": "", "b/y": ""})
    (folder / "a/to_b").symlink_to("../b")
    (folder / "b/to_a").symlink_to("../a")
    found = read(rule_runner, "loop")
    assert [path for path, _ in problems(found)] == ["a/to_b/to_a", "b/to_a/to_b"]
    assert {"a/x", "b/y"} <= set(paths(found))
    assert {"loop/a/x", "loop/b/y"} <= set(source_paths(rule_runner, "loop"))
