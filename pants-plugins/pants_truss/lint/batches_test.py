"""Truss validates the configs of many trusses in batches, and each truss gets its own errors. A
Truss of a few lines answers."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Sequence

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import PythonSourcesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.lint import findings
from pants_truss.lint.findings import LintedTrusses, LintTrussesRequest
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussTarget
from pants_truss.testutil.stand_in_pex import FOLDER, TOOL, with_stand_in_pex

# Each process appends a line to a file that the test reads.
TRUSS = """\
import yaml

with open({log!r}, "a") as log:
    log.write("started\\n")


class Invalid(Exception):
    def errors(self):
        return [{{"loc": ["model_name"], "msg": str(self)}}]


class TrussConfig:
    @classmethod
    def from_yaml(cls, path):
        name = (yaml.safe_load(path.read_text()) or {{}}).get("model_name", "")
        if name.startswith("bad"):
            raise Invalid("not " + name)
        return cls()
"""
OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/*']",
]
NAMES = [f"{kind}_{number}" for number in range(6) for kind in ("bad", "good")]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log.txt"


@pytest.fixture(scope="module")
def rule_runner(log: Path) -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(
                (
                    *core_target_types_rules(),
                    *python_inference.rules(),
                    *target_types_rules.rules(),
                    *findings.rules(),
                    *inference.rules(),
                )
            ),
            QueryRule(LintedTrusses, [LintTrussesRequest]),
        ],
        target_types=[PythonSourcesGeneratorTarget, TrussTarget],
    )
    runner.write_files({f"{FOLDER}/{TOOL}/truss/base/truss_config.py": TRUSS.format(log=str(log))})
    runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    return runner


def write(rule_runner: RuleRunner, name: str, config: str) -> None:
    rule_runner.write_files(
        {
            f"{name}/BUILD": "truss(name='t')\npython_sources(sources=['**/*.py'])",
            f"{name}/config.yaml": config,
            f"{name}/model/model.py": "class Model:\n    def predict(self, x):\n        return x\n",
        }
    )


def lint(rule_runner: RuleRunner, names: Sequence[str]) -> Dict[str, List[str]]:
    targets = [rule_runner.get_target(Address(name, target_name="t")) for name in names]
    request = LintTrussesRequest(tuple(TrussFieldSet.create(target) for target in targets))
    linted = rule_runner.request(LintedTrusses, [request]).trusses
    return {truss.name: [finding.message for finding in truss.findings] for truss in linted}


def processes(log: Path) -> int:
    count = len(log.read_text().splitlines()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return count


def test_each_truss_gets_the_errors_of_its_config(
    rule_runner: RuleRunner, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "BATCH", 2)
    for name in NAMES:
        write(rule_runner, name, f"model_name: {name}\n")
    # A config with other errors is not validated.
    write(rule_runner, "wrong", "model_name: bad\nresourcs: {}\n")
    found = lint(rule_runner, [*NAMES, "wrong"])
    for name in NAMES:
        (*errors,) = found[f"{name}:t"]
        assert [f"not {name}" in error for error in errors] == [True] * name.startswith("bad"), name
    assert [message.partition(";")[0] for message in found["wrong:t"]] == ["unknown key `resourcs`"]
    assert 3 <= processes(log) < len(NAMES)
    # One edit, one batch.
    write(rule_runner, NAMES[3], "model_name: bad_now\n")
    assert found != lint(rule_runner, [*NAMES, "wrong"])
    assert processes(log) == 1


def test_a_comment_silences_what_truss_says(rule_runner: RuleRunner, log: Path) -> None:
    write(rule_runner, "silent", "model_name: bad  # pants-truss: ignore[config-schema]\n")
    write(rule_runner, "loud", "model_name: bad\n")
    found = lint(rule_runner, ["silent", "loud"])
    assert len(found["loud:t"]) == 1
    assert found["silent:t"] == []
    assert processes(log) == 1
