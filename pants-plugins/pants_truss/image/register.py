"""Registers the backend `pants_truss.image`, in addition to `pants_truss`."""

from __future__ import annotations

from functools import lru_cache
from typing import Iterable, Type

from pants.engine.target import Target

from pants_truss.image.goals import package, publish, run
from pants_truss.image.target_types import TrussImageTarget
from pants_truss.pants_api.registration import without_repeats


def target_types() -> Iterable[Type[Target]]:
    return [TrussImageTarget]


@lru_cache(maxsize=None)
def rules() -> Iterable[object]:
    return without_repeats([*package.rules(), *publish.rules(), *run.rules()])
