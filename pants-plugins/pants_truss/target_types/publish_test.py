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


def test_defaults() -> None:
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
        # An empty list is not the default: the truss is not pushed.
        ([], ()),
        (["baseten"], ("baseten",)),
        (["b", "a"], ("b", "a")),
        (["b", "a", "b", "a"], ("b", "a")),
        (("in", "a", "tuple"), ("in", "a", "tuple")),
        (["two words", "é", "a-b"], ("two words", "é", "a-b")),
        # The push checks which of them are in `.trussrc`.
        (["[section]"], ("[section]",)),
    ],
)
def test_remotes_keep_their_order_and_come_once(raw: Any, expected: Any) -> None:
    assert value(TrussRemotesField, raw) == expected


@pytest.mark.parametrize("remote", ["", " ", "\t\n", "-", "--remote", "-x y"])
def test_invalid_names_of_remotes(remote: str) -> None:
    """A name such as `-x` would be an option of `truss push`."""
    assert refusal(TrussRemotesField, ["good", remote]) == (
        "The 'remotes' field in target src/é x:t must hold names of remotes, but has "
        f'{remote!r}. For example: `remotes=["baseten"]`.'
    )


@pytest.mark.parametrize("raw", ["baseten", 3, [1], [None]])
def test_remotes_are_a_list_of_strings(raw: Any) -> None:
    assert "The 'remotes' field in target src/é x:t must be an iterable of strings" in refusal(
        TrussRemotesField, raw
    )


# --- Names.


@pytest.mark.parametrize("field", NAMES)
@pytest.mark.parametrize("name", ["m", "sentiment-v2", "a.b_c-d", "0", "x" * 300])
def test_names_that_all_these_fields_accept(field: Type[Field], name: str) -> None:
    assert value(field, name) == name


@pytest.mark.parametrize("field", [f for f in NAMES if f is not TrussDeploymentNameField])
@pytest.mark.parametrize("name", ["two words", "é", "日本", "a/b", "it's", "{x}", "$x", " m "])
def test_names_that_the_remote_may_accept(field: Type[Field], name: str) -> None:
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
            "must not contain the character '\"', but is 'a\"b'. Use, for example, 'a-b'.",
        ),
        (
            "a\\b",
            r"must not contain the character '\\', but is 'a\\b'. Use, for example, 'a-b'.",
        ),
        (
            "a\nb",
            r"must not contain the character '\n', but is 'a\nb'. Use, for example, 'a-b'.",
        ),
        (
            '"""',
            "must not contain the character '\"', but is '\"\"\"'. Use, for example, 'my-model'.",
        ),
        (
            "a\x00",
            r"must not contain the character '\x00', but is 'a\x00'. Use, for example, 'a'.",
        ),
        (
            "\x7f x",
            r"must not contain the character '\x7f', but is '\x7f x'. Use, for example, 'x'.",
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
def test_a_deployment_name_with_invalid_characters_has_a_fix(name: str, fixed: str) -> None:
    """Truss refuses these too, but only after the upload."""
    assert refusal(TrussDeploymentNameField, name) == (
        "The 'deployment_name' field in target src/é x:t must hold only letters, digits, `.`, `-` "
        f'and `_`, but was {name!r}. For example: `deployment_name="{fixed}"`.'
    )
    assert value(TrussDeploymentNameField, fixed) == fixed


@given(st.text())
def test_a_deployment_name_is_kept_or_refused(name: str) -> None:
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
def test_a_wait_timeout_is_positive(raw: int) -> None:
    assert "The 'wait_timeout' field in target src/é x:t must be greater than" in refusal(
        TrussWaitTimeoutField, raw
    )


@pytest.mark.parametrize("raw", ["60", 1.5, [1]])
def test_a_wait_timeout_is_in_whole_seconds(raw: Any) -> None:
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
        # The last of two values counts, as on the command line. Values may be anything.
        ["--x=1", "--x=2", "--y=a b=c"],
        ["--x="],
        # These only begin like options that belong in a field.
        ["--environments=x", "--teams", "--no-wait-for-x"],
    ],
)
def test_push_args_stay_unchanged(raw: List[str]) -> None:
    assert value(TrussPushArgsField, raw) == tuple(raw)


@pytest.mark.parametrize(
    "arg",
    ["", "x", "-x", "--", "---x", "--Name", "--a_b=1", " --no-cache", "--no cache", "--é", "=--x"],
)
def test_push_args_that_are_not_options(arg: str) -> None:
    assert refusal(TrussPushArgsField, ["--no-cache", arg]) == (
        "The 'push_args' field in target src/é x:t: each entry of `push_args` must be an option of "
        f"`truss push` with its value after `=`, but one is {arg!r}. For example: "
        '`push_args=["--deploy-timeout-minutes=60"]`.'
    )


def test_a_value_as_a_separate_argument_is_refused() -> None:
    assert "but one is '60'." in refusal(TrussPushArgsField, ["--deploy-timeout-minutes", "60"])


@pytest.mark.parametrize(
    "arg, name, remedy",
    [
        ("--config=x.yaml", "--config", "Use the field `config` of the target"),
        ("--team", "--team", "Use the field `team`"),
        ("--wait", "--wait", "Use the field `wait`"),
        ("--timeout-seconds=5", "--timeout-seconds", "Use the field `wait_timeout`"),
        ("--labels={}", "--labels", "Use the field `labels`"),
        ("--watch-hot-reload", "--watch-hot-reload", "Run `truss watch` on the folder in `dist/`"),
        ("--tail", "--tail", "Run `truss model-logs` after the push"),
        (
            "--include-git-info",
            "--include-git-info",
            "Use the field `labels`: the pushed folder is not a git repository",
        ),
        ("--non-interactive", "--non-interactive", "Remove it: the plugin always sets it"),
    ],
)
def test_options_that_belong_in_a_field(arg: str, name: str, remedy: str) -> None:
    assert refusal(TrussPushArgsField, [arg]) == (
        "The 'push_args' field in target src/é x:t: `push_args` must not contain "
        f"`{name}`. {remedy}."
    )


def test_push_args_cannot_repeat_options_of_fields() -> None:
    """Otherwise an option could appear twice, and the later one would win."""
    made = PushOptions("m", "t", "d", "e", True, True, 5, (("a", "b"),)).arguments
    assert len(made) == 10
    for argument in made:
        assert "must not contain `--" in refusal(TrussPushArgsField, [argument])
