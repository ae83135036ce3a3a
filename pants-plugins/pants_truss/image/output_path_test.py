"""Resolves the output paths of images, which may be those of trusses and of other images."""

from __future__ import annotations

import pytest
from pants.testutil.rule_runner import RuleRunner

from pants_truss.image.target_types import TrussImageTarget
from pants_truss.target_types.truss import TrussTarget
from pants_truss.testutil.output_paths import RULES, error, resolve

BOTH = "platforms=['linux/amd64', 'linux/arm64']"


@pytest.fixture
def rule_runner() -> RuleRunner:
    # Each case has a repository of its own, because all targets of one are compared.
    return RuleRunner(
        rules=RULES,
        target_types=[TrussImageTarget, TrussTarget],
    )


def image(name: str, fields: str = "", builder: str = "oci") -> str:
    return f"truss_image(name={name!r}, truss=':t', builder={builder!r}, {fields})\n"


def overlap(what: str, free: str) -> str:
    return (
        f"{what}: one would overwrite the other. Give it a path of its own: "
        f'`output_path="{free}"`.'
    )


@pytest.mark.parametrize(
    ("builder", "path"),
    [("oci", "a/i"), ("context", "a/i"), ("docker", "a/i.docker-info.json")],
)
def test_paths_by_default_and_of_a_field(rule_runner: RuleRunner, builder: str, path: str) -> None:
    targets = [image("i", "", builder), image("j", "output_path='images/./j'", builder)]
    rule_runner.write_files({"a/BUILD": "truss(name='t')\n" + "".join(targets)})
    assert resolve(rule_runner, "a", "i") == path
    assert resolve(rule_runner, "a", "j") == "images/j"
    assert resolve(rule_runner, "a", "t") == "a/t"


@pytest.mark.parametrize("path", ["../x", "..", "/tmp/x", ".", "a/../.."])
@pytest.mark.parametrize("builder", ["oci", "context", "docker"])
def test_a_path_that_is_not_below_dist(rule_runner: RuleRunner, path: str, builder: str) -> None:
    rule_runner.write_files({"a/BUILD": image("i", f"output_path={path!r}", builder)})
    default = "a/i.docker-info.json" if builder == "docker" else "a/i"
    assert error(rule_runner, "a", "i") == (
        f"a:i: its `output_path` must be a path below `dist/`, but was {path!r}. Write "
        f'`output_path="{default}"`, or remove it.'
    )


def test_a_name_that_stands_for_nothing(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"a/BUILD": image("i", "output_path='${spec_path}/x'")})
    assert "a:i: its `output_path` '${spec_path}/x' has `${spec_path}` in it" in error(
        rule_runner, "a", "i"
    )


@pytest.mark.parametrize("builder", ["oci", "context", "docker"])
def test_an_image_and_its_truss(rule_runner: RuleRunner, builder: str) -> None:
    rule_runner.write_files(
        {"a/BUILD": "truss(name='t')\n" + image("i", "output_path='a/t'", builder)}
    )
    default = "a/i.docker-info.json" if builder == "docker" else "a/i"
    assert error(rule_runner, "a", "i") == overlap(
        "a:i: its `output_path` 'a/t' overlaps that of a:t, 'a/t'", default
    )


def test_a_truss_with_the_path_of_an_image(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"a/BUILD": "truss(name='t', output_path='a/i/x')\n" + image("i")})
    message = (
        "a:t: its `output_path` 'a/i/x' overlaps that of a:i, "
        "'a/i': one would overwrite the other."
    )
    assert message in error(rule_runner, "a", "t")
    assert "a:i: its `output_path` 'a/i' overlaps that of a:t, 'a/i/x'" in error(
        rule_runner, "a", "i"
    )


def test_two_images_by_default(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"t/x/y/BUILD": image("image"), "t/x.y/BUILD": image("image")})
    for one, other in (("t/x/y", "t/x.y"), ("t/x.y", "t/x/y")):
        assert error(rule_runner, one, "image") == overlap(
            f"{one}:image: its `output_path` 't.x.y/image' overlaps that of {other}:image, "
            f"'t.x.y/image'",
            "t.x.y/image-2",
        )


def test_the_bill_of_materials_of_one_platform(rule_runner: RuleRunner) -> None:
    """An image for several platforms writes a file for each, named after the platform."""
    rule_runner.write_files({"a/BUILD": image("i", BOTH) + image("i-arm64")})
    assert error(rule_runner, "a", "i-arm64") == overlap(
        "a:i-arm64: its output 'a/i-arm64.cdx.json' overlaps 'a/i-arm64.cdx.json' of a:i",
        "a/i-arm64-2",
    )
    assert "its output 'a/i-arm64.cdx.json' overlaps 'a/i-arm64.cdx.json' of a:i-arm64" in error(
        rule_runner, "a", "i"
    )


def test_similar_names_are_fine(rule_runner: RuleRunner) -> None:
    targets = image("i") + image("i-arm64") + image("i-amd64", BOTH)
    rule_runner.write_files({"a/BUILD": targets})
    for name in ("i", "i-arm64", "i-amd64"):
        assert resolve(rule_runner, "a", name) == f"a/{name}"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("a/i.tar", "docker_archive=True"),
        ("a/i-amd64.tar", f"docker_archive=True, {BOTH}"),
        ("a/i.cdx.json", ""),
        ("a/i-amd64.cdx.json/x", BOTH),
        ("a/i", ""),
    ],
)
def test_files_beside_a_layout(rule_runner: RuleRunner, path: str, fields: str) -> None:
    other = image("other", f"output_path={path!r}", "context")
    rule_runner.write_files({"a/BUILD": image("i", fields) + other})
    assert f"{path!r}" in error(rule_runner, "a", "other")
    assert f"{path!r}" in error(rule_runner, "a", "i")
    rule_runner.write_files({"a/BUILD": image("i", "", "context") + other})
    if path != "a/i":
        assert resolve(rule_runner, "a", "other") == path


def test_the_manifest_of_a_truss(rule_runner: RuleRunner) -> None:
    other = image("i", "output_path='a/t.truss-manifest.json'", "docker")
    rule_runner.write_files({"a/BUILD": "truss(name='t')\n" + other})
    assert error(rule_runner, "a", "i") == overlap(
        "a:i: its output 'a/t.truss-manifest.json' overlaps 'a/t.truss-manifest.json' of a:t",
        "a/i.docker-info.json",
    )


def test_the_state_of_pushes(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"a/BUILD": image("i", "output_path='truss-publish.json'")})
    assert error(rule_runner, "a", "i") == overlap(
        "a:i: its `output_path` 'truss-publish.json' overlaps the state of pushes "
        "(`[truss-publish].state_file`), 'truss-publish.json'",
        "a/i",
    )
