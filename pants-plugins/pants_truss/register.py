"""Registers the backend `pants_truss`. Images have a backend of their own, `pants_truss.image`."""

from __future__ import annotations

from functools import lru_cache
from typing import Iterable, Type

from pants.engine.target import Target

from pants_truss.dependency_inference import truss as dependency_inference
from pants_truss.gather import gather, output_path
from pants_truss.goals import (
    check,
    explain,
    package,
    publish,
    run,
    tailor,
    test,
    train,
    verify,
)
from pants_truss.lint import rules as lint
from pants_truss.lint import untargeted
from pants_truss.pants_api.registration import without_repeats
from pants_truss.target_types.training import TrussTrainingTarget
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget


def target_types() -> Iterable[Type[Target]]:
    return [TrussTarget, TrussExternalPackageTarget, TrussTrainingTarget]


@lru_cache(maxsize=None)
def rules() -> Iterable[object]:
    return without_repeats(_rules())


def _rules() -> Iterable[object]:
    return [
        *check.rules(),
        *dependency_inference.rules(),
        *explain.rules(),
        *gather.rules(),
        *lint.rules(),
        *output_path.rules(),
        *package.rules(),
        *publish.rules(),
        *run.rules(),
        *tailor.rules(),
        *test.rules(),
        *train.rules(),
        *untargeted.rules(),
        *verify.rules(),
    ]
