"""What to do about a file that a model could not open, in a repository of many small cases."""

from __future__ import annotations

from typing import Dict, Optional

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import PythonSourcesGeneratorTarget
from pants.core.target_types import ResourcesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.serving import missing_file_advice
from pants_truss.serving.missing_file_advice import FileFix, FileFixRequest
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.rule_runners import OPTIONS

PYTHON = "python_sources(name='py', sources=['**/*.py'])\n"
ROOTS = "--source-root-patterns=['/*/t', '/*/shared']"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *inference.rules(),
            *missing_file_advice.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            QueryRule(FileFix, [FileFixRequest]),
        ],
        target_types=[
            PythonSourcesGeneratorTarget,
            ResourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
    )


def fix(
    rule_runner: RuleRunner,
    folder: str,
    path: str,
    opener: Optional[str],
    files: Dict[str, str],
) -> str:
    defaults = {
        "shared/BUILD": PYTHON,
        "t/BUILD": f"truss(name='t')\n{PYTHON}",
        "t/config.yaml": "",
        "t/model/model.py": "",
    }
    written = {f"{folder}/{name}": text for name, text in {**defaults, **files}.items()}
    rule_runner.write_files(written)
    environment = {"PATH", "PYENV_ROOT", "HOME"}
    rule_runner.set_options([*OPTIONS, ROOTS], env_inherit=environment)
    target = rule_runner.get_target(Address(f"{folder}/t", target_name="t"))
    request = FileFixRequest(TrussFieldSet.create(target), path, opener)
    return rule_runner.request(FileFix, [request]).text


def test_a_file_beside_shared_code(rule_runner: RuleRunner) -> None:
    files = {
        "t/model/model.py": "import fix_kit.x",
        "shared/fix_kit/x.py": "",
        "shared/fix_kit/words.json": "",
    }
    opener = "packages/fix_kit/x.py"
    assert fix(rule_runner, "beside", "packages/fix_kit/words.json", opener, files) == (
        "The repository has beside/shared/fix_kit/words.json, which the truss does not have. No "
        'target owns it. Add `resources(name="data", sources=["fix_kit/words.json"])` to '
        'beside/shared/BUILD. Add `dependencies=[":data"]` to the target beside/shared:py, whose '
        "code opens it."
    )


def test_a_file_in_a_folder_that_the_truss_does_not_have(rule_runner: RuleRunner) -> None:
    files = {
        "t/model/model.py": "import deep_kit.x",
        "shared/deep_kit/x.py": "",
        "shared/deep_kit/BUILD": "resources(name='res', sources=['data/*'])",
        "shared/deep_kit/data/words.json": "",
    }
    said = fix(
        rule_runner, "deep", "packages/deep_kit/data/words.json", "packages/deep_kit/x.py", files
    )
    assert said == (
        "The repository has deep/shared/deep_kit/data/words.json, which the truss does not have. "
        "`resource` deep/shared/deep_kit/data/words.json:../res owns it. Add "
        '`dependencies=["deep/shared/deep_kit/data/words.json:../res"]` to the target '
        "deep/shared:py, whose code opens it."
    )


def test_a_file_of_the_truss_that_its_sources_leave_out(rule_runner: RuleRunner) -> None:
    files = {
        "t/BUILD": f"truss(name='t', sources=['*.yaml', '**/*.py'])\n{PYTHON}",
        "t/model/words.json": "",
    }
    assert fix(rule_runner, "own", "app/model/words.json", "app/model/model.py", files) == (
        "The repository has own/t/model/words.json, which the truss does not have. Add it to "
        "`sources` of own/t:t, or take it back with a `!` line in `.truss_ignore` of the truss."
    )


def test_a_path_that_begins_at_the_wrong_folder(rule_runner: RuleRunner) -> None:
    files = {"t/model/words.json": ""}
    assert fix(rule_runner, "relative", "app/words.json", "app/model/model.py", files) == (
        "relative/t/model/words.json is in the truss, at app/model/words.json, but the server runs "
        "in app. Open it by a path that begins at `Path(__file__).parent`."
    )


def test_a_file_that_lies_elsewhere(rule_runner: RuleRunner) -> None:
    files = {"far/unique_words.json": "", "t/model/model.py": ""}
    said = fix(rule_runner, "far", "app/model/unique_words.json", "app/model/model.py", files)
    assert said.startswith("The repository has far/far/unique_words.json, which the truss does not")
    assert 'Add `dependencies=["far/far:data"]` to the target far/t:t.' in said


def test_a_file_that_the_repository_does_not_have(rule_runner: RuleRunner) -> None:
    assert fix(rule_runner, "nowhere", "app/model/[x]no.json", "app/model/model.py", {}) == ""
    assert fix(rule_runner, "nowhere", "app/model/no.json", None, {}) == ""
