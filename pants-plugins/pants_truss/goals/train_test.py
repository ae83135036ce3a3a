from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
)
from pants.core.goals.package import BuiltPackage
from pants.core.goals.run import RunRequest
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import Dependencies, DependenciesRequest, Targets
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import output_path
from pants_truss.goals import train
from pants_truss.goals.train import TrainingPackageFieldSet, TrainingRunFieldSet
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.training import TrussTrainingTarget
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import files_in, raised
from pants_truss.testutil.stand_in_pex import install, with_stand_in_pex

OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/*/t', '/*/lib', '/*/beside']",
    "--truss-lint-disable=['config-schema', 'model-class', 'unowned-python']",
]
BUILD = (
    "truss()\npython_sources(name='src', sources=['**/*.py'])\n"
    "truss_training(name='train', entry_point='train.py'{0})\n"
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(
                (
                    *core_target_types_rules(),
                    *inference.rules(),
                    *output_path.rules(),
                    *python_inference.rules(),
                    *target_types_rules.rules(),
                    *train.rules(),
                )
            ),
            QueryRule(BuiltPackage, [TrainingPackageFieldSet]),
            QueryRule(RunRequest, [TrainingRunFieldSet]),
            QueryRule(Targets, [DependenciesRequest]),
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
    install(runner, "requirements", "six==1.16.0")
    return runner


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str], more: str = "") -> str:
    """A truss in `root/t`. Returns its folder."""
    defaults = {
        "BUILD": BUILD.format(more),
        "config.yaml": "model_name: x\n",
        "model/model.py": "",
        "train.py": "",
    }
    written = {**{f"t/{path}": text for path, text in defaults.items()}, **files}
    rule_runner.write_files({f"{root}/{path}": text for path, text in written.items()})
    return f"{root}/t"


def set_options(rule_runner: RuleRunner) -> None:
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})


def package(rule_runner: RuleRunner, folder: str) -> Tuple[BuiltPackage, Dict[str, str]]:
    """The files are by their path below that of the package."""
    set_options(rule_runner)
    target = rule_runner.get_target(Address(folder, target_name="train"))
    built = rule_runner.request(BuiltPackage, [TrainingPackageFieldSet.create(target)])
    (artifact,) = built.artifacts
    files = files_in(rule_runner, built.digest)
    assert all(path.startswith(f"{artifact.relpath}/") for path in files)
    return built, {path[len(artifact.relpath or "") + 1 :]: files[path] for path in files}


def prepare(rule_runner: RuleRunner, folder: str) -> RunRequest:
    set_options(rule_runner)
    target = rule_runner.get_target(Address(folder, target_name="train"))
    return rule_runner.request(RunRequest, [TrainingRunFieldSet.create(target)])


def dependencies(rule_runner: RuleRunner, folder: str, name: str = "train") -> List[str]:
    set_options(rule_runner)
    target = rule_runner.get_target(Address(folder, target_name=name))
    request = DependenciesRequest(target[Dependencies])
    return sorted(found.address.spec for found in rule_runner.request(Targets, [request]))


# --- A folder for a training job.


def test_the_folder_has_the_truss_and_what_starts_training(rule_runner: RuleRunner) -> None:
    files = {
        "t/config.yaml": (
            "model_name: x\nexternal_package_dirs: [../ext]\nrequirements: [six==1.16.0]\n"
            "environment_variables: {MODE: train, DEBUG: true}\n"
        ),
        "t/train.py": "import shared_code\n",
        "ext/BUILD": "truss_external_package()",
        "ext/external.py": "",
        "lib/BUILD": "python_sources()",
        "lib/shared_code.py": "",
    }
    built, found = package(rule_runner, write(rule_runner, "whole", files))
    (artifact,) = built.artifacts
    assert artifact.relpath == "whole.t/train"
    assert artifact.extra_log_lines == (
        "  9 files. In a training job: pip install -r training_requirements.txt && "
        "python run_training.py",
    )
    assert sorted(found) == [
        ".truss_ignore",
        "config.yaml",
        "model/model.py",
        "packages/external.py",
        "packages/shared_code.py",
        "run_training.json",
        "run_training.py",
        "train.py",
        "training_requirements.txt",
    ]
    assert found["training_requirements.txt"] == "six==1.16.0\n"
    facts = json.loads(found["run_training.json"])
    assert found["run_training.json"] == json.dumps(facts, indent=2, sort_keys=True) + "\n"
    config = facts.pop("config")
    assert (config["model_name"], config["external_package_dirs"]) == ("x", [])
    assert facts == {
        "command": "run_training.py",
        "data_dir": "data",
        "environment": {"DEBUG": "true", "MODE": "train"},
        "file": "train.py",
        "function": None,
        "module": None,
        "packages": "packages",
        "truss": ".",
    }


