"""Uses a program called docker that prints its input."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import pytest
from pants.backend.docker.target_types import DockerImageTags, DockerImageTagsRequest
from pants.core.goals.package import BuiltPackage
from pants.core.util_rules.system_binaries import BinaryNotFoundError
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException, Target
from pants.engine.unions import UnionRule
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core import dockerfile
from pants_truss.image import docker_image
from pants_truss.image.build_context import WrittenContext
from pants_truss.image.docker_image import DockerImageRequest, stage_and_tag_of
from pants_truss.pants_api import rule
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.images import NONE, OPTIONS, new_image_runner, truss_at
from pants_truss.testutil.programs import given_environment, write_program
from pants_truss.testutil.results import contents

IMAGE_ID = f"sha256:{'cd' * 32}"
PROGRAM = """\
import json, os, sys
from pathlib import Path

arguments = sys.argv[1:]
if arguments == ["-v"]:
    sys.exit(print("Docker version 24"))
folder = Path(arguments[-1])
files = {{str(f.relative_to(folder)): f.read_text() for f in folder.rglob("*") if f.is_file()}}
with open(r"{log}", "a") as log:
    print(json.dumps([arguments, dict(os.environ), files]), file=log)
print("step 1")
if "# RUN false" in files["config.yaml"]:
    print("the command false has failed: \\u00e9", file=sys.stderr)
    sys.exit(17)
