from __future__ import annotations

import json
import os
from typing import Any, Dict, Optional

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.goals import run
from pants_truss.goals.run import TrussRunFieldSet
from pants_truss.pants_api import SecondaryOwnerMixin
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import files_in, raised
from pants_truss.testutil.stand_in_pex import install, with_stand_in_pex
from pants_truss.testutil.stand_in_truss import install_truss

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(
                (
                    *core_target_types_rules(),
                    *inference.rules(),
                    *python_inference.rules(),
                    *target_types_rules.rules(),
                    *run.rules(),
                )
            ),
            QueryRule(RunRequest, [TrussRunFieldSet]),
        ],
        target_types=[FilesGeneratorTarget, TrussExternalPackageTarget, TrussTarget],
    )
    install_truss(runner)
    install(runner, "truss_server", "six==1.16.0")
    install(runner, "requirements", "six==1.16.0")
    return runner


def write(rule_runner: RuleRunner, folder: str, files: Dict[str, str]) -> None:
    defaults = {"BUILD": "truss()", "config.yaml": "", "model/model.py": MODEL}
    rule_runner.write_files({f"{folder}/{p}": text for p, text in {**defaults, **files}.items()})


def field_set(rule_runner: RuleRunner, folder: str, name: Optional[str] = None) -> TrussRunFieldSet:
    return TrussRunFieldSet.create(rule_runner.get_target(Address(folder, target_name=name)))


