from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest
from pants.backend.docker.target_types import DockerImageRegistriesField, DockerImageTarget
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException, InvalidTargetException

from pants_truss.core.oci.platforms import parse_platform
from pants_truss.image.target_types import (
    TrussImageBuildNetworkField,
    TrussImagePlatformsField,
    TrussImageRegistriesField,
    TrussImageTarget,
    TrussImageTrussField,
    check_builder,
)

ADDRESS = Address("src/a", target_name="image")


def image(**fields: Any) -> TrussImageTarget:
    return TrussImageTarget({"truss": ":a", **fields}, ADDRESS)


def error_of(**fields: Any) -> str:
    with pytest.raises(InvalidFieldException) as caught:
        check_builder(image(**fields))
    return str(caught.value)


def platforms(*names: Any) -> Optional[Tuple[str, ...]]:
    return TrussImagePlatformsField(names or None, ADDRESS).value


def platforms_error(names: Any) -> str:
    with pytest.raises(InvalidFieldException) as caught:
        TrussImagePlatformsField(names, ADDRESS)
    return str(caught.value)


def test_by_default_an_image_is_for_one_platform_on_every_machine() -> None:
    assert platforms() == ("linux/amd64",)


def test_platforms_keep_their_order() -> None:
    # The index of the layout, and the files beside it, have this order.
    named = ("linux/arm64/v8", "linux/amd64")
    assert platforms(*named) == named


@pytest.mark.parametrize(
    "name",
    ["", "linux", "windows/amd64", "linux/s390x", "linux/amd64/", "linux/amd64\n", "Linux/amd64"],
)
def test_unsupported_platforms_are_refused(name: str) -> None:
    assert platforms_error([name]) == (
        f"The 'platforms' field in target src/a:image must hold platforms, but {name!r} is not a "
        f"supported platform. Use `linux/amd64` or `linux/arm64`."
    )


@pytest.mark.parametrize(
    "names", [[], ["linux/amd64", "linux/amd64"], ["linux/amd64", "linux/arm64", "linux/amd64"]]
)
def test_missing_and_repeated_platforms_are_refused(names: List[str]) -> None:
    assert platforms_error(names) == (
        f"The 'platforms' field in target src/a:image must name at least one platform, and none "
        f'twice, but was {names!r}. For example: `platforms=["linux/amd64"]`.'
    )


def test_platforms_are_a_list() -> None:
    assert "'platforms' field in target src/a:image must be an iterable of strings" in (
        platforms_error("linux/amd64")
    )


def test_an_image_must_have_a_truss() -> None:
    with pytest.raises(
        InvalidTargetException, match="[`']truss[`'] field in target src/a:image must be"
    ):
        TrussImageTarget({}, ADDRESS)
    # The target owns no file: `pants run` of a file of the truss ignores the image.
    assert TrussImageTrussField(":a", ADDRESS).filespec == {"includes": []}


def test_an_unknown_builder() -> None:
    with pytest.raises(InvalidTargetException) as caught:
        image(builder="podman")
    assert "['context', 'docker', 'oci']" in str(caught.value)


OF_DOCKER: Dict[str, Any] = {
    "pin_requirements": True,
    "build_network": "host",
    "build_platform": ["linux/arm64"],
    "extra_build_args": ["A=1"],
    "secrets": {"key": "key.txt"},
    "ssh": ["default"],
    "pull": True,
    "squash": True,
    "cache_to": {"type": "inline"},
    "cache_from": [{"type": "registry"}],
    "output": {"type": "image"},
}
OF_OCI: Dict[str, Any] = {
    "base": "images/base",
    "platforms": ["linux/arm64"],
    "docker_archive": True,
    "annotations": {"a": "b"},
}
FOR_BOTH: Dict[str, Any] = {
    "image_tags": ["1.0"],
    "repository": "team/image",
    "registries": ["@prod"],
    "skip_push": True,
    "image_labels": {"a": "b"},
    "output_path": "out",
    "description": "one",
    "tags": ["x"],
    "dependencies": [":a"],
}


