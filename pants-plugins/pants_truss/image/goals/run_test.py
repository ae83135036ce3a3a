"""Tests `pants run` of an image, with small scripts in place of Pex, Truss and engines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List

import pytest
from pants.core.goals.run import RunFieldSet, RunRequest
from pants.core.util_rules.system_binaries import BinaryNotFoundError
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.platform import Platform as LocalPlatform
from pants.engine.target import InvalidFieldException
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.image.goals import run
from pants_truss.image.goals.run import (
    ContainerEngines,
    FindEnginesRequest,
    RunnableImage,
    RunnableImageRequest,
    TrussImageRunFieldSet,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.image_layouts import Layout
from pants_truss.testutil.images import OPTIONS, new_image_runner
from pants_truss.testutil.results import contents, raised

ENGINE = """\
#!{python} -I
import sys
if sys.argv[1:] in (["-v"], ["--version"]):
    sys.exit(print("version 1"))
print("#9 writing image sha256:{id} done", file=sys.stderr)
"""
BROKEN = "#!/bin/sh\nexit 1\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = new_image_runner(
        run.rules(),
        QueryRule(ContainerEngines, [FindEnginesRequest]),
        QueryRule(RunRequest, [TrussImageRunFieldSet]),
        QueryRule(RunnableImage, [RunnableImageRequest]),
    )
    layout = Layout()
    images = [layout.image(architecture=name) for name in ("amd64", "arm64")]
    runner.write_files(layout.write(*images).at("images/base"))
    return runner


def engines_in(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(ENGINE.format(python=sys.executable, id="cd" * 32))
        (folder / name).chmod(0o755)
    return folder


def configure(rule_runner: RuleRunner, folders: Iterable[Path], *options: str) -> None:
    paths = [str(folder) for folder in folders]
    rule_runner.set_options(
        [
            *OPTIONS,
            f"--truss-images-executable-search-paths={paths!r}",
            f"--docker-executable-search-paths={paths!r}",
            *options,
        ],
        env_inherit={"PATH", "PYENV_ROOT", "HOME"},
    )


def write(
    rule_runner: RuleRunner, folder: str, config: str = "", examples: str = "", **fields: Any
) -> Address:
    given = {"name": "image", "truss": ":t", **fields}
    written = ", ".join(f"{key}={value!r}" for key, value in given.items())
    rule_runner.write_files(
        {
            f"{folder}/BUILD": f"truss(name='t')\ntruss_image({written})\n",
            f"{folder}/config.yaml": f"python_version: py311\n{config}",
            f"{folder}/model/model.py": "code",
            f"{folder}/examples.yaml": examples,
        }
    )
    return Address(folder, target_name="image")


def prepare(rule_runner: RuleRunner, address: Address) -> RunRequest:
    field_set = TrussImageRunFieldSet.create(rule_runner.get_target(address))
    return rule_runner.request(RunRequest, [field_set])


def facts_of(rule_runner: RuleRunner, prepared: RunRequest) -> Any:
    return json.loads(contents(rule_runner, prepared.digest)["local/image.json"])


def error(rule_runner: RuleRunner, address: Address, kind: type) -> str:
    with pytest.raises(ExecutionError) as caught:
        prepare(rule_runner, address)
    found = raised(caught)
    assert type(found) is kind
    return str(found)


OCI = {"builder": "oci", "base": "images/base"}
PLATFORMS = ["linux/arm64", "linux/amd64"]


# --- Container engines.


@pytest.mark.parametrize(
    ("there", "wanted", "found"),
    [
        (["docker", "podman"], ["docker", "podman"], ["docker", "podman"]),
        (["docker", "podman"], ["podman", "docker"], ["podman", "docker"]),
        (["podman"], ["docker", "podman"], ["podman"]),
        (["docker", "podman"], ["docker"], ["docker"]),
    ],
)
def test_installed_engines_in_order_of_preference(
    rule_runner: RuleRunner,
    tmp_path: Path,
    there: List[str],
    wanted: List[str],
    found: List[str],
) -> None:
    configure(rule_runner, [engines_in(tmp_path / "bin", *there)])
    engines = rule_runner.request(ContainerEngines, [FindEnginesRequest(tuple(wanted))])
    assert engines.paths == tuple(f"{tmp_path}/bin/{name}" for name in found)


def test_an_engine_is_the_first_on_the_search_path_that_works(
    rule_runner: RuleRunner, tmp_path: Path
) -> None:
    broken = engines_in(tmp_path / "broken", "docker")
    (broken / "docker").write_text(BROKEN)
    folders = [broken, engines_in(tmp_path / "b", "docker"), engines_in(tmp_path / "a", "docker")]
    configure(rule_runner, folders)
    engines = rule_runner.request(ContainerEngines, [FindEnginesRequest(("docker",))])
    assert engines.paths == (f"{tmp_path}/b/docker",)


@pytest.mark.parametrize(("fields", "names"), [(OCI, "`docker` or `podman`"), ({}, "`docker`")])
def test_without_an_engine_an_image_cannot_be_run(
    rule_runner: RuleRunner, tmp_path: Path, fields: Dict[str, str], names: str
) -> None:
    folders = [tmp_path / "a", engines_in(tmp_path / "b")]
    configure(rule_runner, folders)
    address = write(rule_runner, "no_engine", **fields)
    assert error(rule_runner, address, BinaryNotFoundError) == (
        f"No container engine found to run an image: no {names} in {folders[0]}, {folders[1]}. "
        f"Install one, or use `pants run` on the truss itself, which needs none."
    )


# --- Layouts.


def test_an_image_is_loaded_from_its_layout(rule_runner: RuleRunner, tmp_path: Path) -> None:
    configure(rule_runner, [engines_in(tmp_path / "bin", "podman")], "--truss-images-run-args=-q")
    config = "environment_variables: {MODE: é, DEBUG: true, N: 1}\n"
    address = write(rule_runner, "oci", config, "- {name: a, input: {x: 1}}\n", **OCI)
    prepared = prepare(rule_runner, address)
    assert prepared.args == (
        "{chroot}/truss_image_tool_python_shim.sh",
        "-I",
        "{chroot}/local/run_image.py",
    )
    found = contents(rule_runner, prepared.digest)
    scripts = {path for path in found if not path.startswith("local/layout/")}
    assert scripts == {
        "local/archive.py",
        "local/image.json",
        "local/parent.py",
        "local/ports.py",
        "local/run_image.py",
        "truss_image_tool_python_shim.sh",
    }
    (top,) = json.loads(found["local/layout/index.json"])["manifests"]
    facts = facts_of(rule_runner, prepared)
    notes = facts.pop("notes")
    assert all(isinstance(note, str) for note in notes)
    assert facts == {
        "address": "oci:image",
        "arguments": ["-q"],
        "engines": [f"{tmp_path}/bin/podman"],
        "environment": {"MODE": "é", "DEBUG": "true", "N": "1"},
        "example": '{"x": 1}',
        "image": f"truss-image:{top['digest'][len('sha256:'):][:16]}",
        "layout": "layout",
        "manifest": top["digest"],
    }


def test_the_image_has_the_same_name_for_the_same_truss(
    rule_runner: RuleRunner, tmp_path: Path
) -> None:
    configure(rule_runner, [engines_in(tmp_path / "bin", "docker")])
    names = set()
    for model in ("code", "other", "code"):
        address = write(rule_runner, "same", **OCI)
        rule_runner.write_files({"same/model/model.py": model})
        names.add((model, facts_of(rule_runner, prepare(rule_runner, address))["image"]))
    assert len(names) == 2


def runnable(rule_runner: RuleRunner, address: Address) -> RunnableImage:
    field_set = TrussImageRunFieldSet.create(rule_runner.get_target(address))
    return rule_runner.request(RunnableImage, [RunnableImageRequest(field_set)])


@pytest.mark.parametrize(
    ("offered", "local", "taken"),
    [
        (["linux/amd64", "linux/arm64"], "linux_x86_64", "linux/amd64"),
        (["linux/arm64", "linux/amd64"], "linux_x86_64", "linux/amd64"),
        (["linux/arm64", "linux/amd64"], "macos_x86_64", "linux/amd64"),
        (["linux/amd64", "linux/arm64"], "linux_arm64", "linux/arm64"),
        (["linux/amd64", "linux/arm64"], "macos_arm64", "linux/arm64"),
        # An engine may emulate the platform.
        (["linux/arm64"], "linux_x86_64", "linux/arm64"),
        (["linux/amd64"], "macos_arm64", "linux/amd64"),
    ],
)
def test_the_platform_of_this_machine_is_preferred(
    offered: List[str], local: str, taken: str
) -> None:
    platform = run.choose_platform(tuple(offered), LocalPlatform(local))
    assert str(platform) == taken


def test_only_one_platform_is_built(rule_runner: RuleRunner, tmp_path: Path) -> None:
    configure(rule_runner, [engines_in(tmp_path / "bin", "docker")])
    image = runnable(rule_runner, write(rule_runner, "one", platforms=PLATFORMS, **OCI))
    files = contents(rule_runner, image.digest)
    (top,) = json.loads(files["index.json"])["manifests"]
    assert top["digest"] == image.manifest
    assert top["platform"]["os"] == "linux"


# --- Images of Docker.


def test_an_image_of_docker_needs_no_layout(rule_runner: RuleRunner, tmp_path: Path) -> None:
    # podman does not see images of Docker.
    configure(rule_runner, [engines_in(tmp_path / "bin", "docker", "podman")])
    address = write(rule_runner, "docker/sub", image_tags=["1", "2"], repository="a/b")
    prepared = prepare(rule_runner, address)
    facts = facts_of(rule_runner, prepared)
    assert facts == {
        "address": "docker/sub:image",
        "arguments": [],
        "engines": [f"{tmp_path}/bin/docker"],
        "environment": {},
        "example": "{}",
        "image": "a/b:1",
        "layout": None,
        "manifest": "",
        "notes": [],
    }
    found = contents(rule_runner, prepared.digest)
    assert not any(path.startswith("local/layout") for path in found)


# --- Errors.


def test_a_context_cannot_be_run(rule_runner: RuleRunner, tmp_path: Path) -> None:
    configure(rule_runner, [tmp_path])
    builders = [("docker", True), ("oci", True), ("context", False)]
    for builder, can_be_run in builders:
        target = rule_runner.get_target(write(rule_runner, f"kinds/{builder}", builder=builder))
        assert TrussImageRunFieldSet.is_applicable(target) is can_be_run
    truss = rule_runner.get_target(Address("kinds/oci", target_name="t"))
    assert not TrussImageRunFieldSet.is_applicable(truss)
    kinds = rule_runner.union_membership.get(RunFieldSet)
    assert [kind.__name__ for kind in kinds] == ["TrussImageRunFieldSet"]


def test_fields_are_checked_before_engines(rule_runner: RuleRunner, tmp_path: Path) -> None:
    configure(rule_runner, [tmp_path])
    address = write(rule_runner, "fields", base="images/base")
    assert error(rule_runner, address, InvalidFieldException) == (
        "The 'base' field in target fields:image has no effect with `builder=\"docker\"`. Remove "
        'it, or write `builder="oci"`.'
    )


@pytest.mark.parametrize("fields", [OCI, {}], ids=["oci", "docker"])
def test_an_image_without_a_truss(
    rule_runner: RuleRunner, tmp_path: Path, fields: Dict[str, str]
) -> None:
    configure(rule_runner, [engines_in(tmp_path / "bin", "docker")])
    address = write(rule_runner, "no_truss", truss=":image", **fields)
    assert error(rule_runner, address, InvalidTruss) == (
        "no_truss:image: `truss` is ':image', which is a 'truss_image' target. Name a `truss`."
    )
