"""Makes the result of a rule last no longer than the session.

A rule that catches the error of another it awaits loses that dependency: the engine records only
awaited rules that have succeeded, so the caught error would be remembered when its cause is gone.
Such a rule awaits the session as well, in its `except` branch.
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
    """`number` is another one in each session."""

    number: int


@rule
async def find_session(_: SessionRequest, run_id: RunId) -> Session:
    return Session(int(run_id))


def rules() -> Iterable[object]:
    return collect_rules()
