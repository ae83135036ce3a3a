from __future__ import annotations

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.training import EntryPoint, parse_entry_point


@pytest.mark.parametrize(
    "value, entry_point",
    [
        ("train.py", EntryPoint(file="train.py")),
        ("./training/train.py", EntryPoint(file="training/train.py")),
        ("train:main", EntryPoint(module="train", function="main")),
        ("training.fit_2:_run", EntryPoint(module="training.fit_2", function="_run")),
    ],
)
def test_entry_points(value: str, entry_point: EntryPoint) -> None:
    assert parse_entry_point(value) == entry_point


@pytest.mark.parametrize(
    "value, message",
    [
        ("", "'' is neither"),
        ("../train.py", "lies outside the folder"),
        ("/train.py", "lies outside the folder"),
        ("training/train.py:main", "Write `training.train:main`"),
        ("train.py:main", "Write `train:main`"),
        ("training.train", "Write `training.train:main`"),
        ("train:main()", "is neither"),
        ("train:", "is neither"),
        ("a b.py:c", "Write `a b:c`"),
        ("1a:b", "is neither"),
    ],
)
def test_bad_entry_points(value: str, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse_entry_point(value)
    assert message in str(caught.value)
