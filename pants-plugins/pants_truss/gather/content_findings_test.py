"""When a missing requirement is an error: `requirements/truss_requirements_config_test.py` has the
texts of these findings."""

from __future__ import annotations

from typing import Dict, List, Sequence

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
    PythonSourceTarget,
)
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.lint.finding import Finding
from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import content_findings
from pants_truss.gather.content_findings import ContentFindings
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussTarget

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"
BUILD = "truss(name='t')\npython_sources(name='sources', sources=['**/*.py'])\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *core_target_types_rules(),
            *content_findings.rules(),
            *inference.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            QueryRule(ContentFindings, [TrussFieldSet]),
        ],
        target_types=[
            PythonRequirementTarget,
            PythonSourceTarget,
            PythonSourcesGeneratorTarget,
            TrussTarget,
        ],
    )
    requirement = "python_requirement(name='{0}', requirements=['{0}'])\n"
    runner.write_files(
        {"3rdparty/BUILD": requirement.format("tomlkit") + requirement.format("boto3")}
    )
    return runner


def find(rule_runner: RuleRunner, name: str, texts: Dict[str, str]) -> Sequence[Finding]:
    rule_runner.write_files({f"{name}/{path}": text for path, text in texts.items()})
    rule_runner.set_options(
        ["--source-root-patterns=['/', '/*/packages']", "--python-infer-use-rust-parser"],
        env_inherit={"PATH", "PYENV_ROOT", "HOME"},
    )
    target = rule_runner.get_target(Address(name, target_name="t"))
    return rule_runner.request(ContentFindings, [TrussFieldSet.create(target)]).findings


def severities(
    rule_runner: RuleRunner, name: str, model: str, config: str = "", **files: str
) -> List[str]:
    """Returns the severities of the findings about missing requirements."""
    texts: Dict[str, str] = {"BUILD": BUILD, "config.yaml": config, "model/model.py": model}
    texts.update({path.replace("__", "/") + ".py": text for path, text in files.items()})
    found = find(rule_runner, name, texts)
    return [f.severity.value for f in found if f.rule == "missing-requirement"]


@pytest.mark.parametrize(
    ("name", "model", "severity"),
    [
        ("plain", f"import tomlkit\n{MODEL}", "error"),
        ("from", f"from tomlkit.items import Item\n{MODEL}", "error"),
        ("in_class", "class Model:\n    import tomlkit\n    def predict(self): ...\n", "error"),
        ("lazy", f"{MODEL}        import tomlkit\n", "warning"),
        ("tried", f"try:\n    import tomlkit\nexcept ImportError: ...\n{MODEL}", "warning"),
        ("optional", f"import os\nif os.name == 'nt':\n    import tomlkit\n{MODEL}", "warning"),
    ],
)
def test_a_model_that_cannot_load_is_an_error(
    rule_runner: RuleRunner, name: str, model: str, severity: str
) -> None:
    assert severities(rule_runner, f"when_{name}", model) == [severity]


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("listed", "requirements: [tomlkit]\n", []),
        # poetry may require tomlkit.
        ("required", "requirements: [poetry]\n", ["warning"]),
        ("base", "base_image: {image: a/b}\n", ["note"]),
        ("system", "system_packages: [python3-tomlkit]\n", ["note"]),
        ("command", "build_commands: [pip install tomlkit]\n", ["note"]),
        ("path", "environment_variables: {PYTHONPATH: /mnt/code}\n", ["warning"]),
    ],
)
def test_what_may_bring_the_distribution(
    rule_runner: RuleRunner, name: str, config: str, expected: List[str]
) -> None:
    assert severities(rule_runner, f"by_{name}", f"import tomlkit\n{MODEL}", config) == expected


def test_a_module_of_that_name_in_the_truss(rule_runner: RuleRunner) -> None:
    model = f"import tomlkit\nimport boto3\n{MODEL}"
    found = severities(rule_runner, "has", model, data__vendored__tomlkit__api="")
    assert sorted(found) == ["error", "warning"]


def test_a_module_of_the_model_that_does_not_exist(rule_runner: RuleRunner) -> None:
    """The server's own folder has the model's in it, which is still the truss's."""
    texts = {
        "BUILD": BUILD,
        "config.yaml": "requirements: [model-tools]\n",
        "model/__init__.py": "",
        "model/model.py": f"import model.gone\nfrom model.there import x\n{MODEL}",
        "model/there.py": "x = 1\n",
    }
    findings = find(rule_runner, "own", texts)
    assert [(f.rule, f.line) for f in findings] == [("unresolved-import", 1)]


def importing(statement: str, path: str) -> Dict[str, str]:
    """A truss whose model begins with the statement, and that has a module at the path."""
    model = f"{statement}\n{MODEL}"
    return {"BUILD": BUILD, "config.yaml": "", "model/model.py": model, path: "y = 1\n"}


@pytest.mark.parametrize(
    ("name", "statement", "path", "fact"),
    [
        ("beside", "import utils.x", "utils/x.py", "Move it to packages/utils/x.py"),
        ("file", "from helpers import y", "helpers.py", "Move it to packages/helpers.py"),
        ("long", "import packages.util.z", "packages/util/z.py", "has it as `util.z`"),
        ("above", "from ..lib import y", "lib.py", "above the top-level package"),
        ("own", "from above_own.model import x", "model/x.py", "has it as `model.x`"),
    ],
)
def test_a_file_of_the_truss_that_the_server_does_not_find(
    rule_runner: RuleRunner, name: str, statement: str, path: str, fact: str
) -> None:
    (found,) = find(rule_runner, f"above_{name}", importing(statement, path))
    assert (found.rule, found.place) == ("unresolved-import", f"above_{name}/model/model.py:1")
    assert fact in found.message


@pytest.mark.parametrize(
    ("name", "statement", "path"),
    [
        ("data", "from data.words import y", "data/words.py"),
        ("lazy", "try:\n    import utils.x\nexcept ImportError: ...", "utils/x.py"),
        ("server", "from _truss_common.schema import y", "_truss_common/schema.py"),
        ("near", "from .near import y", "model/near.py"),
    ],
)
def test_a_file_of_the_truss_that_the_server_may_find(
    rule_runner: RuleRunner, name: str, statement: str, path: str
) -> None:
    assert not find(rule_runner, f"within_{name}", importing(statement, path))


def test_an_import_of_a_bundled_module(rule_runner: RuleRunner) -> None:
    """The model may never import it."""
    model = f"def load():\n    import kit\n{MODEL}"
    assert severities(rule_runner, "bundled", model, packages__kit="import tomlkit\n") == [
        "warning"
    ]
