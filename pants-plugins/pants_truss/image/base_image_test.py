"""Reads hand-made base images from layouts in the repository."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.documents import INDEX_TYPE, Descriptor
from pants_truss.core.oci.platforms import parse_platform
from pants_truss.image import base_image
from pants_truss.image.base_image import (
    ReadBase,
    ReadBaseRequest,
    ReadBlobs,
    ReadBlobsRequest,
    check_blobs,
)
from pants_truss.image.fetch_base import FetchedBase
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.image_layouts import Layout, member
from pants_truss.testutil.images import new_image_runner
from pants_truss.testutil.results import contents

WHAT = "src/a:image: the base image x"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_image_runner(
        base_image.rules(),
        QueryRule(ReadBase, [ReadBaseRequest]),
        QueryRule(ReadBlobs, [ReadBlobsRequest]),
    )


counter = itertools.count()


def write(rule_runner: RuleRunner, layout: Layout) -> str:
    folder = f"images/case{next(counter)}"
    rule_runner.write_files(layout.at(folder))
    return folder


def read(rule_runner: RuleRunner, folder: str, platform: str = "linux/amd64") -> ReadBase:
    request = ReadBaseRequest(FetchedBase(folder, None, ()), parse_platform(platform), WHAT)
    return rule_runner.request(ReadBase, [request])


def refused(rule_runner: RuleRunner, layout: Layout, message: str) -> None:
    with engine_error(InvalidTruss, contains=message):
        read(rule_runner, write(rule_runner, layout))


# --- Blobs.


def test_only_named_blobs_are_read(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"named/[x]/a": "A", "named/[x]/b*": "B", "named/[x]/bc": "C"})
    in_repository = FetchedBase("named/[x]", None, ())
    files = [
        FileContent("base/a", b"A"),
        FileContent("base/b*", b"B"),
        FileContent("base/bc", b"C"),
    ]
    fetched = FetchedBase("base", rule_runner.request(Digest, [CreateDigest(files)]), ())
    for each in (in_repository, fetched):
        found = rule_runner.request(ReadBlobs, [ReadBlobsRequest(each, ("b*", "a", "missing"))])
        # `bc` is not read, although `b*` as a glob would match it.
        assert contents(rule_runner, found.digest) == {"a": b"A", "b*": b"B"}
        none = rule_runner.request(ReadBlobs, [ReadBlobsRequest(each, ())])
        assert contents(rule_runner, none.digest) == {}


def test_a_missing_blob() -> None:
    descriptor = Descriptor("x", f"sha256:{'0' * 64}", 1)
    with pytest.raises(TrussError) as caught:
        check_blobs([descriptor], [], WHAT)
    assert str(caught.value) == (
        f"{WHAT}: the layout lacks blobs/sha256/{'0' * 64}. Fetch it again."
    )


# --- Content of a layout.


def test_other_images_of_the_layout_are_not_read(rule_runner: RuleRunner) -> None:
    layout = Layout()
    other = layout.image([member("etc/other")], architecture="arm64")
    mine = layout.image([member("etc/one")], [member("etc/two")])
    found = read(rule_runner, write(rule_runner, layout.write(other, mine)))
    assert found.manifest == mine["digest"]
    manifest = json.loads(layout.files[f"blobs/sha256/{mine['digest'][7:]}"])
    assert json.loads(found.layers) == manifest["layers"]
    assert len(manifest["layers"]) == 2
    config = json.loads(layout.files[f"blobs/sha256/{manifest['config']['digest'][7:]}"])
    assert json.loads(found.config) == config
    paths = {f"blobs/sha256/{layer['digest'][7:]}" for layer in manifest["layers"]}
    assert set(contents(rule_runner, found.digest)) == paths


def test_properties_of_a_layer_are_kept(rule_runner: RuleRunner) -> None:
    layout = Layout()
    image = layout.image()
    manifest = json.loads(layout.files[f"blobs/sha256/{image['digest'][7:]}"])
    manifest["layers"][0]["annotations"] = {"who": "é"}
    layout.write(layout.document(manifest, image["mediaType"]))
    found = read(rule_runner, write(rule_runner, layout))
    assert json.loads(found.layers) == manifest["layers"]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_an_index_may_list_indexes(rule_runner: RuleRunner, depth: int) -> None:
    layout = Layout()
    images = [layout.image(architecture=name) for name in ("amd64", "arm64")]
    entries: List[Dict[str, Any]] = images
    for _ in range(depth - 1):
        entries = [layout.index(*entries)]
    folder = write(rule_runner, layout.write(*entries))
    assert read(rule_runner, folder, "linux/amd64").manifest == images[0]["digest"]
    assert read(rule_runner, folder, "linux/arm64").manifest == images[1]["digest"]


def test_an_index_that_is_nested_too_deeply(rule_runner: RuleRunner) -> None:
    layout = Layout()
    entry = layout.image()
    for _ in range(4):
        entry = layout.index(entry)
    refused(rule_runner, layout.write(entry), f"{WHAT} nests indexes too deeply: sha256:")


def test_a_fetched_image_is_read_like_one_of_the_repository(rule_runner: RuleRunner) -> None:
    layout = Layout()
    layout.write(layout.image())
    files = [FileContent(path, content) for path, content in layout.at("base").items()]
    fetched = FetchedBase("base", rule_runner.request(Digest, [CreateDigest(files)]), ())
    request = ReadBaseRequest(fetched, parse_platform("linux/amd64"), WHAT)
    found = rule_runner.request(ReadBase, [request])
    assert found == read(rule_runner, write(rule_runner, layout))


LIMIT = 4 * 1024 * 1024


def test_documents_have_a_maximum_size(rule_runner: RuleRunner) -> None:
    """Documents are read into memory."""
    layout = Layout()
    layout.write(layout.image())
    layout.files["index.json"] += b" " * (LIMIT - len(layout.files["index.json"]))
    assert read(rule_runner, write(rule_runner, layout)).layers
    layout.files["index.json"] += b" "
    refused(rule_runner, layout, f"{WHAT}: index.json has {LIMIT + 1} bytes, which is too")


def test_a_manifest_that_is_too_large(rule_runner: RuleRunner) -> None:
    layout = Layout()
    image = layout.image()
    manifest = layout.files[f"blobs/sha256/{image['digest'][7:]}"]
    large = layout.blob(manifest + b" " * LIMIT, image["mediaType"])
    message = f"{WHAT}: blobs/sha256/{large['digest'][7:]} has {large['size']} bytes, which is too"
    refused(
        rule_runner,
        layout.write(large),
        f"{message} large for an index, a manifest or a config: the limit is {LIMIT}.",
    )


def test_a_config_that_is_too_large(rule_runner: RuleRunner) -> None:
    layout = Layout()
    image = layout.image(comment="x" * LIMIT)
    refused(rule_runner, layout.write(image), f"config: the limit is {LIMIT}.")


def test_several_images_for_one_platform(rule_runner: RuleRunner) -> None:
    """Which of them is meant must not depend on their order."""
    layout = Layout()
    one, two = layout.image([member("etc/one")]), layout.image([member("etc/two")])
    tagged = {**one, "annotations": {"org.opencontainers.image.ref.name": "first"}}
    refused(
        rule_runner,
        layout.write(tagged, two),
        f'{WHAT} has several images for linux/amd64: {one["digest"]} ("first"), {two["digest"]}. '
        f"Copy one of them into a layout of its own: ",
    )
    # Two tags of one image are no question, and neither is an image for another platform.
    other = layout.image(architecture="arm64")
    again = {**one, "annotations": {"org.opencontainers.image.ref.name": "second"}}
    folder = write(rule_runner, layout.write(tagged, other, again))
    assert read(rule_runner, folder).manifest == one["digest"]


def test_the_first_image_of_an_index_counts(rule_runner: RuleRunner) -> None:
    """The OCI specification says so, for example for images with different compressions."""
    layout = Layout()
    one, two = layout.image([member("etc/one")]), layout.image([member("etc/two")])
    folder = write(rule_runner, layout.write(layout.index(one, two)))
    assert read(rule_runner, folder).manifest == one["digest"]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"", f"{WHAT} is not JSON: Expecting value: line 1 column 1 (char 0)"),
        # The message of each Python.
        (b"[" * 100_000, f"{WHAT} is not JSON: "),
        (b"\xff\xfe", f"{WHAT} is not JSON: "),
        (b"[]", f"{WHAT} is not a JSON object."),
        (b"{}", f"{WHAT} has no list `manifests`."),
        (b'{"manifests": [5]}', f"{WHAT} has no list `manifests`."),
        (b'{"manifests": []}', f"{WHAT} lists no image."),
    ],
    ids=["empty", "deep", "bytes", "list", "nothing", "number", "no_image"],
)
def test_invalid_indexes(rule_runner: RuleRunner, index: bytes, message: str) -> None:
    layout = Layout()
    layout.files["index.json"] = index
    refused(rule_runner, layout, message)


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_a_blob_that_the_layout_lacks(rule_runner: RuleRunner, what: str) -> None:
    layout = Layout()
    image = layout.image()
    manifest = json.loads(layout.files[f"blobs/sha256/{image['digest'][7:]}"])
    gone = {"manifest": image, "config": manifest["config"], "layer": manifest["layers"][0]}[what]
    path = f"blobs/sha256/{gone['digest'][7:]}"
    del layout.files[path]
    refused(rule_runner, layout.write(image), f"{WHAT}: the layout lacks {path}. Fetch it again.")


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_a_blob_with_another_content(rule_runner: RuleRunner, what: str) -> None:
    """The replaced content has the same size and is still readable."""
    layout = Layout()
    image = layout.image()
    manifest = json.loads(layout.files[f"blobs/sha256/{image['digest'][7:]}"])
    bad = {"manifest": image, "config": manifest["config"], "layer": manifest["layers"][0]}[what]
    path = f"blobs/sha256/{bad['digest'][7:]}"
    layout.files[path] = layout.files[path][:-1] + b" "
    message = f"{WHAT}: the content of {path} has the digest sha256:"
    refused(rule_runner, layout.write(image), message)


def test_an_index_cannot_lead_out_of_the_layout(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"images/secret": "{}"})
    layout = Layout()
    entry = {**layout.image(), "digest": "sha256:../../../secret"}
    message = f"{WHAT} refers to a blob by 'sha256:../../../secret', which is not a sha256 digest."
    refused(rule_runner, layout.write(entry), message)


def test_a_blob_may_be_a_link_to_another_layout(rule_runner: RuleRunner) -> None:
    """Some tools keep each blob once, and link to it."""
    layout = Layout()
    image = layout.image()
    path = f"blobs/sha256/{image['digest'][7:]}"
    rule_runner.write_files({"images/store/manifest": layout.files.pop(path)})
    folder = write(rule_runner, layout.write(image))
    link = Path(rule_runner.build_root, folder, path)
    link.symlink_to("../../../store/manifest")
    assert read(rule_runner, folder).manifest == image["digest"]


def test_a_broken_link_is_a_missing_blob(rule_runner: RuleRunner) -> None:
    layout = Layout()
    image = layout.image()
    path = f"blobs/sha256/{image['digest'][7:]}"
    del layout.files[path]
    folder = write(rule_runner, layout.write(image))
    Path(rule_runner.build_root, folder, path).symlink_to("../../nowhere")
    with engine_error(InvalidTruss, contains=f"{WHAT}: the layout lacks {path}."):
        read(rule_runner, folder)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rootfs": None}, f"{WHAT} has no valid `rootfs.diff_ids`."),
        ({"rootfs": {"diff_ids": []}}, f"{WHAT} lists 0 layers, but its manifest lists 1."),
        ({"architecture": "arm64/v8"}, f"{WHAT} is for linux/arm64/v8, not for linux/amd64."),
        ({"history": "none"}, f'{WHAT}: `history` in its config is "none".'),
    ],
)
def test_a_config_that_does_not_fit(
    rule_runner: RuleRunner, changed: Dict[str, Any], message: str
) -> None:
    layout = Layout()
    image = layout.image(**{k: v for k, v in changed.items() if k != "architecture"})
    if "architecture" in changed:
        # The index and the config disagree.
        image = {**layout.image(architecture="arm64/v8"), "platform": image["platform"]}
    refused(rule_runner, layout.write(image), message)


def test_a_manifest_as_config(rule_runner: RuleRunner) -> None:
    layout = Layout()
    image = layout.image()
    manifest = {"config": image, "layers": []}
    refused(
        rule_runner,
        layout.write(layout.document(manifest, image["mediaType"])),
        f"{WHAT} does not describe an image: its config is {image['mediaType']!r}.",
    )


def test_the_media_type_makes_an_index(rule_runner: RuleRunner) -> None:
    """A manifest with the media type of an index is read as an index, and has no images."""
    layout = Layout()
    entry = {**layout.image(), "mediaType": INDEX_TYPE}
    refused(rule_runner, layout.write(entry), f"{WHAT} has no list `manifests`.")
