"""Tests `pants package` of an image, with small scripts in place of Pex and of Truss."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple, cast

import pytest
from pants.backend.docker.package_types import BuiltDockerImage
from pants.backend.docker.subsystems.docker_options import DockerOptions
from pants.core.goals.package import BuiltPackage
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import InvalidFieldException
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.image.docker_build import ImageName
from pants_truss.image.docker_image import DockerFieldSet, may_build
from pants_truss.image.goals import package as package_rules
from pants_truss.image.goals.package import OciArtifact, TrussImagePackageFieldSet
from pants_truss.image.target_types import TrussImageTarget
from pants_truss.pants_api.environments import EnvironmentNameRequest
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.image_layouts import Layout
from pants_truss.testutil.images import OPTIONS, new_image_runner
from pants_truss.testutil.results import contents, raised

BOTH = ["linux/amd64", "linux/arm64"]
DOCKER = """\
#!{python} -I
import sys
if sys.argv[1:] == ["-v"]:
    sys.exit(print("Docker version 24"))
print("#9 writing image sha256:{id} done", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = new_image_runner(
        package_rules.rules(), QueryRule(BuiltPackage, [TrussImagePackageFieldSet])
    )
    layout = Layout()
    images = [layout.image(architecture=name) for name in ("amd64", "arm64")]
    runner.write_files(layout.write(*images).at("images/base"))
    return runner


def package(
    rule_runner: RuleRunner, folder: str, *options: str, config: str = "", **fields: Any
) -> Tuple[BuiltPackage, Dict[str, bytes]]:
    given = {"name": "image", "truss": ":t", **fields}
    written = ", ".join(f"{key}={value!r}" for key, value in given.items())
    rule_runner.write_files(
        {
            f"{folder}/BUILD": f"truss(name='t')\ntruss_image({written})\n",
            f"{folder}/config.yaml": f"python_version: py311\n{config}",
            f"{folder}/model/model.py": "code",
        }
    )
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    target = rule_runner.get_target(Address(folder, target_name="image"))
    built = rule_runner.request(BuiltPackage, [TrussImagePackageFieldSet.create(target)])
    return built, contents(rule_runner, built.digest)


def oci(
    rule_runner: RuleRunner, folder: str, *options: str, config: str = "", **fields: Any
) -> Tuple[BuiltPackage, Dict[str, bytes]]:
    fields = {"builder": "oci", "base": "images/base", **fields}
    return package(rule_runner, folder, *options, config=config, **fields)


def error(rule_runner: RuleRunner, kind: type, folder: str, **fields: Any) -> str:
    with pytest.raises(ExecutionError) as caught:
        package(rule_runner, folder, **fields)
    found = raised(caught)
    assert type(found) is kind
    return str(found)


def paths(built: BuiltPackage) -> List[str]:
    return [artifact.relpath or "" for artifact in built.artifacts]


# --- Layouts.


def test_a_layout_lies_in_a_folder_and_its_bill_of_materials_beside_it(
    rule_runner: RuleRunner,
) -> None:
    built, found = oci(rule_runner, "plain/t")
    layout, bom = built.artifacts
    assert isinstance(layout, OciArtifact) and isinstance(bom, OciArtifact)
    assert paths(built) == ["plain.t/image", "plain.t/image.cdx.json"]
    (top,) = json.loads(found["plain.t/image/index.json"])["manifests"]
    assert layout.digest == top["digest"]
    assert layout.names == (ImageName("image:latest", "latest", ""),)
    assert layout.extra_log_lines[0] == f"  image {top['digest']}"
    # It is not published as an image.
    assert (bom.digest, bom.names, bom.extra_log_lines) == ("", (), ())
    materials = json.loads(found["plain.t/image.cdx.json"])
    assert materials["bomFormat"] == "CycloneDX"
    assert top["digest"] in json.dumps(materials)
    others = {path for path in found if not path.startswith("plain.t/image/blobs/sha256/")}
    assert others == {
        "plain.t/image.cdx.json",
        "plain.t/image/index.json",
        "plain.t/image/oci-layout",
    }


def test_each_platform_has_files_of_its_own(rule_runner: RuleRunner) -> None:
    built, found = oci(
        rule_runner, "several/t", platforms=BOTH, docker_archive=True, output_path="images/x"
    )
    assert paths(built) == [
        "images/x",
        "images/x-amd64.cdx.json",
        "images/x-amd64.tar",
        "images/x-arm64.cdx.json",
        "images/x-arm64.tar",
    ]
    layout = built.artifacts[0]
    assert isinstance(layout, OciArtifact)
    (top,) = json.loads(found["images/x/index.json"])["manifests"]
    assert layout.digest == top["digest"]
    inner = json.loads(found["images/x/blobs/sha256/" + top["digest"][len("sha256:") :]])
    for entry, suffix in zip(inner["manifests"], ("amd64", "arm64")):
        assert entry["platform"]["architecture"] == suffix
        assert entry["digest"] in found[f"images/x-{suffix}.cdx.json"].decode()
    # A note about both platforms appears once.
    lines = layout.extra_log_lines
    assert len(lines) == len(set(lines))


def test_an_archive_has_the_image_by_its_names(rule_runner: RuleRunner) -> None:
    built, found = oci(
        rule_runner, "archive/t", docker_archive=True, image_tags=["1", "two"], repository="a/b"
    )
    layout, _, archive = built.artifacts
    assert isinstance(layout, OciArtifact) and isinstance(archive, OciArtifact)
    assert archive.relpath == "archive.t/image.tar"
    assert archive.extra_log_lines == ("  `docker load` calls it a/b:1, a/b:two",)
    assert archive.names == ()
    with tarfile.open(fileobj=io.BytesIO(found["archive.t/image.tar"])) as tar:
        file = tar.extractfile("manifest.json")
        assert file is not None
        (entry,) = json.load(file)
        assert {member.mtime for member in tar} == {0}
    assert entry["RepoTags"] == ["a/b:1", "a/b:two"]
    # For a single platform, the suffix does not name it.
    assert paths(built) == ["archive.t/image", "archive.t/image.cdx.json", "archive.t/image.tar"]


def test_the_same_image_is_the_same_package(rule_runner: RuleRunner) -> None:
    one, files = oci(rule_runner, "same/t", docker_archive=True)
    other, again = oci(rule_runner, "same/t", docker_archive=True, tags=["anything"])
    assert (one, files) == (other, again)


def test_notes_about_the_truss_follow_its_digest(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"notes/kit/BUILD": "truss_external_package()", "notes/kit/x.txt": "1"})
    rule_runner.write_files({"notes/t/packages/x.txt": "2"})
    config = "external_package_dirs: [../kit]\n"
    built, _ = oci(rule_runner, "notes/t", config=config, platforms=BOTH)
    first, *lines = built.artifacts[0].extra_log_lines
    assert first.startswith("  image sha256:")
    assert [line for line in lines if "packages/x.txt" in line] == [
        "  Warning: notes/kit/x.txt: packages/x.txt comes from more than one source: "
        "notes/t/packages/x.txt (notes/t:t), notes/kit/x.txt (notes/kit:kit). The last one wins. "
        "[collision]"
    ]