def test_the_folder_trains_wherever_it_is(rule_runner: RuleRunner, tmp_path: Path) -> None:
    script = (
        "import sys\nimport moved_code\n"
        "open(sys.argv[2] + '/made.txt', 'w').write(moved_code.NAME + repr(sys.argv[3:]))\n"
    )
    files = {
        "t/train.py": script,
        "lib/BUILD": "python_sources()",
        "lib/moved_code.py": "NAME = 'é'\n",
    }
    _, found = package(rule_runner, write(rule_runner, "moved", files))
    for path, text in found.items():
        file = tmp_path / "a job" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    subprocess.run(
        [sys.executable, "run_training.py", "--out=out", "--epochs", "3"],
        cwd=tmp_path / "a job",
        check=True,
        timeout=60,
        env={"PYTHONUTF8": "1"},
    )
    assert (tmp_path / "a job/out/made.txt").read_text("utf-8") == "é['--epochs', '3']"


def test_modes_of_files_stay(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "modes", {"t/data/run.sh": "#!/bin/sh\n"})
    script = Path(rule_runner.build_root, folder, "data/run.sh")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    built, _ = package(rule_runner, folder)
    contents = rule_runner.request(DigestContents, [built.digest])
    assert [file.path for file in contents if file.is_executable] == ["modes.t/train/data/run.sh"]


@pytest.mark.parametrize(
    ("case", "config", "files", "requirements"),
    [
        ("none", "", {}, ""),
        (
            "config",
            "requirements: [b==2, 'a>=1 ; python_version>\"3\"']\n",
            {},
            'b==2\na>=1 ; python_version>"3"\n',
        ),
        (
            "file",
            "requirements: [b==2]\nrequirements_file: reqs.txt\n",
            {"t/reqs.txt": "# what\n--extra-index-url https://i\na==1\n"},
            "b==2\n--extra-index-url https://i\na==1\n",
        ),
        (
            "hashes",
            "requirements_file: reqs.txt\n",
            {"t/reqs.txt": "a==1 --hash=sha256:00\nb @ git+https://h/b@0\n"},
            # pip rejects a list with hashes for only a part of it.
            "a==1\nb @ git+https://h/b@0\n",
        ),
    ],
)
def test_requirements_as_pip_takes_them(
    rule_runner: RuleRunner,
    case: str,
    config: str,
    files: Dict[str, str],
    requirements: str,
) -> None:
    folder = write(rule_runner, f"required_{case}", {"t/config.yaml": config, **files})
    built, found = package(rule_runner, folder)
    assert found["training_requirements.txt"] == requirements
    (line,) = built.artifacts[0].extra_log_lines
    assert line.startswith(f"  {len(found)} files. ")


def test_requirements_of_training_come_after_those_of_the_truss(rule_runner: RuleRunner) -> None:
    files = {
        "t/config.yaml": "requirements: [six]\n",
        "3rdparty/BUILD": (
            "python_requirement(name='a', requirements=['pandas==2'])\n"
            "python_requirement(name='b', requirements=['toml==1'])\n"
            "python_requirement(name='c', requirements=['yaml==1'])\n"
        ),
        # No dependency has `yaml`. Another check reports imports that a truss does not require.
        "t/train.py": "import toml, yaml\n",
    }
    more = ", dependencies=['own/3rdparty:a', 'own/3rdparty:b']"
    _, found = package(rule_runner, write(rule_runner, "own", files, more))
    assert found["training_requirements.txt"] == "six\npandas==2\ntoml==1\n"


