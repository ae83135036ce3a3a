from __future__ import annotations

import datetime
import re
from typing import Any, Dict, List

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pants_truss.core.lint.config_rules import rule_problems
from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.problem import Problem
from pants_truss.core.lint.release import default_release

RELEASE = default_release()
PYTHONS = RELEASE.python_versions or ()


def problems(**config: Any) -> List[Problem]:
    return list(rule_problems(config, RELEASE))


def told(**config: Any) -> List[str]:
    return [problem.message for problem in rule_problems(config, RELEASE)]


def only(**config: Any) -> Problem:
    (problem,) = rule_problems(config, RELEASE)
    return problem


# --- The version of Python.


@pytest.mark.parametrize("version", PYTHONS[1:])
def test_versions_that_truss_has(version: str) -> None:
    assert not told(python_version=version)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3.11", "py311"),
        ("3.12.4", "py312"),
        ("311", "py311"),
        ("python3.10", "py310"),
        ("cp313", "py313"),
        ("PY312", "py312"),
        (" py313", "py313"),
        # Older and newer ones than there are.
        ("3.8", "py310"),
        ("3.9", "py310"),
        ("py315", "py314"),
        ("3.99", "py314"),
        # Without a number that could be meant.
        ("python", "py311"),
        ("2.7", "py311"),
        ("3", "py311"),
        ("", "py311"),
    ],
)
def test_the_version_that_is_meant(written: str, meant: str) -> None:
    problem = only(python_version=written)
    assert problem.key == ("python_version",)
    assert f"is the string {written!r}" in problem.message or " " in written
    assert problem.message.endswith(f"Write `python_version: {meant}`.")


@given(st.one_of(st.text(max_size=12), st.from_regex(r"\A(py|python)?3?\.?[0-9]{1,4}\Z")))
@example("3.0000000011")
@example("3.١١")
def test_the_version_to_write_is_one_that_nothing_is_said_of(written: str) -> None:
    for message in told(python_version=written):
        (meant,) = re.findall(r"Write `python_version: (\w+)`", message)
        assert not told(python_version=meant)


def test_an_old_version_is_a_warning() -> None:
    problem = only(python_version="py39")
    assert problem.severity is Severity.WARNING
    assert "Write `python_version: py311` or later" in problem.message


# --- Keys that exclude each other.


@pytest.mark.parametrize(
    ("first", "second"), [("requirements", "requirements_file"), ("model_cache", "weights")]
)
def test_keys_that_exclude_each_other(first: str, second: str) -> None:
    def exclusions(config: Dict[str, Any]) -> List[Problem]:
        return [
            problem for problem in rule_problems(config, RELEASE) if "exclude" in problem.message
        ]

    # The order in the file does not matter.
    expected = Problem((second,), f"`{first}` and `{second}` exclude each other. Keep one.")
    assert exclusions({first: [{}], second: [{}]}) == [expected]
    assert exclusions({second: [{}], first: [{}]}) == [expected]
    assert not exclusions({first: [], second: [{}]})
    assert not exclusions({first: [{}], second: None})
    assert not exclusions({first: [{}]})


# --- The folder of the model.


@pytest.mark.parametrize("folder", ["model", "./model", "model/", "model//", "x/../model"])
def test_spellings_of_the_folder_of_the_model(folder: str) -> None:
    assert not told(model_module_dir=folder)


@pytest.mark.parametrize("folder", ["src", "Model", "model/sub", "models", ".", "my folder"])
def test_another_folder_of_the_model(folder: str) -> None:
    problem = only(model_module_dir=folder)
    assert problem.key == ("model_module_dir",)
    assert "Name the folder `model`, and remove the key." in problem.message
    assert ("a string" if " " in folder else repr(folder)) in problem.message


@pytest.mark.parametrize("server", ["docker_server", "trt_llm", "bis_llm"])
def test_servers_without_a_model_have_any_folder(server: str) -> None:
    config = {"model_module_dir": "src", server: {"x": 1}}
    assert not [key for key in (p.key for p in rule_problems(config, RELEASE)) if "model" in key[0]]
    assert told(model_module_dir="src", **{server: {}})


# --- Environment variables.


@pytest.mark.parametrize("value", ["", "x", 1, 1.5, True, datetime.date(2024, 1, 1), "{}"])
def test_values_that_environment_variables_may_have(value: Any) -> None:
    assert not told(environment_variables={"A": value, "port": value, "PORTS": value})


