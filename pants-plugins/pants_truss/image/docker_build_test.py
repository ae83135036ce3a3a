from __future__ import annotations

import json
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

import pytest
from pants.backend.docker.subsystems.docker_options import DockerOptions
from pants.backend.docker.util_rules.docker_binary import DockerBinary
from pants.backend.docker.util_rules.docker_build_args import DockerBuildArgs
from pants.backend.docker.util_rules.docker_build_env import DockerBuildEnvironment
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_SNAPSHOT
from pants.engine.process import FallibleProcessResult, Process
from pants.testutil.option_util import create_subsystem
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.image import docker_build
from pants_truss.image.docker_build import (
    DockerBuild,
    ImageName,
    accepted_arguments,
    built_image,
    image_names,
    plan_docker_build,
)
from pants_truss.image.docker_image import docker_fields
from pants_truss.image.target_types import TrussImageTarget

ADDRESS = Address("src/sentiment", target_name="image")
DOCKER = DockerBinary("/usr/bin/docker", extra_env={"PATH": "/tools"})
DIGEST = "ab" * 32
Registries = Mapping[str, Mapping[str, Any]]


def image(**fields: Any) -> TrussImageTarget:
    return TrussImageTarget({"truss": ":a", **fields}, ADDRESS)


def options(registries: Optional[Registries]) -> DockerOptions:
    return create_subsystem(
        DockerOptions,
        default_repository="{name}",
        registries=dict(registries or {}),
        build_target_stage=None,
        build_hosts=None,
        build_no_cache=None,
        use_buildx=False,
        build_extra_options=None,
    )


def plan(
    fields: Mapping[str, Any],
    registries: Optional[Registries] = None,
    args: Iterable[str] = (),
    declared: Iterable[str] = (),
    env: Optional[Mapping[str, str]] = None,
    more_tags: Tuple[str, ...] = (),
) -> DockerBuild:
    target = image(**fields)
    return plan_docker_build(
        target=target,
        fields=docker_fields(target),
        options=options(registries),
        docker=DOCKER,
        snapshot=EMPTY_SNAPSHOT,
        context_root="context",
        dockerfile="context/Dockerfile",
        build_args=DockerBuildArgs.from_strings(*args),
        declared_args=declared,
        stage_and_tag="server 3.11",
        environment=DockerBuildEnvironment.create(env or {}),
        more_tags=more_tags,
    )


def test_a_plain_build() -> None:
    build = plan({}, env={"DOCKER_HOST": "x"})
    assert build.tags == ("image:latest",)
    assert build.process.argv == (
        *("/usr/bin/docker", "build", "--pull=False", "--tag", "image:latest"),
        *("--file", "context/Dockerfile", "context"),
    )
    assert build.process.env["DOCKER_HOST"] == "x"
    # The helpers of Docker that `[docker].tools` names.
    assert build.process.env["PATH"] == "/tools"
    assert build.process.input_digest == EMPTY_SNAPSHOT.digest


def test_tags_of_all_registries_and_of_plugins() -> None:
    registries: Registries = {"a": {"address": "host:5000"}, "b": {"address": "b.host"}}
    fields = {"image_tags": ["1", "{tags.server}"], "registries": ["@b", "@a"]}
    build = plan(fields, registries, more_tags=("of-plugin",))
    tags = ("1", "3.11", "of-plugin")
    expected = [f"{host}/image:{tag}" for host in ("b.host", "host:5000") for tag in tags]
    assert list(build.tags) == expected
    words = build.process.argv
    assert [words[i + 1] for i, word in enumerate(words) if word == "--tag"] == expected


def test_an_image_without_tags_has_none() -> None:
    """The rule refuses this; Pants' own description of the process needs a tag."""
    assert plan({"image_tags": []}).tags == ()


@pytest.mark.parametrize(
    ("args", "declared", "env", "tag"),
    [
        (["WHO=me"], ["WHO"], {}, "me"),
        (["WHO=me"], ["WHO=default"], {}, "me"),
        (["WHO"], ["WHO"], {"WHO": "env"}, "env"),
        # An argument with a default gets no value.
        (["WHO"], ["WHO=default"], {}, "default"),
        (["WHO=a=b"], ["WHO"], {}, "a=b"),
    ],
)
def test_build_arguments_in_tags(
    args: List[str], declared: List[str], env: Dict[str, str], tag: str
) -> None:
    build = plan({"image_tags": ["{build_args.WHO}"]}, {}, args, declared, env)
    assert build.tags == (f"image:{tag}",)
    words = build.process.argv
    assert [words[i + 1] for i, word in enumerate(words) if word == "--build-arg"] == args


def test_fields_become_options() -> None:
    build = plan({"image_labels": {"a": "b c"}, "ssh": ["default"]})
    text = " ".join(build.process.argv)
    assert "--label a=b c" in text
    assert "--ssh default" in text


