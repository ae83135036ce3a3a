from __future__ import annotations

import hashlib
import json
import time
from copy import deepcopy
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.oci.base_image import check_config, choose, document, environment, manifest
from pants_truss.core.oci.documents import (
    LAYER_TYPE,
    Descriptor,
    ImageLayer,
    Platform,
    blob,
    config_blob,
    index_blob,
    layout_files,
    manifest_blob,
    timestamp,
    to_json,
)

LINUX = Platform("linux", "amd64")
DIGEST = "sha256:" + "a" * 64
BASE: Dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2020-01-01T00:00:00Z",
    "author": "someone",
    "config": {"Env": ["A=1"], "Cmd": ["bash"], "StopSignal": "SIGINT"},
    "rootfs": {"type": "layers", "diff_ids": [DIGEST]},
    "history": [{"created_by": "the base"}],
}
LAYER = ImageLayer(Descriptor(LAYER_TYPE, DIGEST, 5), "sha256:" + "b" * 64, "model")


def test_a_config_extends_that_of_its_base() -> None:
    run = {"Env": ["A=2"], "Cmd": [], "Labels": None}
    data = json.loads(config_blob(BASE, LINUX, run, [LAYER], 60).content)
    assert data == {
        "architecture": "amd64",
        "os": "linux",
        "created": "1970-01-01T00:01:00Z",
        "config": {"Env": ["A=2"], "StopSignal": "SIGINT"},
        "rootfs": {"type": "layers", "diff_ids": [DIGEST, LAYER.diff_id]},
        "history": [
            {"created_by": "the base"},
            {"created": "1970-01-01T00:01:00Z", "created_by": "model"},
        ],
    }


def test_a_manifest_passes_on_what_it_is_given() -> None:
    foreign = {"mediaType": "x", "digest": DIGEST, "size": 1, "annotations": {"a": "b"}}
    made = manifest_blob(LAYER.descriptor, [foreign], {})
    data = json.loads(made.content)
    assert data["layers"] == [foreign]
    assert "annotations" not in data
    assert made.descriptor.digest == f"sha256:{hashlib.sha256(made.content).hexdigest()}"
    assert made.descriptor.size == len(made.content)


def test_an_index_names_platforms() -> None:
    arm = Platform("linux", "arm64", "v8")
    data = json.loads(index_blob([(LAYER.descriptor, arm)], {"x": "y"}).content)
    assert data["manifests"][0]["platform"] == {
        "os": "linux",
        "architecture": "arm64",
        "variant": "v8",
    }
    assert data["annotations"] == {"x": "y"}


def test_a_layout() -> None:
    files = layout_files(LAYER.descriptor, LINUX, ["1.0", "latest", "1.0"])
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    entries = json.loads(files["index.json"])["manifests"]
    named = [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries]
    assert named == ["1.0", "latest"]
    assert LAYER.descriptor.path == "blobs/sha256/" + "a" * 64


def test_timestamps() -> None:
    assert timestamp(1700000000) == "2023-11-14T22:13:20Z"


@given(st.dictionaries(st.text(), st.text()), st.randoms())
def test_the_order_of_keys_does_not_matter(data: Dict[str, str], random: Any) -> None:
    items = list(data.items())
    random.shuffle(items)
    assert to_json(dict(items)) == to_json(data)
    assert json.loads(blob("x", data).content) == data


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "XST-14", "XST12"])
def test_timestamps_ignore_the_time_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert timestamp(0) == "1970-01-01T00:00:00Z"
        assert timestamp(951782400) == "2000-02-29T00:00:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_only_the_system_properties_of_a_base_are_kept() -> None:
    base = {**BASE, "os.version": "10.0", "os.features": ["x"], "variant": "v9", "id": "abc"}
    before = deepcopy(base)
    data = json.loads(config_blob(base, Platform("linux", "arm64", "v8"), {}, [LAYER], 0).content)
    assert (data["os.version"], data["os.features"]) == ("10.0", ["x"])
    assert (data["architecture"], data["variant"]) == ("arm64", "v8")
    assert "id" not in data and "author" not in data
    assert base == before


