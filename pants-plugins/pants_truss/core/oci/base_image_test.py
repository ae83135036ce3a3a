from __future__ import annotations

from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.base_image import (
    check_blob,
    check_config,
    choose,
    document,
    environment,
    manifest,
)
from pants_truss.core.oci.documents import INDEX_TYPE, MANIFEST_TYPE, Descriptor, Platform

LINUX = Platform("linux", "amd64")
DIGEST = "sha256:" + "a" * 64
CONFIG: Dict[str, Any] = {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": DIGEST,
    "size": 2,
}


def entry(platform: str = "", media_type: str = MANIFEST_TYPE, **more: Any) -> Dict[str, Any]:
    os, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    found: Dict[str, Any] = {"mediaType": media_type, "digest": DIGEST, "size": 1}
    if platform:
        found["platform"] = {"os": os, "architecture": architecture, "variant": variant}
    return {**found, **more}


def test_the_only_image_needs_no_platform() -> None:
    assert choose({"manifests": [entry()]}, LINUX, "it").descriptor.digest == DIGEST


def test_an_image_is_chosen_by_its_platform() -> None:
    other = entry("linux/arm64")
    mine = entry("linux/amd64", digest="sha256:" + "b" * 64)
    attestation = entry("unknown/unknown")
    index: Dict[str, Any] = {"manifests": [attestation, other, mine]}
    assert choose(index, LINUX, "it").descriptor.digest == mine["digest"]
    assert choose(index, Platform("linux", "arm64", "v8"), "it").descriptor.digest == DIGEST


def test_an_index_in_an_index() -> None:
    assert choose({"manifests": [entry("", INDEX_TYPE)]}, LINUX, "it").is_index


def test_no_image_for_the_platform() -> None:
    with pytest.raises(TrussError, match="no image for linux/amd64: it has linux/arm/v7"):
        choose({"manifests": [entry("linux/arm/v7"), entry()]}, LINUX, "it")
    with pytest.raises(TrussError, match="several images that name no platform"):
        choose({"manifests": [entry(), entry()]}, LINUX, "it")


def test_a_manifest_of_something_else() -> None:
    helm = {**CONFIG, "mediaType": "application/vnd.cncf.helm.config.v1+json"}
    with pytest.raises(TrussError, match="is not that of an image"):
        manifest({"config": helm, "layers": []}, "it")


def test_layers_that_cannot_be_passed_on() -> None:
    foreign = entry("", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    with pytest.raises(TrussError, match="has a layer of the type"):
        manifest({"config": CONFIG, "layers": [foreign]}, "it")


def test_a_layer_keeps_all_that_is_said_of_it() -> None:
    layer = entry("", "application/vnd.oci.image.layer.v1.tar", annotations={"a": "b"})
    assert manifest({"config": CONFIG, "layers": [layer]}, "it").as_json == (layer,)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "no valid `rootfs.diff_ids`"),
        ({"rootfs": {"diff_ids": ["x"]}}, "no valid `rootfs.diff_ids`"),
        ({"rootfs": {"diff_ids": []}}, "tells of 0 layers, its manifest of 1"),
        (
            {"rootfs": {"diff_ids": [DIGEST]}, "os": "linux", "architecture": "arm64"},
            "is for linux/arm64, not for linux/amd64",
        ),
        (
            {
                "rootfs": {"diff_ids": [DIGEST]},
                "os": "linux",
                "architecture": "amd64",
                "config": [],
            },
            "`config` in its config is",
        ),
        *(
            (
                {
                    "rootfs": {"diff_ids": [DIGEST]},
                    "os": "linux",
                    "architecture": "amd64",
                    "config": run,
                },
                message,
            )
            for run, message in (
                ({"Env": 5}, "`config.Env` in its config is 5"),
                ({"Labels": ["x"]}, "`config.Labels` in its config is"),
                ({"OnBuild": ["RUN x"]}, "has ONBUILD commands"),
            )
        ),
    ],
)
def test_bad_configs(config: Dict[str, Any], message: str) -> None:
    with pytest.raises(TrussError, match=message):
        check_config(config, 1, LINUX, "it")


def test_blobs() -> None:
    descriptor = Descriptor("x", DIGEST, 5)
    check_blob(descriptor, "a" * 64, 5, "it")
    with pytest.raises(TrussError, match=f"has the digest sha256:{'b' * 64}"):
        check_blob(descriptor, "b" * 64, 5, "it")
    with pytest.raises(TrussError, match="has 6 bytes, not the 5"):
        check_blob(descriptor, "a" * 64, 6, "it")


def test_null_is_as_good_as_absent() -> None:
    config: Dict[str, Any] = {
        "rootfs": {"diff_ids": [DIGEST]},
        "os": "linux",
        "architecture": "amd64",
        "config": None,
        "history": None,
    }
    check_config(config, 1, LINUX, "it")


def test_dockers_names_of_layers_become_ocis() -> None:
    layer = entry("", "application/vnd.docker.image.rootfs.diff.tar.gzip")
    found = manifest({"config": CONFIG, "layers": [layer]}, "it").as_json[0]
    assert found == {**layer, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}


def test_environment() -> None:
    config = {"config": {"Env": ["A=1", "B=x=y", "EMPTY=", "=odd"]}}
    assert environment(config) == {"A": "1", "B": "x=y", "EMPTY": ""}
    assert environment({"config": None}) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["manifests", "config", "layers", "digest", "size", "mediaType", "x"]),
        inner,
        max_size=4,
    ),
)


@given(JSON)
def test_hostile_documents_are_refused_or_read(data: Any) -> None:
    """Never another exception than the one that is for the user."""
    if not isinstance(data, dict):
        return
    for read in (
        lambda: choose(data, LINUX, "it"),
        lambda: manifest(data, "it"),
        lambda: check_config(data, 1, LINUX, "it"),
    ):
        try:
            read()
        except TrussError:
            pass


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 200_000])
def test_what_is_no_json_object(content: bytes) -> None:
    with pytest.raises(TrussError, match="not"):
        document(content, "it")
