"""Reads and writes what `push.py` records about one truss at one remote."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import Any, Callable, Dict, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import baseten  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import parent  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import state  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

# Seconds that an answer of the remote stays valid, and seconds after an interrupted push in which a
# new deployment counts as the result of that push.
_ANSWER_COUNTS = 60
_OWN_DEPLOYMENT = 3600
# Seconds that a push waits for another one on this machine that has asked for a deployment.
_OTHER_PUSH = 60


class Superseded(BaseException):
    """Another run has pushed to the same place since this run read the record. Not an `Exception`,
    because Truss continues after some of these."""


class Record:
    """`seen` is the mark of the entry (see `state.mark`) that this run has decided by; None means
    the entry of now."""

    def __init__(
        self,
        path: str,
        identity: state.DeploymentSlot,
        content: state.Content,
        seen: Optional[str] = None,
    ) -> None:
        self._path = path
        self._identity = identity
        self._content = content
        self._seen = seen
        self._began = False

    @property
    def entry(self) -> state.Entry:
        return state.find(state.read(self._path), self._identity) or {}

    def decide(self, skip_unchanged: bool) -> state.Decision:
        """Decides like the rules. Another push of this run may have asked the remote since."""
        entry = self.entry
        if self._seen is None:
            self._seen = state.mark(entry)
        decision = state.decide(entry, self._content, skip_unchanged)
        if decision.kind is state.Kind.ASK and entry.get("status") and _answer_counts(entry):
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
                if not _answer_counts(entry):
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
        if not self._content.is_of(pending) or _age(pending.get("began")) > _OWN_DEPLOYMENT:
            return None
        # Another environment of the model may have received a deployment since.
        known = {*pending["known"], *(entry.get("deployment_id") for entry in entries)}
        new = [each for each in model.deployments if each.id not in known]
        # With more than one candidate, their origin is unknown.
        return new[0] if len(new) == 1 and not new[0].has_failed else None

    def refuse_superseded(self) -> None:
        """Raises `Superseded` if another run has pushed: this one may be the older one."""
        _refuse_superseded(self.entry, self._seen)

    def wait_for_other(self) -> bool:
        """Waits for a push of this machine that has asked for a deployment. Returns True if the
        result of an earlier push is unknown."""
        deadline = time.monotonic() + _OTHER_PUSH
        while time.monotonic() < deadline and _is_under_way(self.entry.get("pending")):
            time.sleep(0.5)
        return bool(self.entry.get("pending"))

    def begin(self, model: Optional[baseten.Model]) -> None:
        """Records that a push starts, just before the remote is asked to make a deployment: a run
        that is killed later leaves a trace. Raises `Superseded`."""
        pending = {
            "tree_digest": self._content.tree_digest,
            "options": list(self._content.options),
            "known": None if model is None else sorted(each.id for each in model.deployments),
            "began": time.time(),
            "process": os.getpid(),
        }

        def begin(entry: state.Entry) -> None:
            _refuse_superseded(entry, self._seen)
            entry.update(pending=pending)

        self._own(begin)
        self._began = True

    def refused(self) -> None:
        """Records that the remote made no deployment. The record of an earlier run stays."""
        if self._began and self.entry.get("pending"):
            self._own(lambda entry: entry.pop("pending", None))

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

        self._own(made)

    def add(self, **facts: Any) -> state.Entry:
        return self._update(lambda entry: entry.update(facts))

    def _own(self, change: Callable[[state.Entry], object]) -> None:
        self._seen = state.mark(self._update(change))

    def _update(self, change: Callable[[state.Entry], object]) -> state.Entry:
        return state.update(self._path, self._identity, change)


def _age(then: Optional[float]) -> float:
    """Returns seconds. A time in the future is from a wrong clock, and counts as infinitely old."""
    age = time.time() - (then or 0)
    return age if age >= 0 else float("inf")


def _answer_counts(entry: state.Entry) -> bool:
    return _age(entry.get("asked")) <= _ANSWER_COUNTS


def _refuse_superseded(entry: state.Entry, seen: Optional[str]) -> None:
    now = state.mark(entry)
    # The file may have been deleted since.
    if seen is None or now in (seen, ""):
        return
    if entry.get("pending"):
        what = "begun a push"
    else:
        digest = state.short(str(entry.get("tree_digest")))
        what = f"pushed {digest} as deployment {entry['deployment_id']}"
    raise Superseded(
        f"another run has {what} since this one read the state file. Not pushed, as it may be "
        f"newer. Run again to push what is in the repository now"
    )


def _is_under_way(pending: Optional[Dict[str, Any]]) -> bool:
    """If a process of this machine has asked for a deployment, and waits for the answer. Other
    machines, and containers, have processes of the same number: a wait for one has an end."""
    process = int((pending or {}).get("process") or 0)
    if process in (0, os.getpid()) or _age((pending or {}).get("began")) > _OTHER_PUSH:
        return False
    return bool(parent.runs(process))


def judge(decision: state.Decision, found: baseten.Deployment) -> state.Decision:
    """Decides what to do after the remote has answered."""
    if found.status == baseten.GONE or found.has_failed:
        why = f"deployment {found.id} is {found.status}: pushed again"
        return state.Decision(state.Kind.PUSH, why)
    if found.is_starting:
        return state.Decision(state.Kind.STARTING, f"{decision.why}, and {found.status}")
    return state.Decision(state.Kind.SKIP, decision.why)


def _answer(found: baseten.Deployment) -> Callable[[Dict[str, Any]], None]:
    def note(entry: state.Entry) -> None:
        # Another push may have replaced this deployment since.
        if entry.get("deployment_id") == found.id:
            entry["asked"] = time.time()
            entry["status"] = found.status
            entry["live"] = found.is_up

    return note
