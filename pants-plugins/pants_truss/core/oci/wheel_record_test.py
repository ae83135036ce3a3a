from __future__ import annotations

from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.oci.wheel_record import record_lines


@pytest.mark.parametrize(
    "record, expected",
    [
        (b"a/b.py,sha256=x,3\r\n\n", [("a/b.py,sha256=x,3", ["a/b.py", "sha256=x", "3"])]),
        (b'"a,b",,\n', [('"a,b",,', ["a,b", "", ""])]),
        (b"\xff,,\n", [("\udcff,,", ["\udcff", "", ""])]),
        (b"a\rb,,\nc,,", [("a\rb,,", []), ("c,,", ["c", "", ""])]),
        (b"x" * 140_000, [("x" * 140_000, [])]),
        (b"", []),
    ],
)
def test_lines(record: bytes, expected: List[Tuple[str, List[str]]]) -> None:
    assert list(record_lines(record)) == expected


@given(st.lists(st.binary(min_size=1)))
def test_lines_can_be_written_as_they_were(lines: List[bytes]) -> None:
    wanted = [line.rstrip(b"\r") for line in b"\n".join(lines).split(b"\n")]
    found = [line.encode("utf-8", "surrogateescape") for line, _ in record_lines(b"\n".join(lines))]
    assert found == [line for line in wanted if line.decode("utf-8", "surrogateescape").strip()]
