from __future__ import annotations

from typing import Any, Dict, List

import pytest

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
