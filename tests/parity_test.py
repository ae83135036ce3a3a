"""Where Truss's own gather is sound, the result here is the same, file for file."""

from __future__ import annotations

from typing import Dict

import pytest

from support.cases import CASES, Case
from support.parity import Gathered, gather_with_library, gather_with_pants, trees


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Gathered]:
    here = gather_with_pants(tmp_path_factory.mktemp("parity"))
    return gather_with_library("0.18.35", here, tmp_path_factory.mktemp("library"))


def test_there_are_forty_cases() -> None:
    assert len({case.name for case in CASES}) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_tree(case: Case, gathered: Dict[str, Gathered]) -> None:
    here, there = trees(gathered[case.name])
    assert here == there


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_config(case: Case, gathered: Dict[str, Gathered]) -> None:
    result = gathered[case.name]
    assert result.config_here["value"] == result.config_there["value"]
    if not case.packages:
        assert (result.here / "config.yaml").read_bytes() == case.config.encode()
