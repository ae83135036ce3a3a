"""Bounds of documents, and indexes with several images that fit."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.base_image import (
    MAX_DOCUMENT,
    MAX_LAYERS,
    check_document_size,
    choose,
    manifest,
)
from pants_truss.core.oci.documents import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, REF_NAME
from pants_truss.core.oci.platforms import parse_platform


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def entry(letter: str, platform: str = "", tag: Any = None) -> Dict[str, Any]:
    found: Dict[str, Any] = {"mediaType": MANIFEST_TYPE, "digest": digest(letter), "size": 1}
    if platform:
        os, architecture, *variant = platform.split("/")
        found["platform"] = {"os": os, "architecture": architecture, "variant": "".join(variant)}
    if tag is not None:
        found["annotations"] = {REF_NAME: tag}
    return found


def chosen(platform: str, *entries: Dict[str, Any], is_layout: bool = True) -> str:
    index = {"manifests": list(entries)}
    choice = choose(index, parse_platform(platform), "it", is_layout=is_layout)
    return choice.descriptor.digest[7]


def test_the_size_of_a_document() -> None:
    check_document_size(MAX_DOCUMENT, "x", "it")
    with pytest.raises(TrussError) as caught:
        check_document_size(10**9, "index.json", "it")
    assert str(caught.value) == (
        "it: index.json has 1000000000 bytes, which is too large for an index, a manifest or a "
        "config: the limit is 4194304."
    )


def test_the_number_of_layers() -> None:
    config = {**entry("c"), "mediaType": CONFIG_TYPE}
    layers = [{**entry("a"), "mediaType": LAYER_TYPE}] * MAX_LAYERS
    assert len(manifest({"config": config, "layers": layers}, "it").layers) == MAX_LAYERS
    with pytest.raises(TrussError, match="^it has 501 layers; the limit is 500.$"):
        manifest({"config": config, "layers": [*layers, layers[0]]}, "it")


@pytest.mark.parametrize("size", [-1, True, None, "1", 1.5, 10**200 * 1.0, [10**4000]])
def test_a_size_that_is_not_one(size: Any) -> None:
    config = {**entry("c"), "mediaType": CONFIG_TYPE, "size": size}
    with pytest.raises(TrussError, match="declares the invalid size ") as caught:
        manifest({"config": config, "layers": []}, "it")
    assert len(str(caught.value)) < 250


def test_several_images_of_a_layout() -> None:
    with pytest.raises(TrussError) as caught:
        chosen("linux/amd64", entry("a", "linux/amd64", "1.0"), entry("b", "linux/amd64"))
    assert str(caught.value) == (
        f'it has several images for linux/amd64: {digest("a")} ("1.0"), {digest("b")}. Copy one '
        f"of them into a layout of its own: `skopeo copy oci:FOLDER:TAG oci:NEW_FOLDER:base`."
    )
    # The first entry of an index in the layout counts.
    both = (entry("a", "linux/amd64"), entry("b", "linux/amd64"))
    assert chosen("linux/amd64", *both, is_layout=False) == "a"


def test_tags_of_one_image() -> None:
    assert chosen("linux/amd64", entry("a", "linux/amd64", "1"), entry("a", "linux/amd64")) == "a"
    assert chosen("linux/amd64", entry("a", tag="1"), entry("a", tag=5)) == "a"


def test_images_without_a_platform_are_listed() -> None:
    with pytest.raises(TrussError) as caught:
        chosen("linux/amd64", entry("a", tag="one"), entry("b", tag=["x"]))
    assert str(caught.value) == (
        f"it has no image for linux/amd64: it has several images that name no platform: "
        f'{digest("a")} ("one"), {digest("b")} (["x"]).'
    )
    with pytest.raises(TrussError, match="sha256:0+, .* and 6 more[.]$"):
        chosen("linux/amd64", *map(entry, "0123456789abcdef"))


@pytest.mark.parametrize(
    ("wanted", "offered", "index"),
    [
        ("linux/amd64", ("linux/amd64/v3", "linux/amd64"), 1),
        ("linux/amd64", ("linux/amd64", "linux/amd64/v2"), 0),
        ("linux/amd64", ("linux/amd64/v3",), 0),
        ("linux/arm64", ("linux/arm64/v9", "linux/arm64/v8"), 1),
        ("linux/arm64/v8", ("linux/arm64", "linux/arm64/v9"), 0),
        ("linux/amd64/v2", ("linux/amd64", "linux/amd64/v2"), 1),
        ("linux/amd64/v2", ("linux/amd64",), 0),
    ],
)
def test_variants(wanted: str, offered: "tuple[str, ...]", index: int) -> None:
    """An image for newer machines only is not the one for all of them."""
    entries = [entry("abc"[number], platform) for number, platform in enumerate(offered)]
    assert chosen(wanted, *entries) == "abc"[index]
