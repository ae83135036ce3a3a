from __future__ import annotations

import re
from typing import Any, List, Type

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pants.engine.addresses import Address
from pants.engine.target import Field, InvalidFieldException, Target

from pants_truss.core.push import PushOptions
from pants_truss.target_types.publish import (
    PUSH_FIELDS,
    SkipTrussPushField,
    TrussDeploymentEnvironmentField,
    TrussDeploymentNameField,
    TrussLabelsField,
    TrussModelNameField,
    TrussPromoteField,
    TrussPushArgsField,
    TrussRemotesField,
    TrussTeamField,
    TrussWaitField,
    TrussWaitTimeoutField,
)

ADDRESS = Address("src/é x", target_name="t")
NAMES: List[Type[Field]] = [
    TrussModelNameField,
    TrussTeamField,
    TrussDeploymentNameField,
    TrussDeploymentEnvironmentField,
]


class Pushed(Target):
    alias = "pushed"
    core_fields = PUSH_FIELDS
    help = "Has the fields of a push, and no others."


def value(field: Type[Field], raw: Any) -> Any:
    return field(raw, ADDRESS).value


def refusal(field: Type[Field], raw: Any) -> str:
    with pytest.raises(InvalidFieldException) as error:
        field(raw, ADDRESS)
    return str(error.value)


def test_a_target_that_says_nothing() -> None:
    target = Pushed({}, ADDRESS)
    assert {type(field).alias: field.value for field in target.field_values.values()} == {
        "remotes": None,
        "model_name": None,
        "team": None,
        "deployment_name": None,
        "deployment_environment": None,
        "promote": False,
        "wait": False,
        "wait_timeout": None,
        "labels": None,
        "push_args": None,
        "skip_push": False,
    }


# --- Remotes.


@pytest.mark.parametrize(
    "raw, expected",
    [
        (None, None),
        # Not the default: it goes nowhere.
        ([], ()),
        (["baseten"], ("baseten",)),
        (["b", "a"], ("b", "a")),
        (["b", "a", "b", "a"], ("b", "a")),
        (("in", "a", "tuple"), ("in", "a", "tuple")),
        (["two words", "é", "a-b"], ("two words", "é", "a-b")),
        # Which of them is in `.trussrc` is for a push to say.
        (["[section]"], ("[section]",)),
    ],
)
def test_remotes_keep_their_order_and_come_once(raw: Any, expected: Any) -> None:
    assert value(TrussRemotesField, raw) == expected


@pytest.mark.parametrize("remote", ["", " ", "\t\n", "-", "--remote", "-x y"])
def test_what_is_no_name_of_a_remote(remote: str) -> None:
    """`-x` would be an option of `truss push`."""
    assert refusal(TrussRemotesField, ["good", remote]) == (
        "The 'remotes' field in target src/é x:t must have names of remotes, but has "
        f'{remote!r}. For example `remotes=["baseten"]`.'
    )


@pytest.mark.parametrize("raw", ["baseten", 3, [1], [None]])
def test_remotes_are_a_list_of_strings(raw: Any) -> None:
    assert "The 'remotes' field in target src/é x:t must be an iterable of strings" in refusal(
        TrussRemotesField, raw
    )


# --- Names.


@pytest.mark.parametrize("field", NAMES)
@pytest.mark.parametrize("name", ["m", "sentiment-v2", "a.b_c-d", "0", "x" * 300])
def test_names_that_any_of_these_fields_takes(field: Type[Field], name: str) -> None:
    assert value(field, name) == name


@pytest.mark.parametrize("field", [f for f in NAMES if f is not TrussDeploymentNameField])
@pytest.mark.parametrize("name", ["two words", "é", "日本", "a/b", "it's", "{x}", "$x", " m "])
def test_names_that_the_remote_may_take(field: Type[Field], name: str) -> None:
    assert value(field, name) == name


@pytest.mark.parametrize("field", NAMES)
@pytest.mark.parametrize(
    "name, end",
    [
        ("", "must not be empty."),
        (" \n", "must not be empty."),
        ("-m", "must not begin with `-`, but is '-m'."),
        (
            'a"b',
            "must not have the character '\"' in it, but is 'a\"b'. For example 'a-b'.",
        ),
        (
            "a\\b",
            r"must not have the character '\\' in it, but is 'a\\b'. For example 'a-b'.",
        ),
        (
            "a\nb",
            r"must not have the character '\n' in it, but is 'a\nb'. For example 'a-b'.",
        ),
        (
            '"""',
            "must not have the character '\"' in it, but is '\"\"\"'. For example 'my-model'.",
        ),
        (
            "a\x00",
            r"must not have the character '\x00' in it, but is 'a\x00'. For example 'a'.",
        ),
        (
            "\x7f x",
            r"must not have the character '\x7f' in it, but is '\x7f x'. For example 'x'.",
        ),
    ],
)
def test_names_that_would_end_a_string_in_a_query(field: Type[Field], name: str, end: str) -> None:
    assert refusal(field, name) == f"The '{field.alias}' field in target src/é x:t {end}"


@pytest.mark.parametrize("field", NAMES)
def test_a_name_is_a_string(field: Type[Field]) -> None:
    assert f"The '{field.alias}' field in target src/é x:t must be a string" in refusal(field, 3)


