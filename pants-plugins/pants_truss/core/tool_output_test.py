from __future__ import annotations

import pytest

from pants_truss.core.tool_output import last_line


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", "no output"),
        (" \n\x1b[0m\n", "no output"),
        ("Traceback:\nValueError: bad\n\n", "ValueError: bad"),
        ("\x1b[31mbad\x1b[0m \x1b]0;title\x07\n", "bad \\x1b]0;title\\x07"),
        ("\r\n::error::x\r\n", "\\::error::x"),
        ("no https://me:hunter2@host/simple there", "no https://***@host/simple there"),
    ],
)
def test_the_line_that_says_why(output: str, expected: str) -> None:
    assert last_line(output) == expected
