"""Talks to an HTTP server on loopback, through a minimal client in Truss's place."""

from __future__ import annotations

import importlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.publish.scripts import baseten

FACTORY = """\
import json
import urllib.request

class GraphQLError(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.graphql_error_code = error.get("extensions", {}).get("code")

class Api:
    def __init__(self, url):
        self.app_url = url

    def _post_graphql_query(self, query):
        body = json.dumps({"query": query}).encode()
        with urllib.request.urlopen(f"{self.app_url}/graphql", body) as response:
            answer = json.load(response)
        if answer.get("errors"):
            raise GraphQLError(answer["errors"][0])
        return answer

    def models(self):
        return self._post_graphql_query("{ models }")["data"]

class Remote:
    def __init__(self, name):
        self.name, self.api = name, Api(URL)

    def fetch_auth_header(self):
        if self.name == "keyless":
            raise KeyError("Authorization")
        return {"Authorization": "Api-Key s3cret" if self.name == "one" else "s3cret"}

class RemoteFactory:
    @staticmethod
    def get_available_config_names():
        return ["one", "two"]

    @staticmethod
    def create(remote):
        return Remote(remote)
"""
OF_TEAM = """
    @staticmethod
    def get_remote_team(name):
        return {"two": "blue"}.get(name)
"""


class Server(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.models: List[Dict[str, Any]] = []
        self.answer: Dict[str, Any] = {}
        self.queries: List[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["query"]
        self.server.queries.append(query)
        asks_for_all = query == "{ models }"
        answer = {"data": {"models": self.server.models}} if asks_for_all else self.server.answer
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture(params=["", OF_TEAM], ids=["older", "newer"])
def has_teams(
    request: Any, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[bool]:
    """One release knows teams in the user's configuration, an earlier one does not."""
    package = tmp_path / "truss/remote"
    package.mkdir(parents=True)
    source = f"URL = {server.url!r}\n{FACTORY}{request.param}"
    (package / "remote_factory.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield bool(request.param)
    for name in [name for name in sys.modules if name.partition(".")[0] == "truss"]:
        del sys.modules[name]


def model(id: str, name: str, team: Any = None) -> Dict[str, Any]:
    return {"id": id, "name": name, **({"team": {"name": team}} if team else {})}


def test_the_first_remote_is_used_if_none_is_named(has_teams: bool) -> None:
    assert baseten.Remote(None).name == "one"
    assert baseten.Remote("two").name == "two"


@pytest.mark.parametrize(
    "name, secrets",
    [("one", ["Api-Key s3cret", "s3cret"]), ("two", ["s3cret", ""]), ("keyless", [])],
)
def test_secrets_of_a_remote(has_teams: bool, name: str, secrets: List[str]) -> None:
    assert baseten.Remote(name).secrets == secrets


MINE = model("m1", "mine")
OF_RED = model("m2", "mine", "red")
OF_BLUE = model("m3", "mine", "blue")
OTHERS = [model("x1", "other"), {"id": "x2"}, model("x3", "mine too")]


@pytest.mark.parametrize(
    "models, remote, team, expected",
    [
        ([], "one", None, None),
        (OTHERS, "one", None, None),
        ([*OTHERS, MINE], "one", None, "m1"),
        ([OF_RED], "one", None, "m2"),
        ([OF_RED, OF_BLUE], "one", "blue", "m3"),
        ([OF_RED, OF_BLUE], "one", "green", None),
        # Without a team, or with a team without a name.
        ([MINE, {**MINE, "team": None}], "one", "red", None),
        ([OF_RED, OF_BLUE], "two", "red", "m2"),
    ],
)
def test_models_are_found_by_name(
    server: Server,
    has_teams: bool,
    models: List[Dict[str, Any]],
    remote: str,
    team: Optional[str],
    expected: Optional[str],
) -> None:
    server.models = models
    server.answer = {"data": {"model": {"id": expected, "versions": []}}}
    assert baseten.Remote(remote).find_model("mine", team) == baseten.Model(expected, [])
    # A missing model is not asked about.
    assert len(server.queries) == (2 if expected else 1)
    assert not expected or f'"{expected}"' in server.queries[1]


def test_a_name_in_several_teams_needs_a_team(server: Server, has_teams: bool) -> None:
    server.models = [OF_RED, OF_BLUE]
    assert baseten.Remote("one").find_model("mine", None) is None


def test_the_team_of_the_users_configuration(server: Server, has_teams: bool) -> None:
    server.models = [OF_RED, OF_BLUE]
    server.answer = {"data": {"model": {"id": "m3", "versions": []}}}
    found = baseten.Remote("two").find_model("mine", None)
    assert found == (baseten.Model("m3", []) if has_teams else None)


VERSIONS = [
    {"id": "d1", "current_model_deployment_status": {"status": "MODEL_READY"}},
    {"id": "d2", "current_model_deployment_status": None},
    {"id": "d3"},
    {"id": "d4", "current_model_deployment_status": {"status": ""}},
]
newer = pytest.mark.parametrize("has_teams", [OF_TEAM], indirect=True)


@newer
def test_a_model_and_its_deployments(server: Server, has_teams: bool) -> None:
    server.answer = {"data": {"model": {"id": "m", "hostname": "http://h", "versions": VERSIONS}}}
    remote = baseten.Remote("one")
    found = remote.get_model('m"\\ä')
    ready, unknown = baseten.Deployment("d1", "MODEL_READY"), "UNKNOWN"
    others = [baseten.Deployment(name, unknown) for name in ("d2", "d3", "d4")]
    assert found == baseten.Model("m", [ready, *others], "http://h")
    # An id cannot end its quotes.
    assert server.queries == [
        '{ model(id: "m\\"\\\\\\u00e4") { id hostname versions { id '
        "current_model_deployment_status { status } } } }\n"
    ]
    assert remote.find_deployment("m", "d1") == ready
    assert remote.find_deployment("m", "d") == baseten.Deployment("d", baseten.GONE)


@newer
@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"model": None}},
        {"data": None},
        {},
        {"errors": [{"message": "gone", "extensions": {"code": "RESOURCE_NOT_FOUND"}}]},
    ],
)
def test_a_model_that_is_gone(server: Server, has_teams: bool, answer: Dict[str, Any]) -> None:
    server.answer = answer
    remote = baseten.Remote("one")
    assert remote.get_model("m") == baseten.Model(None, [])
    assert remote.find_deployment("m", "d") == baseten.Deployment("d", "GONE")


