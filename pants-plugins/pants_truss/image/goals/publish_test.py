"""Uses programs called skopeo and docker that record their input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from pants.backend.docker.package_types import BuiltDockerImage
from pants.backend.docker.util_rules import docker_binary
from pants.core.goals import package as pants_package
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact
from pants.core.goals.publish import PublishPackages, PublishProcesses
from pants.core.util_rules.system_binaries import BinaryNotFoundError
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, CreateDigest, Digest, FileContent
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.process import InteractiveProcess
from pants.engine.target import InvalidFieldException
from pants.testutil.rule_runner import QueryRule, RuleRunner, mock_console

from pants_truss.image.docker_build import ImageName
from pants_truss.image.goals import publish as publish_rules
from pants_truss.image.goals.package import OciArtifact
from pants_truss.image.goals.publish import PublishTrussImageRequest, TrussImagePublishFieldSet
from pants_truss.image.target_types import TrussImageTarget
from pants_truss.target_types.truss import TrussTarget
from pants_truss.testutil.programs import ANY_SIGNATURE
from pants_truss.testutil.results import raised

DRY_OR_NOT: List[List[str]] = [[], ["--truss-publish-dry-run"]]
DIGEST = f"sha256:{'ab' * 32}"
PROGRAM = """\
#!{python} -I
import json, os, sys
if sys.argv[1:] in (["-v"], ["--version"]):
    sys.exit(print("version 1"))
with open(r"{log}", "a") as log:
    files = sorted(os.path.join(d, name) for d, _, names in os.walk(".") for name in names)
    print(json.dumps([sys.argv[1:], dict(os.environ), files]), file=log)
