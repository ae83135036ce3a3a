"""Limits the lifetime of a rule's result to one session.

A rule that catches the error of an awaited rule loses that dependency: the engine records only
awaited rules that succeeded, so it would keep the caught error after its cause is gone. Such a rule
also awaits the session, in its `except` branch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules

from pants_truss.pants_api import rule


@dataclass(frozen=True)
class SessionRequest:
    pass


@dataclass(frozen=True)
class Session:
    """`number` differs in each session."""

    number: int


@rule
async def find_session(_: SessionRequest, run_id: RunId) -> Session:
    return Session(int(run_id))


def rules() -> Iterable[object]:
    return collect_rules()
