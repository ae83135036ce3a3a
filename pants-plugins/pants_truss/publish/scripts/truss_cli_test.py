from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import types
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from pants_truss.publish.scripts import truss_cli


class Response:
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


class Error(Exception):
    def __init__(self, text: str = "", response: Any = None, code: Optional[str] = None) -> None:
        super().__init__(text)
        if response is not None:
            self.response = response
        if code is not None:
            self.graphql_error_code = code


def named(name: str, *bases: type, text: str = "") -> Exception:
    """Returns an error of a library that is not installed here."""
    error: Exception = type(name, bases or (Error,), {})(text)
    return error


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class Timeout(Error):
    pass


@pytest.mark.parametrize(
    "error, expected",
    [
        *((Error(response=Response(status)), True) for status in (408, 425, 429, 500, 502, 503)),
        *((Error(response=Response(status)), False) for status in (400, 401, 403, 404, 409, 422)),
        (Error(response={"ResponseMetadata": {"HTTPStatusCode": 503}}), True),
        (Error(response={"ResponseMetadata": {"HTTPStatusCode": 403}}), False),
        (Error(code="INTERNAL_SERVER_ERROR"), True),
        (Error(code="RESOURCE_NOT_FOUND"), False),
        (Error("Validation failed"), False),
        (named("ReadTimeout", Timeout), True),
        (ConnectionResetError(), True),
        (named("JSONDecodeError"), True),
        (caused(named("S3UploadFailedError"), named("ConnectionClosedError")), True),
        (caused(named("S3UploadFailedError"), Error(response=Response(403))), False),
        (caused(Error(response=Response(403)), named("ConnectionClosedError")), False),
        (named("SSLError", ConnectionError, text="[SSL: CERTIFICATE_VERIFY_FAILED]"), False),
        (named("SSLError", ConnectionError, text="EOF occurred"), True),
        # Truss ends a wait this way; the deployment exists.
        (TimeoutError("Deployment timed out."), False),
        (RuntimeError("Deployment failed with status BUILD_FAILED."), False),
        (KeyError("data"), False),
    ],
)
def test_errors_that_a_retry_may_fix(error: Exception, expected: bool) -> None:
    assert truss_cli.is_transient(error) == expected


def test_a_cyclic_chain_of_errors() -> None:
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert not truss_cli.is_transient(first)


def test_a_description_is_one_line() -> None:
    assert truss_cli.describe(ValueError("a\n  b"), "K") == "a b"
    assert truss_cli.describe(ValueError(), "K") == "ValueError"
    text = truss_cli.describe(Error("401 Client Error", Response(401)), "K")
    assert text == ("401 Client Error. The remote rejects the credentials from K")


class Group:
    """Ends with the given outcome."""

    def __init__(self, output: str = "", error: Optional[BaseException] = None) -> None:
        self.output, self.error = output, error

    def main(self, args: List[str], **_: Any) -> None:
        print(self.output)
        print("progress", file=sys.stderr)
        assert sys.stdin.read() == ""
        if self.error is None:
            return
        try:
            raise self.error
        except Exception:
            sys.exit(1)


def run(group: Group) -> truss_cli.Ended:
    log = io.StringIO()
    streams = sys.stdin, sys.stdout, sys.stderr
    ended: truss_cli.Ended = truss_cli.run(group, ["push"], log, "K")
    assert streams == (sys.stdin, sys.stdout, sys.stderr)
    assert log.getvalue() == "progress\n"
    return ended


def test_results_of_commands() -> None:
    assert run(Group('{"model_id": "m"}')) == ({"model_id": "m"}, None, False)
    # Truss may print more than JSON.
    assert run(Group('a {line}\n{\n "model_id": {"m": 1}\n}')).result == {"model_id": {"m": 1}}
    assert run(Group("no JSON")).result == {}
    assert run(Group(error=ConnectionResetError("gone"))) == ({}, "gone", True)
    ended = run(Group('{"error": {"message": "x"}}', ValueError("wrong")))
    assert (ended.error, ended.is_transient) == ("wrong", False)


def test_a_wait_that_takes_too_long_ends() -> None:
    class Endless(Group):
        def main(self, args: List[str], **options: Any) -> None:
            super().main(args, **options)
            raise truss_cli.WaitEnded("too long")

    assert run(Endless()) == ({}, "too long", False)