def prepare(rule_runner: RuleRunner, folder: str, *, name: Optional[str] = None) -> RunRequest:
    rule_runner.set_options([], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    return rule_runner.request(RunRequest, [field_set(rule_runner, folder, name)])


def facts(rule_runner: RuleRunner, folder: str, *, name: Optional[str] = None) -> Any:
    """What `serve.py` reads."""
    prepared = prepare(rule_runner, folder, name=name)
    return json.loads(files_in(rule_runner, prepared.digest)["local/truss.json"])


def error(rule_runner: RuleRunner, folder: str) -> str:
    """What the process in the server's place prints."""
    prepared = prepare(rule_runner, folder)
    assert prepared.args == ("/bin/sh", "{chroot}/wait_for_edit.sh", "{chroot}/message.txt")
    return files_in(rule_runner, prepared.digest)["message.txt"]


def refusal(rule_runner: RuleRunner, folder: str) -> str:
    with pytest.raises(ExecutionError) as caught:
        prepare(rule_runner, folder)
    found = raised(caught)
    assert isinstance(found, InvalidTruss)
    return str(found)


# --- The process that is run.


def test_the_server_and_the_truss_lie_as_in_an_image(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "layout/t",
        {
            "config.yaml": "external_package_dirs: [../kit]\nrequirements: [six==1.16.0]\n",
            "data/w.txt": "w",
            "README.md": "",
        },
    )
    rule_runner.write_files({"layout/kit/BUILD": "truss_external_package()", "layout/kit/k.py": ""})
    prepared = prepare(rule_runner, "layout/t")
    assert sorted(files_in(rule_runner, prepared.digest)) == [
        "app/config.yaml",
        "app/data/w.txt",
        "app/model/model.py",
        "app/requirements.txt",
        "app/shared/util.py",
        "app/truss_server.py",
        "local/local_truss.py",
        "local/parent.py",
        "local/ports.py",
        "local/serve.py",
        "local/shell_variables.py",
        "local/truss.json",
        "packages/k.py",
        "requirements_python_shim.sh",
        "truss_server_python_shim.sh",
    ]
    # The Python is that of the environment whose distributions come first, without the user's.
    assert prepared.args == (
        "{chroot}/requirements_python_shim.sh",
        "-I",
        "{chroot}/local/serve.py",
    )
    assert dict(prepared.extra_env) == {"PANTS_TRUSS_STARTED_BY": str(os.getpid())}
    caches = dict(prepared.append_only_caches or {})
    assert {name: caches[name] for name in caches if name.startswith("cache_of_")} == {
        "cache_of_requirements": ".cache/requirements",
        "cache_of_truss_server": ".cache/truss_server",
    }


def test_a_truss_without_requirements_has_the_environment_of_the_server(
    rule_runner: RuleRunner,
) -> None:
    write(rule_runner, "alone/t", {})
    prepared = prepare(rule_runner, "alone/t")
    assert prepared.args[0] == "{chroot}/truss_server_python_shim.sh"
    assert json.loads(files_in(rule_runner, prepared.digest)["local/truss.json"]) == {
        "accelerator": None,
        "address": "alone/t:t",
        "env_vars": ["*"],
        "example": "{}",
        "notes": [],
        "restartable": True,
        "venvs": [{"folder": "venvs/truss_server", "shim": "truss_server_pex_shim.sh"}],
    }


def test_the_scripts_are_those_of_the_plugin(rule_runner: RuleRunner) -> None:
    write(rule_runner, "scripts/t", {})
    found = files_in(rule_runner, prepare(rule_runner, "scripts/t").digest)
    for name in ("serve.py", "ports.py", "local_truss.py", "shell_variables.py"):
        compile(found[f"local/{name}"], name, "exec")
        assert found[f"local/{name}"].strip()


# --- The facts that the server gets.


@pytest.mark.parametrize(
    ("case", "examples", "line"),
    [
        (
            "first",
            '- {name: a, input: {text: "é", n: [1]}}\n- {name: b, input: 2}\n',
            {"text": "é", "n": [1]},
        ),
        ("scalar", "- {name: a, input: 1.5}\n", 1.5),
        ("none", "", {}),
        # `pants test` reports what is wrong with them.
        ("broken", "- [\n", {}),
        ("not_json", "- {name: a, input: 2020-01-01}\n", {}),
    ],
)
def test_a_line_to_try_it_with_is_the_first_example(
    rule_runner: RuleRunner, case: str, examples: str, line: Any
) -> None:
    write(rule_runner, f"example/{case}", {"examples.yaml": examples})
    assert json.loads(facts(rule_runner, f"example/{case}")["example"]) == line


def test_an_examples_file_that_is_not_there_is_no_reason_not_to_serve(
    rule_runner: RuleRunner,
) -> None:
    write(rule_runner, "no_examples/t", {"config.yaml": "examples_filename: gone.yaml\n"})
    assert facts(rule_runner, "no_examples/t")["example"] == "{}"


def test_what_only_an_image_has_is_reported(rule_runner: RuleRunner) -> None:
    config = (
        "system_packages: [ffmpeg]\nbase_image: {image: x}\nmodel_cache: []\n"
        "build_commands: [make]\nresources: {accelerator: L4}\n"
    )
    write(rule_runner, "notes/t", {"config.yaml": config})
    found = facts(rule_runner, "notes/t")
    assert found["accelerator"] == "L4"
    assert found["notes"] == [
        "Only an image has what notes/t/config.yaml says in `base_image`, `system_packages`, "
        "`build_commands`."
    ]


def test_a_second_target_has_its_own_config_and_its_own_field(rule_runner: RuleRunner) -> None:
    build = "truss()\ntruss(name='prod', config='prod.yaml', restartable=False)"
    files = {"prod.yaml": "system_packages: [ffmpeg]\nmodel_name: prod\n"}
    write(rule_runner, "second/t", {"BUILD": build, **files})
    assert facts(rule_runner, "second/t")["restartable"] is True
    found = facts(rule_runner, "second/t", name="prod")
    assert (found["address"], found["restartable"]) == ("second/t:prod", False)
    assert found["notes"] == [
        "Only an image has what second/t/prod.yaml says in `system_packages`."
    ]
    prepared = prepare(rule_runner, "second/t", name="prod")
    config = files_in(rule_runner, prepared.digest)["app/config.yaml"]
    assert "model_name: prod" in config


# --- Errors.


@pytest.mark.parametrize(
    ("case", "config", "key"),
    [
        ("server", "docker_server: {server_port: 1}\n", "docker_server"),
        ("trt", "trt_llm: {build: {}}\n", "trt_llm"),
    ],
)
def test_a_truss_with_a_server_of_its_own_needs_an_image(
    rule_runner: RuleRunner, case: str, config: str, key: str
) -> None:
    folder = f"image/{case}"
    write(rule_runner, folder, {"BUILD": "truss(config='c.yaml')", "c.yaml": config})
    address = f"{folder}:{case}"
    assert refusal(rule_runner, folder) == (
        f"{address} ({folder}/c.yaml): it cannot be served without an image: `{key}` has a server "
        f"of its own. `pants package {address}` and `truss image build` make one."
    )


def test_a_truss_without_config(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"gone/t/BUILD": "truss()"})
    assert error(rule_runner, "gone/t") == (
        "gone/t:t: its config gone/t/config.yaml does not exist. A "
        "truss needs one next to its BUILD file; `truss init` makes it.\n"
    )