def test_files_of_training_alone(rule_runner: RuleRunner) -> None:
    files = {
        "t/BUILD": BUILD.format(", dependencies=['only/lib/more.py']").replace(
            "truss()", "truss(sources=['config.yaml', 'model/*'])"
        ),
        "lib/BUILD": "python_sources()",
        "lib/more.py": "import other\n",
        "lib/other.py": "",
        "lib/unused.py": "",
    }
    _, found = package(rule_runner, write(rule_runner, "only", files))
    assert {path for path in found if path.endswith(".py")} == {
        "model/model.py",
        "packages/more.py",
        "packages/other.py",
        "packages/train.py",
        "run_training.py",
    }
    assert json.loads(found["run_training.json"])["file"] == "packages/train.py"


def test_an_output_path(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "paths", {}, ", output_path='jobs/x'")
    built, _ = package(rule_runner, folder)
    assert built.artifacts[0].relpath == "jobs/x"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            "../x",
            "its `output_path` must be a folder below `dist/`, but was "
            "'../x'. Write `output_path=\"bad_path.t/train\"`, or remove it.",
        ),
        (
            # The output path of its truss.
            "bad_path.t/t",
            "its `output_path` 'bad_path.t/t' overlaps that of bad_path/t:t, 'bad_path.t/t': one "
            "would overwrite the other. Give it a folder of its own: "
            '`output_path="bad_path.t/train"`.',
        ),
    ],
)
def test_an_output_path_that_cannot_be(rule_runner: RuleRunner, path: str, problem: str) -> None:
    folder = write(rule_runner, "bad_path", {}, f", output_path='{path}'")
    with pytest.raises(ExecutionError) as caught:
        package(rule_runner, folder)
    found = raised(caught)
    assert isinstance(found, InvalidTruss)
    assert str(found).partition(": ")[2] == problem
    rule_runner.write_files({f"{folder}/BUILD": ""})


# --- On this machine.


def test_training_runs_beside_the_truss_in_the_environment_of_its_requirements(
    rule_runner: RuleRunner,
) -> None:
    folder = write(rule_runner, "local", {"t/config.yaml": "requirements: [six==1.16.0]\n"})
    prepared = prepare(rule_runner, folder)
    assert prepared.args == (
        "{chroot}/requirements_python_shim.sh",
        "-I",
        "{chroot}/local/run_training.py",
    )
    found = files_in(rule_runner, prepared.digest)
    assert sorted(found) == [
        "local/parent.py",
        "local/run_training.json",
        "local/run_training.py",
        "local/shell_variables.py",
        "requirements_python_shim.sh",
        "truss/.truss_ignore",
        "truss/config.yaml",
        "truss/model/model.py",
        "truss/train.py",
    ]
    facts = json.loads(found["local/run_training.json"])
    assert (facts["truss"], facts["command"]) == ("../truss", "pants run local/t:train --")
    caches = dict(prepared.append_only_caches or {})
    assert caches["cache_of_requirements"] == ".cache/requirements"
    # It is the same script that a job runs.
    assert found["local/run_training.py"] == package(rule_runner, folder)[1]["run_training.py"]


# --- What it depends on.


def test_training_depends_on_its_truss_and_on_its_code(rule_runner: RuleRunner) -> None:
    files = {
        "beside/BUILD": (
            "python_sources(name='src')\n"
            "truss_training(name='file', truss='deps/t', entry_point='fit.py')\n"
            "truss_training(name='function', truss='deps/t', entry_point='shared_fit:main')\n"
            "truss_training(name='own', truss='deps/t', entry_point='model.model:main')\n"
            "truss_training(name='more', truss='deps/t', entry_point='fit.py',"
            " dependencies=['deps/lib/extra.py'])\n"
        ),
        "beside/fit.py": "",
        "lib/BUILD": "python_sources()",
        "lib/shared_fit.py": "",
        "lib/extra.py": "",
    }
    write(rule_runner, "deps", files)
    # The truss does not depend on what its server does not run.
    assert dependencies(rule_runner, "deps/t") == ["deps/t/train.py:src", "deps/t:t"]
    assert dependencies(rule_runner, "deps/beside", "own") == [
        "deps/t/model/model.py:../src",
        "deps/t:t",
    ]
    assert dependencies(rule_runner, "deps/beside", "file") == [
        "deps/beside/fit.py:src",
        "deps/t:t",
    ]
    assert dependencies(rule_runner, "deps/beside", "function") == [
        "deps/lib/shared_fit.py",
        "deps/t:t",
    ]
    assert dependencies(rule_runner, "deps/beside", "more") == [
        "deps/beside/fit.py:src",
        "deps/lib/extra.py",
        "deps/t:t",
    ]
