from __future__ import annotations

import json
from dataclasses import replace
from typing import Dict, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.push import (
    API_KEY,
    AUTH_KEY,
    AUTH_URL,
    Access,
    PushOptions,
    check_args,
    check_name,
    find_access,
)

RELEASE = (0, 18, 35)
FILE = "/home/x/.trussrc"
BY_VARIABLES = Access(("u",), (AUTH_KEY,), by_environment=True)
BY_FILE = Access(("https://x",), ("section [baseten] of /home/x/.trussrc",))
RC = "[baseten]\nremote_provider = baseten\nremote_url = https://x\napi_key = planted-key\n"


def test_all_arguments() -> None:
    options = PushOptions(
        "m", "t", "d", "e", False, True, 5, (("a", 'b"c'), ("d", "e")), ("--no-cache",)
    )
    assert options.arguments == (
        "--non-interactive",
        "--output=json",
        "--model-name=m",
        "--team=t",
        "--deployment-name=d",
        "--environment=e",
        '--labels={"a": "b\\"c", "d": "e"}',
        "--no-cache",
        "--wait",
        "--timeout-seconds=5",
    )
    # Waiting does not change the deployment.
    assert options.content == options.arguments[4:8]


def test_few_arguments() -> None:
    options = PushOptions("m", promote=True, wait_timeout=5)
    assert options.arguments == (
        "--non-interactive",
        "--output=json",
        "--model-name=m",
        "--promote",
    )
    assert options.serves == "production"
    assert PushOptions("m", environment="e").serves == "e"
    assert PushOptions("m").serves is None


def test_an_environment_serves_one_deployment_whatever_its_name() -> None:
    assert PushOptions("m", "t", "d").place == ("t", "m", None, "d")
    assert PushOptions("m", deployment_name="d", promote=True).place == (
        PushOptions("m", deployment_name="e", environment="production").place
    )


@given(st.text())
def test_a_name_cannot_leave_its_string(value: str) -> None:
    try:
        check_name(value, "it")
    except TrussError as e:
        assert str(e).startswith("it must not ")
    else:
        assert not set(value) & set('"\\\n\r\0') and value.strip() and value[0] != "-"


def test_an_invalid_name_has_a_fix() -> None:
    with pytest.raises(TrussError, match=r"""but is 'a"b'. Use, for example, 'a-b'\.$"""):
        check_name('a"b', "it")


@pytest.mark.parametrize(
    "arg, expected",
    [
        ("--remote=x", "Use the field `remotes`"),
        ("--watch-hot-reload", "Run `truss watch` on the folder"),
        ("--output=text", "the plugin always sets it"),
        ("x", "but one is 'x'"),
        ("-x", "but one is '-x'"),
        ("--Two words", "but one is '--Two words'"),
    ],
)
def test_invalid_push_args(arg: str, expected: str) -> None:
    with pytest.raises(TrussError) as error:
        check_args(["--no-cache", arg])
    assert expected in str(error.value)


def test_args() -> None:
    args = ("--deploy-timeout-minutes=60", "--no-cache", "--x=a b")
    assert check_args(args) == args


@pytest.mark.parametrize(
    "remotes, environment, trussrc, expected",
    [
        (["baseten"], {}, RC, BY_FILE),
        (
            ["baseten"],
            {API_KEY: "k"},
            RC.replace("api_key", "x"),
            Access(("https://x",), (API_KEY,)),
        ),
        (["baseten"], {}, RC.replace("api_key = planted-key", "auth_type = oauth"), BY_FILE),
        (["any"], {AUTH_URL: "u", AUTH_KEY: "k"}, None, BY_VARIABLES),
        (["any"], {AUTH_URL: "u", AUTH_KEY: "k"}, RC, BY_VARIABLES),
    ],
)
def test_access(
    remotes: List[str], environment: Dict[str, str], trussrc: Optional[str], expected: Access
) -> None:
    assert find_access(remotes, False, environment, FILE, trussrc, RELEASE) == expected


@pytest.mark.parametrize("trussrc", [None, "", RC.replace("[baseten]", "[other]")])
def test_an_api_key_alone_is_enough(trussrc: Optional[str]) -> None:
    access = find_access(["baseten"], True, {API_KEY: "planted-key"}, FILE, trussrc, RELEASE)
    assert access.urls == ("https://app.baseten.co",)
    assert access.trussrc and "remote_url = https://app.baseten.co" in access.trussrc
    assert "planted" not in access.trussrc