def test_a_truss_that_would_not_be_packaged_is_not_served(rule_runner: RuleRunner) -> None:
    write(rule_runner, "broken/t", {"model/model.py": "class Other: pass\n"})
    assert error(rule_runner, "broken/t").startswith(
        "broken/t:t (broken/t/model/model.py:1): it has no class "
    )


def test_a_half_typed_file_does_not_end_the_run(rule_runner: RuleRunner) -> None:
    write(rule_runner, "half/t", {"model/model.py": "class Model:\n    def predict(self,\n"})
    assert "(half/t/model/model.py:2): it cannot be parsed" in error(rule_runner, "half/t")
    write(rule_runner, "half/u", {"config.yaml": "resources: {cpu: \n"})
    assert "(half/u/config.yaml:2): it is not valid YAML" in error(rule_runner, "half/u")


def test_a_run_that_pants_does_not_start_again_ends(rule_runner: RuleRunner) -> None:
    files = {"BUILD": "truss(restartable=False)", "model/model.py": "class Other: pass\n"}
    write(rule_runner, "once/t", files)
    assert "it has no class " in refusal(rule_runner, "once/t")


# --- Which target `pants run` of a folder takes.


def test_the_truss_with_the_name_of_its_folder_is_the_one_to_run(rule_runner: RuleRunner) -> None:
    build = "truss()\ntruss(name='prod')\ntruss(name='dev', restartable=False)"
    write(rule_runner, "ranks/t", {"BUILD": build})
    write(rule_runner, "ranks", {"BUILD": "truss(name='t')\ntruss(name='ranks')"})
    addresses = [("ranks/t", "t"), ("ranks/t", "prod"), ("ranks/t", "dev")]
    addresses += [("ranks", "t"), ("ranks", "ranks")]
    found = {address: field_set(rule_runner, *address).restartable for address in addresses}
    assert [isinstance(field, SecondaryOwnerMixin) for field in found.values()] == [
        *(False, True, True),
        *(True, False),
    ]
    # The value stays, and no file is said to be its own.
    assert [field.value for field in found.values()] == [True, True, False, True, True]
    other = found["ranks/t", "prod"]
    assert isinstance(other, SecondaryOwnerMixin) and other.filespec == {"includes": []}


def test_trusses_are_run_in_the_workspace(rule_runner: RuleRunner) -> None:
    write(rule_runner, "kinds", {"BUILD": "truss()\nfiles(name='f', sources=['*'])"})
    files = rule_runner.get_target(Address("kinds", target_name="f"))
    assert not TrussRunFieldSet.is_applicable(files)
    assert TrussRunFieldSet.run_in_sandbox_behavior is RunInSandboxBehavior.NOT_SUPPORTED
    kinds = rule_runner.union_membership.get(RunFieldSet)
    assert [kind.__name__ for kind in kinds] == ["TrussRunFieldSet"]
