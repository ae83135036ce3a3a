from __future__ import annotations

import hashlib
import json
from typing import Any, Dict

from hypothesis import given
from hypothesis import strategies as st

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


def test_a_config_lies_on_that_of_its_base() -> None:
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


def test_an_index_tells_platforms() -> None:
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
