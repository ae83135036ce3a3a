"""What `backend_packages = ["pants_truss.image"]` registers, beside `pants_truss`."""

from __future__ import annotations

from functools import lru_cache
from typing import Iterable, Type

from pants.engine.target import Target

from pants_truss.engine.registration import without_repeats
from pants_truss.goals import package_image, publish_image, run_image
from pants_truss.image.target_types import TrussImageTarget


def target_types() -> Iterable[Type[Target]]:
    return [TrussImageTarget]


@lru_cache(maxsize=None)
def rules() -> Iterable[object]:
    return without_repeats([*package_image.rules(), *publish_image.rules(), *run_image.rules()])
