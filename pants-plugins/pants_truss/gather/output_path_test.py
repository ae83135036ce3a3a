from __future__ import annotations

import pytest
from pants.testutil.rule_runner import RuleRunner

from pants_truss.target_types.truss import TrussTarget
from pants_truss.testutil.output_paths import RULES, error, resolve


@pytest.fixture
def rule_runner() -> RuleRunner:
    # Each case has a repository of its own, as all trusses of one are compared.
    return RuleRunner(
        rules=RULES,
        target_types=[TrussTarget],
    )


def test_paths_by_default_and_of_a_field(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "src/a/BUILD": "truss()\ntruss(name='b')",
            "src/c/BUILD": "truss(output_path='trusses/c')",
            "é x/BUILD": "truss(output_path='[out] é')",
        }
    )
    assert resolve(rule_runner, "src/a") == "src.a/a"
    assert resolve(rule_runner, "src/a", "b") == "src.a/b"
    assert resolve(rule_runner, "src/c") == "trusses/c"
    assert resolve(rule_runner, "é x") == "[out] é"


def test_a_truss_at_the_build_root(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"BUILD": "truss(name='top')"})
    assert resolve(rule_runner, "", "top") == "top"


@pytest.mark.parametrize(
    ("path", "instead"),
    [
        ("../out", "t/t"),
        ("..", "t/t"),
        ("/tmp/out", "t/t"),
        ("a/../../out", "t/t"),
        (".", "t/t"),
        ("./", "t/t"),
        ("a/..", "t/t"),
        ("${spec_path_normalized}/../..", "t/t"),
    ],
)
def test_a_path_that_is_not_one_below_dist(
    rule_runner: RuleRunner, path: str, instead: str
) -> None:
    rule_runner.write_files({"t/BUILD": f"truss(output_path={path!r})"})
    assert error(rule_runner, "t") == (
        "t:t: its `output_path` must be a folder below `dist/`, "
        f'but was {path!r}. Write `output_path="{instead}"`, or remove it.'
    )


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("./out", "out"),
        ("out/", "out"),
        ("a//b", "a/b"),
        ("a/./b/../c", "a/c"),
        ("trusses/${target_name_normalized}", "trusses/t"),
        ("${spec_path_normalized}/x${file_suffix}", "deep.t/x"),
    ],
)
def test_what_a_path_stands_for(rule_runner: RuleRunner, path: str, resolved: str) -> None:
    rule_runner.write_files({"deep/t/BUILD": f"truss(output_path={path!r})"})
    assert resolve(rule_runner, "deep/t") == resolved


def test_a_name_that_stands_for_nothing(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"t/BUILD": "truss(output_path='${spec_path}/x')"})
    assert error(rule_runner, "t") == (
        "t:t: its `output_path` '${spec_path}/x' has `${spec_path}` "
        "in it, which stands for nothing. Use `${spec_path_normalized}`, "
        "`${target_name_normalized}`, `${file_suffix}`."
    )


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("out", "out"),
        ("out", "out/deeper"),
        ("out/deeper/still", "out"),
        # As the tar of one is the folder of the other, or would be.
        ("out.tar", "out"),
        ("out", "out.tar"),
        ("out.tar/x", "out"),
        ("out", "out.tar/x"),
    ],
)
def test_paths_that_overlap(rule_runner: RuleRunner, own: str, other: str) -> None:
    rule_runner.write_files(
        {
            "one/BUILD": f"truss(output_path={own!r})",
            "two/BUILD": f"truss(output_path={other!r})",
            "three/BUILD": "truss(output_path='elsewhere')",
        }
    )
    assert error(rule_runner, "one") == (
        f"one:one: its `output_path` {own!r} overlaps that of "
        f"two:two, {other!r}: one would overwrite the other. Give it a folder of its own: "
        '`output_path="one/one"`.'
    )
    assert f"{other!r} overlaps that of one:one, {own!r}" in error(rule_runner, "two")
    assert resolve(rule_runner, "three") == "elsewhere"


@pytest.mark.parametrize(
    ("own", "other"),
    [("out", "outer"), ("a/b", "a/c"), ("out", "out.tar.gz"), ("out", "OUT2")],
)
def test_paths_that_only_look_alike(rule_runner: RuleRunner, own: str, other: str) -> None:
    rule_runner.write_files(
        {
            "one/BUILD": f"truss(output_path={own!r})",
            "two/BUILD": f"truss(output_path={other!r})",
        }
    )
    assert resolve(rule_runner, "one") == own
    assert resolve(rule_runner, "two") == other