def test_answers_to_requests_that_make_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    class Response:
        def __init__(self, status_code: int, body: str) -> None:
            self.status_code, self._body = status_code, body

        def json(self) -> Any:
            return json.loads(self._body)

    class Session:
        def send(self, request: Any, **_: Any) -> Response:
            calls.append("sent")
            return Response(*request.answer)

    calls: List[Any] = []
    requests: Any = types.ModuleType("requests")
    requests.Session = Session
    monkeypatch.setitem(sys.modules, "requests", requests)
    version = {"id": "d", "oracle": {"id": "m"}}
    made = json.dumps({"data": {"create_model_from_truss": {"model_version": version}}})
    create = b'{"query": "mutation { create_model_from_truss( name"}'
    version_query = '{"query": "mutation { create_model_version_from_truss( model_id"}'
    there = truss_cli.Answer(200, True, "m", "d")
    asked = [
        (create, (200, made), there),
        (version_query, (200, made), there),
        (create, (200, '{"errors": [], "data": null}'), truss_cli.Answer(200, True)),
        (create, (403, "no"), truss_cli.Answer(403, True)),
        (create, (500, "no"), truss_cli.Answer(500, True)),
        # The server behind the gateway may have made the deployment.
        (create, (502, "no"), truss_cli.Answer(502, False)),
        # The connection ended among the headers, or in the middle.
        (create, (200, ""), truss_cli.Answer(200, False)),
        (create, (200, made[:-5]), truss_cli.Answer(200, False)),
        # Ids that the state file could not hold.
        (create, (200, '{"model_id": 5, "version_id": ["d"]}'), truss_cli.Answer(200, False)),
        (create, (200, made.replace('"d"', "7")), truss_cli.Answer(200, False)),
        (create, (200, "[" * 100_000), truss_cli.Answer(200, False)),
    ]
    with truss_cli.watch_creation(lambda: calls.append("before"), calls.append):
        for body in (None, b'{"query": "{ models(all: true) }"}'):
            Session().send(
                types.SimpleNamespace(url="https://x/graphql/", body=body, answer=(200, "{}"))
            )
        for query, answer, _ in asked:
            Session().send(
                types.SimpleNamespace(url="https://x/graphql/", body=query, answer=answer)
            )
    expected: List[Any] = ["sent", "sent"]
    for _, _, answered in asked:
        expected += ["before", "sent", answered]
    assert calls == expected
    assert [a.is_refusal for *_, a in asked] == [*[False] * 2, *[True] * 2, *[False] * 7]
    Session().send(types.SimpleNamespace(url="https://x/graphql/", body=create, answer=(200, made)))
    assert calls[len(expected) :] == ["sent"]


def test_an_interruption_is_raised() -> None:
    abort = caused(RuntimeError(), KeyboardInterrupt())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        run(Group(error=abort))


class Parameter:
    def __init__(self, *opts: str) -> None:
        self.opts, self.secondary_opts = list(opts), ["--no-wait"]


class Command:
    params = [Parameter("--wait"), Parameter("--label")]


def test_an_option_that_the_release_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    group: Any = type("G", (), {"commands": {"push": Command}})
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.9.1")
    truss_cli.check_options(group, ["--wait", "--label=--x", "--no-wait"])
    with pytest.raises(truss_cli.MissingOption, match="Truss 0.9.1 has no option `--team`"):
        truss_cli.check_options(group, ["--wait", "--team=a"])


def pack(folder: Path) -> bytes:
    """Packs a truss like Truss."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:") as archive:
        for root, _, names in os.walk(folder):
            for name in names:
                path = Path(root, name)
                with path.open("rb") as file:
                    info = archive.gettarinfo(str(path), str(path.relative_to(folder)))
                    archive.addfile(info, file)
    return target.getvalue()


def make(folder: Path, files: Dict[str, str], time: int, mode: int) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        os.utime(path, (time, time))
    return folder


def test_archives_of_one_tree_are_equal(tmp_path: Path) -> None:
    files = {f"{number % 7}/{number}": json.dumps(number) for number in range(60)}
    one = make(tmp_path / "one", files, 1_000_000, 0o644)
    two = make(tmp_path / "two", dict(reversed(list(files.items()))), 2_000_000, 0o600)
    assert pack(one) != pack(two)
    with truss_cli.deterministic_archives():
        assert pack(one) == pack(two)
        make(tmp_path / "two", {"0/0": "0"}, 1, 0o700)
        assert pack(one) != pack(two)
    assert pack(one) != pack(two)
