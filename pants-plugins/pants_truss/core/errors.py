"""The one error of the pure half of the plugin."""

from __future__ import annotations

from typing import Optional, Tuple


class TrussError(ValueError):
    """Bad input, described for the person who wrote it: the key or path, its value, and what to do.

    The rules that call into `core` know which target it is about, and put that in front.

    `line` and `column` count from 1, where it is about a place in a file; `key` is the path of the
    config key that it is about.
    """

    def __init__(
        self,
        message: str,
        *,
        line: Optional[int] = None,
        column: Optional[int] = None,
        key: Tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.key = key
