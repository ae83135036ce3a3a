"""`pants lint`, without the Truss tool: which trusses, what is shown, and the report."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

import pytest
from pants.core.goals.lint import LintResult
from pants.core.target_types import rules as core_target_types_rules
from pants.core.util_rules.partitions import Partitions
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, DigestContents
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.dependency_inference import truss as inference
from pants_truss.lint import rules as lint_rules
from pants_truss.lint.rules import (
    TrussesToLint,
    TrussLintFieldSet,
    TrussLintRequest,
    paint_with,
)
from pants_truss.subsystems.lint import InvalidLintOptions
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *core_target_types_rules(),
            *inference.rules(),
            *lint_rules.rules(),
            QueryRule(LintResult, [TrussLintRequest.Batch]),
            QueryRule(Partitions, [TrussLintRequest.PartitionRequest]),
        ],
        target_types=[TrussExternalPackageTarget, TrussTarget],
    )
    configs = {
        "good": "",
        "bad": "resourcs: {}\n",
        "warned": "external_package_dirs: [../lib]\n",
        "sharing": "external_package_dirs: [../lib]\n",
        "broken": "external_package_dirs: [nowhere]\n",
    }
    runner.write_files(
        {
            "lib/BUILD": "truss_external_package()",
            "lib/A.py": "",
            "lib/a.py": "",
            **{f"{name}/BUILD": "truss()" for name in configs},
            **{f"{name}/config.yaml": config for name, config in configs.items()},
            **{f"{name}/model/model.py": MODEL for name in configs},
        }
    )
    return runner


def use(rule_runner: RuleRunner, *options: str) -> None:
    rule_runner.set_options(["--truss-lint-validate-with-truss=off", *options])


def field_sets(rule_runner: RuleRunner, *folders: str) -> Tuple[TrussLintFieldSet, ...]:
    return tuple(
        TrussLintFieldSet.create(rule_runner.get_target(Address(folder))) for folder in folders
    )


def lint(rule_runner: RuleRunner, *folders: str, options: Tuple[str, ...] = ()) -> LintResult:
    use(rule_runner, *options)
    element = TrussesToLint(field_sets(rule_runner, *folders))
    return rule_runner.request(LintResult, [TrussLintRequest.Batch("", (element,), None)])


# --- Which trusses.


def partitions(rule_runner: RuleRunner, *folders: str) -> List[List[List[str]]]:
    request = TrussLintRequest.PartitionRequest(field_sets(rule_runner, *folders))
    found = rule_runner.request(Partitions, [request])
    return [
        [[field_set.address.spec for field_set in e.field_sets] for e in partition.elements]
        for partition in found
    ]


def test_all_trusses_are_one_element_in_the_order_of_addresses(
    rule_runner: RuleRunner,
) -> None:
    use(rule_runner)
    assert partitions(rule_runner, "good", "bad", "warned") == [
        [["bad:bad", "good:good", "warned:warned"]]
    ]
    assert partitions(rule_runner) == []


def test_nothing_is_linted_where_the_tool_is_skipped(rule_runner: RuleRunner) -> None:
    use(rule_runner, "--truss-lint-skip")
    assert partitions(rule_runner, "good", "bad") == []


@pytest.mark.parametrize(("skip", "is_applicable"), [("True", False), ("False", True)])
def test_a_target_can_be_left_out(rule_runner: RuleRunner, skip: str, is_applicable: bool) -> None:
    rule_runner.write_files({f"skip_{skip}/BUILD": f"truss(skip_truss_lint={skip})"})
    target = rule_runner.get_target(Address(f"skip_{skip}"))
    assert TrussLintFieldSet.is_applicable(target) is is_applicable


def test_a_package_is_not_a_truss(rule_runner: RuleRunner) -> None:
    assert not TrussLintFieldSet.is_applicable(rule_runner.get_target(Address("lib")))


# --- The output.


def test_a_clean_run(rule_runner: RuleRunner) -> None:
    found = lint(rule_runner, "good")
    assert (found.exit_code, found.stdout) == (0, "Nothing found in 1 truss.")
    assert (found.stderr, found.linter_name, found.report) == (
        "",
        "truss",
        EMPTY_DIGEST,
    )


def test_errors_fail_the_run_and_all_trusses_are_shown(rule_runner: RuleRunner) -> None:
    found = lint(rule_runner, "bad", "broken", "good", "sharing", "warned")
    assert found.exit_code == 1
    blocks = found.stdout.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [
        "bad:bad",
        "broken:broken",
        "sharing:sharing",
        "warned:warned",
        "2 errors and 1 warning in 4 of 5 trusses. To silence a rule, add it to `[truss-lint].disable`.",
    ]
    assert blocks[0].startswith("bad:bad\n  bad/config.yaml:1: error: unknown key `resourcs`; ")
    assert blocks[1].startswith(
        "broken:broken\n  broken/config.yaml:1: error: `external_package_dirs` entry 'nowhere' "
    )
    assert blocks[2].startswith("sharing:sharing\n  lib/a.py: warning: lib/a.py (lib:lib) and ")
    assert blocks[3] == "warned:warned\n  and 1 warning, reported above, in shared files"


def test_warnings_do_not_fail_the_run(rule_runner: RuleRunner) -> None:
    assert lint(rule_runner, "warned").exit_code == 0
    severity = "--truss-lint-severity={'collision': 'error'}"
    assert lint(rule_runner, "warned", options=(severity,)).exit_code == 1


def test_colours_are_an_option(rule_runner: RuleRunner) -> None:
    plain = lint(rule_runner, "bad", options=("--no-colors",)).stdout
    coloured = lint(rule_runner, "bad", options=("--colors",)).stdout
    assert "\x1b" not in plain
    assert "\x1b[31merror\x1b[0m" in coloured and "\x1b[34mbad:bad\x1b[0m" in coloured


def test_paint() -> None:
    assert paint_with(False)("é", "red") == "é"
    assert paint_with(True)("é", "red") == "\x1b[31mé\x1b[0m"


# --- The report.


def report(rule_runner: RuleRunner, path: str, *folders: str) -> Dict[str, Any]:
    found = lint(rule_runner, *folders, options=(f"--truss-lint-report={path}",))
    (file,) = rule_runner.request(DigestContents, [found.report])
    return {file.path: json.loads(file.content)}


def test_the_report_has_all_findings(rule_runner: RuleRunner) -> None:
    ((path, data),) = report(rule_runner, "./ci/truss.sarif", "bad", "warned").items()
    assert path == "ci/truss.sarif"
    results = data["runs"][0]["results"]
    assert [(r["ruleId"], r["level"]) for r in results] == [
        ("config-schema", "error"),
        ("collision", "warning"),
    ]


def test_a_report_of_nothing_is_written_too(rule_runner: RuleRunner) -> None:
    (data,) = report(rule_runner, "x", "good").values()
    assert data["runs"][0]["results"] == []


def test_a_report_outside_its_folder_is_refused(rule_runner: RuleRunner) -> None:
    with engine_error(InvalidLintOptions, contains="`[truss-lint].report` is '../x', but must be"):
        lint(rule_runner, "good", options=("--truss-lint-report=../x",))
