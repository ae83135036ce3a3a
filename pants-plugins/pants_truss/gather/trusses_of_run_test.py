"""What the command line names."""

from __future__ import annotations

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.gather import trusses_of_run
from pants_truss.gather.trusses_of_run import (
    CheckedSpecs,
    CheckSpecsRequest,
    FolderTakenForFile,
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[*trusses_of_run.rules(), QueryRule(CheckedSpecs, [CheckSpecsRequest])]
    )
    runner.write_files({"trusses/m-1.5/config.yaml": "", "trusses/plain/x.txt": ""})
    return runner


@pytest.mark.parametrize("spec", ["trusses/m-1.5", "./trusses/m-1.5"])
def test_a_folder_that_pants_takes_for_a_file(rule_runner: RuleRunner, spec: str) -> None:
    rule_runner.set_options(["trusses/plain::", spec])
    message = (
        "`trusses/m-1.5` is a folder, but Pants takes a name with a dot for a file. Write "
        "`trusses/m-1.5:` for its targets, or `trusses/m-1.5::` for those below it too."
    )
    with engine_error(FolderTakenForFile, contains=message):
        rule_runner.request(CheckedSpecs, [CheckSpecsRequest()])


@pytest.mark.parametrize(
    "spec",
    [
        "trusses/m-1.5:",
        "trusses/m-1.5::",
        "trusses/plain/x.txt",
        "no/such.txt",
        "trusses",
    ],
)
def test_other_names_mean_what_they_say(rule_runner: RuleRunner, spec: str) -> None:
    rule_runner.set_options([spec])
    assert rule_runner.request(CheckedSpecs, [CheckSpecsRequest()]) == CheckedSpecs()
