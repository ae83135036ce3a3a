"""Trusses without a target."""

from __future__ import annotations

from typing import Dict, List

import pytest
from pants.core.target_types import rules as core_target_types_rules
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.lint import untargeted
from pants_truss.lint.untargeted import UntargetedTrusses, UntargetedTrussesRequest
from pants_truss.target_types.truss import TrussTarget

SERVER = "docker_server: {server_port: 8000}\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *untargeted.rules(),
            QueryRule(UntargetedTrusses, [UntargetedTrussesRequest]),
        ],
        target_types=[TrussTarget],
    )


def find(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> List[str]:
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})
    configs = tuple(f"{root}/{path}" for path in files if path.endswith("config.yaml"))
    found = rule_runner.request(UntargetedTrusses, [UntargetedTrussesRequest(configs)])
    return [path[len(root) + 1 :] for path in found.configs]


def test_a_truss_without_a_target_is_found(rule_runner: RuleRunner) -> None:
    files = {
        "new/config.yaml": SERVER,
        "owned/config.yaml": SERVER,
        "owned/BUILD": "truss()",
        "[x]/config.yaml": SERVER,
    }
    assert find(rule_runner, "plain", files) == ["[x]/config.yaml", "new/config.yaml"]


def test_configs_of_other_tools_are_not_found(rule_runner: RuleRunner) -> None:
    files = {"a/config.yaml": "apiVersion: v1\n", "b/config.yaml": "model_name: x\n"}
    assert find(rule_runner, "others", files) == []


def test_a_config_within_a_truss_is_data(rule_runner: RuleRunner) -> None:
    files = {
        "owned/BUILD": "truss()",
        "owned/config.yaml": SERVER,
        "owned/data/deep/config.yaml": SERVER,
        "new/config.yaml": SERVER,
        "new/data/config.yaml": SERVER,
    }
    assert find(rule_runner, "data", files) == ["new/config.yaml"]


def test_an_invalid_config_is_found(rule_runner: RuleRunner) -> None:
    files = {
        "a/config.yaml": "model_name: [\n",
        "a/model/model.py": "class Model:\n    pass\n",
    }
    assert find(rule_runner, "invalid", files) == ["a/config.yaml"]
