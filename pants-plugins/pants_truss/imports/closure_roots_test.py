"""Where the walk over imports begins, and that requirement targets bring distributions alone."""

from __future__ import annotations

from typing import Dict, Iterator, Tuple

import pytest
from pants.testutil.rule_runner import RuleRunner

from pants_truss.gather.gather import GatheredTruss
from pants_truss.testutil.rule_runners import (
    bundled,
    gather_truss,
    new_rule_runner,
    remove_files,
    write,
)


@pytest.fixture(scope="module")
def shared_runner() -> RuleRunner:
    return new_rule_runner()


@pytest.fixture
def rule_runner(shared_runner: RuleRunner) -> Iterator[RuleRunner]:
    yield shared_runner
    remove_files(shared_runner)


def required(gathered: GatheredTruss) -> Dict[str, str]:
    return {r.requirement: r.reason for r in gathered.imports.requirements}


# --- Requirement targets.

PIPFILE_LOCK = '{"default": {"funcy": {"version": "==2.0"}}, "develop": {}}'
POETRY = '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "*"\nfuncy = "2.0"\n'
PEP_621 = '[project]\nname = "x"\nversion = "1"\ndependencies = ["funcy==2.0"]\n'
GENERATORS: Dict[str, Tuple[str, str, str]] = {
    "requirements_txt": ("python_requirements()", "requirements.txt", "funcy==2.0\n"),
    "other_name": (
        "python_requirements(source='serving.txt')",
        "serving.txt",
        "funcy==2.0\n",
    ),
    "overrides": (
        "python_requirements(overrides={'funcy': {'dependencies': [':more']}})\n"
        "python_requirement(name='more', requirements=['toolz==1.0'])",
        "requirements.txt",
        "funcy==2.0\n",
    ),
    "pep_621": ("python_requirements(source='pyproject.toml')", "pyproject.toml", PEP_621),
    "pipenv": ("pipenv_requirements()", "Pipfile.lock", PIPFILE_LOCK),
    "poetry": ("poetry_requirements()", "pyproject.toml", POETRY),
    "one_by_hand": (
        "python_requirement(name='funcy', requirements=['funcy==2.0'], dependencies=[':list'])\n"
        "files(name='list', sources=['requirements.txt'])",
        "requirements.txt",
        "funcy==2.0\n",
    ),
}


@pytest.mark.parametrize("folder", ["truss_b", "truss", "shared/pkg"])
@pytest.mark.parametrize("generator", GENERATORS)
def test_requirement_targets_contribute_no_files(
    rule_runner: RuleRunner, generator: str, folder: str
) -> None:
    """Neither in the folder of another truss, nor in the truss's own, nor in a package that nothing
    else of the truss imports."""
    target, name, content = GENERATORS[generator]
    source = "python_sources(name='src', sources=['**/*.py'])"
    trusses = "" if folder.startswith("shared") else "truss(name='t')\n"
    root = f"reqs_{generator}_{folder.replace('/', '_')}"
    files = {
        "truss_b/BUILD": "truss()",
        "truss_b/config.yaml": "",
        f"{folder}/__init__.py": "import reqs_heavy",
        f"{folder}/{name}": content,
        "truss/config.yaml": "requirements: [funcy==2.0, toolz==1.0]",
        "truss/model/model.py": "import funcy",
        "shared/reqs_heavy.py": "",
        # The last, as the folder may be that of one of those before.
        f"{folder}/BUILD": f"{trusses}{source}\n{target}\n",
    }
    write(rule_runner, root, files)
    name = "t" if folder == "truss" else "truss"
    gathered = gather_truss(rule_runner, f"{root}/truss", name=name)
    assert not bundled(gathered)
    assert "funcy==2.0" in required(gathered)
    assert ("toolz==1.0" in required(gathered)) == (generator == "overrides")
    assert not any("missing-requirement" in note for note in gathered.notes)
    assert f"{root}/{folder}/{name}" not in gathered.imports.graph.file_by_node.values()


def test_a_named_requirement_generator_brings_its_distributions(rule_runner: RuleRunner) -> None:
    files = {
        "truss/model/model.py": "",
        "shared/pkg/BUILD": "python_sources()\npython_requirements(name='reqs')",
        "shared/pkg/__init__.py": "x = 1",
        "shared/pkg/requirements.txt": "funcy==2.0\ntoolz\n",
    }
    folder = write(rule_runner, "named", files, "truss(dependencies=['named/shared/pkg:reqs'])")
    gathered = gather_truss(rule_runner, folder)
    assert not bundled(gathered)
    assert required(gathered) == {
        "funcy==2.0": "explicit dependency",
        "toolz": "explicit dependency",
    }


