"""Tests the truss and the gathered files of a `truss_training`, in many small cases."""

from __future__ import annotations

import json

import pytest
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.testutil.training import new_training_runner, refusal, write_training
from pants_truss.training.rules import TrainedTruss, Training, TrainingFieldSet


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_training_runner(QueryRule(Training, [TrainingFieldSet]))


# --- The truss.


def truss_of(rule_runner: RuleRunner, request: TrainingFieldSet) -> str:
    found = rule_runner.request(TrainedTruss, [request])
    assert found.truss.address == found.address
    return found.address.spec


def test_the_only_truss_of_the_build_file(rule_runner: RuleRunner) -> None:
    request = write_training(rule_runner, "only", "entry_point='train.py'", {"t/train.py": ""})
    assert truss_of(rule_runner, request) == "only/t:t"


@pytest.mark.parametrize("value", ["named/other", "//named/other:other", "named/other:other"])
def test_a_truss_of_another_folder(rule_runner: RuleRunner, value: str) -> None:
    files = {"other/BUILD": "truss()", "other/config.yaml": ""}
    fields = f"entry_point='train.py', truss='{value}'"
    assert (
        truss_of(rule_runner, write_training(rule_runner, "named", fields, files))
        == "named/other:other"
    )


def test_one_of_several_trusses(rule_runner: RuleRunner) -> None:
    trusses = "truss(name='b')\ntruss(name='a', config='a.yaml')\n"
    request = write_training(rule_runner, "several", "entry_point='x.py', truss=':b'", {}, trusses)
    assert truss_of(rule_runner, request) == "several/t:b"
    request = write_training(rule_runner, "several", "entry_point='x.py'", {}, trusses)
    assert refusal(lambda: truss_of(rule_runner, request)) == (
        "several/t:train: its BUILD file has several "
        'trusses (several/t:a, several/t:b). Name one: `truss=":a"`.'
    )


def test_a_build_file_without_a_truss(rule_runner: RuleRunner) -> None:
    # Trusses in folders below and above do not count.
    files = {"BUILD": "truss(name='above')", "t/below/BUILD": "truss()"}
    request = write_training(rule_runner, "none", "entry_point='x.py'", files, trusses="")
    assert refusal(lambda: truss_of(rule_runner, request)) == (
        "none/t:train: its BUILD file has no `truss`. Name " 'one: `truss="path/to:truss"`.'
    )


@pytest.mark.parametrize("value", [":src", "wrong/ext", "wrong/t:train"])
def test_a_target_that_is_not_a_truss(rule_runner: RuleRunner, value: str) -> None:
    files = {"ext/BUILD": "truss_external_package()", "t/x.py": ""}
    fields = f"entry_point='x.py', truss='{value}'"
    request = write_training(rule_runner, "wrong", fields, files)
    assert refusal(lambda: truss_of(rule_runner, request)) == (
        f"wrong/t:train: its `truss` is {value!r}, which is " "not a `truss` target. Name one."
    )


def test_a_target_that_does_not_exist(rule_runner: RuleRunner) -> None:
    request = write_training(rule_runner, "gone", "entry_point='x.py', truss='gone/nowhere'", {})
    with pytest.raises(ExecutionError) as error:
        truss_of(rule_runner, request)
    assert "the `truss` field of gone/t:train" in str(error.value)


# --- Gathered files.


def gather(rule_runner: RuleRunner, request: TrainingFieldSet) -> Training:
    return rule_runner.request(Training, [request])


CONFIG = """\
model_name: Mine
bundled_packages_dir: ./vendor
data_dir: artifacts/
environment_variables: {DEBUG: true, RATE: 0.5, EMPTY: null}
model_metadata: {made: 2024-01-02}
"""


def test_a_script_with_what_it_imports(rule_runner: RuleRunner) -> None:
    files = {
        "t/config.yaml": CONFIG,
        "t/train.py": "import all_a",
        "t/model/model.py": "",
        "shared/all_a.py": "import all_b",
        "shared/all_b.py": "",
        "shared/all_c.py": "",
    }
    fields = "entry_point='train.py', dependencies=['all/shared/all_c.py:src']"
    made = gather(rule_runner, write_training(rule_runner, "all", fields, files))
    assert made.explicit == ("all/shared/all_c.py:src",)
    assert set(made.paths) == {
        ".truss_ignore",
        "config.yaml",
        "model/model.py",
        "train.py",
        "vendor/all_a.py",
        "vendor/all_b.py",
        "vendor/all_c.py",
    }
    contents = rule_runner.request(DigestContents, [made.digest])
    assert {file.path for file in contents} == set(made.paths)
    facts = json.loads(made.facts)
    assert facts.pop("config")["model_metadata"] == {"made": "2024-01-02"}
    assert facts == {
        "command": "pants run all/t:train --",
        "truss": ".",
        "packages": "vendor",
        "data_dir": "artifacts",
        "file": "train.py",
        "module": None,
        "function": None,
        # The format in which Truss passes them to a server.
        "environment": {"DEBUG": "true", "RATE": "0.5", "EMPTY": "None"},
    }


