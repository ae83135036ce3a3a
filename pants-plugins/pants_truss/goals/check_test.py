from __future__ import annotations

from typing import Dict, Iterable, List

import pytest
from pants.core.goals import check as pants_check
from pants.core.goals.check import Check, CheckResults
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.target import Target
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.goals import check
from pants_truss.goals.check import TrussCheckRequest
from pants_truss.lint.findings import LintedTrusses, LintTrussesRequest
from pants_truss.lint.rules import TrussLintFieldSet
from pants_truss.subsystems.lint import InvalidLintOptions
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *check.rules(),
            *core_target_types_rules(),
            *gather.rules(),
            *inference.rules(),
            *pants_check.rules(),
            QueryRule(CheckResults, [TrussCheckRequest]),
            QueryRule(LintedTrusses, [LintTrussesRequest]),
        ],
        target_types=[FilesGeneratorTarget, TrussExternalPackageTarget, TrussTarget],
    )


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> None:
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})


def truss(
    rule_runner: RuleRunner, folder: str, config: str = "", model: str = MODEL, build: str = ""
) -> None:
    files = {"BUILD": build or "truss()", "config.yaml": config, "model/model.py": model}
    write(rule_runner, folder, files)


def targets(rule_runner: RuleRunner, folders: Iterable[str]) -> List[Target]:
    return [rule_runner.get_target(Address(folder)) for folder in folders]


def results(rule_runner: RuleRunner, folders: Iterable[str], *options: str) -> CheckResults:
    # Without the tool: it would be installed first.
    rule_runner.set_options(
        ["--truss-lint-validate-with-truss=off", *options],
        env_inherit={"PATH", "PYENV_ROOT", "HOME"},
    )
    field_sets = [TrussLintFieldSet.create(t) for t in targets(rule_runner, folders)]
    found = rule_runner.request(CheckResults, [TrussCheckRequest(field_sets)])
    assert found.checker_name == "truss"
    return found


def report(rule_runner: RuleRunner, folders: Iterable[str], *options: str, fails: bool) -> str:
    (result,) = results(rule_runner, folders, *options).results
    assert (result.exit_code, result.stderr) == (int(fails), "")
    return result.stdout


NO_CLASS = (
    "{0}:{1}\n"
    "  {0}/model/model.py:1: error: it has no class `Model`, which the server loads. It has "
    "`Other`: rename it to `Model`, or write `model_class_name: Other` in the config. [model-class]\n\n"
)


def no_class(folder: str) -> str:
    return NO_CLASS.format(folder, folder.rpartition("/")[2])


def test_a_good_truss_passes(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "good/a", "model_name: x\n")
    truss(rule_runner, "good/b")
    assert report(rule_runner, ["good/a"], fails=False) == "Nothing found in 1 truss."
    assert report(rule_runner, ["good/b", "good/a"], fails=False) == "Nothing found in 2 trusses."


def test_what_must_not_reach_a_package_fails(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "bad/a", "model_name: 3\n")
    truss(rule_runner, "bad/b", model="class Other: pass\n")
    truss(rule_runner, "bad/c")
    text = report(rule_runner, ["bad/c", "bad/b", "bad/a"], fails=True)
    assert text == (
        "bad/a:a\n"
        "  bad/a/config.yaml:1: error: `model_name` must be a string, but is the number 3. Quote "
        'it: `model_name: "3"`. [config-schema]\n\n'
        + no_class("bad/b")
        + "2 errors in 2 of 3 trusses. To silence a rule, add it to `[truss-lint].disable`."
    )


def test_what_is_not_fatal_is_for_lint_alone(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "lint_only/t")
    write(rule_runner, "lint_only/t", {"x.txt": "x" * 500})
    options = ["--truss-lint-large-file-bytes=100"]
    text = report(rule_runner, ["lint_only/t"], *options, fails=False)
    assert text == "Nothing found in 1 truss."
    (target,) = targets(rule_runner, ["lint_only/t"])
    request = LintTrussesRequest((TrussFieldSet.create(target),))
    (linted,) = rule_runner.request(LintedTrusses, [request]).trusses
    assert [(f.rule, f.severity.value) for f in linted.findings] == [
        ("large-file", "warning"),
    ]


def test_a_credential_fails_the_check(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "credential/t")
    key = "AKIA" + "Q3EGRJB4KX7WZL2M"
    write(rule_runner, "credential/t", {"x.txt": f"aws_access_key_id = '{key}'\n"})
    text = report(rule_runner, ["credential/t"], fails=True)
    assert "credential/t/x.txt:1: error: it holds an AWS access key" in text


def test_a_rule_that_is_off_or_no_error_fails_nothing(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "policy/t", model="class Other: pass\n")
    folders = ["policy/t"]
    assert "1 error in 1 of 1 truss." in report(rule_runner, folders, fails=True)
    for option in (
        "--truss-lint-disable=['model-class']",
        "--truss-lint-severity={'model-class': 'warning'}",
    ):
        assert report(rule_runner, folders, option, fails=False) == "Nothing found in 1 truss."


