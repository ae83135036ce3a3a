from __future__ import annotations

from typing import Any, List

import pytest

from pants_truss.core.lint.config_rules import rule_problems
from pants_truss.core.lint.problem import Problem
from pants_truss.core.lint.release import default_release

RELEASE = default_release()

IMAGE = {"image": "nvcr.io/nim/x:1"}


def of(config: Any = None, **server: Any) -> List[Problem]:
    return list(
        rule_problems(
            {"docker_server": {"start_command": "serve", **server}, **(config or {})}, RELEASE
        )
    )


# --- The image.


@pytest.mark.parametrize("path", ["/usr/bin/python3", "/", "", None, 3, ["x"]])
def test_paths_of_python_that_are_fine_or_of_a_wrong_type(path: Any) -> None:
    assert not list(rule_problems({"base_image": {"python_executable_path": path}}, RELEASE))


@pytest.mark.parametrize("path", ["python3", "bin/python", "./python", "~/python", " /python"])
def test_a_relative_path_of_python(path: str) -> None:
    (problem,) = rule_problems({"base_image": {"python_executable_path": path}}, RELEASE)
    assert problem.key == ("base_image", "python_executable_path")
    assert problem.message.startswith("`base_image.python_executable_path` is ")
    assert problem.message.endswith("begin it with `/`.")


# --- A server of its own.


def test_a_server_that_is_fine() -> None:
    assert not of(server_port=8000, run_as_user_id=1000)
    assert not of({"base_image": IMAGE}, no_build=True, start_command=None)


@pytest.mark.parametrize("no_build", [None, False])
@pytest.mark.parametrize("command", [None, "", "  ", "\n"])
def test_there_is_nothing_to_start(no_build: Any, command: Any) -> None:
    (problem,) = of(no_build=no_build, start_command=command)
    assert problem.key == ("docker_server",)
    assert "`docker_server.start_command` is missing" in problem.message
    assert "unless `no_build` is true" in problem.message


@pytest.mark.parametrize("base_image", [None, {}, {"image": ""}, {"image": None}, "x"])
def test_there_is_no_image_to_deploy(base_image: Any) -> None:
    (problem,) = of({"base_image": base_image}, no_build=True)
    assert problem.key == ("docker_server", "no_build")
    assert "needs `base_image.image`" in problem.message


@pytest.mark.parametrize("user", [0, 60000])
def test_users_of_the_image(user: int) -> None:
    (problem,) = of(run_as_user_id=user)
    assert problem.key == ("docker_server", "run_as_user_id")
    assert f"must not be {user}, which is a user of the image itself" in problem.message


@pytest.mark.parametrize("user", [1, 1000, 59999, 60001, None])
def test_other_users(user: Any) -> None:
    assert not of(run_as_user_id=user)


def test_the_port_of_the_proxy() -> None:
    (problem,) = of(server_port=8080)
    assert problem.key == ("docker_server", "server_port")
    assert "`docker_server.server_port` is 8080" in problem.message
    assert "Take another, such as 8000." in problem.message
    for port in (80, 8000, 8081, None):
        assert not of(server_port=port)


@pytest.mark.parametrize(
    ("user", "ssh", "excluded"),
    [
        (7, {"enabled": True}, True),
        (7, {"enabled": False}, False),
        (7, {}, False),
        (7, None, False),
        (None, {"enabled": True}, False),
    ],
)
def test_ssh_and_a_user(user: Any, ssh: Any, excluded: bool) -> None:
    found = of({"runtime": {"remote_ssh": ssh}}, run_as_user_id=user)
    assert [problem.key for problem in found] == [("docker_server", "run_as_user_id")] * excluded
    for problem in found:
        assert "`runtime.remote_ssh.enabled` exclude each other" in problem.message


def test_all_of_it_is_reported() -> None:
    found = of(
        {"runtime": {"remote_ssh": {"enabled": True}}},
        no_build=True,
        run_as_user_id=0,
        server_port=8080,
    )
    assert [problem.key[1] for problem in found] == [
        "no_build",
        "run_as_user_id",
        "server_port",
        "run_as_user_id",
    ]
