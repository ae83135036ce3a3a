from __future__ import annotations

import configparser
import io
import re
import shlex
from typing import Any, Callable, Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.injection import injection_problems


def told(data: Dict[str, Any]) -> List[str]:
    return [problem.message for problem in injection_problems(data)]


SERVER: Dict[str, Any] = {"server_port": 8000, "start_command": "serve"}


@pytest.mark.parametrize(
    ("data", "blame"),
    [
        ({"base_image": {"image": "python:3.11\nRUN id"}}, "a line break"),
        ({"base_image": {"image": "python:3.11 AS x"}}, "a space"),
        ({"base_image": {"image": "--platform=linux/arm64"}}, "begins with `-`"),
        ({"base_image": {"image": "Python:3.11"}}, "does not have the form of one"),
        ({"base_image": {"image": "python:${V}"}}, "has '$'"),
        ({"base_image": {"image": "python@sha256:12"}}, "does not have the form of one"),
        ({"base_image": {"python_executable_path": '/usr/bin/python3; id "x'}}, "has ';'"),
        ({"system_packages": ["-oDpkg::Pre-Invoke::=id"]}, "begins with `-`"),
        ({"system_packages": ["curl; id"]}, "has ';'"),
        ({"system_packages": ["$(id)"]}, "has '$'"),
        ({"system_packages": ["ffmpeg", "curl>=7"]}, "has '>'"),
        ({"data_dir": "d $HOME"}, "a space"),
        ({"bundled_packages_dir": "p*"}, "has '*'"),
        ({"build": {"secret_to_path_mapping": {"tok\n": "/p"}}}, "a line break"),
        ({"build": {"secret_to_path_mapping": {"tok": "/p,mode=0777"}}}, "has ','"),
        ({"model_cache": [{"repo_id": "a/b; id", "revision": "main"}]}, "has ';'"),
        ({"model_cache": [{"repo_id": "a/b", "revision": "main\nRUN id"}]}, "a line break"),
        ({"docker_server": {**SERVER, "predict_endpoint": "/x; return 200"}}, "has ';'"),
        ({"docker_server": {**SERVER, "liveness_endpoint": "/{x}"}}, "has '{'"),
        ({"external_data": [{"url": "-oX", "local_data_path": "a"}]}, "begins with `-`"),
        ({"external_data": [{"url": "https://a/b c", "local_data_path": "a"}]}, "a space"),
        ({"environment_variables": {"A B": "x"}}, "a space"),
        ({"environment_variables": {"PORT": "80\nRUN id"}}, "a line break"),
    ],
)
def test_a_value_that_breaks_out(data: Dict[str, Any], blame: str) -> None:
    (message,) = told(data)
    assert blame in message.replace('"\'"', "'")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("date +%s", "a single `%` is an error"),
        ("sh -c 'a ; b'", "ends at ` ;`"),
        ("python x.py # note", "ends at ` ;`"),
        ("python 'x", "its quotes do not match"),
        ("cd /x && python y.py", "starts no shell: '&&'"),
    ],
)
def test_start_commands(command: str, message: str) -> None:
    server = {**SERVER, "start_command": command}
    (found,) = told({"docker_server": server})
    assert message in found
    assert not told({"docker_server": {**server, "no_build": True}})


@pytest.mark.parametrize("path", ["/etc/x", "../../x", "a/../../b", "a\nb"])
def test_paths_of_external_data(path: str) -> None:
    (found,) = told({"external_data": [{"url": "https://a/b", "local_data_path": path}]})
    assert "leaves the data folder" in found


def test_what_is_fine() -> None:
    images = (
        "ubuntu python:3.11 nvcr.io/nvidia/nemo:23.03 reg.io:5000/a/b_c/d__e/f--g:1.0 localhost/x "
        "[::1]:5000/x 123.dkr.ecr.us-west-2.amazonaws.com/x:latest a/b@sha256:" + "0" * 64
    )
    packages = (
        "ffmpeg python3.11-dev g++ libstdc++6 libfoo=1.2* libfoo* curl/stable curl:amd64 "
        "bash=5.2.15-2+b7 xx=1:2.3~rc1-4ubuntu0.1 r"
    )
    for image in images.split():
        assert not told({"base_image": {"image": image}}), image
    for package in packages.split():
        assert not told({"system_packages": [package]}), package
    assert not told(
        {
            "base_image": {"image": "", "python_executable_path": "/opt/conda/bin/python3.11"},
            "system_packages": ["curl git", "  jq  "],
            "external_data": [
                {"url": "https://h/a?b=1&c=$X;y'`z`", "local_data_path": "a/b.bin"},
            ],
            "environment_variables": {"A": 'x\n"; $(y)', "PORT": "8080", "a.b-c": "1"},
            "build": {"secret_to_path_mapping": {"hf_token": "/run/secrets/hf_token"}},
            "build_commands": ["echo a; rm -rf /b && $(c)"],
            "model_cache": [{"repo_id": "gs://a/b", "revision": "refs/pr/1"}],
            "docker_server": {
                "start_command": "sh -c 'a && b; c' --date %(ENV_X)s 100%%",
                "predict_endpoint": "/v1/models/x:predict?a=b",
            },
        }
    )
    assert not told({"base_image": 3, "docker_server": [], "external_data": "x", "build": None})