def test_code_that_a_requirement_names_is_bundled(rule_runner: RuleRunner) -> None:
    files = {
        "truss/config.yaml": "requirements: [funcy]",
        "truss/model/model.py": "import funcy",
        "shared/BUILD": (
            "python_requirement(name='funcy', requirements=['funcy'], dependencies=[':src'])\n"
            "python_sources(name='src', sources=['funcy_plugin.py'])"
        ),
        "shared/funcy_plugin.py": "",
    }
    folder = write(rule_runner, "plugin", files)
    assert bundled(gather_truss(rule_runner, folder)) == {"funcy_plugin.py": "explicit dependency"}


# --- The files that a server has.

UNSERVED = {
    "truss/client.py": "import roots_lib\nimport toolz",
    "truss/conftest.py": "import roots_lib",
    "truss/setup.py": "import roots_lib",
    "truss/__init__.py": "import roots_lib",
    "truss/examples/call.py": "import roots_lib",
    "truss/notebooks/helpers.py": "import toolz",
    "truss/scripts/export.py": "import roots_lib",
    "truss/tests/test_model.py": "import roots_lib",
    "truss/training/train.py": "import toolz",
    "shared/roots_lib.py": "",
    "shared/reqs/BUILD": "python_requirement(name='toolz', requirements=['toolz'])",
}


def test_code_that_no_server_has_brings_nothing(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "roots", {**UNSERVED, "truss/model/model.py": ""})
    gathered = gather_truss(rule_runner, folder)
    assert (bundled(gathered), required(gathered), gathered.notes) == ({}, {}, ())
    # The files themselves are part of the truss, as Truss has them.
    paths = {file.path for file in gathered.files}
    assert {path[len("truss/") :] for path in UNSERVED if path.startswith("truss/")} <= paths


@pytest.mark.parametrize(
    ("name", "config", "file"),
    [
        ("model", "", "truss/model/util/deep.py"),
        ("data", "", "truss/data/code/modeling.py"),
        ("packages", "", "truss/packages/own/x.py"),
        ("data_dir", "data_dir: weights", "truss/weights/load.py"),
        ("model_dir", "model_module_dir: serving/code", "truss/serving/code/x.py"),
        ("packages_dir", "bundled_packages_dir: vendor", "truss/vendor/own/x.py"),
        ("external", "external_package_dirs: [../ext]", "ext/scripts/tool.py"),
        (
            "command",
            "docker_server: {start_command: python /app/model/serve.py, server_port: 1, "
            "predict_endpoint: /p, readiness_endpoint: /r, liveness_endpoint: /l}",
            "truss/model/serve.py",
        ),
    ],
)
def test_code_that_a_server_has_counts(
    rule_runner: RuleRunner, name: str, config: str, file: str
) -> None:
    files = {
        "truss/config.yaml": config,
        "truss/model/model.py": "",
        file: "import served_lib",
        "ext/BUILD": "truss_external_package()\npython_sources(name='src', sources=['**/*.py'])",
        "ext/x.txt": "",
        "shared/served_lib.py": "",
    }
    folder = write(rule_runner, f"served_{name}", files)
    gathered = gather_truss(rule_runner, folder)
    reasons = {file.source: file.reason for file in gathered.files}
    assert reasons[f"served_{name}/shared/served_lib.py"] == f"imported by served_{name}/{file}"


def test_a_script_that_the_model_imports_counts(rule_runner: RuleRunner) -> None:
    files = {**UNSERVED, "truss/model/model.py": "from client import ask"}
    gathered = gather_truss(rule_runner, write(rule_runner, "asked", files))
    assert bundled(gathered) == {"roots_lib.py": "imported by asked/truss/client.py"}
    assert required(gathered) == {"toolz": "imported by asked/truss/client.py"}


def test_a_script_that_the_truss_names_counts(rule_runner: RuleRunner) -> None:
    files = {**UNSERVED, "truss/model/model.py": ""}
    truss = "truss(dependencies=['script/truss/scripts/export.py:../src'])"
    gathered = gather_truss(rule_runner, write(rule_runner, "script", files, truss))
    assert bundled(gathered) == {"roots_lib.py": "imported by script/truss/scripts/export.py"}