@pytest.mark.parametrize(
    "remotes, environment, trussrc, release, expected",
    [
        (["baseten"], {}, None, RELEASE, f"there is no {FILE}. Set {API_KEY}, or run"),
        (["other"], {API_KEY: "k"}, None, RELEASE, f"set {AUTH_URL} and {AUTH_KEY}."),
        (["baseten", "b"], {API_KEY: "k"}, None, RELEASE, "Several remotes each need a section: "),
        (["other"], {API_KEY: "k"}, RC, RELEASE, "/.trussrc has 'baseten'"),
        (["baseten"], {}, "", RELEASE, ".trussrc has no section"),
        (["baseten"], {}, RC.replace("api_key", "x"), RELEASE, f"and {API_KEY} is not set"),
        (["a"], {AUTH_URL: "u"}, RC, RELEASE, f"{AUTH_URL} is set, but {AUTH_KEY} is not"),
        (["a"], {AUTH_KEY: "k"}, RC, RELEASE, f"{AUTH_KEY} is set, but {AUTH_URL} is not"),
        (["a", "b"], {AUTH_URL: "u", AUTH_KEY: "k"}, RC, RELEASE, "has 'a', 'b'. Unset them"),
        (["baseten"], {}, RC.replace("_url", ""), RELEASE, "has no `remote_url`. For Baseten,"),
        (["baseten"], {}, RC, (0, 15), "`truss push` needs Truss 0.16.1 or later"),
        # This release does not know these variables.
        (["a"], {AUTH_URL: "u", AUTH_KEY: "k"}, RC, (0, 18, 24), "/.trussrc has 'baseten'"),
        (
            ["baseten"],
            {},
            "api_key = planted-key\n" + RC,
            RELEASE,
            ".trussrc, line 1. Write sections",
        ),
        (["baseten"], {}, RC + "planted-key\n", RELEASE, ".trussrc, line 5. Write sections"),
    ],
)
def test_remotes_that_cannot_be_reached(
    remotes: List[str],
    environment: Dict[str, str],
    trussrc: Optional[str],
    release: Tuple[int, ...],
    expected: str,
) -> None:
    with pytest.raises(TrussError) as error:
        find_access(remotes, False, environment, FILE, trussrc, release)
    assert expected in str(error.value)
    assert "planted" not in str(error.value)


PASSWORDS = ["user:planted", ":planted", "user:pl#anted", "user:pl/anted", "user:p:l@anted"]


@pytest.mark.parametrize("user", PASSWORDS)
def test_a_password_in_a_url_is_refused(user: str) -> None:
    """`requests` sends it in place of the key, and state files, logs and specs have the URL."""
    url = f"https://{user}@host:8443/x"
    variables: Dict[str, str] = {AUTH_URL: url, AUTH_KEY: "key"}
    trussrc = RC.replace("https://x", url)
    cases: List[Tuple[Dict[str, str], Optional[str]]] = [(variables, None), ({}, trussrc)]
    for environment, trussrc_of_case in cases:
        with pytest.raises(TrussError, match="is sent|would be sent in place of") as error:
            find_access(["baseten"], False, environment, "/rc", trussrc_of_case, RELEASE)
        assert "Take them out: `https://host:8443/x`" in str(error.value)
        assert "anted" not in str(error.value)


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://user@host/x", "https://host/x"),
        ("https://host:443/a@b:c", "https://host:443/a@b:c"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("https://host", "https://host"),
    ],
)
def test_other_urls_are_kept(url: str, expected: str) -> None:
    trussrc = RC.replace("https://x", url)
    assert find_access(["baseten"], False, {}, "/rc", trussrc, RELEASE).urls == (expected,)


def test_a_named_remote_is_never_replaced() -> None:
    with pytest.raises(TrussError, match="but `remotes` of the target has 'prod'. Unset them"):
        find_access(["prod"], True, {AUTH_URL: "u", AUTH_KEY: "k"}, FILE, RC, RELEASE)


# --- Names.


def test_the_suggested_name_is_valid() -> None:
    for value, example in (('"a"', "'a'"), ('""', "'my-model'")):
        with pytest.raises(TrussError, match=f"Use, for example, {example}."):
            check_name(value, "it")


@pytest.mark.parametrize("char", ['"', "\\", "\n", "\r", "\t", "\0", "\x1b", "\x7f"])
def test_characters_that_end_a_string_are_named(char: str) -> None:
    with pytest.raises(TrussError) as error:
        check_name(f"my{char}{char}model", "`model_name` of src/m:m")
    assert str(error.value) == (
        f"`model_name` of src/m:m must not contain the character {char!r}, but is "
        f"{f'my{char}{char}model'!r}. Use, for example, 'my--model'."
    )


@pytest.mark.parametrize("value", ["m", "Modèle 1.0 (new)", "a/b:c", "it's", "a-", " a", "{x}%s$y"])
def test_names(value: str) -> None:
    assert check_name(value, "it") == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", "it must not be empty."), (" \u3000", "it must not be empty."), ("-x", "but is '-x'.")],
)
def test_invalid_names(value: str, expected: str) -> None:
    with pytest.raises(TrussError) as error:
        check_name(value, "it")
    assert str(error.value).endswith(expected)


# --- Arguments.


@pytest.mark.parametrize(
    ("arg", "remedy"),
    [
        ("--promote", "Use the field `promote`"),
        ("--promote=true", "Use the field `promote`"),
        ("--no-wait", "Use the field `wait`"),
        ("--timeout-seconds=5", "Use the field `wait_timeout`"),
        ("--model-name=a=b", "Use the field `model_name`"),
        ("--environment=x", "Use the field `deployment_environment`"),
        ("--team=x", "Use the field `team`"),
        ("--tail", "Run `truss model-logs` after the push"),
        ("--watch", "Run `truss watch` on the folder in `dist/`"),
        ("--config=x.yaml", "Use the field `config` of the target"),
    ],
)
def test_arguments_that_belong_in_a_field(arg: str, remedy: str) -> None:
    name = arg.partition("=")[0]
    with pytest.raises(TrussError) as error:
        check_args((arg,))
    assert str(error.value) == f"`push_args` must not contain `{name}`. {remedy}."