def test_arguments_unknown_to_the_release_of_pants_are_dropped() -> None:
    def old(a: int, *, b: int = 0) -> None:
        """The function of one release."""

    def new(a: int, use_buildx: bool, **more: object) -> None:
        """The function of a later release."""

    assert accepted_arguments(old, b=1, use_buildx=True) == {"b": 1}
    assert accepted_arguments(new, b=1, use_buildx=True) == {"use_buildx": True}


# --- Results.


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(rules=[QueryRule(FallibleProcessResult, [Process])])


def finished(rule_runner: RuleRunner, stdout: str, stderr: str) -> FallibleProcessResult:
    script = 'printf %s "$1"; printf %s "$2" >&2'
    process = Process(("/bin/sh", "-c", script, "sh", stdout, stderr), description="Say it")
    return rule_runner.request(FallibleProcessResult, [process])


@pytest.mark.parametrize(
    ("stdout", "stderr", "image_id"),
    [
        ("Successfully built abc123\n", "", "abc123"),
        ("", "#8 writing image sha256:12ab done\n#9 naming to x\n", "sha256:12ab"),
        # The last stage is the image.
        ("Successfully built one\nSuccessfully built two\n", "", "two"),
        ("", "", "<unknown>"),
    ],
)
def test_the_image_that_docker_has_built(
    rule_runner: RuleRunner, stdout: str, stderr: str, image_id: str
) -> None:
    build = plan({"image_tags": ["b", "a"]})
    result = finished(rule_runner, stdout, stderr)
    artifact, info = built_image(build, DOCKER, result, "x.docker-info.json")
    assert (artifact.image_id, artifact.tags) == (image_id, ("image:b", "image:a"))
    assert artifact.relpath == "x.docker-info.json"
    data = json.loads(info)
    assert (data["version"], data["image_id"]) == (1, image_id)
    (registry,) = data["registries"]
    # The order of names in the file is unspecified.
    assert [tag["name"] for tag in registry["tags"]] == ["image:a", "image:b"]


# --- Names of an existing image.


def names(known: Optional[Registries] = None, **fields: Any) -> Tuple[ImageName, ...]:
    return image_names(docker_fields(image(**fields)), options(known), DIGEST)


def test_names_without_a_registry() -> None:
    assert names() == (ImageName("image:latest", "latest", ""),)
    assert names(image_tags=["1.0", "{pants.hash}"]) == (
        ImageName("image:1.0", "1.0", ""),
        ImageName(f"image:{DIGEST}", DIGEST, ""),
    )
    assert names(image_tags=[]) == ()


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("{directory}/{name}", "sentiment/image"),
        ("{parent_directory}/x", "src/x"),
        ("Team/{default_repository}", "team/image"),
    ],
)
def test_repositories(repository: str, name: str) -> None:
    assert names(repository=repository) == (ImageName(f"{name}:latest", "latest", ""),)


def test_registries_of_the_options() -> None:
    registries: Registries = {
        "prod": {"address": "host:5000/team"},
        "skipped": {"address": "skip.host", "skip_push": True, "extra_image_tags": ["x"]},
        "local": {"address": "local.host", "use_local_alias": True, "repository": "own/{name}"},
    }
    assert names(registries, registries=["@prod", "@skipped", "@local", "free.host"]) == (
        ImageName("host:5000/team/image:latest", "latest", ""),
        ImageName("skip.host/image:latest", "latest", "(by `skip_push` on registry @skipped)"),
        ImageName("skip.host/image:x", "x", "(by `skip_push` on registry @skipped)"),
        ImageName("local.host/own/image:latest", "latest", ""),
        # This registry is only for this machine.
        ImageName("local/own/image:latest", "latest", "(by `use_local_alias` on registry @local)"),
        ImageName("free.host/image:latest", "latest", ""),
    )


def test_default_registries() -> None:
    registries: Registries = {
        "a": {"address": "a.host", "default": True},
        "b": {"address": "b.host"},
    }
    assert [name.full for name in names(registries)] == ["a.host/image:latest"]
    assert [name.full for name in names(registries, registries=[])] == ["image:latest"]


def test_options_of_newer_releases_are_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`[docker].build_extra_options` exists since Pants 2.34."""
    calls: List[Dict[str, Any]] = []

    def get_build_options(*, global_extra_options: Tuple[str, ...], **arguments: Any) -> Any:
        calls.append({"global_extra_options": global_extra_options})
        return ()

    monkeypatch.setattr(docker_build, "get_build_options", get_build_options)
    monkeypatch.setattr(DockerOptions, "build_extra_options", ("--sbom=true",), raising=False)
    plan({})
    assert calls == [{"global_extra_options": ("--sbom=true",)}]


def test_fields_of_other_build_outputs_are_not_used() -> None:
    aliases = {field.alias for field in TrussImageTarget.core_fields}
    assert not aliases & {"output_files", "output_directories", "outputs_match_mode"}