# --- Every place, with a value that is fine in it.

PLACES: Dict[str, Tuple[str, Callable[[str], Dict[str, Any]]]] = {
    "base_image.image": ("python:3.11", lambda v: {"base_image": {"image": v}}),
    "base_image.python_executable_path": (
        "/opt/python",
        lambda v: {"base_image": {"python_executable_path": v}},
    ),
    "data_dir": ("weights", lambda v: {"data_dir": v}),
    "bundled_packages_dir": ("libs", lambda v: {"bundled_packages_dir": v}),
    "build.secret_to_path_mapping.token": (
        "/run/secrets/token",
        lambda v: {"build": {"secret_to_path_mapping": {"token": v}}},
    ),
    "model_cache[0].repo_id": ("acme/kit", lambda v: {"model_cache": [{"repo_id": v}]}),
    "model_cache[0].revision": ("main", lambda v: {"model_cache": [{"revision": v}]}),
    "docker_server.predict_endpoint": (
        "/v1/embed",
        lambda v: {"docker_server": {"predict_endpoint": v}},
    ),
    "docker_server.readiness_endpoint": (
        "/health",
        lambda v: {"docker_server": {"readiness_endpoint": v}},
    ),
    "docker_server.liveness_endpoint": (
        "/live",
        lambda v: {"docker_server": {"liveness_endpoint": v}},
    ),
    "external_data[0].url": ("https://host/x", lambda v: {"external_data": [{"url": v}]}),
    "environment_variables.PORT": ("8080", lambda v: {"environment_variables": {"PORT": v}}),
    "environment_variables.HOSTNAME": ("h", lambda v: {"environment_variables": {"HOSTNAME": v}}),
}
QUOTED = ("environment_variables.PORT", "environment_variables.HOSTNAME")
NGINX = [key for key in PLACES if key.startswith("docker_server")]
SHELL = [key for key in PLACES if key not in (*NGINX, *QUOTED, "external_data[0].url")]


def check_told(key: str, position: int, evil: str) -> None:
    good, config = PLACES[key]
    assert not told(config(good))
    value = good[:position] + evil + good[position:]
    (problem,) = injection_problems(config(value))
    assert problem.message.startswith(f"`{key}` is written into ")
    assert problem.message.isascii() and problem.message.isprintable()
    # It may be a credential.
    assert value not in problem.message
    assert (problem.rule, problem.severity) == ("injection", Severity.ERROR)


@pytest.mark.parametrize("key", PLACES)
@given(position=st.integers(0, 20), evil=st.sampled_from(["\n", "\r", "\r\n", "\nRUN id\n"]))
def test_a_line_break_breaks_out_of_any_place(key: str, position: int, evil: str) -> None:
    check_told(key, position, evil)


@pytest.mark.parametrize("key", [*SHELL, *NGINX])
@given(
    position=st.integers(0, 20), evil=st.sampled_from(" \t\"'\\`$;{}|<>#\0\x1b\x7fé\u2028\u202e")
)
def test_a_character_that_is_not_plain(key: str, position: int, evil: str) -> None:
    check_told(key, position, evil)


@pytest.mark.parametrize("key", SHELL)
def test_an_option_is_not_a_value(key: str) -> None:
    good, config = PLACES[key]
    for option in (f"-{good}", "-", "--x"):
        (message,) = told(config(option))
        assert "and begins with `-`, as an option does." in message


@pytest.mark.parametrize("key", SHELL)
@given(value=st.text("aZ0._-+/@%=:,~*?!#$;&|<>(){}[]^\\\"'` \n\té", min_size=1, max_size=8))
def test_what_is_fine_is_one_word_of_a_shell(key: str, value: str) -> None:
    for word in (value, f"/{value}"):
        if not told(PLACES[key][1](word)):
            assert shlex.quote(word) == word
            assert not word.startswith("-")


