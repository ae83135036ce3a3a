from __future__ import annotations

from typing import Dict, List

import pytest
from pants.core.target_types import GenericTarget
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.imports import other_trusses
from pants_truss.imports.other_trusses import TrussesInFolder, TrussesInFolderRequest
from pants_truss.sources import target_files, workspace_scan
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *other_trusses.rules(),
            *target_files.rules(),
            *workspace_scan.rules(),
            QueryRule(TrussesInFolder, [TrussesInFolderRequest]),
        ],
        target_types=[GenericTarget, TrussExternalPackageTarget, TrussTarget],
    )


def trusses(rule_runner: RuleRunner, folder: str) -> Dict[str, List[str]]:
    found = rule_runner.request(TrussesInFolder, [TrussesInFolderRequest(folder)])
    return {truss.address.spec: sorted(truss.paths) for truss in found.trusses}


def test_the_files_of_all_trusses_of_a_folder(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "many/BUILD": (
                "truss()\n"
                "truss(name='other', config='b.yaml', sources=['*.yaml', 'model/**', '!**/x*'])\n"
                "truss_external_package(name='package')\n"
                "target(name='group')"
            ),
            "many/a.yaml": "",
            "many/model/model.py": "",
            "many/model/x.py": "",
        }
    )
    assert trusses(rule_runner, "many") == {
        "many:many": [
            "many/BUILD",
            "many/a.yaml",
            "many/model/model.py",
            "many/model/x.py",
        ],
        "many:other": ["many/a.yaml", "many/model/model.py"],
    }


def test_trusses_above_and_below_do_not_belong_to_the_folder(
    rule_runner: RuleRunner,
) -> None:
    rule_runner.write_files(
        {
            "nested/BUILD": "truss(sources=['config.yaml'])",
            "nested/config.yaml": "",
            "nested/in/x.py": "",
            "nested/in/deeper/BUILD": "truss(sources=['*.py'])",
            "nested/in/deeper/y.py": "",
        }
    )
    assert trusses(rule_runner, "nested") == {"nested:nested": ["nested/config.yaml"]}
    assert trusses(rule_runner, "nested/in") == {}
    assert trusses(rule_runner, "nested/in/deeper") == {
        "nested/in/deeper:deeper": ["nested/in/deeper/y.py"]
    }


def test_a_truss_that_takes_no_file(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"few/BUILD": "truss(sources=['nothing/**'])", "few/x": ""})
    assert trusses(rule_runner, "few") == {"few:few": []}


def test_a_folder_that_is_not_there_has_none(rule_runner: RuleRunner) -> None:
    assert trusses(rule_runner, "no/such/folder") == {}


def test_a_truss_at_the_build_root(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "BUILD": "truss(name='top', sources=['top/*'])",
            "top/é x": "",
            "top/sub/no": "",
        }
    )
    assert trusses(rule_runner, "") == {"//:top": ["top/é x"]}
