from __future__ import annotations

from typing import Tuple

import pytest

from pants_truss.core.summary import human_size, summarize, summarize_run


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_234_567, "1.2 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_human_size(size: int, text: str) -> None:
    assert human_size(size) == text


def test_the_line() -> None:
    line = summarize(
        file_count=12,
        imported=2,
        packages={"src/shared/textkit": 3, "src/empty": 0},
        size=1_234_567,
        digest="sha256:ab",
    )
    assert line == "12 files, 3 from src/shared/textkit, 2 imported, 1.2 MB, sha256:ab"
    assert (
        summarize(file_count=1, packages={}, imported=0, size=1, digest="sha256:ab")
        == "1 file, 1 B, sha256:ab"
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((2, 4, 1), "7 trusses: 2 rebuilt, 4 unchanged, 1 failed"),
        ((0, 3, 0), "3 trusses: 3 unchanged"),
        ((1, 0, 0), "1 truss: 1 rebuilt"),
    ],
)
def test_the_summary_of_a_run(counts: Tuple[int, int, int], expected: str) -> None:
    rebuilt, unchanged, failed = counts
    assert summarize_run(rebuilt=rebuilt, unchanged=unchanged, failed=failed) == expected
