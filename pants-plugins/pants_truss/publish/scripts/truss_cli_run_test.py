"""Tests how a command of Truss ends, and that it leaves this process unchanged."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import types
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional

import pytest

from pants_truss.publish.scripts import truss_cli


class Group:
    def __init__(self, body: Callable[[List[str]], None]) -> None:
        self.body = body

    def main(self, args: List[str], prog_name: str, standalone_mode: bool) -> None:
        assert (prog_name, standalone_mode) == ("truss", False)
        self.body(args)


def run(body: Callable[[List[str]], None], log: Optional[io.StringIO] = None) -> Any:
    return truss_cli.run(Group(body), ("push", "x"), log or io.StringIO(), "K")


def exiting(code: Any, output: str = "", error: Optional[BaseException] = None) -> Any:
    """Exits while it handles the error, if there is one."""

    def body(_: List[str]) -> None:
        print(output)
        if error is None:
            sys.exit(code)
        try:
            raise error
        except type(error):
            sys.exit(code)

    return body


MADE = '{"model_id": "m"}'


@pytest.mark.parametrize(
    "body, expected",
    [
        (exiting(0, MADE), ({"model_id": "m"}, None, False)),
        (exiting(None, MADE), ({"model_id": "m"}, None, False)),
        # The handled error is not the result.
        (exiting(0, MADE, ValueError("no matter")), ({"model_id": "m"}, None, False)),
        (exiting(2), ({}, "`truss push` exited with code 2", False)),
        (exiting("no"), ({}, "`truss push` exited with code no", False)),
        (exiting(1, MADE, ConnectionError("a\nb")), ({"model_id": "m"}, "a b", True)),
        (exiting(1, error=OSError()), ({}, "OSError", False)),
    ],
)
def test_results_of_commands(body: Any, expected: Any) -> None:
    assert run(body) == expected


def test_the_command_runs_as_in_a_shell_without_input() -> None:
    seen: List[Any] = []

    def body(args: List[str]) -> None:
        seen.extend([args, sys.stdin.read()])
        print("to standard error", file=sys.stderr)
        print(MADE)

    log = io.StringIO()
    assert run(body, log).result == {"model_id": "m"}
    assert seen == [["push", "x"], ""]
    assert log.getvalue() == "to standard error\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit()])
def test_streams_and_archives_are_restored(error: BaseException) -> None:
    def body(_: List[str]) -> None:
        raise error

    before = sys.stdin, sys.stdout, sys.stderr, os.walk, tarfile.TarFile.gettarinfo
    with pytest.raises(type(error)):
        run(body)
    assert before == (sys.stdin, sys.stdout, sys.stderr, os.walk, tarfile.TarFile.gettarinfo)


@pytest.mark.parametrize(
    "output, expected",
    [
        ("", {}),
        ("{}", {}),
        ('{"a": 1}', {"a": 1}),
        ('progress\n{"a": {\n  "b": 1}}\n\n', {"a": {"b": 1}}),
        # The last object is the answer.
        ('{"a": 1}\n{"b": 2}\n', {"b": 2}),
        ('{"a": 1}\nmore\n', {}),
        ('text {"a": 1}', {}),
        ("[1]", {}),
        ("null", {}),
        ('{"a": ', {}),
        ('\r\n{"ä": "☃"}', {"ä": "☃"}),
    ],
)
def test_the_answer_is_the_object_at_the_end(output: str, expected: Any) -> None:
    assert run(lambda _: print(output)).result == expected


# Retries: cases that the table in the other test does not have.


def of_library(*names: str) -> Any:
    """Returns an error whose base classes have these names, the last one first."""
    kind: type = Exception
    for name in reversed(names):
        kind = type(name, (kind,), {})
    return kind


def with_response(response: Any) -> BaseException:
    error: Any = Exception("x")
    error.response = response
    return error


def in_context(outer: Any, inner: BaseException) -> BaseException:
    try:
        try:
            raise inner
        except type(inner):
            raise outer
    except type(outer) as e:
        return e


@pytest.mark.parametrize(
    "error, expected",
    [
        (of_library("MyOwn", "ReadTimeoutError", "PoolError")(), True),
        # By their base classes these look like connection errors of other libraries.
        (of_library("InvalidURL", "HTTPException")(), False),
        (of_library("MissingSchema", "ConnectionError")(), False),
        (in_context(ValueError("upload failed"), ConnectionResetError()), True),
        (in_context(ValueError("no"), KeyError("x")), False),
        (with_response(types.SimpleNamespace(status_code="503")), False),
        (with_response({}), False),
        (with_response({"ResponseMetadata": {"HTTPStatusCode": 429}}), True),
        (with_response(types.SimpleNamespace(status_code=599)), True),
        # An untrusted certificate, at any place in the chain.
        (in_context(ConnectionError(), ValueError("x CERTIFICATE_VERIFY_FAILED y")), True),
        (in_context(ValueError(), ConnectionError("CERTIFICATE_VERIFY_FAILED")), False),
        (type("SocketTimeout", (TimeoutError,), {})(), False),
        (type("Timeout", (TimeoutError,), {})(), True),
    ],
)
def test_errors_that_a_retry_may_fix(error: BaseException, expected: bool) -> None:
    assert truss_cli.is_transient(error) is expected


def test_credentials_that_storage_rejects() -> None:
    error = with_response({"ResponseMetadata": {"HTTPStatusCode": 403}})
    assert truss_cli.describe(error, "`[a]` in .trussrc") == (
        "x. The remote rejects the credentials from `[a]` in .trussrc"
    )


# Requests that make a deployment.


class Session:
    def send(self, request: Any, **options: Any) -> Any:
        if request.answer is None:
            raise ConnectionResetError
        return types.SimpleNamespace(status_code=200, json=lambda: request.answer)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    requests: Any = types.ModuleType("requests")
    requests.Session = type("Session", (Session,), {"send": Session.send})
    monkeypatch.setitem(sys.modules, "requests", requests)
    yield requests.Session()


def request(body: Any, answer: Any = 0, method: str = "POST", path: str = "/graphql/") -> Any:
    url = f"https://api.example{path}"
    return types.SimpleNamespace(body=body, answer=answer, method=method, url=url)


@pytest.mark.parametrize(
    "body, makes_one",
    [
        ("{ create_model_from_truss(name: 1) }", True),
        (b"create_model_version_from_truss(", True),
        (bytearray(b"x create_model_from_truss("), True),
        (b"\xff\xfe create_model_from_truss(", True),
        ("create_model_from_truss", False),
        ("recreate_model_from_truss(", False),
        ("create_model_version_from_truss_v2(", False),
        ("", False),
        (None, False),
    ],
)
def test_requests_that_make_a_deployment(session: Any, body: Any, makes_one: bool) -> None:
    calls: List[Any] = []
    with truss_cli.watch_creation(lambda: calls.append("before"), calls.append):
        session.send(request(body))
    assert calls == (["before", truss_cli.Answer(200, False)] if makes_one else [])


@pytest.mark.parametrize(
    "method, path, makes_one",
    [
        ("POST", "/v1/llm_models", True),
        ("POST", "/v1/teams/t1/llm_models", True),
        ("POST", "/v1/llm_models/m1/deployments", True),
        ("GET", "/v1/llm_models", False),
        ("POST", "/v1/llm_models/m1/deployments/d1/promote", False),
        ("POST", "/v1/training_projects", False),
    ],
)
def test_a_model_of_bis_llm_is_made_by_the_rest_api(
    session: Any, method: str, path: str, makes_one: bool
) -> None:
    calls: List[Any] = []
    with truss_cli.watch_creation(lambda: calls.append("before"), calls.append):
        answer = {"model_id": "m1", "version_id": "d1", "hostname": "h"}
        session.send(request("{}", answer, method, path))
    assert calls == (["before", truss_cli.Answer(200, True, "m1", "d1")] if makes_one else [])


def test_a_request_without_an_answer_counts_as_sent(session: Any) -> None:
    calls: List[Any] = []
    send = type(session).send
    with pytest.raises(ConnectionResetError):
        with truss_cli.watch_creation(lambda: calls.append("before"), calls.append):
            session.send(request("create_model_from_truss(", None))
    assert calls == ["before"]
    # Other users of the library are no longer watched.
    assert type(session).send is send


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        "text",
        {"data": {}},
        {"data": {"x": None}},
        {"data": {"x": {"model_version": None}}},
        {"data": {"x": {"model_version": {"id": "d"}}}},
        {"data": {"x": {"model_version": {"id": "d", "oracle": "m"}}}},
        {"data": {"x": {}, "y": {}}},
        {"data": [1]},
    ],
)
def test_an_unknown_answer_may_have_made_a_deployment(session: Any, data: Any) -> None:
    answers: List[Any] = []
    with truss_cli.watch_creation(lambda: None, answers.append):
        session.send(request("create_model_from_truss(", data))
        session.send(request("create_model_from_truss(", {"errors": [{"message": "no"}]}))
    assert answers == [truss_cli.Answer(200, False), truss_cli.Answer(200, True)]
    assert [answer.is_refusal for answer in answers] == [False, True]


# Archives.


def test_archives_have_no_owners_or_times(tmp_path: Path) -> None:
    for name in ("z", "a/b", "a/B"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "a/b").chmod(0o744)
    (tmp_path / "z").chmod(0o666)
    with truss_cli.deterministic_archives():
        walked = [(os.path.relpath(r, tmp_path), d, f) for r, d, f in os.walk(tmp_path)]
        with tarfile.open(tmp_path / "out.tar", "w") as tar:
            tar.add(tmp_path / "a", "a")
            tar.add(tmp_path / "z", "z")
    assert walked == [(".", ["a"], ["z"]), ("a", [], ["B", "b"])]
    with tarfile.open(tmp_path / "out.tar") as tar:
        found = [(m.name, oct(m.mode), m.mtime, m.uid, m.gid, m.uname, m.gname) for m in tar]
    modes = [("a", "0o755"), ("a/B", "0o644"), ("a/b", "0o755"), ("z", "0o644")]
    assert found == [(name, mode, 0, 0, 0, "", "") for name, mode in modes]