def test_two_default_paths_can_be_one(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"a.b/BUILD": "truss(name='t')", "a/b/BUILD": "truss(name='t')"})
    assert error(rule_runner, "a.b", "t") == (
        "a.b:t: its `output_path` 'a.b/t' overlaps that of a/b:t, "
        "'a.b/t': one would overwrite the other. Give it a folder of its own: "
        '`output_path="a.b/t-2"`.'
    )


def test_a_default_path_can_be_that_of_anothers_tar(rule_runner: RuleRunner) -> None:
    targets = "truss(name='t'), truss(name='t.tar'), truss(name='t.tar-2')"
    rule_runner.write_files({"a/BUILD": targets})
    assert resolve(rule_runner, "a", "t") == "a/t"
    message = error(rule_runner, "a", "t.tar")
    assert "its `output_path` 'a/t.tar' overlaps that of a:t, 'a/t'" in message
    # The one that is free.
    assert message.endswith('`output_path="a/t.tar-3"`.')


def test_a_truss_at_the_build_root_is_held_against_folders(
    rule_runner: RuleRunner,
) -> None:
    rule_runner.write_files({"BUILD": "truss(name='a')", "a/BUILD": "truss(name='b')"})
    assert "its `output_path` 'a' overlaps that of a:b, 'a/b'" in error(rule_runner, "", "a")


def test_a_written_path_may_meet_a_default_one(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"a/BUILD": "truss()", "b/BUILD": "truss(output_path='a/a')"})
    assert "'a/a' overlaps that of a:a, 'a/a'" in error(rule_runner, "b")


def test_of_several_the_first_is_named(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({f"{name}/BUILD": "truss(output_path='x')" for name in "cab"})
    assert "overlaps that of a:a," in error(rule_runner, "b")
    assert "overlaps that of a:a," in error(rule_runner, "c")


STATE = "the state of pushes (`[truss-publish].state_file`)"


@pytest.mark.parametrize(
    ("option", "path", "taken"),
    [
        ("{distdir}/truss-publish.json", "truss-publish.json", "truss-publish.json"),
        ("dist/ci/./state.json", "ci", "ci/state.json"),
        ("{distdir}/ci/state.json", "ci/state.json/x", "ci/state.json"),
        ("{distdir}/out.tar", "out", "out.tar"),
    ],
)
def test_the_state_of_pushes_is_kept(
    rule_runner: RuleRunner, option: str, path: str, taken: str
) -> None:
    rule_runner.set_options([f"--truss-publish-state-file={option}"])
    rule_runner.write_files({"t/BUILD": f"truss(output_path={path!r})"})
    assert error(rule_runner, "t") == (
        f"t:t: its `output_path` {path!r} overlaps {STATE}, "
        f"{taken!r}: one would overwrite the other. Give it a folder of its own: "
        f'`output_path="t/t"`.'
    )


@pytest.mark.parametrize("option", ["state.json", "other/out", "{distdir}x/out", "/tmp/out", ""])
def test_a_state_file_that_is_not_in_dist(rule_runner: RuleRunner, option: str) -> None:
    rule_runner.set_options([f"--truss-publish-state-file={option}"])
    rule_runner.write_files({"t/BUILD": "truss(output_path='out')"})
    assert resolve(rule_runner, "t") == "out"


def test_a_default_path_can_be_that_of_the_state(rule_runner: RuleRunner) -> None:
    rule_runner.set_options(["--truss-publish-state-file={distdir}/t/t.truss-manifest.json"])
    rule_runner.write_files({"t/BUILD": "truss()"})
    assert error(rule_runner, "t") == (
        f"t:t: its output 't/t.truss-manifest.json' overlaps "
        f"'t/t.truss-manifest.json' of {STATE}: one would overwrite the other. Give it a folder "
        f'of its own: `output_path="t/t-2"`.'
    )


def test_the_report_of_linting_is_kept(rule_runner: RuleRunner) -> None:
    rule_runner.set_options(["--truss-lint-report=all/truss.sarif"])
    rule_runner.write_files({"t/BUILD": "truss(output_path='lint')"})
    assert "'lint' overlaps the report of `pants lint` (`[truss-lint].report`), " in error(
        rule_runner, "t"
    )
    rule_runner.write_files({"lint/BUILD": "truss()", "t/BUILD": "truss()"})
    assert resolve(rule_runner, "lint") == "lint/lint"


def test_the_manifest_of_another_truss(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {"a/BUILD": "truss(name='t')\ntruss(name='t.truss-manifest.json')", "b/BUILD": "truss()"}
    )
    assert error(rule_runner, "a", "t.truss-manifest.json") == (
        "a:t.truss-manifest.json: its output "
        "'a/t.truss-manifest.json' overlaps 'a/t.truss-manifest.json' of a:t: one would overwrite "
        'the other. Give it a folder of its own: `output_path="a/t.truss-manifest.json-2"`.'
    )
