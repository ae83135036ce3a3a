from __future__ import annotations

import hashlib
from random import Random
from typing import Dict, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.gathered import GatheredFile, GeneratedFile, digest_of, with_generated
from pants_truss.core.source_tree import (
    EXPLICIT,
    EXTERNAL_PACKAGE,
    GENERATED,
    TRUSS,
    imported_by,
)

EMPTY = hashlib.sha256(b"").hexdigest()


def planned(
    path: str, sha256: str = "old", is_executable: bool = False, reason: str = TRUSS
) -> GatheredFile:
    return GatheredFile(path, sha256, 3, is_executable, "t:t", f"t/{path}", reason)


def test_a_generated_file_takes_the_place_of_a_planned_one() -> None:
    (file,) = with_generated(
        [planned("config.yaml")], {"config.yaml": GeneratedFile("new", 9, "t/other.yaml")}
    )
    assert file == GatheredFile("config.yaml", "new", 9, False, "t:t", "t/other.yaml", GENERATED)


def test_a_generated_file_that_is_new() -> None:
    assert with_generated([], {".truss_ignore": GeneratedFile("new", 9, None)}) == (
        GatheredFile(".truss_ignore", "new", 9, False, None, None, GENERATED),
    )


def test_a_generated_file_with_the_same_content_keeps_the_planned_one() -> None:
    file = planned("config.yaml", reason=EXTERNAL_PACKAGE)
    assert with_generated([file], {"config.yaml": GeneratedFile("old", 3, None)}) == (file,)


@pytest.mark.parametrize("is_executable", [True, False])
def test_a_file_stays_executable(is_executable: bool) -> None:
    (file,) = with_generated(
        [planned("run", is_executable=is_executable)], {"run": GeneratedFile("new", 9, None)}
    )
    assert file.is_executable is is_executable


names = st.text(alphabet="abAB/.é~", min_size=1, max_size=4)
contents = st.sampled_from(["0", "1", "2"])


@given(
    st.dictionaries(names, st.tuples(contents, st.booleans()), max_size=6),
    st.dictionaries(names, contents, max_size=4),
    st.randoms(),
)
def test_each_path_appears_once_sorted_with_its_last_content(
    old: Dict[str, Tuple[str, bool]], new: Dict[str, str], random: Random
) -> None:
    files = [planned(path, *file) for path, file in old.items()]
    random.shuffle(files)
    result = with_generated(files, {path: GeneratedFile(sha, 9, None) for path, sha in new.items()})
    assert [file.path for file in result] == sorted({*old, *new})
    for file in result:
        before: Optional[str] = old[file.path][0] if file.path in old else None
        assert file.sha256 == new.get(file.path, before)
        assert (file.reason == GENERATED) == (file.sha256 != before)
        assert file.is_executable == (file.path in old and old[file.path][1])
        assert (file.target is None) == (file.path not in old)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (imported_by("a.py"), True),
        (TRUSS, False),
        (EXTERNAL_PACKAGE, False),
        (EXPLICIT, False),
        (GENERATED, False),
        ("not imported by a.py", False),
    ],
)
def test_imported_files(reason: str, expected: bool) -> None:
    assert planned("a.py", reason=reason).is_imported is expected


def test_a_source_is_described_with_its_target() -> None:
    assert planned("a.py").described_source == "t/a.py (t:t)"
    loose = GatheredFile("a.py", "0", 1, False, None, "src/a.py", imported_by("b.py"))
    assert loose.described_source == "src/a.py (no target)"


def test_the_digest_is_of_paths_contents_and_modes() -> None:
    files = [planned("b", EMPTY, is_executable=True), planned("a", EMPTY)]
    records = f"100644 {EMPTY} a\x00100755 {EMPTY} b\x00".encode()
    assert digest_of(files) == f"sha256:{hashlib.sha256(records).hexdigest()}"


def test_the_digest_ignores_the_source_of_a_file() -> None:
    def variant(target: Optional[str], source: Optional[str], reason: str) -> List[GatheredFile]:
        return [GatheredFile("a", EMPTY, 0, False, target, source, reason)]

    assert (
        digest_of(variant("t:t", "t/a", TRUSS))
        == digest_of(variant(None, None, GENERATED))
        == digest_of(variant("s:s", "s/a", imported_by("b")))
    )
