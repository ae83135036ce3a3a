"""What every fuzz target asks of a parser: documented errors only, in text safe to print."""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager
from types import FrameType
from typing import Iterator, Optional, Type

# Written apart from `core.terminal`, which is what they check. A line break is allowed.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class BrokenInvariant(AssertionError):
    """A parser returned something that no caller expects."""


def require(condition: object, text: str) -> None:
    """Unlike `assert`, the message names the invariant and `-O` does not remove it."""
    if not condition:
        raise BrokenInvariant(text)


def check_text(text: str) -> None:
    """Text for a terminal or a CI log has no control characters, and can be encoded."""
    found = _CONTROL.search(text)
    require(not found, f"the text has the control character {found and found[0]!a}: {text[:200]!a}")


@contextmanager
def allowed(*errors: Type[Exception]) -> Iterator[None]:
    """Accepts the errors that a parser documents, if their text is safe to print."""
    try:
        yield
    except errors as e:
        check_text(str(e))


class Hang(BaseException):
    """Not an `Exception`, because parsers catch these."""


def _stop(signum: int, frame: Optional[FrameType]) -> None:
    raise Hang("the parser does not end")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises `Hang` after so much time of the processor. A busy machine does not count."""
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
