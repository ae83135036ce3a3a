"""The data of the stand-in for Baseten, and the answers of its API."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import tarfile
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

# No id is given twice, whatever becomes of an account: that is how what is new is known.
_ids = itertools.count(1)

_OPERATIONS = {
    "create": r"create_model(_version)?_from_truss\(",
    "credentials": r"model_s3_upload_credentials",
    "validation": r"truss_validation\(",
    "teams": r"query Teams|\bteams\s*\{",
    "models": r"\bmodels\(",
    "model": r"\bmodel\(",
}


@dataclass
class Fault:
    """`kind` is an HTTP status, or

    * `cut-request`: the connection ends after `at_byte` bytes of the body;
    * `cut-answer`: all is done, and the connection ends after `at_byte` bytes of the answer;
    * `gateway`: all is done, and what stands before the remote answers 502;
    * `slow`: the answer takes `seconds`;
    * `error`: an error of GraphQL, with `code`;
    * `hold`: no answer until it is `released`;
    * `echo`: refused, with the credentials in the answer.

    It happens `times` times, `after` that many that go well, and is then gone.
    """

    step: str
    kind: Any
    times: int = 1_000_000
    at_byte: int = 0
    seconds: float = 0
    code: Optional[str] = None
    after: int = 0
    released: threading.Event = field(default_factory=threading.Event)


@dataclass
class Account:
    """The data of one remote. `deployments` are dictionaries, oldest first."""

    key: str
    scheme: str = "Api-Key"
    # Name -> id.
    teams: Dict[str, str] = field(default_factory=lambda: {"platform": "t1"})
    models: Dict[str, str] = field(default_factory=dict)
    # Ids of models and of their teams.
    team_of: Dict[str, str] = field(default_factory=dict)
    deployments: List[Dict[str, Any]] = field(default_factory=list)
    uploads: Dict[str, bytes] = field(default_factory=dict)
    parts: Dict[str, Dict[int, bytes]] = field(default_factory=dict)
    faults: List[Fault] = field(default_factory=list)
    calls: List[str] = field(default_factory=list)
    # The state of deployments when the API is asked.
    status: str = "MODEL_READY"
    # What a wait gets.
    rest_status: int = 200

    def archive(self, number: int = -1) -> Dict[str, Tuple[bytes, int]]:
        """Returns the files that a deployment was made of: path -> content and mode."""
        data = self.uploads[self.deployments[number]["s3_key"]]
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            members = archive.getmembers()
            assert all(member.isfile() for member in members)
            contents: List[Any] = [archive.extractfile(member) for member in members]
            return {m.name: (file.read(), m.mode) for m, file in zip(members, contents)}


class Refused(Exception):
    """An error in an answer of GraphQL."""


class Graph:
    """`url` is where uploads go to; `name` is that of the account."""

    def __init__(self, account: Account, url: str, name: str) -> None:
        self._account, self._url, self._name = account, url, name

    def answer(self, name: str, request: Dict[str, Any]) -> Dict[str, Any]:
        query = request["query"]
        answer: Dict[str, Any] = getattr(self, f"_{name}")(query, request.get("variables") or {})
        return answer

    def _teams(self, *_: Any) -> Dict[str, Any]:
        teams = self._account.teams.items()
        return {"teams": [{"id": id, "name": name, "default": id == "t1"} for name, id in teams]}

    def _models(self, query: str, _: Any) -> Dict[str, Any]:
        team_id = argument(query, "team_id")
        return {
            "models": [
                {"id": id, "name": name, "team": self._team(id)}
                for name, id in self._account.models.items()
                if team_id in (None, self._team(id)["id"])
            ]
        }

    def _team(self, model_id: str) -> Dict[str, str]:
        team_id = self._account.team_of.get(model_id, "t1")
        (name,) = (name for name, id in self._account.teams.items() if id == team_id)
        return {"id": team_id, "name": name}

    def _model(self, query: str, _: Any) -> Dict[str, Any]:
        model_id = argument(query, "id")
        versions = [
            {
                "id": deployment["id"],
                "current_model_deployment_status": {
                    "status": deployment.get("status", self._account.status)
                },
            }
            for deployment in self._account.deployments
            if deployment["model_id"] == model_id
        ]
        if model_id not in self._account.models.values():
            return {"model": None}
        hostname = f"http://model-{model_id}.example"
        return {"model": {"id": model_id, "hostname": hostname, "versions": versions}}

    def _validation(self, query: str, _: Any) -> Dict[str, Any]:
        config = json.loads(base64.b64decode(argument(query, "config") or ""))
        if not config.get("resources"):
            raise Refused("The config has no resources")
        return {"truss_validation": {"success": True, "details": "{}"}}

    def _credentials(self, *_: Any) -> Dict[str, Any]:
        return {
            "model_s3_upload_credentials": {
                "s3_bucket": "bucket",
                "s3_key": f"models/{time.monotonic_ns()}/truss.tgz",
                "aws_access_key_id": access_key(self._account),
                "aws_secret_access_key": f"storage-{self._account.key}",
                "aws_session_token": f"session-{self._account.key}",
                # Truss hands all of these to boto3.
                "endpoint_url": self._url,
                "region_name": "us-east-1",
            }
        }

    def _create(self, query: str, variables: Dict[str, Any]) -> Dict[str, Any]:
        account = self._account
        is_version = "create_model_version_from_truss(" in query
        s3_key = argument(query, "s3_key")
        if s3_key not in account.uploads:
            raise Refused("There is no upload of that key")
        name = argument(query, "name")
        version_name = name if is_version else argument(query, "version_name")
        names = [d["name"] for d in account.deployments if d["name"]]
        if version_name and version_name in names:
            raise Refused(f"A deployment with the name {version_name} exists already")
        if is_version:
            model_id = argument(query, "model_id") or ""
            if model_id not in account.models.values():
                raise Refused("There is no such model")
        else:
            assert name
            if name in account.models:
                raise Refused(f"A model with the name {name} exists already")
            model_id = account.models[name] = f"m{next(_ids)}{self._name}"
            account.team_of[model_id] = argument(query, "team_id") or "t1"
        deployment = {
            "id": f"d{next(_ids)}{self._name}",
            "model_id": model_id,
            "name": version_name,
            "environment": argument(query, "environment_name"),
            "team_id": argument(query, "team_id"),
            "deploy_timeout_minutes": re.findall(r"deploy_timeout_minutes: (\d+)", query),
            "s3_key": s3_key,
            "config": json.loads(base64.b64decode(argument(query, "config") or "")),
            "raw_config": base64.b64decode(variables.get("rawConfig") or ""),
            "labels": json.loads(variables.get("userDeployMetadata") or "null"),
        }
        account.deployments.append(deployment)
        mutation = "create_model_version_from_truss" if is_version else "create_model_from_truss"
        oracle = {"id": model_id, "name": name, "hostname": f"http://model-{model_id}.example"}
        version = {"id": deployment["id"], "oracle": oracle, "instance_type": {"name": "1x2"}}
        return {mutation: {"model_version": version}}


def access_key(account: Account) -> str:
    return f"AKIA{abs(hash(account.key)) % 10**12:012}"


def operation(body: bytes) -> str:
    """Which step of a push it is that a query asks for."""
    query = json.loads(body)["query"]
    for name, pattern in _OPERATIONS.items():
        if re.search(pattern, query):
            return name
    raise AssertionError(f"unknown query: {query}")


def argument(query: str, name: str) -> Optional[str]:
    match = re.search(rf'\b{name}: "([^"]*)"', query)
    return match.group(1) if match else None