@pytest.mark.parametrize(
    "arg", ["", "--", "--=x", "---x", "--no_cache", "--x\n", "--x y", " --x", "=--x", "--é", "a/b"]
)
def test_push_args_that_are_not_options(arg: str) -> None:
    with pytest.raises(TrussError) as error:
        check_args((arg,))
    assert f"but one is {arg!r}. For example: `push_args=[" in str(error.value)


OPTIONAL = st.none() | st.text(max_size=4)
OPTIONS = st.builds(
    PushOptions,
    model_name=st.text(max_size=4),
    team=OPTIONAL,
    deployment_name=OPTIONAL,
    environment=OPTIONAL,
    promote=st.booleans(),
    wait=st.booleans(),
    wait_timeout=st.none() | st.integers(0, 9),
    labels=st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3))).map(tuple),
)


@given(OPTIONS)
def test_each_argument_is_one_option_whatever_its_value(options: PushOptions) -> None:
    parts = dict(argument.partition("=")[::2] for argument in options.arguments)
    assert len(parts) == len(options.arguments)
    assert parts["--model-name"] == options.model_name
    assert parts.get("--team") == options.team
    assert parts.get("--deployment-name") == options.deployment_name
    assert parts.get("--environment") == options.environment
    assert ("--promote" in parts) is options.promote
    assert ("--timeout-seconds" in parts) <= ("--wait" in parts)
    assert json.loads(parts.get("--labels", "{}")) == dict(options.labels)
    assert set(options.content) <= set(options.arguments)


@given(OPTIONS, OPTIONS)
def test_waiting_and_remotes_are_not_part_of_the_content(
    one: PushOptions, other: PushOptions
) -> None:
    waiting = replace(
        one,
        model_name=other.model_name,
        team=other.team,
        wait=other.wait,
        wait_timeout=other.wait_timeout,
    )
    assert waiting.content == one.content
    assert replace(waiting, model_name=one.model_name, team=one.team).place == one.place


def test_different_deployments_have_different_places() -> None:
    assert PushOptions("m", "t").place != PushOptions("t", "m").place
    assert PushOptions("m", deployment_name="d").place != PushOptions("m", environment="d").place
    assert PushOptions("m", environment="staging").place != PushOptions("m", promote=True).place
    assert PushOptions("m", deployment_name="d").place != PushOptions("m").place


# --- Access.

TWO = RC + "[prod]\nremote_url = https://p\napi_key = 100%planted\n"


def test_several_remotes_in_their_order() -> None:
    access = find_access(["prod", "baseten"], True, {}, FILE, TWO, RELEASE)
    assert access == Access(
        ("https://p", "https://x"),
        ("section [prod] of /home/x/.trussrc", "section [baseten] of /home/x/.trussrc"),
    )


def test_defaults_of_a_file_apply_to_all_sections() -> None:
    trussrc = "[DEFAULT]\nApi_Key = planted-key\n[baseten]\nREMOTE_URL : https://x\n"
    assert find_access(["baseten"], False, {}, FILE, trussrc, RELEASE) == BY_FILE


def test_empty_variables_count_as_unset() -> None:
    empty = {API_KEY: "", AUTH_URL: "", AUTH_KEY: ""}
    assert find_access(["baseten"], True, empty, FILE, RC, RELEASE) == BY_FILE
    with pytest.raises(TrussError, match="No credentials for the remote 'baseten'"):
        find_access(["baseten"], True, empty, FILE, None, RELEASE)


@pytest.mark.parametrize("release", [(0, 16, 1), (0, 18, 24), (0, 18, 25), (0, 19), (1, 0)])
def test_the_first_releases_that_know_the_variables(release: Tuple[int, ...]) -> None:
    variables = {AUTH_URL: "u", AUTH_KEY: "k"}
    expected = BY_FILE if release < (0, 18, 25) else BY_VARIABLES
    assert find_access(["baseten"], False, variables, FILE, RC, release) == expected


BROKEN = st.sampled_from(
    [
        "[baseten]",
        "[baseten",
        "[DEFAULT]",
        "api_key = planted",
        "api_key",
        "api_key planted",
        "planted",
        " planted",
        "= planted",
        "x = %(planted)s",
        "remote_url = https://x",
        "\0",
    ]
)


@given(st.lists(BROKEN).map("\n".join), st.sampled_from([{}, {API_KEY: "planted"}]))
def test_messages_never_contain_keys_of_a_file(trussrc: str, environment: Dict[str, str]) -> None:
    try:
        access = find_access(["baseten"], False, environment, FILE, trussrc, RELEASE)
    except TrussError as error:
        assert "planted" not in str(error) and FILE in str(error)
    else:
        assert "planted" not in f"{access.sources} {access.trussrc}"
