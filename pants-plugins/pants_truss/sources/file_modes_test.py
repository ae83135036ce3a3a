"""The rules that ask the file system itself about files, in each session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List

import pytest
from pants.option.global_options import GlobalOptions
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.sources import file_modes
from pants_truss.sources.file_modes import FileModes, FileModesRequest, edited_meanwhile


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *file_modes.rules(),
            QueryRule(FileModes, [FileModesRequest]),
            QueryRule(GlobalOptions, []),
        ]
    )


@pytest.fixture
def root(rule_runner: RuleRunner) -> Path:
    rule_runner.set_options([])
    return Path(rule_runner.build_root)


# --- Modes.


def test_modes_of_files_that_are_there(rule_runner: RuleRunner, root: Path) -> None:
    modes = {"user": 0o744, "group": 0o654, "none": 0o644, "all": 0o777}
    (root / "modes").mkdir()
    for name, mode in modes.items():
        (root / "modes" / name).write_text("")
        (root / "modes" / name).chmod(mode)
    (root / "modes/link").symlink_to("user")
    (root / "modes/broken").symlink_to("nowhere")
    asked = [f"modes/{name}" for name in (*modes, "link", "broken", "absent", "user/below")]
    found = rule_runner.request(FileModes, [FileModesRequest(tuple(asked))])
    assert found.files == {f"modes/{name}" for name in (*modes, "link")}
    assert found.executables == {"modes/user", "modes/all", "modes/link"}


@pytest.mark.parametrize(
    ("path", "unless_there", "expected"),
    [
        ("run", False, True),
        ("x", True, False),
        ("made", True, True),
        ("made", False, False),
    ],
)
def test_a_file_that_is_generated_has_the_mode_it_was_made_with(
    path: str, unless_there: bool, expected: bool
) -> None:
    modes = FileModes(frozenset({"run", "x"}), frozenset({"run"}))
    assert modes.is_executable(path, unless_there) is expected


# --- Edits while Pants runs.


def global_options(rule_runner: RuleRunner, *options: str) -> GlobalOptions:
    rule_runner.set_options(options)
    return rule_runner.request(GlobalOptions, [])


def test_files_that_changed_since_are_listed_in_their_order(
    rule_runner: RuleRunner, root: Path
) -> None:
    (root / "edited").mkdir()
    for name in ("b", "a", "old"):
        (root / "edited" / name).write_text("")
    changed = {n: os.stat(root / "edited" / n).st_ctime_ns for n in ("a", "b", "old")}
    asked = ["edited/b", "edited/absent", "edited/a", "edited/old"]
    options = global_options(rule_runner, "--no-pantsd")
    assert edited_meanwhile(asked, options, min(changed.values()) - 1) == [
        "edited/b",
        "edited/a",
        "edited/old",
    ]
    assert edited_meanwhile(asked, options, max(changed.values())) == []
    # Its time of modification can be set; that of the change itself cannot.
    os.utime(root / "edited/a", (0, 0))
    assert edited_meanwhile(asked, options, max(changed.values())) == ["edited/a"]


@pytest.mark.parametrize(
    ("options", "is_asked"),
    [
        (["--pantsd"], False),
        (["--no-pantsd"], True),
        (["--pantsd", "--concurrent"], True),
        (["--no-pantsd", "--concurrent"], True),
    ],
)
def test_the_daemon_gets_notice_of_edits(
    rule_runner: RuleRunner, root: Path, options: List[str], is_asked: bool
) -> None:
    (root / "watched").write_text("")
    found = edited_meanwhile(["watched"], global_options(rule_runner, *options), 0)
    assert found == (["watched"] if is_asked else [])
