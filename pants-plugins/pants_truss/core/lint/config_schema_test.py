from __future__ import annotations

import datetime
from typing import Any, Dict, List, Tuple

import pytest

from pants_truss.core.lint.config_schema import (
    is_confidential,
    schema_problems,
    show,
)
from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.problem import Problem
from pants_truss.core.lint.release import default_release
from pants_truss.core.terminal import visible

RELEASE = default_release()

DATE = datetime.date(2024, 1, 1)


def of(**config: Any) -> List[Problem]:
    return list(schema_problems(config, RELEASE))


def only(**config: Any) -> Problem:
    (problem,) = schema_problems(config, RELEASE)
    return problem


# --- Unknown keys.


@pytest.mark.parametrize("key", RELEASE.top_level_keys)
def test_a_misspelt_key_is_reported_with_the_right_one(key: str) -> None:
    for misspelt in (key + "x", key.upper(), key[:-1] + "_" + key[-1]):
        problem = only(**{misspelt: None})
        assert problem.key == (misspelt,) and problem.severity is Severity.ERROR
        assert problem.message == (
            f"unknown key `{misspelt}`; `truss push` rejects it. Did you mean " f"`{key}`?"
        )


@pytest.mark.parametrize(
    ("config", "path", "parent"),
    [
        ({"accelerator": "L4"}, "accelerator", "resources"),
        ({"predict_concurrency": 1}, "predict_concurrency", "runtime"),
        ({"secret_to_path_mapping": {}}, "secret_to_path_mapping", "build"),
        # Though `requirements` looks alike.
        ({"arguments": {}}, "arguments", "build"),
        (
            {"trt_llm": {"build": {"calib_size": 1}}},
            "trt_llm.build.calib_size",
            "trt_llm.build.quantization_config",
        ),
        (
            {"runtime": {"restart_threshold_seconds": 1}},
            "runtime.restart_threshold_seconds",
            "runtime.health_checks",
        ),
    ],
)
def test_a_key_that_belongs_below_another(config: Dict[str, Any], path: str, parent: str) -> None:
    problem = only(**config)
    assert problem.message.startswith(f"unknown key `{path}`; ")
    assert problem.message.endswith(f" It belongs below `{parent}`.")


@pytest.mark.parametrize(
    "config",
    [
        {"trt_llm": {"build": {"zzz": 1}}},
        {"trt_llm": {"build": {"plugin_configuration": {"zzz": 1}}}},
        {"trt_llm": {"build": {"speculator": {"zzz": 1}}}},
        {"runtime": {"transport": {"kind": "grpc", "zzz": 1}}},
        {"bis_llm": {"additional_autoscaling_config": {"metrics": [], "zzz": 1}}},
    ],
)
def test_unknown_keys_that_nothing_refuses_are_warnings(config: Dict[str, Any]) -> None:
    problem = only(**config)
    assert problem.severity is Severity.WARNING and problem.key[-1] == "zzz"
    assert problem.message.endswith(".zzz`; it has no effect.")


def test_keys_that_are_known_in_one_place_only() -> None:
    assert not of(hf_cache=[], resources={"use_gpu": True}, runtime={"num_workers": 1})
    found = of(
        use_gpu=True,
        num_workers=1,
        resources={"hf_cache": 1, "num_workers": 1, "train": {}},
        runtime={"use_gpu": True},
    )
    assert [problem.key for problem in found] == [
        ("use_gpu",),
        ("num_workers",),
        ("resources", "hf_cache"),
        ("resources", "num_workers"),
        ("resources", "train"),
        ("runtime", "use_gpu"),
    ]
    assert all("; `truss push` rejects it" in problem.message for problem in found)


@pytest.mark.parametrize("name", [1, True, None, 1.5, DATE, ("a", "b"), "", "a b", "\ud800"])
def test_names_that_yaml_allows(name: Any) -> None:
    (problem,) = schema_problems({"resources": {name: 1}}, RELEASE)
    assert problem.key == ("resources", name)
    assert visible(str(name)) in problem.message


@pytest.mark.parametrize(
    ("block", "entry_point", "method"),
    [
        ({}, "train.train:main", "Train.train"),
        (None, "train.train:main", "Train.train"),
        ({"training_module_dir": "a/b"}, "a.b.train:main", "Train.train"),
        ({"training_class_filename": "fit"}, "train.fit:main", "Train.train"),
        ({"training_class_filename": "fit/go.py"}, "train.fit.go:main", "Train.train"),
        ({"training_class_name": "Fit"}, "train.train:main", "Fit.train"),
    ],
)
def test_training_that_was_removed(block: Any, entry_point: str, method: str) -> None:
    problem = only(train=block)
    assert problem.key == ("train",)
    assert f'`truss_training(name="train", entry_point="{entry_point}")`' in problem.message
    assert f"what `{method}` does" in problem.message
    assert problem.message.endswith("and remove the key.")


# --- The part of a value that is shown.


@pytest.mark.parametrize(
    "key",
    [
        ("secrets", "a"),
        ("hf_access_token",),
        ("PASSWORD",),
        ("a", 0, "dbPasswd"),
        ("Credentials", "b"),
        ("environment_variables", "A"),
        ("docker_auth", "secret_name"),
    ],
)
def test_keys_whose_values_are_not_shown(key: Tuple[Any, ...]) -> None:
    assert is_confidential(key)
    assert show(key, 12345) == "a number"
    assert show(key, "hunter22") == "a string"
    assert show(key, False) == "a boolean"


@pytest.mark.parametrize("key", [(), ("resources", "cpu"), (0, 1, None), ("environment", "A")])
def test_keys_whose_values_are_shown(key: Tuple[Any, ...]) -> None:
    assert not is_confidential(key)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (False, "the boolean false"),
        (0, "the number 0"),
        (-1.5, "the number -1.5"),
        (10**14, "the number 100000000000000"),
        (10**15, "the number 1e+15"),
        (-(10**400), "the number ..."),
        (float("nan"), "the number ..."),
        ("", "the string ''"),
        ("it's", 'the string "it\'s"'),
        ("ab." * 20, f"the string {'ab.' * 20!r}"),
        ("ab." * 21, "a string"),
        ("a b", "a string"),
        ("\x1b[31m", "the string '\\x1b[31m'"),
        ("\ud800", "the string '\\ud800'"),
        ("https://u:p@host", "a string"),
        ([1], "a list"),
        ({1: 2}, "a mapping"),
        (DATE, "a date"),
        (b"x", "a bytes"),
    ],
)
def test_what_is_shown(value: Any, shown: str) -> None:
    assert show(("x",), value) == shown


def test_a_secret_of_a_wrong_type_is_not_quoted() -> None:
    problem = only(secrets={"a": 12345})
    assert problem.message == "`secrets.a` must be a string, but is a number."
