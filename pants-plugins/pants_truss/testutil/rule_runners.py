"""What the tests of gathering by import share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterable, List, Optional

from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.macros.python_artifact import PythonArtifact
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

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.gather.gather import GatheredTruss
from pants_truss.sources import target_files, workspace_scan
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
    # These trusses are about files: few have a model.
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
            *gather.rules(),
            *inference.rules(),
            QueryRule(GatheredTruss, [TrussFieldSet]),
        ],
        target_types=[
            FilesGeneratorTarget,
            GenericTarget,
            PythonDistribution,
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            PythonTestsGeneratorTarget,
            ResourceTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
        objects={"parametrize": Parametrize, "python_artifact": PythonArtifact},
    )


def with_stand_ins(rules: Iterable[Any], stand_ins: Iterable[Any]) -> List[Any]:
    """The rules, with stand-ins in place of those that make the same of the same.

    Up to Pants 2.29 a rule is found by these types. Later releases call it by its name, so a
    stand-in takes that over.
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
    """What it makes, and of what; of what is no rule, nothing that another has."""
    if not isinstance(rule, TaskRule):
        return rule
    # They have names from Pants 2.20 on.
    named: Any = getattr(rule, "parameters", {})
    parameters = getattr(rule, "input_selectors", None) or tuple(named.values())
    return (rule.output_type, parameters[:1])


def new_source_tree_runner() -> RuleRunner:
    """Reads the files of a truss, and gathers nothing."""
    return RuleRunner(
        rules=[
            *target_files.rules(),
            *workspace_scan.rules(),
            QueryRule(ReadSourceTree, [ReadSourceTreeRequest]),
            QueryRule(FoundSourcePaths, [FindSourcePathsRequest]),
        ],
        target_types=[TrussTarget],
    )


def gather_truss(
    rule_runner: RuleRunner, folder: str, *options: str, name: Optional[str] = None
) -> GatheredTruss:
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    target = rule_runner.get_target(Address(folder, target_name=name))
    return rule_runner.request(GatheredTruss, [TrussFieldSet.create(target)])


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str], truss: str = "truss()") -> str:
    """A case in a folder of its own, with a truss in `truss/`. Returns the truss's folder."""
    build = f"{truss}\npython_sources(name='src', sources=['**/*.py'])\n"
    defaults = {
        "truss/BUILD": build,
        "truss/config.yaml": "",
        "shared/BUILD": "python_sources(sources=['**/*.py'])\n",
    }
    rule_runner.write_files({f"{root}/{p}": t for p, t in {**defaults, **files}.items()})
    return f"{root}/truss"
