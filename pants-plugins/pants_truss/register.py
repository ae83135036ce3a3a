"""What `backend_packages = ["pants_truss"]` registers."""

from __future__ import annotations

from functools import lru_cache
from typing import Iterable, Type

from pants.engine.target import Target

from pants_truss.dependency_inference import rules as dependency_inference
from pants_truss.goals import (
    check,
    explain,
    package,
    package_image,
    publish,
    publish_image,
    run,
    run_image,
    tailor,
    test,
    train,
)
from pants_truss.image.target_types import TrussImageTarget
from pants_truss.lint import rules as lint
from pants_truss.target_types import TrussExternalPackageTarget, TrussTarget
from pants_truss.training_target_types import TrussTrainingTarget
from pants_truss.util_rules import gather, output_path


def target_types() -> Iterable[Type[Target]]:
    return [TrussTarget, TrussExternalPackageTarget, TrussTrainingTarget, TrussImageTarget]


@lru_cache(maxsize=None)
def rules() -> Iterable[object]:
    # Each module names all that it needs, so most come many times. Pants asks for them in each run,
    # and hashes each.
    return tuple({id(rule): rule for rule in _rules()}.values())


def _rules() -> Iterable[object]:
    return [
        *check.rules(),
        *dependency_inference.rules(),
        *explain.rules(),
        *gather.rules(),
        *lint.rules(),
        *output_path.rules(),
        *package.rules(),
        *package_image.rules(),
        *publish.rules(),
        *publish_image.rules(),
        *run.rules(),
        *run_image.rules(),
        *tailor.rules(),
        *test.rules(),
        *train.rules(),
    ]