def known(fields: Dict[str, Any]) -> List[str]:
    """Pants 2.17 lacks some fields of newer releases, and vice versa."""
    there = {field.alias for field in TrussImageTarget.core_fields}
    return [alias for alias in fields if alias in there]


def test_most_fields_of_the_table_exist() -> None:
    assert len(known(OF_DOCKER)) >= 7
    assert known(OF_OCI) == list(OF_OCI)
    assert known(FOR_BOTH) == list(FOR_BOTH)


@pytest.mark.parametrize("alias", known(OF_DOCKER))
def test_fields_of_docker_have_no_effect_on_a_layout(alias: str) -> None:
    fields = {alias: OF_DOCKER[alias]}
    assert error_of(builder="oci", **fields) == (
        f"The '{alias}' field in target src/a:image has no effect with `builder=\"oci\"`. Remove "
        f'it, or write `builder="docker"`.'
    )
    check_builder(image(**fields))


@pytest.mark.parametrize("alias", known(OF_DOCKER))
def test_a_context_supports_no_field_of_docker_but_pins(alias: str) -> None:
    fields = {alias: OF_DOCKER[alias]}
    if alias == "pin_requirements":
        check_builder(image(builder="context", **fields))
        return
    assert error_of(builder="context", **fields) == (
        f"The '{alias}' field in target src/a:image has no effect with `builder=\"context\"`. "
        f'Remove it, or write `builder="docker"`.'
    )


@pytest.mark.parametrize("builder", ["docker", "context"])
@pytest.mark.parametrize("alias", OF_OCI)
def test_fields_of_layouts_have_no_effect_on_a_dockerfile(alias: str, builder: str) -> None:
    fields = {alias: OF_OCI[alias]}
    assert error_of(builder=builder, **fields) == (
        f"The '{alias}' field in target src/a:image has no effect with `builder=\"{builder}\"`. "
        f'Remove it, or write `builder="oci"`.'
    )
    check_builder(image(builder="oci", **fields))


@pytest.mark.parametrize("builder", ["docker", "oci", "context"])
def test_explicit_default_values_are_accepted(builder: str) -> None:
    unset: Dict[str, Any] = {
        "pin_requirements": False,
        "squash": False,
        "secrets": {},
        "ssh": [],
        "base": None,
        "platforms": ["linux/amd64"],
        "docker_archive": False,
        "annotations": {},
    }
    check_builder(image(builder=builder, **unset))
    check_builder(image(builder=builder, **FOR_BOTH))


def test_errors_of_a_context_name_fields_of_layouts_first() -> None:
    assert "The 'base' field" in error_of(builder="context", squash=True, base="x")


def test_the_network_of_a_build() -> None:
    def options(value: Optional[str]) -> List[str]:
        # Pants passes a function that fills in placeholders; newer releases pass more.
        return list(TrussImageBuildNetworkField(value, ADDRESS).option_values(x=1))

    assert options("host") == ["host"]
    assert options("") == options(None) == []
    (field,) = [f for f in TrussImageTarget.core_fields if f.alias == "build_network"]
    assert field.docker_build_option == "--network"  # type: ignore[attr-defined]


def test_registries_are_those_of_a_docker_image() -> None:
    for value in (None, ["@prod", "https://host"]):
        field = TrussImageRegistriesField(value, ADDRESS).for_docker(ADDRESS)
        # Without registries, those with `default = true` are used.
        assert field == DockerImageRegistriesField(value, ADDRESS)


def test_an_image_has_the_applicable_fields_of_a_docker_image() -> None:
    theirs = {field.alias for field in DockerImageTarget.core_fields}
    ours = [field.alias for field in TrussImageTarget.core_fields]
    assert len(ours) == len(set(ours))
    replaced = {"context_root", "instructions", "source", "target_stage"}
    # Since Pants 2.33.
    in_place_of_an_image = {"output_files", "output_directories", "outputs_match_mode"}
    assert theirs - set(ours) - in_place_of_an_image == replaced


def test_a_platform_of_the_field_can_be_parsed() -> None:
    parsed = [parse_platform(text) for text in platforms("linux/amd64", "linux/arm64") or ()]
    assert [str(platform) for platform in parsed] == ["linux/amd64", "linux/arm64"]
