"""What `push.py` writes down of one truss at one remote, and what it reads there."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import Any, Callable, Dict, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import baseten  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import state  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

# How long an answer of the remote counts, and how long after an interrupted push a new deployment
# is taken for its own, in seconds.
_ANSWER_COUNTS = 60
_OWN_DEPLOYMENT = 3600


class Record:
    def __init__(self, path: str, identity: state.Identity, content: state.Content) -> None:
        self._path = path
        self._identity = identity
        self._content = content

    @property
    def entry(self) -> state.Entry:
        return state.find(state.read(self._path), self._identity) or {}

    def decide(self, skip_unchanged: bool) -> state.Decision:
        """As the rules did; another push of this run may have asked the remote since."""
        entry = self.entry
        decision = state.decide(entry, self._content, skip_unchanged)
        if decision.kind == "ask" and time.time() - entry.get("asked", 0) <= _ANSWER_COUNTS:
            return judge(decision, baseten.Deployment(entry["deployment_id"], entry["status"]))
        return decision

    def answer(self, found: baseten.Deployment) -> None:
        self._update(_answer(found))

    def ask_about_others(self, remote: baseten.Remote) -> None:
        """All at the remote that have not been seen to be up: asking now saves each of them the
        start of Truss. What cannot be answered is left to them."""
        here = (self._identity.remote, self._identity.remote_url)
        with suppress(Exception):
            for entry in state.read(self._path):
                if (entry["remote"], entry["remote_url"]) != here or entry.get("live"):
                    continue
                if not entry.get("deployment_id") or not entry.get("model_id"):
                    continue
                if time.time() - entry.get("asked", 0) > _ANSWER_COUNTS:
                    found = remote.find_deployment(entry["model_id"], entry["deployment_id"])
                    identity = state.Identity(*(entry[name] for name in state.Identity._fields))
                    state.update(self._path, identity, _answer(found))

    def registered(self, model: Optional[baseten.Model]) -> Optional[baseten.Deployment]:
        """What is new at the remote since a push of the same content was sent whose answer nobody
        saw."""
        entries = state.read(self._path)
        pending = (state.find(entries, self._identity) or {}).get("pending") or {}
        if model is None or pending.get("known") is None:
            return None
        if not self._content.is_of(pending) or time.time() - pending["began"] > _OWN_DEPLOYMENT:
            return None
        # Another environment of the model may have got one since.
        known = {*pending["known"], *(entry.get("deployment_id") for entry in entries)}
        new = [each for each in model.deployments if each.id not in known]
        # With more than one it is not known whose they are.
        return new[0] if len(new) == 1 and not new[0].has_failed else None

    def begin(self, model: Optional[baseten.Model]) -> None:
        """Just before the remote is told to make a deployment: a run that is killed from here on
        leaves a trace."""
        pending = {
            "tree_digest": self._content.tree_digest,
            "options": list(self._content.options),
            "known": None if model is None else sorted(each.id for each in model.deployments),
            "began": time.time(),
        }
        self._update(lambda entry: entry.update(pending=pending))

    def refused(self) -> None:
        """The remote has made nothing of it."""
        if self.entry.get("pending"):
            self._update(lambda entry: entry.pop("pending"))

    def made(self, target: str, deployment_id: str, model_id: Optional[str]) -> None:
        def made(entry: state.Entry) -> None:
            for key in ("pending", "status", "asked", "predict_url", "logs_url"):
                entry.pop(key, None)
            entry.update(
                target=target,
                tree_digest=self._content.tree_digest,
                options=list(self._content.options),
                model_id=model_id,
                deployment_id=deployment_id,
                pushed_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                live=False,
            )

        self._update(made)

    def add(self, **facts: Any) -> state.Entry:
        return self._update(lambda entry: entry.update(facts))

    def _update(self, change: Callable[[state.Entry], object]) -> state.Entry:
        return state.update(self._path, self._identity, change)


def judge(decision: state.Decision, found: baseten.Deployment) -> state.Decision:
    """What to do when the remote has answered."""
    if found.status == baseten.GONE or found.has_failed:
        why = f"deployment {found.id} of it is {found.status}: pushed again"
        return state.Decision("push", why)
    if found.is_starting:
        return state.Decision("starting", f"{decision.why}, and {found.status}")
    return state.Decision("skip", decision.why)


def _answer(found: baseten.Deployment) -> Callable[[Dict[str, Any]], None]:
    def note(entry: state.Entry) -> None:
        # Another push may have taken its place since.
        if entry.get("deployment_id") == found.id:
            entry["asked"] = time.time()
            entry["status"] = found.status
            entry["live"] = found.is_up

    return note
