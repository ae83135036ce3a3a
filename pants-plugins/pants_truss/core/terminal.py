"""Makes text from names, configs and tools safe to print.

A terminal obeys control characters, and a CI obeys lines such as `::error::` and `##[error]`, even
if they come from the name of a file.
"""

from __future__ import annotations

import re
from typing import List

# Control characters except the line break, separators of lines, and what changes the direction of
# the text after it.
_CONTROL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# GitHub reads the first form at the start of a line and the second anywhere, as Azure does.
_COMMAND = re.compile(r"^([^\S\n]*)(?=::)|(##\w*)(?=\[)", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def visible(text: str) -> str:
    """Text of several lines, with escapes for what a terminal or a CI would obey."""
    escaped = _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
    return _COMMAND.sub(r"\1\2\\", escaped)


def visible_line(text: str) -> str:
    """The same in one line, for the name of a file or any other text without line breaks."""
    return visible(text.replace("\n", "\\n"))


def visible_output(text: str) -> List[str]:
    """The lines that a tool has printed, without colours."""
    lines = _COLOUR.sub("", text).splitlines()
    return [visible_line(line.expandtabs()) for line in lines]
