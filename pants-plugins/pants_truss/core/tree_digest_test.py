from __future__ import annotations

import hashlib
from typing import List, Tuple

from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.tree_digest import tree_digest

EMPTY = hashlib.sha256(b"").hexdigest()


def test_the_documented_format() -> None:
    records = f"100644 {EMPTY} a\x00100755 {EMPTY} b\x00".encode()
    expected = f"sha256:{hashlib.sha256(records).hexdigest()}"
    assert tree_digest([("b", EMPTY, True), ("a", EMPTY, False)]) == expected


def test_paths_sort_by_their_bytes() -> None:
    # U+FF5E sorts before U+1F600 as text in UTF-16, and after it in no encoding used here.
    paths = ["\uff5e", "\U0001f600", "Z", "a"]
    ordered = sorted(paths, key=str.encode)
    records = b"".join(
        b"100644 " + EMPTY.encode() + b" " + path.encode() + b"\x00" for path in ordered
    )
    assert tree_digest([(path, EMPTY, False) for path in paths]).endswith(
        hashlib.sha256(records).hexdigest()
    )


@given(
    st.lists(
        st.tuples(st.text(min_size=1), st.just(EMPTY), st.booleans()),
        unique_by=lambda f: f[0],
    )
)
def test_order_does_not_matter(files: List[Tuple[str, str, bool]]) -> None:
    assert tree_digest(files) == tree_digest(reversed(files))


def test_every_part_matters() -> None:
    other = hashlib.sha256(b"x").hexdigest()
    digests = {
        tree_digest([f])
        for f in [
            ("a", EMPTY, False),
            ("a", EMPTY, True),
            ("b", EMPTY, False),
            ("a", other, False),
        ]
    }
    assert len(digests) == 4


def test_names_that_are_not_utf8_stay_distinct() -> None:
    """Python represents each such byte as a character."""
    one, other = (tree_digest([(name, EMPTY, False)]) for name in ("a\udcfe", "a\udcff"))
    assert one != other
