from __future__ import annotations

import datetime
from typing import Any, Dict, List, Optional

import pytest

from pants_truss.core.lint.config_schema import schema_problems, show
from pants_truss.core.lint.problem import Problem
from pants_truss.core.lint.release import default_release

RELEASE = default_release()

DATE = datetime.date(2024, 1, 1)


def of(**config: Any) -> List[Problem]:
    return list(schema_problems(config, RELEASE))


def only(**config: Any) -> Problem:
    (problem,) = schema_problems(config, RELEASE)
    return problem


# --- Types, as pydantic reads them.


def of_integer(value: Any) -> List[Problem]:
    return of(runtime={"predict_concurrency": value})


@pytest.mark.parametrize(
    "value", [1, 0, -3, 4.0, True, "4", " 4\n", "+4", "-4", "4.0", "1_000", "9" * 300]
)
def test_integers(value: Any) -> None:
    assert not of_integer(value)


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("inf"),
        float("nan"),
        None,
        "",
        "4.5",
        "x",
        "1e3",
        "0x10",
        "1__0",
        "_1",
        "1_",
        "4 5",
    ]
    + ["inf", "nan", "- 4", "9" * 301, [], {}, DATE],
)
def test_no_integers(value: Any) -> None:
    (problem,) = of_integer(value)
    assert problem.key == ("runtime", "predict_concurrency")
    shown = show((), value)
    assert problem.message == (
        f"`runtime.predict_concurrency` must be a whole number, but is {shown}."
    )


def of_number(value: Any) -> List[Problem]:
    transport = {"kind": "websocket", "ping_interval_seconds": value}
    return of(runtime={"transport": transport})


@pytest.mark.parametrize("value", [1, 1.5, True, "1.5", "1e3", " 2 ", "inf", "-0", None])
def test_numbers(value: Any) -> None:
    assert not of_number(value)


@pytest.mark.parametrize("value", ["", "x", "1,5", "0x10", "1.5s", [], {}, DATE])
def test_no_numbers(value: Any) -> None:
    (problem,) = of_number(value)
    assert problem.key == ("runtime", "transport", "ping_interval_seconds")
    assert "must be a number, but is " in problem.message


@pytest.mark.parametrize("value", [True, False, 0, 1, 0.0, 1.0, "yes", "NO", "On", "t", "F", "1"])
def test_booleans(value: Any) -> None:
    assert not of(live_reload=value)


@pytest.mark.parametrize(
    "value", [2, -1, 0.5, "", "2", "maybe", "truee", " true", None, [], {}, DATE]
)
def test_no_booleans(value: Any) -> None:
    problem = only(live_reload=value)
    assert problem.message == (
        f"`live_reload` must be a boolean, true or false, but is {show((), value)}."
    )


@pytest.mark.parametrize("value", ["", "x", "5", b"x"])
def test_strings(value: Any) -> None:
    assert not of(input_type=value)


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        (5, 'the number 5. Quote it: `input_type: "5"`.'),
        (3.10, 'the number 3.1. Quote it: `input_type: "3.1"`.'),
        (True, 'the boolean true. Quote it: `input_type: "true"`.'),
        (None, "null."),
        ([], "a list."),
        ({}, "a mapping."),
        (DATE, "a date."),
    ],
)
def test_no_strings(value: Any, rest: str) -> None:
    problem = only(input_type=value)
    assert problem.message == f"`input_type` must be a string, but is {rest}"


def test_an_entry_of_a_list_is_reported_with_its_index() -> None:
    problem = only(system_packages=["a", 5])
    assert problem.key == ("system_packages", 1)
    assert problem.message == "`system_packages[1]` must be a string, but is the number 5."


def test_lists() -> None:
    assert not of(system_packages=[]) and not of(system_packages=("a", "b"))
    problem = only(system_packages={"a": "b"})
    assert problem.message == "`system_packages` must be a list, but is a mapping."
    problem = only(weights=[{"source": "x", "mount_location": "/", "allow_patterns": "*.py"}])
    assert problem.key == ("weights", 0, "allow_patterns")
    assert "Write `allow_patterns: [...]`, or each entry in a line" in problem.message