print("#9 writing image {image} done", file=sys.stderr)
"""


class TagsOfTests(DockerImageTagsRequest):
    @classmethod
    def is_applicable(cls, target: Target) -> bool:
        return target.address.spec_path == "plugin"


@rule
async def find_tags_of_tests(request: TagsOfTests) -> DockerImageTags:
    return DockerImageTags(["of-plugin"])


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(
        [
            *docker_image.rules(),
            find_tags_of_tests.rule,  # type: ignore[attr-defined]
            UnionRule(DockerImageTagsRequest, TagsOfTests),
        ],
        QueryRule(BuiltPackage, [DockerImageRequest]),
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin/docker"
    write_program(path, PROGRAM.format(log=tmp_path / "log", image=IMAGE_ID))
    return path


@dataclass(frozen=True)
class Call:
    arguments: List[str]
    environment: Mapping[str, str]
    files: Mapping[str, str]

    def values(self, option: str) -> List[str]:
        words = self.arguments
        return [words[i + 1] for i, word in enumerate(words) if word == option]


def calls(program: Path) -> List[Call]:
    log = program.parent.parent / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [Call(*json.loads(line)) for line in lines]


def build(
    rule_runner: RuleRunner,
    program: Path,
    folder: str,
    *options: str,
    config: str = "",
    env: Mapping[str, str] = NONE,
    **fields: Any,
) -> BuiltPackage:
    given = {"name": "image", "truss": ":model", **fields}
    written = ", ".join(f"{key}={value!r}" for key, value in given.items())
    rule_runner.write_files(
        {
            f"{folder}/BUILD": f"truss(name='model')\ntruss_image({written})\n",
            f"{folder}/config.yaml": f"python_version: py311\n{config}",
            f"{folder}/model/model.py": "code",
        }
    )
    rule_runner.set_options(
        [*OPTIONS, f"--docker-executable-search-paths=['{program.parent}']", *options],
        env=dict(env),
        env_inherit={"PATH", "PYENV_ROOT", "HOME"},
    )
    return build_again(rule_runner, folder)


def build_again(rule_runner: RuleRunner, folder: str) -> BuiltPackage:
    """Holds within one session."""
    truss = truss_at(rule_runner, folder, "model")
    address = Address(folder, target_name="image")
    return rule_runner.request(BuiltPackage, [DockerImageRequest(address, truss)])


def only(program: Path) -> Call:
    (call,) = calls(program)
    return call


def info_of(rule_runner: RuleRunner, made: BuiltPackage) -> Tuple[str, Dict[str, Any]]:
    (found,) = contents(rule_runner, made.digest).items()
    return found[0], json.loads(found[1])


def test_docker_builds_the_context_that_truss_writes(
    rule_runner: RuleRunner, program: Path
) -> None:
    made = build(rule_runner, program, "plain/sub")
    call = only(program)
    assert call.arguments == [
        *("build", "--pull=False", "--tag", "image:latest"),
        *("--file", "context/Dockerfile", "context"),
    ]
    assert set(call.files) == {
        *(".truss_ignore", "Dockerfile", "config.yaml", "constraints.txt", "model/model.py"),
        *("server/constraints.txt", "server/main.py", "server/requirements.txt"),
    }
    assert "FROM base:1.0 AS server" in call.files["Dockerfile"]
    (artifact,) = made.artifacts
    assert artifact.relpath == "plain.sub/image.docker-info.json"
    assert "image:latest" in artifact.extra_log_lines[0]
    assert IMAGE_ID in artifact.extra_log_lines[-1]
    path, info = info_of(rule_runner, made)
    assert path == artifact.relpath
    assert info["image_id"] == IMAGE_ID
    (registry,) = info["registries"]
    assert (registry["address"], registry["repository"]) == (None, "image")
    assert [tag["name"] for tag in registry["tags"]] == ["image:latest"]


def test_names_and_options_are_those_of_a_docker_image(
    rule_runner: RuleRunner, program: Path
) -> None:
    registries = {"prod": {"address": "host:5000"}, "dev": {"address": "dev.host"}}
    made = build(
        rule_runner,
        program,
        "fields",
        f"--docker-registries={registries!r}",
        config="# ARG WHO=nobody\n",
        image_tags=["{tags.server}-1", "{build_args.WHO}"],
        repository="{directory}/{name}",
        registries=["@prod", "@dev"],
        image_labels={"team": "ml é"},
        extra_build_args=["WHO=me"],
        build_network="host",
        pull=True,
        squash=True,
        output_path="out/info.json",
    )
    call = only(program)
    names = ["fields/image:1.0-1", "fields/image:me"]
    tags = [f"{host}/{name}" for host in ("host:5000", "dev.host") for name in names]
    assert call.values("--tag") == tags
    assert call.values("--build-arg") == ["WHO=me"]
    assert call.values("--network") == ["host"] or "--network=host" in call.arguments
    assert call.values("--label") == ["team=ml é"]
    assert "--pull=True" in call.arguments and "--squash" in call.arguments
    path, info = info_of(rule_runner, made)
    assert path == "out/info.json"
    assert sorted(registry["address"] for registry in info["registries"]) == [
        "dev.host",
        "host:5000",
    ]
    assert [registry["alias"] for registry in info["registries"]] == ["dev", "prod"]


def test_an_image_without_registries_uses_the_default_ones(
    rule_runner: RuleRunner, program: Path
) -> None:
    registries = {"prod": {"address": "host", "default": True}, "dev": {"address": "dev.host"}}
    build(rule_runner, program, "default", f"--docker-registries={registries!r}")
    assert only(program).values("--tag") == ["host/image:latest"]


def test_a_plugin_may_add_tags(rule_runner: RuleRunner, program: Path) -> None:
    build(rule_runner, program, "plugin", image_tags=["1"])
    assert only(program).values("--tag") == ["image:1", "image:of-plugin"]


def test_an_image_without_tags_is_not_built(rule_runner: RuleRunner, program: Path) -> None:
    message = (
        "The 'image_tags' field in target untagged:image must name at least one tag, but is empty. "
        'For example: `image_tags=["latest"]`.'
    )
    with engine_error(InvalidFieldException, contains=message):
        build(rule_runner, program, "untagged", image_tags=[])
    assert calls(program) == []


def test_docker_gets_the_variables_that_its_options_name(
    rule_runner: RuleRunner, program: Path
) -> None:
    build(
        rule_runner,
        program,
        "env",
        "--docker-env-vars=['DOCKER_HOST', 'FIXED=1']",
        "--docker-build-args=['FROM_ENV', 'A=b']",
        env={"DOCKER_HOST": "unix:///x", "FROM_ENV": "yes", "SECRET": "hunter2"},
    )
    call = only(program)
    assert call.values("--build-arg") == ["A=b", "FROM_ENV"]
    assert given_environment(call.environment) == {
        "DOCKER_HOST": "unix:///x",
        "FIXED": "1",
        "FROM_ENV": "yes",
    }


def test_a_failed_build_shows_the_output_of_docker(rule_runner: RuleRunner, program: Path) -> None:
    message = (
        "fails:image: `docker build` failed with exit code 17.\nstdout:\nstep 1\n\n"
        "stderr:\nthe command false has failed: é"
    )
    with engine_error(InvalidTruss, contains=message):
        build(rule_runner, program, "fails", config="# RUN false\n")


@pytest.mark.parametrize("verbose", [False, True])
def test_the_output_of_docker_is_logged_on_request(
    rule_runner: RuleRunner, program: Path, caplog: pytest.LogCaptureFixture, verbose: bool
) -> None:
    options = ["--docker-build-verbose"] if verbose else []
    with caplog.at_level(logging.INFO, "pants_truss"):
        build(rule_runner, program, f"verbose_{verbose}", *options)
    shown = [r.getMessage() for r in caplog.records if r.name == "pants_truss.image.docker_image"]
    output = (
        f"Docker build output for image:latest:\nstdout:\nstep 1\n\nstderr:\n#9 writing image "
        f"{IMAGE_ID} done\n"
    )
    assert shown == ([output] if verbose else [])


def test_a_field_of_another_builder_is_refused_first(
    rule_runner: RuleRunner, program: Path
) -> None:
    with engine_error(InvalidFieldException, contains="The 'base' field in target wrong:image"):
        build(rule_runner, program, "wrong", base="images/base")
    assert calls(program) == []


def test_each_session_builds_again(rule_runner: RuleRunner, program: Path) -> None:
    """The image may have been removed."""
    for _ in range(2):
        build(rule_runner, program, "again")
        build_again(rule_runner, "again")
    assert len(calls(program)) == 2


def test_docker_is_not_installed(rule_runner: RuleRunner, tmp_path: Path) -> None:
    message = f"Cannot find `docker` on `['{tmp_path}/nothing']`."
    with engine_error(BinaryNotFoundError, contains=message):
        build(rule_runner, tmp_path / "nothing/docker", "nowhere")


def test_the_hash_of_an_image_is_that_of_its_context(
    rule_runner: RuleRunner, program: Path
) -> None:
    for folder, config in (("hash", ""), ("hash", ""), ("other_hash", "model_name: other\n")):
        build(rule_runner, program, folder, config=config, image_tags=["{pants.hash}"])
    hashes = [re.sub("^image:", "", tag) for call in calls(program) for tag in call.values("--tag")]
    assert hashes[0] == hashes[1] != hashes[2]
    assert all(re.fullmatch("[0-9a-f]{64}", found) for found in hashes)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("FROM python:3.11 AS truss_server", "truss_server 3.11"),
        ("from python:3.11 as x", "x 3.11"),
        ("FROM python:3.11", "stage0 3.11"),
        ("FROM python", "stage0 latest"),
        ("FROM host:5000/team/python AS x", "x latest"),
        (f"FROM host:5000/python:3.11@sha256:{'0' * 64} AS x", "x 3.11"),
        ("ARG A=1\nFROM a:1 AS cache\nFROM b:2 AS server", "cache 1"),
    ],
)
def test_stage_and_tag_of_a_from_line(line: str, told: str) -> None:
    written = WrittenContext(None, line)  # type: ignore[arg-type]
    assert dockerfile.parse(line) == written.instructions
    assert stage_and_tag_of(written) == told
