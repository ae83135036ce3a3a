"""What `push.py` writes down of one truss at one remote, and what it reads there."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Callable, Dict, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import baseten  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import state  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

# How long an answer of the remote counts, and how long after an interrupted push a new deployment
# is taken for its own, in seconds.
_ANSWER_COUNTS = 60
_OWN_DEPLOYMENT = 3600

GONE = "GONE"


class Record:
    def __init__(self, path: str, identity: state.Identity, content: state.Content) -> None:
        self._path = path
        self._identity = identity
        self._content = content

    @property
    def entry(self) -> state.Entry:
        return state.find(state.read(self._path), self._identity) or {}

    def decide(self, skip_unchanged: bool) -> state.Decision:
        """As the rules did; other pushes of this run may have asked the remote in the meantime."""
        entry = self.entry
        decision = state.decide(entry, self._content, skip_unchanged)
        if decision.kind != "ask" or time.time() - entry.get("asked", 0) > _ANSWER_COUNTS:
            return decision
        deployment = baseten.Deployment(entry["deployment_id"], str(entry["status"]))
        if deployment.status == GONE or deployment.has_failed:
            why = f"deployment {deployment.id} of it is {deployment.status}: pushed again"
            return state.Decision("push", why)
        return state.Decision("skip", f"{decision.why}, and {deployment.status}")

    def ask(self, remote: baseten.Remote) -> None:
        """Asks about all deployments at the remote that have not been seen to be up: they are few,
        or this is the run after the first."""
        for entry in state.read(self._path):
            if entry["remote"] != self._identity.remote or not entry.get("model_id"):
                continue
            if entry.get("live") or time.time() - entry.get("asked", 0) <= _ANSWER_COUNTS:
                continue
            deployments = remote.get_model(entry["model_id"]).deployments
            found = next((d for d in deployments if d.id == entry["deployment_id"]), None)
            identity = state.Identity(*(entry.get(name) for name in state.Identity._fields))
            state.update(self._path, identity, _answer(entry["deployment_id"], found))

    def registered(self, model: Optional[baseten.Model]) -> Optional[baseten.Deployment]:
        """What is new at the remote since a push of the same content began whose end nobody saw."""
        pending = self.entry.get("pending") or {}
        if model is None or pending.get("known") is None:
            return None
        if not self._content.is_of(pending) or time.time() - pending["began"] > _OWN_DEPLOYMENT:
            return None
        new = [each for each in model.deployments if each.id not in pending["known"]]
        # With more than one it is not known whose they are.
        return new[0] if len(new) == 1 else None

    def begin(self, model: Optional[baseten.Model]) -> None:
        """Before anything is sent, so that a run which is killed leaves a trace."""
        pending = {
            "tree_digest": self._content.tree_digest,
            "options": list(self._content.options),
            "known": None if model is None else sorted(each.id for each in model.deployments),
            "began": time.time(),
        }
        self._update(lambda entry: entry.update(pending=pending))

    def refused(self) -> None:
        """The remote has made nothing of it."""
        self._update(lambda entry: entry.pop("pending", None))

    def finish(self, result: Dict[str, Any], live: bool, **facts: Any) -> state.Entry:
        """`result` is what `truss push` answers."""

        def finish(entry: state.Entry) -> None:
            for key in ("pending", "status", "asked"):
                entry.pop(key, None)
            entry.update(
                facts,
                tree_digest=self._content.tree_digest,
                options=list(self._content.options),
                model_id=result.get("model_id"),
                deployment_id=result.get("model_version_id"),
                predict_url=result.get("predict_url"),
                logs_url=result.get("logs_url"),
                pushed_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                live=live,
            )

        return self._update(finish)

    def _update(self, change: Callable[[state.Entry], object]) -> state.Entry:
        return state.update(self._path, self._identity, change)


def _answer(
    deployment_id: str, found: Optional[baseten.Deployment]
) -> Callable[[state.Entry], None]:
    def note(entry: state.Entry) -> None:
        # Another push may have taken its place since.
        if entry.get("deployment_id") == deployment_id:
            entry["asked"] = time.time()
            entry["status"] = found.status if found else GONE
            entry["live"] = found is not None and not (found.has_failed or found.is_starting)

    return note
