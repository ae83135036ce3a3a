"""Pushes to a stand-in for Baseten. A minimal command line replaces Truss; it is found, called
and watched like the real one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

from pants_truss.core.tree_digest import tree_digest
from pants_truss.publish import state
from pants_truss.testutil.stand_in_baseten import Baseten

PLUGIN = Path(__file__).resolve().parents[1]
SCRIPTS = PLUGIN / "publish/scripts"
NAMES = ("baseten", "folder_digest", "push", "record", "redact", "truss_cli")
FILES = [
    *(SCRIPTS / f"{name}.py" for name in NAMES),
    PLUGIN / "publish/state.py",
    PLUGIN / "core/terminal.py",
    PLUGIN / "core/tree_digest.py",
    PLUGIN / "serving/scripts/parent.py",
]
KEY = "s3cret-key"
IDENTITY: Dict[str, Any] = {
    "remote": "local",
    "remote_url": "http://l",
    "team": None,
    "model_name": "mine",
    "environment": None,
    "deployment_name": None,
}
CONFIG = "model_name: mine\n"

# Python before 3.10, which Truss does not support, finds entry points differently.
START = """\
import importlib.metadata, runpy, sys
find = importlib.metadata.entry_points
class EntryPoints(dict):
    def select(self, group, name):
        return [found for found in self[group] if found.name == name]
if sys.version_info < (3, 10):
    importlib.metadata.entry_points = lambda: EntryPoints(find())
sys.argv[:] = ["publish/push.py", "publish/spec.json"]
runpy.run_path("publish/push.py", run_name="__main__")
"""
REQUESTS = """\
import http.client, json, os

class HTTPError(Exception):
    pass

class Request:
    url, method = "http://127.0.0.1/graphql/", "POST"

    def __init__(self, query):
        self.body = json.dumps({"query": query, "key": os.environ["BASETEN_API_KEY"]})

class Response:
    def __init__(self, status, body):
        self.status_code, self.text = status, body.decode()

    def json(self):
        return json.loads(self.text)

    def data(self):
        if self.status_code >= 400:
            error = HTTPError(f"{self.status_code} for {self.text}")
            error.response = self
            raise error
        answer = self.json()
        if answer.get("errors"):
            raise ValueError(answer["errors"])
        return answer["data"]

class Session:
    def send(self, request):
        connection = http.client.HTTPConnection("127.0.0.1", PORT)
        connection.request("POST", "/graphql", request.body)
        answer = connection.getresponse()
        return Response(answer.status, answer.read())
"""
FACTORY = """\
import os
import requests

class Api:
    app_url = "https://app"

    def _post_graphql_query(self, query):
        return {"data": requests.Session().send(requests.Request(query)).data()}

    def models(self):
        return self._post_graphql_query("{ models }")["data"]

class Remote:
    api = Api()

    def fetch_auth_header(self):
        return {"Authorization": "Api-Key " + os.environ["BASETEN_API_KEY"]}

class RemoteFactory:
    @staticmethod
    def get_available_config_names():
        return ["first"]

    @staticmethod
    def create(remote):
        return Remote()
"""
CLI = """\
import json, sys
import requests

class Parameter:
    def __init__(self, *opts):
        self.opts, self.secondary_opts = opts, ()

class Push:
    params = [Parameter("--remote"), Parameter("--wait"), Parameter("--output")]

class Group:
    commands = {"push": Push}

    def main(self, args, prog_name, standalone_mode):
        print("Pushing", *args, file=sys.stderr)
        content = open(args[1] + "/config.yaml").read()
        query = "mutation { create_model_from_truss( name } # " + content
        answer = requests.Session().send(requests.Request(query)).data()
        if "--wait" in args and answer["x"]["status"] != "MODEL_READY":
            raise RuntimeError("Deployment failed with status " + answer["x"]["status"])
        version = answer["x"].get("model_version")
        print(json.dumps({
            "model_id": "m1",
            "model_version_id": version and version["id"],
            "predict_url": "https://predict" if version else None,
            "logs_url": "https://logs",
        }, indent=2))

truss = Group()
"""


def digest_of(config: str) -> str:
    sha256 = hashlib.sha256(config.encode()).hexdigest()
    return tree_digest([("config.yaml", sha256, False)])


class Pushing:
    def __init__(self, folder: Path, baseten: Baseten) -> None:
        self.folder = folder
        files = {
            "site/requests.py": f"PORT = {baseten.server_address[1]}\n{REQUESTS}",
            "site/truss/remote/remote_factory.py": FACTORY,
            "site/truss/cli.py": CLI,
            "site/truss-0.9.1.dist-info/METADATA": "Name: truss\nVersion: 0.9.1\n",
            "site/truss-0.9.1.dist-info/entry_points.txt": (
                "[console_scripts]\ntruss = truss.cli:truss\n"
            ),
            "start.py": START,
        }
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        (folder / "publish").mkdir()
        for source in FILES:
            shutil.copy(source, folder / "publish")
        self.edit(CONFIG)

    def edit(self, config: str) -> None:
        (self.folder / "truss").mkdir(exist_ok=True)
        (self.folder / "truss/config.yaml").write_text(config)
        self.digest = digest_of(config)

    def mark(self) -> str:
        """What a run reads of the state file now."""
        return state.mark(next(iter(self.entries), None))

    def write_entry(self, **entry: Any) -> None:
        known: Dict[str, Any] = {**IDENTITY, "options": [], **entry}
        content = {"version": 1, "deployments": [known]}
        (self.folder / "state.json").write_text(json.dumps(content))

    def start(self, *before: str, **spec: Any) -> "subprocess.Popen[str]":
        """`before` are words of the command line."""
        known = {
            "target": "a:b",
            "identity": IDENTITY,
            "tree_digest": self.digest,
            "options": [],
            "arguments": ["--wait"] if spec.get("wait") else [],
            "wait": False,
            "wait_timeout": None,
            "folder": "truss",
            "state_file": "state.json",
            "credentials": "[local] in .trussrc",
            "by_environment": False,
            "skip_unchanged": True,
            "seen": None,
            "attempts": 1,
            "backoff": 0,
        }
        by = str(spec.pop("started_by", ""))
        (self.folder / "publish/spec.json").write_text(json.dumps({**known, **spec}))
        return subprocess.Popen(
            [*before, sys.executable, "start.py"],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.folder / "site"),
                "BASETEN_API_KEY": KEY,
                "USER_TRUSSRC_PATH": "nowhere",
                # Python may leave half a file of bytecode on a full disk.
                "PYTHONDONTWRITEBYTECODE": "1",
                "PANTS_TRUSS_STARTED_BY": by,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **spec: Any) -> Tuple[int, List[str]]:
        """Returns the exit code and the messages about the truss, without their prefix."""
        process = self.start(**spec)
        stdout, stderr = process.communicate(timeout=60)
        assert stdout == "" and KEY not in stderr
        prefix = "mine @ local: "
        lines = [line[len(prefix) :] for line in stderr.splitlines() if line.startswith(prefix)]
        self.rest = [line for line in stderr.splitlines() if not line.startswith(prefix)]
        return process.returncode, lines

    @property
    def entries(self) -> List[Dict[str, Any]]:
        path = self.folder / "state.json"
        if not path.exists():
            return []
        found: List[Dict[str, Any]] = json.loads(path.read_text())["deployments"]
        return found

    def forget_answer(self) -> None:
        """Simulates that more than a minute has passed."""
        state = json.loads((self.folder / "state.json").read_text())
        for entry in state["deployments"]:
            entry.pop("asked", None)
        (self.folder / "state.json").write_text(json.dumps(state))
