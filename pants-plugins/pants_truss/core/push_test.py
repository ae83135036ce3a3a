from __future__ import annotations

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
    # To wait makes no other deployment.
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


def test_a_name_with_its_fix() -> None:
    with pytest.raises(TrussError, match=r"""but is 'a"b'. For example 'a-b'\.$"""):
        check_name('a"b', "it")


@pytest.mark.parametrize(
    "arg, expected",
    [
        ("--remote=x", "use the field `remotes`"),
        ("--watch-hot-reload", "use `truss watch` on the folder"),
        ("--output=text", "it is always there"),
        ("x", "but one is 'x'"),
        ("-x", "but one is '-x'"),
        ("--Two words", "but one is '--Two words'"),
    ],
)
def test_args_that_cannot_be(arg: str, expected: str) -> None:
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
        (["baseten", "b"], {API_KEY: "k"}, None, RELEASE, "With several remotes each needs a"),
        (["other"], {API_KEY: "k"}, RC, RELEASE, "/.trussrc has 'baseten'"),
        (["baseten"], {}, "", RELEASE, ".trussrc has no section"),
        (["baseten"], {}, RC.replace("api_key", "x"), RELEASE, f"and {API_KEY} is not set"),
        (["a"], {AUTH_URL: "u"}, RC, RELEASE, f"{AUTH_URL} is set and {AUTH_KEY} is not"),
        (["a"], {AUTH_KEY: "k"}, RC, RELEASE, f"{AUTH_KEY} is set and {AUTH_URL} is not"),
        (["a", "b"], {AUTH_URL: "u", AUTH_KEY: "k"}, RC, RELEASE, "has 'a', 'b'. Unset them"),
        (["baseten"], {}, RC.replace("_url", ""), RELEASE, "has no `remote_url`. That of Baseten"),
        (["baseten"], {}, RC, (0, 15), "A push needs Truss 0.16.1, the first whose"),
        # A release that does not know these variables.
        (["a"], {AUTH_URL: "u", AUTH_KEY: "k"}, RC, (0, 18, 24), "/.trussrc has 'baseten'"),
        (
            ["baseten"],
            {},
            "api_key = planted-key\n" + RC,
            RELEASE,
            ".trussrc cannot be read, line 1",
        ),
        (["baseten"], {}, RC + "planted-key\n", RELEASE, ".trussrc cannot be read, line 5"),
    ],
)
def test_no_access(
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


def test_a_remote_that_is_named_is_not_another() -> None:
    with pytest.raises(TrussError, match="But `remotes` of the target has 'prod'. Unset them"):
        find_access(["prod"], True, {AUTH_URL: "u", AUTH_KEY: "k"}, FILE, RC, RELEASE)
