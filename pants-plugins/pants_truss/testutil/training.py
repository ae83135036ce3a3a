"""Repositories with training targets."""

from __future__ import annotations

from typing import Callable, Dict

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
)
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.target_types.training import TrussTrainingTarget
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import raised
from pants_truss.testutil.rule_runners import OPTIONS
from pants_truss.training import rules as training
from pants_truss.training.rules import InvalidTraining, TrainedTruss, TrainingFieldSet

PYTHON = "python_sources(name='src', sources=['**/*.py'])\n"


def new_training_runner(*queries: QueryRule) -> RuleRunner:
    """Returns a repository for many small cases."""
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *inference.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *training.rules(),
            QueryRule(TrainedTruss, [TrainingFieldSet]),
            *queries,
        ],
        target_types=[
            FilesGeneratorTarget,
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
            TrussTrainingTarget,
        ],
    )


def write_training(
    rule_runner: RuleRunner,
    folder: str,
    fields: str,
    files: Dict[str, str],
    trusses: str = "truss()\n",
) -> TrainingFieldSet:
    """Writes a truss and its training target in `folder/t`."""
    build = f"{trusses}{PYTHON}truss_training(name='train', {fields})\n"
    defaults = {"t/BUILD": build, "t/config.yaml": "", "shared/BUILD": PYTHON, "shared/x.txt": ""}
    rule_runner.write_files({f"{folder}/{p}": text for p, text in {**defaults, **files}.items()})
    roots = "--source-root-patterns=['/*/t', '/*/shared', '/*/beside', '/*/zoo']"
    rule_runner.set_options([*OPTIONS, roots], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    target = rule_runner.get_target(Address(f"{folder}/t", target_name="train"))
    return TrainingFieldSet.create(target)


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(ExecutionError) as caught:
        ask()
    error = raised(caught)
    assert isinstance(error, InvalidTraining)
    # Callers may build their own message from `what`.
    assert str(error).endswith(error.what) and not error.findings
    return str(error)