"""


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *docker_binary.rules(),
            *pants_package.rules(),
            *publish_rules.rules(),
            QueryRule(PublishProcesses, [PublishTrussImageRequest]),
        ],
        target_types=[TrussImageTarget, TrussTarget],
    )
    runner.write_files({"src/t/config.yaml": ""})
    return runner


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Returns a folder with both programs."""
    for name in ("skopeo", "docker"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(PROGRAM.format(python=sys.executable, log=tmp_path / "log"))
        path.chmod(0o755)
    return tmp_path / "bin"


def calls(programs: Path) -> List[Any]:
    """Returns arguments, environment and files of each call."""
    log = programs.parent / "log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def options_for(programs: Path) -> List[str]:
    return [
        f"--truss-images-executable-search-paths=['{programs}']",
        f"--docker-executable-search-paths=['{programs}']",
    ]


def request(
    rule_runner: RuleRunner,
    packages: Sequence[BuiltPackage],
    fields: str,
    options: Sequence[str],
    env: Dict[str, str],
) -> Tuple[PublishPackages, ...]:
    build = f"truss()\ntruss_image(name='image', truss=':t', {fields})\n"
    rule_runner.write_files({"src/t/BUILD": build})
    rule_runner.set_options(options, env=env, env_inherit={"PATH"})
    target = rule_runner.get_target(Address("src/t", target_name="image"))
    field_set = TrussImagePublishFieldSet.create(target)
    found = rule_runner.request(
        PublishProcesses, [PublishTrussImageRequest(field_set, tuple(packages))]
    )
    return tuple(found)


# --- A layout.


def layout(rule_runner: RuleRunner, *names: ImageName) -> BuiltPackage:
    """Returns the package that `pants package` makes, with the files beside the layout."""
    files = [FileContent(path, b"{}") for path in ("out/x/index.json", "out/x.cdx.json")]
    digest = rule_runner.request(Digest, [CreateDigest(files)])
    return BuiltPackage(
        digest,
        (OciArtifact("out/x", digest=DIGEST, names=names), OciArtifact("out/x.cdx.json")),
    )


ONE = ImageName("host:5000/team/x:1", "1", "")
TWO = ImageName("x:latest", "latest", "")
HELD = ImageName("dev.host/x:1", "1", "(by `skip_push` on registry @dev)")


def publish(
    rule_runner: RuleRunner,
    programs: Path,
    *options: str,
    names: Sequence[ImageName] = (ONE, TWO),
    fields: str = "builder='oci'",
    more: Sequence[BuiltPackage] = (),
    env: Dict[str, str] = {},  # noqa: B006
) -> Tuple[PublishPackages, ...]:
    packages = [*more, layout(rule_runner, *names)]
    return request(rule_runner, packages, fields, [*options_for(programs), *options], env)


def process_of(job: PublishPackages) -> InteractiveProcess:
    assert isinstance(job.process, InteractiveProcess)
    return job.process


def test_skopeo_copies_the_layout_to_each_name(rule_runner: RuleRunner, programs: Path) -> None:
    one, two = publish(rule_runner, programs)
    for job, name in ((one, ONE), (two, TWO)):
        assert (job.names, job.description) == ((name.full,), f"@{DIGEST}")
        assert dict(job.data) == {"image": name.full, "digest": DIGEST}
        process = process_of(job).process
        assert process.argv == (
            *("/bin/sh", "push_layout.sh", "2 4 8", f"{programs}/skopeo", *ANY_SIGNATURE),
            *("copy", "--all", "--preserve-digests", f"oci:out/x:{name.tag}"),
            f"docker://{name.full}",
        )
        # A credential helper is found on this path.
        assert process.env["PATH"] == f"{programs}:/usr/bin:/bin"


def test_the_process_finds_the_layout(rule_runner: RuleRunner, programs: Path) -> None:
    (job,) = publish(rule_runner, programs, names=[ONE], env={"DOCKER_CONFIG": "/planted"})
    assert "/planted" not in repr(job)
    with mock_console(rule_runner.options_bootstrapper):
        assert rule_runner.run_interactive_process(process_of(job)).exit_code == 0
    ((arguments, environment, files),) = calls(programs)
    assert arguments == [
        *(*ANY_SIGNATURE, "copy", "--all", "--preserve-digests"),
        *("oci:out/x:1", "docker://host:5000/team/x:1"),
    ]
    assert environment["DOCKER_CONFIG"] == "/planted"
    assert {"./out/x.cdx.json", "./out/x/index.json", "./push_layout.sh"} <= set(files)


@pytest.mark.parametrize(
    ("retries", "delay", "delays"),
    [
        ("0", "2", ""),
        ("1", "0.5", "0.5"),
        ("4", "1", "1 2 4 8"),
        ("2", "0", "0 0"),
        # Neither value is a number of seconds to wait.
        ("2", "-3", "0 0"),
        ("-1", "2", ""),
    ],
)
def test_delays_double(
    rule_runner: RuleRunner, programs: Path, retries: str, delay: str, delays: str
) -> None:
    options = [f"--truss-publish-retries={retries}", f"--truss-publish-retry-delay={delay}"]
    (job,) = publish(rule_runner, programs, *options, names=[ONE])
    assert process_of(job).process.argv[2] == delays


def test_names_of_registries_that_are_not_pushed_to(
    rule_runner: RuleRunner, programs: Path
) -> None:
    held, one = publish(rule_runner, programs, names=[HELD, ONE])
    assert (held.process, held.description) == (None, "(by `skip_push` on registry @dev)")
    assert dict(held.data) == {"image": HELD.full, "digest": DIGEST}
    assert process_of(one)


def test_a_dry_run_pushes_nothing_and_says_why(rule_runner: RuleRunner, programs: Path) -> None:
    held, one = publish(rule_runner, programs, "--truss-publish-dry-run", names=[HELD, ONE])
    assert (held.process, one.process) == (None, None)
    assert held.description == "(by `skip_push` on registry @dev)"
    assert one.description == f"(dry run: would be pushed @{DIGEST})"
    assert dict(one.data) == {"image": ONE.full, "digest": DIGEST}


def test_a_target_that_is_not_pushed_needs_no_skopeo(
    rule_runner: RuleRunner, tmp_path: Path
) -> None:
    fields = "builder='oci', skip_push=True"
    (job,) = publish(rule_runner, tmp_path, fields=fields)
    assert (job.names, job.process) == ((ONE.full, TWO.full), None)
    assert job.description == "(by `skip_push` on src/t:image)"


def test_without_skopeo_a_layout_cannot_be_pushed(rule_runner: RuleRunner, tmp_path: Path) -> None:
    for option in DRY_OR_NOT:
        with pytest.raises(ExecutionError) as caught:
            publish(rule_runner, tmp_path, *option)
        found = raised(caught)
        assert isinstance(found, BinaryNotFoundError)
        assert "Cannot find `skopeo`" in str(found) and "push the image of a truss" in str(found)


def test_the_layout_is_found_among_other_packages(rule_runner: RuleRunner, programs: Path) -> None:
    other = BuiltPackage(EMPTY_DIGEST, (BuiltPackageArtifact("other"), OciArtifact("sbom")))
    (job,) = publish(rule_runner, programs, names=[ONE], more=[other])
    assert f"oci:out/x:{ONE.tag}" in process_of(job).process.argv


# --- A context.


@pytest.mark.parametrize("option", DRY_OR_NOT)
def test_a_context_is_not_published(
    rule_runner: RuleRunner, tmp_path: Path, option: List[str]
) -> None:
    package = BuiltPackage(EMPTY_DIGEST, (OciArtifact("out/context"),))
    options = [*options_for(tmp_path), *option]
    (job,) = request(rule_runner, [package], "builder='context'", options, {})
    assert (job.names, job.process) == (("src/t:image",), None)
    assert job.description == '(no image, because of `builder="context"`)'


# --- Images of Docker.


def built(*tags: str) -> BuiltPackage:
    return BuiltPackage(EMPTY_DIGEST, (BuiltDockerImage.create("sha256:1", tags, "info.json"),))


def by_docker(
    rule_runner: RuleRunner, programs: Path, *options: str, fields: str = ""
) -> Tuple[PublishPackages, ...]:
    packages = [built("host/x:1", "host/x:latest"), built("y:1")]
    return request(rule_runner, packages, fields, [*options_for(programs), *options], {})


def test_docker_pushes_each_tag_of_its_image(rule_runner: RuleRunner, programs: Path) -> None:
    found = by_docker(rule_runner, programs)
    assert [job.names for job in found] == [("host/x:1",), ("host/x:latest",), ("y:1",)]
    assert [process_of(job).process.argv for job in found] == [
        (f"{programs}/docker", "push", *job.names) for job in found
    ]


def test_a_dry_run_needs_no_docker(rule_runner: RuleRunner, tmp_path: Path) -> None:
    found = by_docker(rule_runner, tmp_path, "--truss-publish-dry-run")
    assert [(job.names, job.process, job.description) for job in found] == [
        (("host/x:1", "host/x:latest"), None, "(dry run: would be pushed by Docker)"),
        (("y:1",), None, "(dry run: would be pushed by Docker)"),
    ]


@pytest.mark.parametrize("option", DRY_OR_NOT)
def test_a_target_of_docker_that_is_not_pushed(
    rule_runner: RuleRunner, programs: Path, option: List[str]
) -> None:
    (job,) = by_docker(rule_runner, programs, *option, fields="skip_push=True")
    assert (job.names, job.process) == (("host/x:1", "host/x:latest", "y:1"), None)
    assert job.description == "(by `skip_push` on src/t:image)"


@pytest.mark.parametrize(
    ("packages", "names", "description"),
    [
        (
            [built("host/x:1", "y:1")],
            ("host/x:1", "y:1"),
            "(pushed by the build, because of `output`)",
        ),
        (
            [BuiltPackage(EMPTY_DIGEST, ())],
            ("src/t:image",),
            "(not built, because of `output` and `[docker].push_on_package`)",
        ),
    ],
)
def test_an_image_pushed_by_the_build_is_not_pushed_again(
    rule_runner: RuleRunner,
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
    packages: List[BuiltPackage],
    names: Tuple[str, ...],
    description: str,
) -> None:
    monkeypatch.setattr(publish_rules, "push_on_package", lambda fields, options: "allow")
    (job,) = request(rule_runner, packages, "", options_for(programs), {})
    assert (job.names, job.process, job.description) == (names, None, description)


def test_a_field_of_another_builder(rule_runner: RuleRunner, programs: Path) -> None:
    with pytest.raises(ExecutionError) as caught:
        by_docker(rule_runner, programs, fields="base='images/base'")
    found = raised(caught)
    assert isinstance(found, InvalidFieldException)
    assert str(found) == (
        "The 'base' field in target src/t:image has no effect with `builder=\"docker\"`. Remove "
        'it, or write `builder="oci"`.'
    )


# --- Output data of targets.


@pytest.mark.parametrize(
    ("fields", "publisher", "registries"),
    [
        ("builder='oci'", "skopeo", ()),
        ("builder='context'", "skopeo", ()),
        ("registries=['@a', 'host']", "docker", ("@a", "host")),
        ("registries=[]", "docker", ()),
    ],
)
def test_the_publisher_of_a_target(
    rule_runner: RuleRunner, fields: str, publisher: str, registries: Tuple[str, ...]
) -> None:
    build = f"truss()\ntruss_image(name='image', truss=':t', {fields})\n"
    rule_runner.write_files({"src/t/BUILD": build})
    rule_runner.set_options([], env_inherit={"PATH"})
    target = rule_runner.get_target(Address("src/t", target_name="image"))
    data = TrussImagePublishFieldSet.create(target).get_output_data()
    assert dict(data) == {
        "publisher": publisher,
        "registries": registries,
        "target": target.address,
    }
    truss = rule_runner.get_target(Address("src/t"))
    assert not TrussImagePublishFieldSet.is_applicable(truss)