@pytest.mark.parametrize("name", [1, True, None, 1.5, ("A",)])
def test_names_that_are_no_strings(name: Any) -> None:
    problem = only(environment_variables={name: "hunter22"})
    assert problem == Problem(
        ("environment_variables", name),
        f"the key {name!r} in `environment_variables` is not a string. Quote it.",
    )


@pytest.mark.parametrize("name", ["PORT", "HOSTNAME"])
def test_names_that_the_platform_sets(name: str) -> None:
    for value in ("80", None):
        problem = only(environment_variables={name: value})
        assert problem.key == ("environment_variables", name)
        assert problem.severity is Severity.WARNING
        assert problem.message.startswith(f"`environment_variables.{name}` has no effect")


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "null", "text for it, `None`. Write"),
        ({"a": "hunter22"}, "a mapping", "text for it. Write"),
        (["hunter22"], "a list", "text for it. Write"),
    ],
)
def test_values_that_become_text_of_python(value: Any, kind: str, text: str) -> None:
    problem = only(environment_variables={"A": "x", "B": value})
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith(f"`environment_variables.B` is {kind}, which Truss turns")
    assert text in problem.message and 'such as `B: ""`' in problem.message
    assert "hunter22" not in problem.message


# --- Deprecated and removed keys.


@pytest.mark.parametrize("value", [1, 4, None])
def test_a_removed_key_is_reported_with_any_value(value: Any) -> None:
    problem = only(runtime={"num_workers": value})
    assert problem.key == ("runtime", "num_workers")
    assert "Remove it; `runtime.predict_concurrency` says" in problem.message


@pytest.mark.parametrize(
    ("transport", "overridden"),
    [
        ({}, False),
        ({"transport": None}, False),
        ({"transport": {"kind": ["http"]}}, False),
        ({"transport": {"kind": "http"}}, True),
    ],
)
def test_the_old_key_of_websockets(transport: Dict[str, Any], overridden: bool) -> None:
    problem = only(runtime={"is_websocket_endpoint": True, **transport})
    assert problem.key == ("runtime", "is_websocket_endpoint")
    assert problem.severity is Severity.WARNING
    assert ("and overrides `transport.kind: http`" in problem.message) is overridden
    assert problem.message.endswith("Use `runtime.transport: {kind: websocket}`.")


def test_the_old_key_of_websockets_beside_the_new_one() -> None:
    assert not told(runtime={"is_websocket_endpoint": True, "transport": {"kind": "websocket"}})
    assert not told(runtime={"is_websocket_endpoint": False})


def test_the_cache_of_the_build_is_an_option_of_the_push() -> None:
    problem = only(build={"no_cache": True})
    assert problem.key == ("build", "no_cache")
    assert "Use `truss push --no-cache`" in problem.message
    assert not told(build={"no_cache": False})


# --- Any config at all.


@pytest.mark.parametrize("value", [None, 0, 7, 1.5, True, "", "x", [], [None], ["x"], {}, {1: 2}])
@pytest.mark.parametrize("key", [*RELEASE.top_level_keys, "hf_cache"])
def test_wrong_types_are_left_to_the_schema(key: str, value: Any) -> None:
    for problem in rule_problems({key: value}, RELEASE):
        assert problem.key[0] == key


NAMES = (
    "accelerator cpu enabled hf image is_websocket_endpoint kind memory mount_location no_build "
    "no_cache num_workers python_executable_path remote_ssh revision run_as_user_id server_port "
    "source start_command transport use_volume volume_folder PORT"
).split()
SCALARS = st.sampled_from(
    [None, True, False, 0, 8080, 60000, 1.5, "", "x", "/x", "L4:2", "hf://a/b", "s3://a@b", "py3"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*RELEASE.top_level_keys, "hf_cache"]), VALUES, max_size=6))
@settings(max_examples=500)
def test_a_message_names_a_key_of_the_config_and_is_a_sentence(data: Dict[str, Any]) -> None:
    before = repr(data)
    for problem in rule_problems(data, RELEASE):
        assert f"`{problem.key[0]}" in problem.message
        assert problem.message.endswith(".")
        # A silenced warning hides no error.
        is_error = problem.severity is Severity.ERROR
        assert is_error == (problem.rule == "config-schema")
        assert is_error or problem.rule in ("deprecated", "no-effect")
    assert repr(data) == before