@pytest.mark.parametrize(
    ("url", "is_fine"),
    [
        ("https://user@host:1/a?b=c#d", True),
        ("http://host", True),
        ("s3://bucket/key", True),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("//host/x", False),
        ("host/x", False),
        (" https://host", False),
        ("https://host/\x7f", False),
        ("https://host/\0", False),
    ],
)
def test_urls(url: str, is_fine: bool) -> None:
    assert (not told({"external_data": [{"url": url}]})) is is_fine


@pytest.mark.parametrize(
    "image",
    ["a:", "a@b", "a//b", "a/", "/a", "a..b", "a:-x", "h_t:5000/x", "a:" + "t" * 129, "a:b:c"]
    + ["https://a/b", "a@sha256:" + "g" * 64, "scratch AS x", "-", "a___b"],
)
def test_images_that_have_not_the_form_of_one(image: str) -> None:
    (message,) = told({"base_image": {"image": image}})
    assert "Write a reference such as `registry.example.com:5000/team/image:1.0`" in message


def test_the_first_bad_word_of_each_entry_is_reported() -> None:
    config = {"system_packages": ["jq; id $x", "curl", 5, "git\n--allow-downgrades\nUP -y"]}
    keys = [problem.key for problem in injection_problems(config)]
    assert keys == [("system_packages", 0), ("system_packages", 3)]
    assert [m.split(" as it is, and ")[1] for m in told(config)] == [
        "has ';'. Write the name of a package, or `name=version`.",
        "does not have the form of one. Write the name of a package, or `name=version`.",
    ]


def test_values_that_reach_no_place() -> None:
    endpoint = {"predict_endpoint": "/x; return 200", "start_command": "a && b"}
    cached = {"repo_id": "a b", "revision": "a b"}
    assert len(told({"docker_server": endpoint})) == len(told({"model_cache": [cached]})) == 2
    assert not told({"docker_server": {**endpoint, "no_build": True}})
    assert not told({"model_cache": [{**cached, "use_volume": True}]})


@pytest.mark.parametrize("value", [None, True, 5, 1.5, [], {}, ["a b"], {"a b": "c d"}, b"\n"])
def test_other_types_are_not_for_this_rule(value: Any) -> None:
    for key, (_, config) in PLACES.items():
        if key not in QUOTED:
            assert not told(config(value))
    for key in ("base_image", "build", "model_cache", "docker_server", "external_data"):
        assert not told({key: value})
    assert not told({"docker_server": {"start_command": value}})
    assert not told({"external_data": [{"local_data_path": value}, value]})


# --- The config of supervisord.


def survives(command: str) -> bool:
    """Returns True if supervisord reads what Truss writes. Each uses `configparser` in its own
    way."""
    written = configparser.ConfigParser()
    try:
        written["program:x"] = {"command": command, "startsecs": "30"}
    except ValueError:
        return False
    file = io.StringIO()
    written.write(file)
    read = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    read.read_string(file.getvalue())
    section = read["program:x"]
    return section["command"].split() == command.split() and len(section) == 2


WORDS = ["a", "--b=1", " ", "\t", "\n", ";", "#", "%", "%%", "%(ENV_X)s", "(x)s", ":", "="]


@given(st.lists(st.sampled_from(WORDS), max_size=8).map("".join))
@settings(max_examples=300)
def test_a_start_command_that_is_fine_reaches_supervisord(words: str) -> None:
    # A line of a comment alone is one also where the command has it.
    command = "serve" + re.sub(r"\n[;#]+", "\n", words)
    assert bool(told({"docker_server": {"start_command": command}})) != survives(command)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("a 100%", "where a single `%` is an error. Write `%%`."),
        ("a %%%", "where a single `%` is an error. Write `%%`."),
        ("a 'b", "where its quotes do not match. Close them."),
        ('a "b\\"', "where its quotes do not match. Close them."),
        *(
            (f"a {operator} b", f"starts no shell: {operator!r} would be an argument. Write `sh -c")
            for operator in ("&&", "||", "|", ">", ">>", "<", "2>&1")
        ),
    ],
)
def test_what_supervisord_takes_otherwise(command: str, message: str) -> None:
    (found,) = told({"docker_server": {"start_command": command}})
    assert found.startswith("`docker_server.start_command` is written into the config of ")
    assert message in found


@pytest.mark.parametrize(
    "command",
    [
        "",
        "a;b#c",
        "a 'b;c' \"#\"",
        "sh -c 'a && b > c 2>&1'",
        "a|b",
        "a\n  --b\n\n  --c\n",
        "a %%d",
    ],
)
def test_commands_that_supervisord_runs_as_they_are(command: str) -> None:
    assert not told({"docker_server": {"start_command": command}})
