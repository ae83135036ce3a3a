"""Tests which file a `truss_training` runs, in a repository of many small cases."""

from __future__ import annotations

from typing import Any, Tuple

import pytest
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.training import EntryPoint
from pants_truss.testutil.training import PYTHON, new_training_runner, refusal, write_training
from pants_truss.training.rules import (
    FindEntryPointRequest,
    FoundEntryPoint,
    TrainedTruss,
    TrainingFieldSet,
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_training_runner(QueryRule(FoundEntryPoint, [FindEntryPointRequest]))


# --- Files and functions.


def entry_point(rule_runner: RuleRunner, request: TrainingFieldSet) -> Tuple[EntryPoint, str, Any]:
    trained = rule_runner.request(TrainedTruss, [request])
    asked = FindEntryPointRequest(request, trained.truss)
    found = rule_runner.request(FoundEntryPoint, [asked])
    return found.entry_point, found.file, found.owner and found.owner.spec


@pytest.mark.parametrize("value, file", [("train.py", "train.py"), ("./sub//fit.py", "sub/fit.py")])
def test_a_file_of_the_truss_needs_no_owner(rule_runner: RuleRunner, value: str, file: str) -> None:
    build = f"truss()\ntruss_training(name='train', entry_point='{value}')\n"
    files = {"t/BUILD": build, f"t/{file}": ""}
    request = write_training(rule_runner, "own", "", files)
    assert entry_point(rule_runner, request) == (EntryPoint(file=file), f"own/t/{file}", None)


def test_a_file_outside_the_sources_of_the_truss_needs_an_owner(rule_runner: RuleRunner) -> None:
    trusses = "truss(sources=['config.yaml'])\n"
    fields = "entry_point='train.py'"
    request = write_training(rule_runner, "left", fields, {"t/train.py": ""}, trusses)
    assert entry_point(rule_runner, request) == (
        EntryPoint(file="train.py"),
        "left/t/train.py",
        "left/t/train.py:src",
    )


def test_a_file_without_an_owner(rule_runner: RuleRunner) -> None:
    trusses = "truss(sources=['config.yaml'])\nfiles(name='files', sources=['train.py'])\n"
    build = f"{trusses}truss_training(name='train', entry_point='train.py')\n"
    request = write_training(rule_runner, "unowned", "", {"t/BUILD": build, "t/train.py": ""})
    assert refusal(lambda: entry_point(rule_runner, request)) == (
        "unowned/t:train: its `entry_point` is 'train.py', "
        "but no `python_source` target owns unowned/t/train.py. Add `python_sources()` to its "
        "folder, or fix the path."
    )


@pytest.mark.parametrize(
    "value, end",
    [
        (
            "train.py:main",
            "'train.py:main' mixes two forms. Write `train:main`.",
        ),
        (
            "/abs/train.py",
            "'/abs/train.py' lies outside the folder of the BUILD file. Name the function as "
            "`module:function`, or move the target to the folder of the file.",
        ),
        ("training", "'training' names no function. Write `training:main`, or the path of a file."),
        (
            "rm -rf",
            "'rm -rf' is neither a file nor a function. Write `train.py` or `training.train:main`.",
        ),
    ],
)
def test_invalid_entry_points(rule_runner: RuleRunner, value: str, end: str) -> None:
    request = write_training(rule_runner, "no_entry", f"entry_point='{value}'", {})
    assert refusal(lambda: entry_point(rule_runner, request)) == (
        f"no_entry/t:train: its `entry_point` {end}"
    )


def test_a_function_of_the_truss(rule_runner: RuleRunner) -> None:
    request = write_training(
        rule_runner, "function", "entry_point='fit_own.steps:main'", {"t/fit_own/steps.py": ""}
    )
    assert entry_point(rule_runner, request) == (
        EntryPoint(module="fit_own.steps", function="main"),
        "function/t/fit_own/steps.py",
        "function/t/fit_own/steps.py:../src",
    )


def test_a_function_of_shared_code(rule_runner: RuleRunner) -> None:
    files = {"shared/fit_shared/__init__.py": ""}
    request = write_training(rule_runner, "elsewhere", "entry_point='fit_shared:main'", files)
    assert entry_point(rule_runner, request) == (
        EntryPoint(module="fit_shared", function="main"),
        "elsewhere/shared/fit_shared/__init__.py",
        "elsewhere/shared/fit_shared/__init__.py:../src",
    )


def test_the_truss_comes_before_shared_code_of_the_same_name(rule_runner: RuleRunner) -> None:
    """Holds for targets in other folders too, and for any order of names."""
    fields = "entry_point='fit_both:main', truss='both/t'"
    files = {
        "beside/BUILD": f"{PYTHON}truss_training(name='train', {fields})\n",
        "shared/fit_both.py": "",
        "t/fit_both.py": "",
        "zoo/BUILD": PYTHON,
        "zoo/fit_both.py": "",
    }
    here = write_training(rule_runner, "both", "entry_point='fit_both:main'", files)
    target = rule_runner.get_target(Address("both/beside", target_name="train"))
    for request in (here, TrainingFieldSet.create(target)):
        assert entry_point(rule_runner, request)[1:] == (
            "both/t/fit_both.py",
            "both/t/fit_both.py:src",
        )


def test_several_files_define_the_module(rule_runner: RuleRunner) -> None:
    files = {
        "shared/fit_many.py": "",
        "beside/fit_many.py": "",
        "beside/BUILD": PYTHON,
    }
    request = write_training(rule_runner, "many", "entry_point='fit_many:main'", files)
    assert refusal(lambda: entry_point(rule_runner, request)) == (
        "many/t:train: its `entry_point` is "
        "'fit_many:main', but several files define the module `fit_many`: many/beside/fit_many.py, "
        "many/shared/fit_many.py. Name the file instead."
    )


@pytest.mark.parametrize("module", ["gone_fit", "json"])
def test_an_unknown_module(rule_runner: RuleRunner, module: str) -> None:
    request = write_training(rule_runner, "nobody", f"entry_point='{module}:main'", {})
    assert refusal(lambda: entry_point(rule_runner, request)) == (
        f"nobody/t:train: its `entry_point` is "
        f"'{module}:main', but no `python_source` target has the module `{module}`. Name the file "
        "instead."
    )


def test_a_module_of_a_distribution_cannot_be_an_entry_point(rule_runner: RuleRunner) -> None:
    files = {"lib/BUILD": "python_requirement(name='r', requirements=['fitlib'])"}
    request = write_training(rule_runner, "third", "entry_point='fitlib:main'", files)
    assert "but no `python_source` target has the module `fitlib`." in refusal(
        lambda: entry_point(rule_runner, request)
    )