@pytest.mark.parametrize("absent", [{}, {"config": None, "history": None}])
def test_a_base_without_parameters_and_history(absent: Dict[str, Any]) -> None:
    base: Dict[str, Any] = {"rootfs": {"diff_ids": []}, **absent}
    data = json.loads(config_blob(base, LINUX, {"User": "1000"}, [], 0).content)
    assert (data["config"], data["history"]) == ({"User": "1000"}, [])


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [([], False), ("", False), (None, False), ({}, True), (False, True), (0, True), ([""], True)],
)
def test_an_empty_parameter_removes_that_of_the_base(value: Any, is_kept: bool) -> None:
    config = json.loads(config_blob(BASE, LINUX, {"Cmd": value}, [], 0).content)["config"]
    assert ("Cmd" in config) is is_kept
    assert config["Env"] == ["A=1"]


def test_layers_lie_on_the_base_in_their_order() -> None:
    layers = [ImageLayer(LAYER.descriptor, f"sha256:{n}", f"layer {n}") for n in "cab"]
    data = json.loads(config_blob(BASE, LINUX, {}, layers, 0).content)
    assert data["rootfs"]["diff_ids"] == [DIGEST, "sha256:c", "sha256:a", "sha256:b"]
    comments = [entry["created_by"] for entry in data["history"]]
    assert comments == ["the base", "layer c", "layer a", "layer b"]


@pytest.mark.parametrize("platform", [LINUX, None])
def test_each_tag_of_a_layout_leads_to_the_same(platform: Optional[Platform]) -> None:
    entries = json.loads(layout_files(LAYER.descriptor, platform, ["b", "a"])["index.json"])
    first, second = entries["manifests"]
    assert first["annotations"] != second["annotations"]
    assert {**first, "annotations": {}} == {**second, "annotations": {}}
    assert first.get("platform") == (platform.as_json() if platform else None)
    assert Descriptor(first["mediaType"], first["digest"], first["size"]) == LAYER.descriptor


TEXTS = st.text(alphabet='aé"\\\n\u2028\U0001f600')
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=10,
)


@given(JSON)
def test_documents_are_one_line_of_ascii_without_spaces(data: Any) -> None:
    made = blob("x", data)
    text = made.content.decode("ascii")
    assert text.isprintable() and " " not in text
    assert json.loads(text) == data
    assert blob("x", json.loads(text)) == made


# --- An image that is made here can be a base.

HEX = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)
PLATFORMS = st.sampled_from([LINUX, Platform("linux", "arm64"), Platform("linux", "arm64", "v8")])
LAYERS = st.lists(
    st.builds(
        lambda media_type, digest, diff_id, size: ImageLayer(
            Descriptor(media_type, f"sha256:{digest}", size), f"sha256:{diff_id}", "a layer"
        ),
        st.sampled_from([LAYER_TYPE, f"{LAYER_TYPE}+gzip", f"{LAYER_TYPE}+zstd"]),
        HEX,
        HEX,
        st.integers(0, 10**12),
    ),
    max_size=3,
)


@given(PLATFORMS, LAYERS)
def test_an_image_made_here_can_be_a_base(platform: Platform, layers: List[ImageLayer]) -> None:
    base = {"rootfs": {"diff_ids": []}, "config": {"Env": ["A=1"]}}
    config = config_blob(base, platform, {}, layers, 0)
    made = manifest_blob(
        config.descriptor, [layer.descriptor.as_json() for layer in layers], {"x": "y"}
    )
    tags = layout_files(made.descriptor, platform, ["1.0"])
    several = index_blob([(made.descriptor, platform)], {})
    for index in (tags["index.json"], several.content):
        chosen = choose(document(index, "it"), platform, "it")
        assert (chosen.descriptor, chosen.platforms) == (made.descriptor, (str(platform),))
    read = manifest(document(made.content, "it"), "it")
    assert read.config == config.descriptor
    assert read.layers == tuple(layer.descriptor for layer in layers)
    check_config(document(config.content, "it"), len(layers), platform, "it")
    assert environment(document(config.content, "it")) == {"A": "1"}
    nested = layout_files(several.descriptor, None, ["latest"])["index.json"]
    assert choose(json.loads(nested), platform, "it").is_index
