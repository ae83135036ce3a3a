"""Reads and writes what `push.py` records about one truss at one remote."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import Any, Callable, Dict, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import baseten  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import state  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

# Seconds that an answer of the remote stays valid, and seconds after an interrupted push in which a
# new deployment counts as the result of that push.
_ANSWER_COUNTS = 60
_OWN_DEPLOYMENT = 3600


class Record:
    def __init__(self, path: str, identity: state.DeploymentSlot, content: state.Content) -> None:
        self._path = path
        self._identity = identity
        self._content = content

    @property
    def entry(self) -> state.Entry:
        return state.find(state.read(self._path), self._identity) or {}

    def decide(self, skip_unchanged: bool) -> state.Decision:
        """Decides like the rules. Another push of this run may have asked the remote since."""
        entry = self.entry
        decision = state.decide(entry, self._content, skip_unchanged)
        if decision.kind == "ask" and time.time() - entry.get("asked", 0) <= _ANSWER_COUNTS:
            return judge(decision, baseten.Deployment(entry["deployment_id"], entry["status"]))
        return decision

    def answer(self, found: baseten.Deployment) -> None:
        self._update(_answer(found))

    def ask_about_others(self, remote: baseten.Remote) -> None:
        """Asks about all deployments at the remote that have not been seen up.

        Asking now saves each of them a start of Truss. After an error they ask themselves.
        """
        here = (self._identity.remote, self._identity.remote_url)
        with suppress(Exception):
            for entry in state.read(self._path):
                if (entry["remote"], entry["remote_url"]) != here or entry.get("live"):
                    continue
                if not entry.get("deployment_id") or not entry.get("model_id"):
                    continue
                if time.time() - entry.get("asked", 0) > _ANSWER_COUNTS:
                    found = remote.find_deployment(entry["model_id"], entry["deployment_id"])
                    identity = state.DeploymentSlot(
                        *(entry[name] for name in state.DeploymentSlot._fields)
                    )
                    state.update(self._path, identity, _answer(found))

    def registered(self, model: Optional[baseten.Model]) -> Optional[baseten.Deployment]:
        """The deployment created by a push whose response was lost, if exactly one candidate
        exists. The lost push had the same content."""
        entries = state.read(self._path)
        pending = (state.find(entries, self._identity) or {}).get("pending") or {}
        if model is None or pending.get("known") is None:
            return None
        if not self._content.is_of(pending) or time.time() - pending["began"] > _OWN_DEPLOYMENT:
            return None
        # Another environment of the model may have received a deployment since.
        known = {*pending["known"], *(entry.get("deployment_id") for entry in entries)}
        new = [each for each in model.deployments if each.id not in known]
        # With more than one candidate, their origin is unknown.
        return new[0] if len(new) == 1 and not new[0].has_failed else None

    def begin(self, model: Optional[baseten.Model]) -> None:
        """Records that a push starts, just before the remote is asked to make a deployment: a run
        that is killed later leaves a trace."""
        pending = {
            "tree_digest": self._content.tree_digest,
            "options": list(self._content.options),
            "known": None if model is None else sorted(each.id for each in model.deployments),
            "began": time.time(),
        }
        self._update(lambda entry: entry.update(pending=pending))

    def refused(self) -> None:
        """Records that the remote made no deployment."""
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
    """Decides what to do after the remote has answered."""
    if found.status == baseten.GONE or found.has_failed:
        why = f"deployment {found.id} is {found.status}: pushed again"
        return state.Decision("push", why)
    if found.is_starting:
        return state.Decision("starting", f"{decision.why}, and {found.status}")
    return state.Decision("skip", decision.why)


def _answer(found: baseten.Deployment) -> Callable[[Dict[str, Any]], None]:
    def note(entry: state.Entry) -> None:
        # Another push may have replaced this deployment since.
        if entry.get("deployment_id") == found.id:
            entry["asked"] = time.time()
            entry["status"] = found.status
            entry["live"] = found.is_up

    return note
