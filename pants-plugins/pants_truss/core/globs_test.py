from __future__ import annotations

import pytest

from pants_truss.core.globs import can_match_below, escape_glob, exclude_globs


def test_globs_for_a_path() -> None:
    assert escape_glob("a[b]/c*?\\") == "a[[]b]/c[*][?]\\"
    assert list(exclude_globs(["a"])) == ["!/a", "!/a/**"]
    assert list(exclude_globs(["a\\b[c]"]))[0] == "!/a\\\\b[[]c]"


@pytest.mark.parametrize(
    ("glob", "folder", "expected"),
    [
        ("**/*", "a/b", True),
        ("t/model/**/*.py", "t/model/shared", True),
        ("t/data/*.csv", "t/data", True),
        ("t/*/x", "t/anything", True),
        ("t/data/*.csv", "t/data/sub", False),
        ("t/model/**", "t/data", False),
        ("t/x", "t/x", False),
    ],
)
def test_can_match_below(glob: str, folder: str, expected: bool) -> None:
    assert can_match_below(glob, folder) is expected
