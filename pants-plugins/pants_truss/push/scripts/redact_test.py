from __future__ import annotations

import io
from typing import List

from hypothesis import given
from hypothesis import strategies as st

from pants_truss.push.scripts.redact import RedactedStream


def written(secrets: List[str], pieces: List[str]) -> str:
    target = io.StringIO()
    stream = RedactedStream(target, secrets)
    for piece in pieces:
        stream.write(piece)
    stream.finish()
    return target.getvalue()


def test_a_secret_in_pieces() -> None:
    assert written(["secret"], ["a se", "cr", "et b\nsecre", "\nt"]) == "a *** b\nsecre\nt\n"


def test_one_secret_is_part_of_another() -> None:
    assert written(["secret", "Bearer secret"], ["x Bearer secret\n"]) == "x ***\n"


def test_what_is_too_short_is_no_secret() -> None:
    assert written(["", "a", "dev"], ["a device\n"]) == "a device\n"


text = st.text("abc\n", max_size=6)


@given(st.lists(st.text("abc", min_size=6, max_size=8), max_size=3), st.lists(text))
def test_no_secret_comes_through(secrets: List[str], pieces: List[str]) -> None:
    output = written(secrets, pieces)
    assert not any(secret in output for secret in secrets)
    assert output.count("\n") == "".join(pieces).count("\n") + (
        not "".join(pieces).endswith("\n") and bool("".join(pieces))
    )
