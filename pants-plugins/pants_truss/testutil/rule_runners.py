"""Helpers shared by the tests of several folders."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.macros import (
    pipenv_requirements,
    poetry_requirements,
    python_requirements,
)
from pants.backend.python.macros.pipenv_requirements import PipenvRequirementsTargetGenerator
from pants.backend.python.macros.poetry_requirements import PoetryRequirementsTargetGenerator
from pants.backend.python.macros.python_artifact import PythonArtifact
from pants.backend.python.macros.python_requirements import PythonRequirementsTargetGenerator
from pants.backend.python.target_types import (
    PythonDistribution,
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratorTarget,
)
from pants.backend.python.util_rules import pex_requirements
from pants.core.target_types import FilesGeneratorTarget, GenericTarget, ResourceTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.parametrize import Parametrize
from pants.engine.rules import TaskRule
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.paths import below
from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.gather.gather import GatheredTruss
from pants_truss.sources import file_modes, target_files, workspace_scan
from pants_truss.sources.target_files import (
    FindSourcePathsRequest,
    FoundSourcePaths,
    ReadSourceTree,
    ReadSourceTreeRequest,
)
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/*/shared', '/*/truss*', '/*/truss*/packages', '/*/ext*']",
    "--truss-gather-package-collisions=error",
    # These trusses test files; few have a model.
    "--truss-lint-disable=['config-schema', 'model-class']",
]


def new_rule_runner() -> RuleRunner:
    """Gathers with Pants' own import inference."""
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *pex_requirements.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *pipenv_requirements.rules(),
            *poetry_requirements.rules(),
            *python_requirements.rules(),
            *gather.rules(),
            *inference.rules(),
            QueryRule(GatheredTruss, [TrussFieldSet]),
        ],
        target_types=[
            FilesGeneratorTarget,
            GenericTarget,
            PipenvRequirementsTargetGenerator,
            PoetryRequirementsTargetGenerator,
            PythonDistribution,
            PythonRequirementTarget,
            PythonRequirementsTargetGenerator,
            PythonSourcesGeneratorTarget,
            PythonTestsGeneratorTarget,
            ResourceTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
        objects={"parametrize": Parametrize, "python_artifact": PythonArtifact},
    )


def with_stand_ins(rules: Iterable[Any], stand_ins: Iterable[Any]) -> List[Any]:
    """Returns the rules, with each stand-in in place of the rule with the same signature.

    Up to Pants 2.29 the engine finds a rule by these types. Later releases call a rule by its name,
    so a stand-in takes over that name.
    """
    made = {_signature(stand_in.rule): stand_in.rule for stand_in in stand_ins}
    kept = []
    for each in rules:
        signature = _signature(each)
        if signature not in made:
            kept.append(each)
        else:
            made[signature] = replace(made[signature], canonical_name=each.canonical_name)
    return [*kept, *made.values()]


def _signature(rule: Any) -> Any:
    """Returns the output type and the inputs of a rule; anything else stands for itself."""
    if not isinstance(rule, TaskRule):
        return rule
    # Parameters have names since Pants 2.20.
    named: Any = getattr(rule, "parameters", {})
    parameters = getattr(rule, "input_selectors", None) or tuple(named.values())
    return (rule.output_type, parameters[:1])


def new_source_tree_runner() -> RuleRunner:
    """Reads the files of a truss, without gathering."""
    return RuleRunner(
        rules=[
            *target_files.rules(),
            *file_modes.rules(),
            *workspace_scan.rules(),
            QueryRule(ReadSourceTree, [ReadSourceTreeRequest]),
            QueryRule(FoundSourcePaths, [FindSourcePathsRequest]),
        ],
        target_types=[TrussTarget],
    )


def bundled(gathered: GatheredTruss, folder: str = "packages") -> Dict[str, str]:
    """Path below the bundled packages -> reason."""
    return {
        below(file.path, folder): file.reason
        for file in gathered.files
        if file.path.startswith(f"{folder}/")
    }


def remove_files(rule_runner: RuleRunner) -> None:
    """Removes what a test has written, so that the next can have modules of the same names."""
    for path in Path(rule_runner.build_root).iterdir():
        if path.is_dir() and not path.name.startswith("."):
            shutil.rmtree(path)
        elif path.name in ("BUILD", "__init__.py"):
            path.unlink()
    rule_runner.scheduler.invalidate_all_files()


def gather_truss(
    rule_runner: RuleRunner, folder: str, *options: str, name: Optional[str] = None
) -> GatheredTruss:
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    target = rule_runner.get_target(Address(folder, target_name=name))
    return rule_runner.request(GatheredTruss, [TrussFieldSet.create(target)])


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str], truss: str = "truss()") -> str:
    """Writes a case into its own folder, with a truss in `truss/`. Returns the truss's folder."""
    build = f"{truss}\npython_sources(name='src', sources=['**/*.py'])\n"
    defaults = {
        "truss/BUILD": build,
        "truss/config.yaml": "",
        "shared/BUILD": "python_sources(sources=['**/*.py'])\n",
    }
    rule_runner.write_files({f"{root}/{p}": t for p, t in {**defaults, **files}.items()})
    return f"{root}/truss"