def test_a_truss_that_cannot_be_planned_does_not_hide_the_others(rule_runner: RuleRunner) -> None:
    write(rule_runner, "planned/a", {"BUILD": "truss()"})
    truss(rule_runner, "planned/b", model="class Other: pass\n")
    text = report(rule_runner, ["planned/a", "planned/b"], fails=True)
    assert text == (
        "planned/a:a\n"
        "  planned/a/config.yaml: error: its config planned/a/config.yaml does not exist. A truss "
        "needs one next to its BUILD file; `truss init` makes it. [cannot-gather]\n\n"
        + no_class("planned/b")
        + "2 errors in 2 of 2 trusses. To silence a rule, add it to `[truss-lint].disable`."
    )


def test_findings_in_a_file_that_trusses_share_are_reported_once(rule_runner: RuleRunner) -> None:
    for name in ("a", "b"):
        truss(rule_runner, f"shared/{name}", "external_package_dirs: [../one, ../two]\n")
    for name in ("one", "two"):
        write(rule_runner, f"shared/{name}", {"BUILD": "truss_external_package()", "x.txt": name})
    text = report(rule_runner, ["shared/a", "shared/b"], fails=True)
    assert text == (
        "shared/a:a\n"
        "  shared/two/x.txt: error: packages/x.txt comes from more than one source: "
        "shared/one/x.txt (shared/one:one), shared/two/x.txt (shared/two:two). Rename one, leave "
        "one out with `!` in `sources` of its target, or set "
        '`[truss-gather].package_collisions = "warn"` to let the '
        "last one win. [collision]\n\n"
        "shared/b:b\n"
        "  and 1 error, reported above, in shared files\n\n"
        "1 error in 2 of 2 trusses. To silence a rule, add it to `[truss-lint].disable`."
    )


def test_a_change_counts(rule_runner: RuleRunner) -> None:
    write(rule_runner, "change/t", {"BUILD": "truss()", "model/model.py": MODEL})
    text = report(rule_runner, ["change/t"], fails=True)
    assert "its config change/t/config.yaml does not exist." in text
    write(rule_runner, "change/t", {"config.yaml": ""})
    assert report(rule_runner, ["change/t"], fails=False) == "Nothing found in 1 truss."
    write(rule_runner, "change/t", {"model/model.py": "class Other: pass\n"})
    assert "1 error in 1 of 1 truss." in report(rule_runner, ["change/t"], fails=True)


def test_colors_are_for_terminals(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "colors/t", model="class Other: pass\n")
    plain = report(rule_runner, ["colors/t"], "--no-colors", fails=True)
    colored = report(rule_runner, ["colors/t"], "--colors", fails=True)
    assert "\x1b" not in plain
    assert "\x1b[31merror\x1b[0m" in colored
    for code in ("31", "34", "0"):
        colored = colored.replace(f"\x1b[{code}m", "")
    assert colored == plain


def test_options_that_are_wrong_are_no_finding(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "options/t")
    with engine_error(InvalidLintOptions, contains="`[truss-lint]` is not valid: "):
        results(rule_runner, ["options/t"], "--truss-lint-disable=['no-such-rule']")


@pytest.mark.parametrize(("folders", "options"), [([], []), (["skipped/t"], ["--truss-lint-skip"])])
def test_nothing_to_check(rule_runner: RuleRunner, folders: List[str], options: List[str]) -> None:
    write(rule_runner, "skipped/t", {"BUILD": "truss()"})
    assert results(rule_runner, folders, *options).results == ()


def test_a_target_can_be_left_out(rule_runner: RuleRunner) -> None:
    build = "truss()\ntruss(name='out', skip_truss_lint=True)\nfiles(name='f', sources=['*'])"
    truss(rule_runner, "left_out/t", build=build)
    found = [
        rule_runner.get_target(Address("left_out/t", target_name=name))
        for name in ("t", "out", "f")
    ]
    assert [TrussLintFieldSet.is_applicable(target) for target in found] == [True, False, False]


def test_the_goal_reports_on_all_trusses(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "goal/a", model="class Other: pass\n")
    truss(rule_runner, "goal/b", build="truss(skip_truss_lint=True)", model="class Other: pass\n")
    truss(rule_runner, "goal/c")

    def run(*args: str) -> int:
        return rule_runner.run_goal_rule(
            Check,
            global_args=["--truss-lint-validate-with-truss=off"],
            args=args,
            env_inherit={"PATH", "PYENV_ROOT", "HOME"},
        ).exit_code

    assert [run("goal/a"), run("goal/b"), run("goal/c")] == [1, 0, 0]
    assert [run("goal::"), run("--only=truss", "goal::")] == [1, 1]