def test_a_function_that_is_bundled_for_training_only(rule_runner: RuleRunner) -> None:
    files = {
        "t/model/model.py": "",
        "shared/fit_only.py": "import fit_more",
        "shared/fit_more.py": "",
    }
    fields = "entry_point='fit_only:main'"
    made = gather(rule_runner, write_training(rule_runner, "training_only", fields, files))
    assert {path for path in made.paths if path.startswith("packages/")} == {
        "packages/fit_only.py",
        "packages/fit_more.py",
    }
    facts = json.loads(made.facts)
    assert (facts["file"], facts["module"], facts["function"]) == (None, "fit_only", "main")
    # The entry point is not among the listed targets, which may have requirements.
    assert made.explicit == ()
    assert list(made.truss.dependencies.value or ()) == ["training_only/shared/fit_only.py:src"]


def test_dependencies_of_the_truss_stay(rule_runner: RuleRunner) -> None:
    files = {"t/train.py": "", "shared/stay_a.py": "", "shared/stay_b.py": ""}
    request = write_training(
        rule_runner,
        "stay",
        "entry_point='train.py', dependencies=['stay/shared/stay_b.py:src']",
        files,
        "truss(dependencies=['stay/shared/stay_a.py:src'])\n",
    )
    made = gather(rule_runner, request)
    assert list(made.truss.dependencies.value or ()) == [
        "stay/shared/stay_a.py:src",
        "stay/shared/stay_b.py:src",
        "stay/t/train.py:src",
    ]
    assert {"packages/stay_a.py", "packages/stay_b.py"} <= set(made.paths)


@pytest.mark.parametrize(
    "name",
    [
        "run_training.py",
        "run_training.json",
        "training_requirements.txt",
    ],
)
def test_names_that_the_training_folder_needs_itself(rule_runner: RuleRunner, name: str) -> None:
    folder = "taken_" + name.replace(".", "_")
    files = {"t/train.py": "", f"t/{name}": "", f"t/sub/{name}": ""}
    request = write_training(rule_runner, folder, "entry_point='train.py'", files)
    assert refusal(lambda: gather(rule_runner, request)) == (
        f"{folder}/t:train: its truss has a file {name} "
        f"({folder}/t/{name}), a name that the folder for training needs itself. Rename the file."
    )


@pytest.mark.parametrize("entry_point", ["train.py", "fit/steps.py", "fit.steps:main"])
def test_training_has_what_its_entry_point_imports(
    rule_runner: RuleRunner, entry_point: str
) -> None:
    """Serving has not: no server runs the file."""
    name = "".join(letter if letter.isalnum() else "_" for letter in entry_point)
    files = {
        "t/train.py": f"import {name}_a",
        "t/fit/steps.py": f"import {name}_a",
        "t/scripts/other.py": f"import {name}_b",
        f"shared/{name}_a.py": "",
        f"shared/{name}_b.py": "",
    }
    request = write_training(rule_runner, f"brings_{name}", f"entry_point='{entry_point}'", files)
    paths = gather(rule_runner, request).paths
    assert [path for path in paths if path.startswith("packages/")] == [f"packages/{name}_a.py"]


def test_an_entry_point_that_is_ignored(rule_runner: RuleRunner) -> None:
    files = {"t/train.py": "", "t/.truss_ignore": "train.*\n"}
    request = write_training(rule_runner, "ignored", "entry_point='train.py'", files)
    assert refusal(lambda: gather(rule_runner, request)) == (
        "ignored/t:train: the ignore patterns of its truss "
        "leave out ignored/t/train.py. Change `.truss_ignore` or `[truss-gather].ignore`."
    )


@pytest.mark.parametrize("variables", ["", "null", "[A]", "'A=1'", "{}"])
def test_invalid_environment_variables(rule_runner: RuleRunner, variables: str) -> None:
    config = f"environment_variables: {variables}\n" if variables else ""
    files = {"t/train.py": "", "t/config.yaml": config}
    made = gather(
        rule_runner, write_training(rule_runner, "variables", "entry_point='train.py'", files)
    )
    assert json.loads(made.facts)["environment"] == {}


def test_values_that_only_yaml_has(rule_runner: RuleRunner) -> None:
    config = (
        "model_metadata: {1: a, b: 2024-01-02, 2024-01-03: c, set: !!set {y, x, z}}\n"
        "environment_variables: {1: a, b: true}\n"
    )
    files = {"t/train.py": "", "t/config.yaml": config}
    made = gather(
        rule_runner, write_training(rule_runner, "of_yaml", "entry_point='train.py'", files)
    )
    facts = json.loads(made.facts)
    assert facts["config"]["model_metadata"] == {
        "1": "a",
        "b": "2024-01-02",
        "2024-01-03": "c",
        "set": ["x", "y", "z"],
    }
    assert facts["environment"] == {"1": "a", "b": "true"}