@newer
@pytest.mark.parametrize("extensions", [{}, {"code": "INTERNAL_SERVER_ERROR"}])
def test_other_errors_are_raised(
    server: Server, has_teams: bool, extensions: Dict[str, Any]
) -> None:
    server.answer = {"errors": [{"message": "it failed", "extensions": extensions}]}
    with pytest.raises(Exception, match="^it failed$"):
        baseten.Remote("one").get_model("m")


@newer
def test_urls_of_a_deployment(server: Server, has_teams: bool) -> None:
    remote, deployment = baseten.Remote("one"), baseten.Deployment("d", "MODEL_READY")
    logs = {"logs_url": f"{server.url}/models/m/logs/d"}
    assert remote.urls(baseten.Model("m", []), deployment) == logs
    assert remote.urls(baseten.Model("m", [], "https://m.api"), deployment) == {
        **logs,
        "predict_url": "https://m.api/deployment/d/predict",
    }


def kinds(status: str) -> List[str]:
    deployment = baseten.Deployment("d", status)
    names = ("has_failed", "is_starting", "is_down", "is_up")
    return [name for name in names if getattr(deployment, name)]


@pytest.mark.parametrize(
    "status, kind",
    [
        ("BUILDING_MODEL_FAILED", "has_failed"),
        ("MODEL_DNE_ERROR", "has_failed"),
        ("BUILDING_MODEL", "is_starting"),
        ("UNKNOWN", "is_starting"),
        ("MODEL_LOADING", "is_starting"),
        ("INACTIVE", "is_down"),
        ("MODEL_UNHEALTHY", "is_down"),
        ("MODEL_READY", "is_up"),
        ("ACTIVE", "is_up"),
        ("SCALED_TO_ZERO", "is_up"),
    ],
)
def test_states_of_a_deployment(status: str, kind: str) -> None:
    assert kinds(status) == [kind]


def test_a_gone_deployment_is_in_no_other_state() -> None:
    assert kinds(baseten.GONE) == []


KNOWN = sorted({*baseten.FAILED, *baseten.STARTING, *baseten.DOWN})


@given(st.sampled_from(KNOWN) | st.text(max_size=8))
def test_every_state_has_one_kind(status: str) -> None:
    assert len(kinds(status)) == (status != baseten.GONE)
