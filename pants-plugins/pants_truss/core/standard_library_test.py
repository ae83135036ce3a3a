from __future__ import annotations

import pytest

from pants_truss.core.standard_library import is_standard


@pytest.mark.parametrize("name", ["json", "os", "sys", "time", "zlib", "__future__", "_json"])
def test_modules_of_the_standard_library(name: str) -> None:
    assert is_standard(name)


@pytest.mark.parametrize("name", ["numpy", "pants_truss", "site-packages", "", "pytest"])
def test_other_modules(name: str) -> None:
    assert not is_standard(name)