# --- Contexts.


def test_a_context_is_a_folder_for_any_builder_of_dockerfiles(rule_runner: RuleRunner) -> None:
    built, found = package(rule_runner, "context/t", builder="context")
    (artifact,) = built.artifacts
    assert isinstance(artifact, OciArtifact)
    assert (artifact.relpath, artifact.extra_log_lines) == ("context.t/image", ())
    assert (artifact.digest, artifact.names) == ("", ())
    assert all(path.startswith("context.t/image/") for path in found)
    assert found["context.t/image/model/model.py"] == b"code"
    assert b"FROM base:1.0 AS server" in found["context.t/image/Dockerfile"]
    # The file that Truss writes.
    assert found["context.t/image/constraints.txt"] == b"h11<1"


def test_a_context_with_pins(rule_runner: RuleRunner) -> None:
    config = "requirements: [b==2, a==1]\n"
    _, found = package(
        rule_runner, "pins/t", builder="context", pin_requirements=True, config=config
    )
    first, *pins = found["pins.t/image/constraints.txt"].decode().splitlines()
    assert first == "h11<1"
    assert {"a==1", "b==2"} <= set(pins)


# --- Docker.


def test_docker_builds_by_default(rule_runner: RuleRunner, tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text(DOCKER.format(python=sys.executable, id="cd" * 32))
    program.chmod(0o755)
    option = f"--docker-executable-search-paths=['{tmp_path}']"
    built, found = package(rule_runner, "docker/t", option, image_tags=["1"])
    (artifact,) = built.artifacts
    assert isinstance(artifact, BuiltDockerImage)
    assert (artifact.image_id, artifact.tags) == (f"sha256:{'cd' * 32}", ("image:1",))
    assert list(found) == [artifact.relpath] == ["docker.t/image.docker-info.json"]


class Behavior(Enum):
    ALLOW = "allow"
    WARN = "warn"
    IGNORE = "ignore"
    ERROR = "error"


@pytest.fixture
def pushing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image with `output={"type": "registry"}`, as in Pants 2.32 and later."""
    monkeypatch.setattr(DockerFieldSet, "pushes_on_package", lambda self: True, raising=False)


def may_push(behavior: Behavior, dry_run: bool = False) -> bool:
    options = cast(DockerOptions, SimpleNamespace(push_on_package=behavior))
    target = TrussImageTarget({"truss": ":t"}, Address("p", target_name="image"))
    return may_build(target, options, dry_run)


@pytest.mark.usefixtures("pushing")
def test_push_on_package(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert may_push(Behavior.ALLOW)
    assert not may_push(Behavior.IGNORE)
    assert caplog.messages == []
    assert may_push(Behavior.WARN)
    (message,) = caplog.messages
    assert message.startswith("p:image: the build pushes the image because of `output`")
    with pytest.raises(InvalidTruss, match=r"`\[docker\].push_on_package` is `error`. Remove"):
        may_push(Behavior.ERROR)
    assert not may_push(Behavior.ALLOW, dry_run=True)


def test_push_on_package_ignores_other_images() -> None:
    assert may_push(Behavior.ERROR, dry_run=True)


def test_an_image_is_made_in_the_environment_that_it_names() -> None:
    target = TrussImageTarget({"truss": ":t", "environment": "linux"}, Address("p"))
    field_set = TrussImagePackageFieldSet.create(target)
    assert EnvironmentNameRequest.from_field_set(field_set).raw_value == "linux"


# --- Errors before anything is made.


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"builder": "oci", "pin_requirements": True},
            "The 'pin_requirements' field in target refused/t:image has no effect with "
            '`builder="oci"`. Remove it, or write `builder="docker"`.',
        ),
        (
            {"base": "images/base"},
            "The 'base' field in target refused/t:image has no effect with `builder=\"docker\"`. "
            'Remove it, or write `builder="oci"`.',
        ),
        (
            {"builder": "context", "docker_archive": True},
            "The 'docker_archive' field in target refused/t:image has no effect with "
            '`builder="context"`. Remove it, or write `builder="oci"`.',
        ),
    ],
)
def test_fields_that_the_builder_ignores(
    rule_runner: RuleRunner, fields: Dict[str, Any], problem: str
) -> None:
    assert error(rule_runner, InvalidFieldException, "refused/t", **fields) == problem


@pytest.mark.parametrize("builder", ["docker", "oci", "context"])
def test_an_image_without_a_truss(rule_runner: RuleRunner, builder: str) -> None:
    folder = f"no_truss/{builder}"
    text = error(rule_runner, InvalidTruss, folder, builder=builder, truss=":image")
    assert text == (
        f"{folder}:image: `truss` is ':image', which is a 'truss_image' target. Name a `truss`."
    )


@pytest.mark.parametrize("builder", ["oci", "context"])
def test_an_image_of_a_truss_that_cannot_be_gathered(rule_runner: RuleRunner, builder: str) -> None:
    folder = f"bad_{builder}/t"
    config = "external_package_dirs: [../gone]\n"
    text = error(rule_runner, InvalidTruss, folder, builder=builder, config=config)
    assert text.startswith(f"{folder}:t ({folder}/config.yaml:2): ")


def test_keys_that_need_a_dockerfile(rule_runner: RuleRunner) -> None:
    config = "build_commands: [make]\nsystem_packages: [ffmpeg]\n"
    text = error(rule_runner, InvalidTruss, "only/t", builder="oci", config=config)
    assert text == (
        "only/t:image (only/t/config.yaml): only a Dockerfile supports `system_packages`, "
        '`build_commands`. Use `builder="docker"`, or a `base` that already has it and a config '
        "without the key."
    )


@pytest.mark.parametrize("builder", ["oci", "context", "docker"])
def test_no_image_replaces_a_truss(rule_runner: RuleRunner, builder: str) -> None:
    """The path is checked before anything is built, for each builder."""
    folder = f"clash/{builder}"
    path = f"clash.{builder}/t"
    message = error(rule_runner, InvalidTruss, folder, builder=builder, output_path=path)
    assert f"`output_path` {path!r} overlaps that of {folder}:t," in message
