"""Trusses below a truss, from the plan of the outer one."""

from __future__ import annotations

import itertools
from typing import Dict, List

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import blocking_findings
from pants_truss.gather.blocking_findings import BlockingFindings
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

SERVER = "docker_server: {server_port: 8000}\n"
MODEL = "class Model:\n    pass\n"
FOREIGN = "apiVersion: v1\nkind: x\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *blocking_findings.rules(),
            *inference.rules(),
            QueryRule(BlockingFindings, [TrussFieldSet]),
        ],
        target_types=[TrussExternalPackageTarget, TrussTarget],
    )


_folders = map("d{}".format, itertools.count())


def found(rule_runner: RuleRunner, files: Dict[str, str]) -> List[str]:
    """Messages, for the truss `d:t`; each `d` a folder of its own."""
    folder = next(_folders)
    defaults = {"BUILD": "truss(name='t')", "config.yaml": SERVER}
    rule_runner.set_options([], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    rule_runner.write_files({f"{folder}/{p}": text for p, text in {**defaults, **files}.items()})
    target = rule_runner.get_target(Address(folder, target_name="t"))
    checked = rule_runner.request(BlockingFindings, [TrussFieldSet.create(target)])
    return [
        f"{finding.severity.value} {finding.path}: {finding.message}".replace(f"{folder}", "d")
        for finding in checked.findings
        if finding.rule == "nested-truss"
    ]


def test_a_truss_below_it_is_named_with_what_to_leave_out(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "vllm/config.yaml": "model_name: x\n",
        "vllm/model/model.py": MODEL,
        "vllm/more/config.yaml": SERVER,
        "sub/[x]/config.yaml": SERVER,
    }
    by_default = '(by default `["**/*"]`).'
    assert found(rule_runner, files) == [
        "warning d/sub/[x]/config.yaml: it is the config of a truss of its own, and d:t holds its "
        f'files too. Leave them out: add "!sub/[[]x]/**" to `sources` of d:t {by_default}',
        "warning d/vllm/config.yaml: it is the config of a truss of its own, and d:t holds its "
        f'files too. Leave them out: add "!vllm/**" to `sources` of d:t {by_default}',
    ]


def test_what_the_sources_leave_out_is_not_held(rule_runner: RuleRunner) -> None:
    build = "truss(name='t', sources=['**/*', '!vllm/**'])"
    assert not found(rule_runner, {"BUILD": build, "vllm/config.yaml": SERVER})
    assert not found(rule_runner, {".truss_ignore": "vllm/\n", "vllm/config.yaml": SERVER})


def test_a_truss_below_an_external_package(rule_runner: RuleRunner) -> None:
    files = {
        "config.yaml": f"external_package_dirs: [ext]\n{SERVER}",
        "BUILD": "truss(name='t', sources=['**/*', '!ext/**'])",
        "ext/BUILD": "truss_external_package(name='p')",
        "ext/lib/deep/config.yaml": SERVER,
        "ext/lib/x.py": "",
        # A package may have settings of this name.
        "ext/config.yaml": SERVER,
        "ext/conf/config.yaml": FOREIGN,
    }
    assert found(rule_runner, files) == [
        "warning d/ext/lib/deep/config.yaml: it is the config of a truss of its own, and d/ext:p "
        'holds its files too. Leave them out: add "!lib/deep/**" to `sources` of d/ext:p (by '
        'default `["**/*"]`).'
    ]


def test_configs_that_are_part_of_the_truss(rule_runner: RuleRunner) -> None:
    files = {
        "data/config.yaml": SERVER,
        "model/config.yaml": SERVER,
        "packages/x/config.yaml": SERVER,
        "conf/config.yaml": FOREIGN,
        # Its model class is missing.
        "notes/config.yaml": "model_name: x\n",
        "other/prod.yaml": SERVER,
    }
    assert not found(rule_runner, files)
