from __future__ import annotations

from typing import Optional

import pytest
from pants.testutil.option_util import create_subsystem

from pants_truss.core.errors import TrussError
from pants_truss.image.subsystem import Compression, TrussImageSubsystem


def level(compression: Compression, compression_level: Optional[int]) -> int:
    return create_subsystem(
        TrussImageSubsystem, compression=compression, compression_level=compression_level
    ).level


@pytest.mark.parametrize(
    ("compression", "given", "taken"),
    [
        (Compression.GZIP, None, 6),
        (Compression.GZIP, 1, 1),
        (Compression.GZIP, 9, 9),
        (Compression.ZSTD, None, 3),
        (Compression.ZSTD, 1, 1),
        (Compression.ZSTD, 19, 19),
        (Compression.NONE, None, 0),
        # Without compression the level is ignored, so a general setting stays valid.
        (Compression.NONE, 19, 19),
        (Compression.NONE, -1, -1),
    ],
)
def test_levels(compression: Compression, given: Optional[int], taken: int) -> None:
    assert level(compression, given) == taken


@pytest.mark.parametrize(
    ("compression", "given", "most"),
    [
        (Compression.GZIP, 0, 9),
        (Compression.GZIP, 10, 9),
        (Compression.GZIP, -6, 9),
        (Compression.ZSTD, 0, 19),
        (Compression.ZSTD, 20, 19),
    ],
)
def test_invalid_levels(compression: Compression, given: int, most: int) -> None:
    with pytest.raises(TrussError) as caught:
        level(compression, given)
    assert str(caught.value) == (
        f"`[truss-images].compression_level` is {given}, but {compression.value} supports 1 to "
        f"{most}."
    )
