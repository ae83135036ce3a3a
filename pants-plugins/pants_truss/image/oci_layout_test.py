"""Makes image layouts from the fields of targets."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

import pytest
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core.oci.documents import INDEX_TYPE, MANIFEST_TYPE, REF_NAME
from pants_truss.core.oci.platforms import parse_platform
from pants_truss.image import oci_layout
from pants_truss.image.docker_build import ImageName
from pants_truss.image.oci_layout import OciFieldSet, OciLayout, OciLayoutRequest
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.image_layouts import Layout
from pants_truss.testutil.images import OPTIONS, new_image_runner
from pants_truss.testutil.results import contents

REGISTRIES = repr(
    {
        "prod": {"address": "host:5000/team", "default": False},
        "dev": {"address": "dev.host", "extra_image_tags": ["dev"], "skip_push": True},
    }
)
AMD64, ARM64 = "linux/amd64", "linux/arm64"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    made = new_image_runner(oci_layout.rules(), QueryRule(OciLayout, [OciLayoutRequest]))
    layout = Layout()
    images = [layout.image(architecture=name) for name in ("amd64", "arm64")]
    made.write_files(layout.write(*images).at("images/base"))
    made.write_files({"src/a/config.yaml": "python_version: py311\n", "src/a/model/model.py": ""})
    return made


def make(
    rule_runner: RuleRunner, *platforms: str, options: Tuple[str, ...] = (), **fields: Any
) -> OciLayout:
    given = {"name": "image", "truss": ":a", "builder": "oci", "base": "images/base", **fields}
    written = ", ".join(f"{key}={value!r}" for key, value in given.items() if value is not None)
    rule_runner.write_files({"src/a/BUILD": f"truss()\ntruss_image({written})\n"})
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    target = rule_runner.get_target(Address("src/a", target_name="image"))
    parsed = tuple(parse_platform(platform) for platform in platforms or (AMD64,))
    return rule_runner.request(OciLayout, [OciLayoutRequest(OciFieldSet.create(target), parsed)])


def index_of(rule_runner: RuleRunner, made: OciLayout) -> Any:
    return json.loads(contents(rule_runner, made.digest)["index.json"])


def test_a_layout_of_one_image(rule_runner: RuleRunner) -> None:
    made = make(rule_runner)
    files = contents(rule_runner, made.digest)
    assert json.loads(files.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(files.pop("index.json"))
    (image,) = made.images
    assert made.top == image.manifest
    assert index["manifests"] == [
        {
            "mediaType": MANIFEST_TYPE,
            "digest": image.manifest.digest,
            "size": image.manifest.size,
            "platform": {"os": "linux", "architecture": "amd64"},
            "annotations": {REF_NAME: "latest"},
        }
    ]
    # Exactly the blobs of the image.
    assert files == contents(rule_runner, image.digest)
    assert made.names == (ImageName("image:latest", "latest", ""),)


def test_a_layout_of_several_images(rule_runner: RuleRunner) -> None:
    made = make(rule_runner, ARM64, AMD64, annotations={"a": "b"}, image_labels={"c": "d"})
    files = contents(rule_runner, made.digest)
    (top,) = json.loads(files["index.json"])["manifests"]
    assert top["mediaType"] == INDEX_TYPE
    assert top["digest"] == made.top.digest
    # The index itself has no platform.
    assert "platform" not in top
    inner = json.loads(files[made.top.path])
    assert inner["annotations"] == {"a": "b"}
    assert [
        (entry["platform"]["architecture"], entry["digest"]) for entry in inner["manifests"]
    ] == [("arm64", made.images[0].manifest.digest), ("amd64", made.images[1].manifest.digest)]
    for image in made.images:
        manifest = json.loads(files[image.manifest.path])
        assert manifest["annotations"]["a"] == "b"
        config = json.loads(files["blobs/sha256/" + manifest["config"]["digest"][7:]])
        assert config["config"]["Labels"] == {"c": "d"}
    assert set(files) == {
        "index.json",
        "oci-layout",
        made.top.path,
        *(path for image in made.images for path in contents(rule_runner, image.digest)),
    }


def test_the_order_of_platforms_is_that_of_the_index(rule_runner: RuleRunner) -> None:
    one, other = make(rule_runner, AMD64, ARM64), make(rule_runner, ARM64, AMD64)
    assert one.images == tuple(reversed(other.images))
    assert one.top != other.top


def test_each_tag_names_the_same_image(rule_runner: RuleRunner) -> None:
    plain = make(rule_runner)
    made = make(rule_runner, image_tags=["1.0", "latest", "h-{pants.hash}", "1.0"])
    # Tags are not part of the image.
    assert made.top == plain.top
    tags = ["1.0", "latest", f"h-{made.top.hex}"]
    entries = index_of(rule_runner, made)["manifests"]
    assert [entry["annotations"][REF_NAME] for entry in entries] == tags
    assert {entry["digest"] for entry in entries} == {made.top.digest}
    assert [name.full for name in made.names] == [f"image:{tag}" for tag in [*tags, "1.0"]]


def test_the_hash_is_that_of_the_index_if_there_is_one(rule_runner: RuleRunner) -> None:
    made = make(rule_runner, AMD64, ARM64, image_tags=["{pants.hash}"])
    assert [name.tag for name in made.names] == [made.top.hex]
    assert made.top.hex not in {image.manifest.hex for image in made.images}


def test_names_in_registries(rule_runner: RuleRunner) -> None:
    made = make(
        rule_runner,
        options=(f"--docker-registries={REGISTRIES}",),
        registries=["@prod", "@dev"],
        repository="ML/{directory}-{name}",
        image_tags=["1"],
    )
    assert made.names == (
        ImageName("host:5000/team/ml/a-image:1", "1", ""),
        ImageName("dev.host/ml/a-image:1", "1", "(by `skip_push` on registry @dev)"),
        ImageName("dev.host/ml/a-image:dev", "dev", "(by `skip_push` on registry @dev)"),
    )
    entries = index_of(rule_runner, made)["manifests"]
    assert [entry["annotations"][REF_NAME] for entry in entries] == ["1", "dev"]


@pytest.mark.parametrize("tag", ["T" + "x" * 127, "_a", "1.0-rc_1", "0"])
def test_valid_tags(rule_runner: RuleRunner, tag: str) -> None:
    assert [name.tag for name in make(rule_runner, image_tags=[tag]).names] == [tag]


@pytest.mark.parametrize(
    "tag", ["", " ", "a b", ".a", "-a", "a/b", "a:b", "a@b", "ä", "x" * 129, "a\n", "--all"]
)
def test_invalid_tags(rule_runner: RuleRunner, tag: str) -> None:
    message = (
        f"The 'image_tags' field in target src/a:image has {tag!r}, which is not a valid image "
        f"tag. Use up to 128 letters, digits, `_`, `.` or `-`, not starting with `.` or `-`."
    )
    with engine_error(InvalidFieldException, contains=message):
        make(rule_runner, image_tags=["fine", tag])


def test_an_image_needs_a_tag(rule_runner: RuleRunner) -> None:
    message = (
        "The 'image_tags' field in target src/a:image must name at least one tag, but is empty. "
        'For example: `image_tags=["latest"]`.'
    )
    with engine_error(InvalidFieldException, contains=message):
        make(rule_runner, image_tags=[])
    # A tag of the registry is enough.
    made = make(
        rule_runner,
        options=(f"--docker-registries={REGISTRIES}",),
        registries=["@dev"],
        image_tags=[],
    )
    assert [name.full for name in made.names] == ["dev.host/image:dev"]


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("a b", "a b"),
        ("Team/-ML", "team/-ml"),
        ("team//ml", "team//ml"),
        ("/team", "/team"),
        ("ü", "ü"),
        ("a..b", "a..b"),
        ("$(id)", "$(id)"),
        ("team:ml", "team:ml"),
        ("team@sha256:" + "0" * 64, "team@sha256:" + "0" * 64),
    ],
)
def test_invalid_names(rule_runner: RuleRunner, repository: str, name: str) -> None:
    message = (
        f"The 'repository' field in target src/a:image gives the name {name!r}, which is not a "
        f"valid image name. Use lower-case letters and digits, with single `.`, `_` or `-` between "
        f"them, in parts separated by `/`."
    )
    with engine_error(InvalidFieldException, contains=message):
        make(rule_runner, repository=repository)


@pytest.mark.parametrize("placeholder", ["build_args.X", "tags.base", "pants.other"])
def test_placeholders_that_need_a_dockerfile(rule_runner: RuleRunner, placeholder: str) -> None:
    with engine_error(contains="Invalid value for the `image_tags` field of the `docker_image`"):
        make(rule_runner, image_tags=[f"{{{placeholder}}}"])


WRONG: List[Dict[str, Any]] = [{"squash": True}, {"pin_requirements": True}]


@pytest.mark.parametrize("fields", WRONG)
def test_fields_are_checked_first(rule_runner: RuleRunner, fields: Dict[str, Any]) -> None:
    (alias,) = fields
    message = (
        f"The '{alias}' field in target src/a:image has no effect with `builder=\"oci\"`. Remove "
        f'it, or write `builder="docker"`.'
    )
    with engine_error(InvalidFieldException, contains=message):
        make(rule_runner, base="images/none", **fields)


def test_a_base_that_lacks_a_platform(rule_runner: RuleRunner) -> None:
    layout = Layout()
    rule_runner.write_files(layout.write(layout.image()).at("images/amd64"))
    assert make(rule_runner, AMD64, base="images/amd64").images
    message = (
        "src/a:image: the base image images/amd64 has no image for linux/arm64: it has "
        "linux/amd64."
    )
    with engine_error(InvalidTruss, contains=message):
        make(rule_runner, ARM64, base="images/amd64")
