from __future__ import annotations

import zlib
from typing import List, Sequence

from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.tar_parts import TarParts, cut

LARGE = 5 * 1024 * 1024


def gathered(paths: Sequence[str], size: int = 10) -> List[GatheredFile]:
    return [GatheredFile(p, "0" * 64, size, False, None, None, "truss") for p in sorted(paths)]


def names(count: int) -> List[str]:
    return [f"data/{number:06d}.csv" for number in range(count)]


def part_paths(parts: TarParts) -> List[List[str]]:
    return [[file.path for file in part] for part in parts.parts]


def test_few_files_are_not_split() -> None:
    files = gathered(names(1000))
    assert cut(files) == TarParts((), tuple(files))


def test_a_new_file_changes_one_part() -> None:
    before = part_paths(cut(gathered(names(10_000))))
    after = part_paths(cut(gathered([*names(10_000), "data/004321-b.csv"])))
    assert len(before) > 20
    changed = [part for part in after if part not in before]
    # The name of the file may itself end a part.
    assert 1 <= len(changed) <= 2


def test_large_files_are_in_no_part() -> None:
    files = sorted(
        [*gathered(names(2000)), *gathered(["data/000007.bin"], LARGE)],
        key=lambda f: f.path,
    )
    parts = cut(files)
    assert [file.path for file in parts.rest] == ["data/000007.bin"]
    assert "data/000007.bin" not in sum(part_paths(parts), [])


def test_a_part_has_a_largest_size() -> None:
    """The limit applies where no name ends a part."""
    endless = [name for name in names(4000) if zlib.crc32(name.encode()) % 256]
    assert [len(part) for part in part_paths(cut(gathered(endless)))][:-1] == [1024] * 3


@given(st.sets(st.text(min_size=1, max_size=8), max_size=60), st.integers(0, 3000))
def test_each_file_is_in_exactly_one_part(odd: List[str], count: int) -> None:
    files = gathered([*names(count), *odd])
    parts = cut(files)
    assert [file for part in parts.parts for file in part] + list(parts.rest) == files
    assert all(parts.parts)
    assert max((len(part) for part in parts.parts), default=0) <= 1024
