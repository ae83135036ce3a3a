"""The only error that `core/` raises."""

from __future__ import annotations

from typing import Optional, Tuple

from pants_truss.core.terminal import visible


class TrussError(ValueError):
    """Invalid input, described for the person who wrote it: key or path, value, and what to do.

    The rules that call `core` know the target and put it in front of the message.

    `line` and `column` count from 1, if the error is about a place in a file. `key` is the path of
    the config key, if the error is about one.
    """

    def __init__(
        self,
        message: str,
        *,
        line: Optional[int] = None,
        column: Optional[int] = None,
        key: Tuple[str, ...] = (),
    ) -> None:
        # The message may quote the name of a file, or what a tool printed.
        super().__init__(visible(message))
        self.line = line
        self.column = column
        self.key = key