@pytest.mark.parametrize("value", ["x", 5, True, ["a"], DATE])
def test_no_mapping(value: Any) -> None:
    for config in ({"resources": value}, {"runtime": {"transport": value}}, {"trt_llm": value}):
        (problem,) = schema_problems(config, RELEASE)
        assert problem.message.endswith(f"` must be a mapping, but is {show((), value)}.")


def test_what_may_be_null() -> None:
    null: Dict[str, None] = {key: None for key in RELEASE.top_level_keys}
    optional = {"base_image", "bis_llm", "cache_internal", "description", "docker_server"} | {
        "external_data",
        "model_name",
        "requirements_file",
        "training_checkpoints",
        "trt_llm",
    }
    assert {p.key[0] for p in schema_problems(null, RELEASE)} == set(null) - optional
    assert not of(secrets={"a": None})


# --- Values that are missing, out of range, or none of the choices.


def test_required_keys() -> None:
    first, second = of(weights=[{"source": "a", "mount_location": "b"}, {}])
    assert first.key == second.key == ("weights", 1)
    assert first.message == "`weights[1].source` is missing; it is required."
    assert second.message == "`weights[1].mount_location` is missing; it is required."


def test_empty_values() -> None:
    first, second = of(bdn={"access": [{"namespace": "", "grants": []}]})
    assert first.message == "`bdn.access[0].namespace` is empty."
    assert second.message == "`bdn.access[0].grants` is empty. It needs at least one entry."


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("max_batch_size", 1, None),
        ("max_batch_size", 0, "is 0, but must be at least 1."),
        ("max_batch_size", -1, "is -1, but must be at least 1."),
        ("max_batch_size", 2048, None),
        ("max_batch_size", "2048", None),
        ("max_batch_size", 2049, "is 2049, but must be at most 2048."),
        ("max_batch_size", "2049", "is 2049, but must be at most 2048."),
        ("max_batch_size", 10**400, "is inf, but must be at most 2048."),
        ("max_num_tokens", 64, "is 64, but must be more than 64."),
        ("max_num_tokens", 65, None),
        ("max_num_tokens", 131072, None),
        ("max_seq_len", None, None),
        ("max_seq_len", 0, "is 0, but must be at least 1."),
    ],
)
def test_bounds(name: str, value: Any, limit: Optional[str]) -> None:
    stack = {"inference_stack": "v2", "build": {}, "runtime": {name: value}}
    assert [p.message for p in schema_problems({"trt_llm": stack}, RELEASE)] == (
        [f"`trt_llm.runtime.{name}` {limit}"] if limit else []
    )


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        (
            "trussserver",
            "the string 'trussserver', but must be TrussServer, TRT_LLM. Did you mean ",
        ),
        ("vllm", "the string 'vllm', but must be TrussServer, TRT_LLM."),
        (None, "null, but must be"),
        (True, "the boolean true, but must be"),
        (["TRT_LLM"], "a list, but must be"),
        ("TRT_LLM ", "a string, but must be TrussServer, TRT_LLM. Did you mean 'TRT_LLM'?"),
    ],
)
def test_choices(value: Any, rest: str) -> None:
    problem = only(build={"model_server": value})
    assert problem.key == ("build", "model_server")
    assert problem.message.startswith(f"`build.model_server` is {rest}")


@pytest.mark.parametrize("kind", ["htp", 5, ["http"], {"http": 1}, True, DATE])
def test_a_transport_that_truss_does_not_have(kind: Any) -> None:
    # Its other keys depend on the kind, so nothing is reported about them.
    problem = only(runtime={"transport": {"kind": kind, "ping_interval_seconds": "x"}})
    assert problem.key == ("runtime", "transport", "kind")
    assert f"is {show((), kind)}, but must be http, websocket, grpc." in problem.message


def test_what_a_stack_requires() -> None:
    def missing(**stack: Any) -> List[str]:
        return [p.message.split("`")[1] for p in of(trt_llm=stack)]

    assert missing() == missing(inference_stack="v1") == ["trt_llm.build"]
    assert missing(inference_stack="v2") == ["trt_llm.build", "trt_llm.runtime"]
    assert missing(inference_stack="v2", build={}, runtime={}) == []
