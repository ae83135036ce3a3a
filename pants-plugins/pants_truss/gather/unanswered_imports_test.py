"""Imports of first-party code that Pants infers no dependency for."""

from __future__ import annotations

import itertools
from typing import Dict, List, Sequence

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratorTarget,
)
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import content_findings
from pants_truss.gather.content_findings import ContentFindings
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussTarget

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"
BUILD = "truss(name='t')\npython_sources(name='py', sources=['**/*.py'])\n"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *content_findings.rules(),
            *inference.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            QueryRule(ContentFindings, [TrussFieldSet]),
        ],
        target_types=[PythonSourcesGeneratorTarget, PythonTestsGeneratorTarget, TrussTarget],
    )


def find(
    rule_runner: RuleRunner, model: str, files: Dict[str, str], config: str = ""
) -> List[Finding]:
    """`{}` in a path, a file or the model stands for the number of the case; `kit{}` is code
    outside the truss."""
    number = str(next(_numbers))
    texts = {
        "t{}/BUILD": BUILD,
        "t{}/config.yaml": config,
        "t{}/model/model.py": model + MODEL,
        "kit{}/BUILD": "python_sources(name='py')",
        "kit{}/b.py": "",
        **files,
    }
    rule_runner.write_files(
        {path.replace("{}", number): text.replace("{}", number) for path, text in texts.items()}
    )
    rule_runner.set_options(
        [
            "--source-root-patterns=['/', '/other*']",
            "--python-infer-use-rust-parser",
            "--python-infer-unowned-dependency-behavior=ignore",
        ],
        env_inherit={"PATH", "PYENV_ROOT", "HOME"},
    )
    target = rule_runner.get_target(Address(f"t{number}", target_name="t"))
    found: Sequence[Finding] = rule_runner.request(
        ContentFindings, [TrussFieldSet.create(target)]
    ).findings
    texts_of = [each for each in found if each.rule == "unresolved-import"]
    for each in texts_of:
        assert each.path.startswith(f"t{number}/")
    return texts_of


def test_a_module_that_two_targets_have(rule_runner: RuleRunner) -> None:
    files = {"other{}/BUILD": "python_sources(name='o', sources=['**/*.py'])"}
    files["other{}/kit{}/b.py"] = ""
    (found,) = find(rule_runner, "from kit{}.b import x\n", files)
    assert (found.severity, found.line) == (Severity.ERROR, 1)
    number = found.path.partition("/")[0][1:]
    assert found.message == (
        f"it imports `kit{number}.b`, which kit{number}/b.py (kit{number}/b.py:py) and "
        f"other{number}/kit{number}/b.py (other{number}/kit{number}/b.py:../o) have, so Pants "
        f"bundles neither. Name one in `dependencies` of the target that owns "
        f"t{number}/model/model.py, or exclude the others there with `!`."
    )


def test_the_one_that_a_target_names_is_bundled(rule_runner: RuleRunner) -> None:
    files = {
        "other{}/BUILD": "python_sources(name='o', sources=['**/*.py'])",
        "other{}/kit{}/b.py": "",
        "t{}/BUILD": BUILD.replace("'py', ", "'py', dependencies=['kit{}/b.py:py'], "),
    }
    assert find(rule_runner, "from kit{}.b import x\n", files) == []


@pytest.mark.parametrize(
    "model",
    ["from kit{}.gone import x\n", "import kit{}.gone.deep\n", "from kit{} import gone\n"],
)
def test_a_module_that_no_target_owns(rule_runner: RuleRunner, model: str) -> None:
    (found,) = find(rule_runner, model, {})
    assert found.severity is Severity.ERROR
    assert "and no target owns this module. Correct the import, or add the file" in found.message


def test_a_requirement_may_bring_what_no_target_owns(rule_runner: RuleRunner) -> None:
    (found,) = find(rule_runner, "from kit{}.gone import x\n", {}, "requirements: [torch]\n")
    assert found.severity is Severity.WARNING


def test_a_type_stub_may_describe_a_distribution(rule_runner: RuleRunner) -> None:
    files = {"kit{}/BUILD": "python_sources(name='py', sources=['*.pyi'])", "kit{}/b.pyi": ""}
    assert find(rule_runner, "import kit{}.gone\n", files) == []


def test_tests_are_bundled_if_they_are_imported(rule_runner: RuleRunner) -> None:
    files = {
        "kit{}/BUILD": "python_sources(name='py', sources=['b.py', 'conftest.py'])\n"
        "python_tests(name='tests')",
        "kit{}/b_test.py": "",
        "kit{}/conftest.py": "",
    }
    for model in ("from kit{}.b_test import x\n", "from kit{} import conftest\n"):
        assert find(rule_runner, model, files) == []


@pytest.mark.parametrize(
    ("model", "config"),
    [
        # Nothing in the repository has such a name.
        ("import gone{}\nimport cv2\nfrom google.cloud import storage\n", ""),
        ("import json\nimport logging.handlers\nimport __future__\n", ""),
        ("try:\n    from kit{}.gone import x\nexcept ImportError:\n    pass\n", ""),
        ("import sys\nsys.path.append('x')\nfrom kit{}.gone import x\n", ""),
        ("from kit{}.gone import x\n", "requirements: ['kit{}']\n"),
        ("from kit{}.gone import x\n", "base_image: {image: a/b}\n"),
        ("from kit{}.b import x\n", ""),
    ],
)
def test_an_uncertain_import_is_not_reported(
    rule_runner: RuleRunner, model: str, config: str
) -> None:
    number = str(next(_numbers) + 1)
    assert find(rule_runner, model, {}, config.replace("{}", number)) == []


def test_an_excluded_dependency_is_deliberate(rule_runner: RuleRunner) -> None:
    files = {"t{}/BUILD": BUILD.replace("'py', ", "'py', dependencies=['!kit{}/b.py:py'], ")}
    assert find(rule_runner, "from kit{}.b import x\n", files) == []


def test_an_import_that_may_never_run_is_a_warning(rule_runner: RuleRunner) -> None:
    (found,) = find(rule_runner, "def f():\n    from kit{}.gone import x\n", {})
    assert found.severity is Severity.WARNING


def test_several_modules_in_one_statement(rule_runner: RuleRunner) -> None:
    """The Rust parser of Pants 2.17 overlooks them; later ones do not, and then it is bundled."""
    found = find(rule_runner, "import json, kit{}.b\n", {})
    assert all("overlooks a statement that imports several modules" in f.message for f in found)
    assert all(f.severity is Severity.ERROR for f in found)
    assert find(rule_runner, "import json\nimport kit{}.b\n", {}) == []


def test_a_module_beside_the_model(rule_runner: RuleRunner) -> None:
    files = {"t{}/model/helpers.py": "def h(): ...\n"}
    (found,) = find(rule_runner, "from helpers import h\n", files)
    assert found.severity is Severity.ERROR
    assert found.message.endswith(
        "/model/helpers.py, and the server has it as `model.helpers`. Import it by this name."
    )