@pytest.mark.parametrize(
    "name, fixed",
    [
        ("a b", "a-b"),
        ("2026/11/05 12:00", "2026-11-05-12-00"),
        ("a?!b", "a-b"),
        ("v1 ", "v1"),
        ("modèle", "mod-le"),
        ("é1", "1"),
        ("日本", "my-deployment"),
    ],
)
def test_a_deployment_name_with_other_characters(name: str, fixed: str) -> None:
    """Truss refuses these too, once all is uploaded."""
    assert refusal(TrussDeploymentNameField, name) == (
        "The 'deployment_name' field in target src/é x:t must have only letters, digits, `.`, `-` "
        f'and `_`, but was {name!r}. For example `deployment_name="{fixed}"`.'
    )
    assert value(TrussDeploymentNameField, fixed) == fixed


@given(st.text())
def test_a_deployment_name_is_taken_as_it_is_or_not_at_all(name: str) -> None:
    try:
        found = value(TrussDeploymentNameField, name)
    except InvalidFieldException as e:
        assert str(e).startswith("The 'deployment_name' field in target src/é x:t must ")
        assert "\n" not in str(e)
    else:
        assert found == name and re.fullmatch(r"[0-9a-zA-Z_.][0-9a-zA-Z_.-]*", name)


# --- Flags and numbers.


@pytest.mark.parametrize("field", [TrussPromoteField, TrussWaitField, SkipTrussPushField])
def test_flags(field: Type[Field]) -> None:
    assert [value(field, raw) for raw in (None, False, True)] == [False, False, True]
    for raw in ("true", 1, 0):
        assert f"The '{field.alias}' field in target src/é x:t must be a bool" in refusal(
            field, raw
        )


@pytest.mark.parametrize("raw", [0, -1])
def test_a_wait_ends_some_time(raw: int) -> None:
    assert "The 'wait_timeout' field in target src/é x:t must be greater than" in refusal(
        TrussWaitTimeoutField, raw
    )


@pytest.mark.parametrize("raw", ["60", 1.5, [1]])
def test_a_wait_is_in_whole_seconds(raw: Any) -> None:
    assert "The 'wait_timeout' field in target src/é x:t must be an integer" in refusal(
        TrussWaitTimeoutField, raw
    )
    assert value(TrussWaitTimeoutField, 1) == 1


# --- Labels and further options.


def test_labels() -> None:
    assert dict(value(TrussLabelsField, {"tier": "1", "é": '"'})) == {"tier": "1", "é": '"'}
    for raw in ({"tier": 1}, {1: "tier"}, ["tier"], "tier=1"):
        assert "The 'labels' field in target src/é x:t must be a dictionary" in refusal(
            TrussLabelsField, raw
        )


@pytest.mark.parametrize(
    "raw",
    [
        [],
        ["--no-cache"],
        # The last of two counts, as on the command line; values may be anything.
        ["--x=1", "--x=2", "--y=a b=c"],
        ["--x="],
        # They only begin like options that fields are for.
        ["--environments=x", "--teams", "--no-wait-for-x"],
    ],
)
def test_options_of_truss_push_stay_as_they_are(raw: List[str]) -> None:
    assert value(TrussPushArgsField, raw) == tuple(raw)


@pytest.mark.parametrize(
    "arg",
    ["", "x", "-x", "--", "---x", "--Name", "--a_b=1", " --no-cache", "--no cache", "--é", "=--x"],
)
def test_what_is_no_option_of_truss_push(arg: str) -> None:
    assert refusal(TrussPushArgsField, ["--no-cache", arg]) == (
        "The 'push_args' field in target src/é x:t: each of `push_args` must be an option of "
        f"`truss push`, with its value after `=`, but one is {arg!r}. For example "
        '`push_args=["--deploy-timeout-minutes=60"]`.'
    )


def test_an_option_whose_value_is_an_argument_of_its_own() -> None:
    assert "but one is '60'." in refusal(TrussPushArgsField, ["--deploy-timeout-minutes", "60"])


@pytest.mark.parametrize(
    "arg, name, instead",
    [
        ("--config=x.yaml", "--config", "the field `config` of the target"),
        ("--team", "--team", "the field `team`"),
        ("--wait", "--wait", "the field `wait`"),
        ("--timeout-seconds=5", "--timeout-seconds", "the field `wait_timeout`"),
        ("--labels={}", "--labels", "the field `labels`"),
        ("--watch-hot-reload", "--watch-hot-reload", "`truss watch` on the folder in `dist/`"),
        ("--tail", "--tail", "`truss model-logs` afterwards"),
        (
            "--include-git-info",
            "--include-git-info",
            "the field `labels`: what is pushed lies in no git repository",
        ),
        ("--non-interactive", "--non-interactive", "nothing: it is always there"),
    ],
)
def test_options_that_are_fields(arg: str, name: str, instead: str) -> None:
    assert refusal(TrussPushArgsField, [arg]) == (
        "The 'push_args' field in target src/é x:t: `push_args` must not have "
        f"`{name}`. Instead of it use {instead}."
    )


def test_no_option_that_a_field_makes_can_be_among_the_further_ones() -> None:
    """They would be there twice, and the later would count."""
    made = PushOptions("m", "t", "d", "e", True, True, 5, (("a", "b"),)).arguments
    assert len(made) == 10
    for argument in made:
        assert "must not have `--" in refusal(TrussPushArgsField, [argument])
