"""A stand-in for Baseten: an HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List


class Baseten(ThreadingHTTPServer):
    """Creates a deployment for each request that asks for one.

    `faults` apply to the next of these requests: a status refuses it; `cut` creates the deployment
    and drops the answer; `slow` creates it and answers later; `other` answers without a deployment;
    `hold` never answers.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: Dict[str, str] = {}
        # The config of each deployment, in the order of their creation.
        self.contents: Dict[str, str] = {}
        self.faults: List[Any] = []
        self.calls: List[str] = []
        self.initial = "MODEL_READY"
        self.is_down = False
        # Requests for a deployment that it has not made yet.
        self.making = 0
        self.held, self.ended = threading.Event(), threading.Event()

    def version(self, id: str) -> Dict[str, Any]:
        status = self.statuses[id]
        return {"id": id, "current_model_deployment_status": {"status": status}}


class Handler(BaseHTTPRequestHandler):
    server: Baseten

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        baseten, query = self.server, request["query"]
        if baseten.is_down:
            baseten.calls.append("down")
            self.answer(503, "down")
        elif query == "{ models }":
            baseten.calls.append("models")
            models = [{"id": "m1", "name": "mine"}] if baseten.statuses else []
            self.answer(200, {"data": {"models": models}})
        elif query.startswith("{ model("):
            baseten.calls.append("model")
            versions = [baseten.version(id) for id in baseten.statuses]
            self.answer(200, {"data": {"model": {"id": "m1", "versions": versions}}})
        else:
            baseten.making += 1
            baseten.calls.append("create")
            self.create(baseten, request["key"], query.partition(" # ")[2])

    def create(self, baseten: Baseten, key: str, content: str) -> None:
        fault = baseten.faults.pop(0) if baseten.faults else None
        if isinstance(fault, int):
            baseten.making -= 1
            self.answer(fault, f"refused {key}")
            return
        if fault == "hold":
            baseten.making -= 1
            baseten.held.set()
            baseten.ended.wait(60)
            return
        id = f"d{len(baseten.statuses) + 1}"
        baseten.contents[id] = content
        baseten.statuses[id] = baseten.initial
        baseten.making -= 1
        if fault == "cut":
            return
        if fault == "slow":
            baseten.ended.wait(0.3)
        made = {"model_version": {"id": id, "oracle": {"id": "m1"}}, "status": baseten.initial}
        self.answer(200, {"data": {"x": made if fault != "other" else {"status": "?"}}})

    def answer(self, status: int, body: Any) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        pass
