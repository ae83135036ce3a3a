from __future__ import annotations

from typing import Dict, List

import pytest

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.source_tree import (
    EXPLICIT,
    EXTERNAL_PACKAGE,
    GENERATED,
    IMPORTED_BY,
    TRUSS,
    SourceFile,
    SourceTree,
    imported_by,
)


def test_reasons_can_be_told_apart() -> None:
    fixed = [TRUSS, EXTERNAL_PACKAGE, EXPLICIT, GENERATED]
    assert len(set(fixed)) == len(fixed)
    assert not any(reason.startswith(IMPORTED_BY) for reason in fixed)


def test_the_importer_is_what_follows() -> None:
    assert imported_by("src/a.py") == "imported by src/a.py"
    assert imported_by("src/a.py")[len(IMPORTED_BY) :] == "src/a.py"


def test_a_tree_is_the_trusss_own_unless_it_says_otherwise() -> None:
    assert SourceTree("t", "t:t", ()).reason == TRUSS


def test_equal_trees_are_one_to_the_engine() -> None:
    def tree(**changes: object) -> SourceTree:
        values = {"path": "a.py", "sha256": "0", "size": 1, "is_executable": False, **changes}
        return SourceTree("t", "t:t", (SourceFile(**values),))  # type: ignore[arg-type]

    assert tree() == tree() and hash(tree()) == hash(tree())
    changes: List[Dict[str, object]] = [
        {"path": "b"},
        {"sha256": "1"},
        {"size": 2},
        {"is_executable": True},
    ]
    for change in changes:
        assert tree(**change) != tree()


@pytest.mark.parametrize(
    "item",
    [
        SourceFile("a.py", "0", 1, False),
        GatheredFile("a.py", "0", 1, False, "t:t", "t/a.py", TRUSS),
    ],
)
def test_what_there_are_many_of_has_no_dict(item: object) -> None:
    assert not hasattr(item, "__dict__")
