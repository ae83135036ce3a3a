"""Findings that stop `pants package`, and others of the checks that find errors."""

from __future__ import annotations

from typing import Dict, List, Set, Tuple

import pytest
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.lint.finding import Severity, fatal
from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import blocking_findings
from pants_truss.gather.blocking_findings import BlockingFindings
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"
WRONG_MODEL = "class Other:\n    pass\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *blocking_findings.rules(),
            *inference.rules(),
            QueryRule(BlockingFindings, [TrussFieldSet]),
        ],
        target_types=[TrussExternalPackageTarget, TrussTarget],
    )


def find(
    rule_runner: RuleRunner, root: str, files: Dict[str, str], *options: str
) -> BlockingFindings:
    defaults = {"BUILD": "truss(name='t')", "config.yaml": "", "model/model.py": MODEL}
    rule_runner.set_options(options)
    rule_runner.write_files({f"{root}/{p}": text for p, text in {**defaults, **files}.items()})
    target = rule_runner.get_target(Address(root, target_name="t"))
    request = TrussFieldSet.create(target)
    return rule_runner.request(BlockingFindings, [request])


def told(found: BlockingFindings) -> List[Tuple[str, str, str]]:
    return [(f.rule, f.place, f.severity.value) for f in found.findings]


def test_a_good_truss_has_none(rule_runner: RuleRunner) -> None:
    found = find(rule_runner, "good", {})
    assert found.findings == ()
    assert found.planned.config_file.path == "good/config.yaml"


def test_what_each_check_finds_is_one_list(rule_runner: RuleRunner) -> None:
    files = {
        "config.yaml": (
            "resourcs: {}\nexternal_package_dirs: [../all_lib]\nrequirements_file: reqs.txt\n"
        ),
        "model/model.py": WRONG_MODEL,
        "packages/x.py": "1",
    }
    rule_runner.write_files({"all_lib/BUILD": "truss_external_package()", "all_lib/x.py": "2"})
    found = find(rule_runner, "all", files)
    assert told(found) == [
        ("config-schema", "all/config.yaml:1", "error"),
        ("config-schema", "all/config.yaml:3", "error"),
        ("model-class", "all/model/model.py:1", "error"),
        ("collision", "all_lib/x.py", "error"),
    ]
    assert len(fatal(found.findings)) == 4


def test_the_policy_decides_what_is_fatal(rule_runner: RuleRunner) -> None:
    files = {"config.yaml": "resourcs: {}\n", "model/model.py": WRONG_MODEL}
    found = find(
        rule_runner,
        "policy",
        files,
        "--truss-lint-disable=['model-class']",
        "--truss-lint-severity={'config-schema': 'warning'}",
    )
    assert told(found) == [("config-schema", "policy/config.yaml:1", "warning")]
    assert not fatal(found.findings)


def test_a_truss_and_a_comment_silence_rules(rule_runner: RuleRunner) -> None:
    files = {
        "BUILD": "truss(name='t', truss_lint_disable=['model-class'])",
        "config.yaml": (
            "resourcs: {}  # pants-truss: ignore[config-schema]\n"
            "requirment: []  # pants-truss: ignore[config-schem]\n"
        ),
        "model/model.py": WRONG_MODEL,
    }
    found = find(rule_runner, "silent", files)
    assert told(found) == [
        ("no-effect", "silent/config.yaml:2", "warning"),
        ("config-schema", "silent/config.yaml:2", "error"),
    ]


# --- The model class.


@pytest.mark.parametrize(
    ("name", "config", "files", "expected"),
    [
        ("absent", "", {}, ["class_absent/config.yaml"]),
        (
            "wrong",
            "",
            {"model/model.py": WRONG_MODEL},
            ["class_wrong/model/model.py:1"],
        ),
        (
            "elsewhere",
            "model_module_dir: src\nmodel_class_filename: serve.py\nmodel_class_name: Other\n",
            {"src/serve.py": MODEL},
            ["class_elsewhere/src/serve.py:1"],
        ),
        (
            "renamed",
            "model_class_name: Other\n",
            {"model/model.py": MODEL.replace("Model", "Other")},
            [],
        ),
        # Nothing that Python code is looked for in.
        (
            "no_python",
            "model_class_filename: model.so\n",
            {"model/model.so": WRONG_MODEL},
            [],
        ),
        ("huge", "", {"model/model.py": WRONG_MODEL + "#" * 2_000_000}, []),
        (
            "syntax",
            "",
            {"model/model.py": "class Model:\n  def\n"},
            ["class_syntax/model/model.py:2"],
        ),
    ],
)
def test_the_model_class_is_looked_at_where_the_config_says(
    rule_runner: RuleRunner,
    name: str,
    config: str,
    files: Dict[str, str],
    expected: List[str],
) -> None:
    root = f"class_{name}"
    folders = {path.partition("/")[0] for path in files}
    sources = ["*", *(f"{folder}/*" for folder in folders)]
    build = f"truss(name='t', sources={sources})"
    found = find(rule_runner, root, {"config.yaml": config, "BUILD": build, **files}).findings
    assert [f.place for f in found if f.rule == "model-class"] == expected


@pytest.mark.parametrize("key", ["docker_server", "bis_llm"])
def test_another_server_needs_no_model(rule_runner: RuleRunner, key: str) -> None:
    files = {"config.yaml": f"{key}: {{x: 1}}\n", "model/model.py": WRONG_MODEL}
    found = find(rule_runner, f"server_{key}", files)
    assert not [f for f in found.findings if f.rule == "model-class"]


def test_an_engine_hands_itself_to_the_model(rule_runner: RuleRunner) -> None:
    """`trt_llm` needs no model class, but one that is there is called with its engine."""
    build = MODEL + "\n    def __init__(self, {}):\n        pass\n"
    config = "trt_llm: {build: {base_model: llama, checkpoint_repository: {source: HF, repo: x}}}\n"

    def places(root: str, argument: str, config: str) -> Set[str]:
        files = {"config.yaml": config, "model/model.py": build.format(argument)}
        found = find(rule_runner, root, files).findings
        return {finding.place for finding in found if finding.rule == "model-class"}

    assert places("engine", "trt_llm", config) == set()
    assert places("engine_wrong", "engine", config) == {"engine_wrong/model/model.py:5"}
    assert places("engine_without", "trt_llm", "") == {"engine_without/model/model.py:5"}


def test_a_warning_is_kept_and_stops_nothing(rule_runner: RuleRunner) -> None:
    files = {"packages/A.py": "", "packages/a.py": ""}
    found = find(rule_runner, "warning", files)
    assert told(found) == [("collision", "warning/packages/a.py", "warning")]
    assert [f.severity for f in found.findings] == [Severity.WARNING]
    assert not fatal(found.findings)
