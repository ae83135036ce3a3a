from __future__ import annotations

from typing import Any, Callable, Dict, List

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
from pants_truss.core.oci.documents import (
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    Platform,
)

LINUX = Platform("linux", "amd64")
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
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
    platforms: List[Any] = [None, {}, {"os": "", "architecture": "arm64"}, "linux/arm64"]
    for platform in platforms:
        unnamed = {**entry(), "platform": platform}
        assert choose({"manifests": [unnamed]}, LINUX, "it").platforms == ()


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
        choose({"manifests": [entry(), entry(digest=OTHER)]}, LINUX, "it")


def test_a_manifest_that_does_not_describe_an_image() -> None:
    helm = {**CONFIG, "mediaType": "application/vnd.cncf.helm.config.v1+json"}
    with pytest.raises(TrussError, match="does not describe an image"):
        manifest({"config": helm, "layers": []}, "it")


def test_layers_of_unsupported_types() -> None:
    foreign = entry("", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
    with pytest.raises(TrussError, match="has a layer of the unsupported type"):
        manifest({"config": CONFIG, "layers": [foreign]}, "it")


def test_a_layer_keeps_all_its_properties() -> None:
    layer = entry("", "application/vnd.oci.image.layer.v1.tar", annotations={"a": "b"})
    assert manifest({"config": CONFIG, "layers": [layer]}, "it").as_json == (layer,)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "no valid `rootfs.diff_ids`"),
        ({"rootfs": {"diff_ids": ["x"]}}, "no valid `rootfs.diff_ids`"),
        ({"rootfs": {"diff_ids": []}}, "lists 0 layers, but its manifest lists 1"),
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
    with pytest.raises(TrussError, match="has 6 bytes, but the image declares 5"):
        check_blob(descriptor, "a" * 64, 6, "it")


def test_null_counts_as_absent() -> None:
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
    """Invalid documents raise nothing but `TrussError`, which is meant for users."""
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


NO_NUMBERS = [b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e400}']


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 200_000, *NO_NUMBERS])
def test_documents_that_are_not_json_objects(content: bytes) -> None:
    with pytest.raises(TrussError, match="not"):
        document(content, "it")


@pytest.mark.parametrize("media_type", ["application/json", None, 5, [], INDEX_TYPE.upper()])
def test_entries_that_are_not_images_are_skipped(media_type: Any) -> None:
    odd = {**entry("linux/amd64"), "mediaType": media_type}
    mine = entry("linux/amd64", digest="sha256:" + "b" * 64)
    assert choose({"manifests": [odd, mine]}, LINUX, "it").descriptor.digest == mine["digest"]
    with pytest.raises(TrussError, match="^it lists no image.$"):
        choose({"manifests": [odd]}, LINUX, "it")


@pytest.mark.parametrize(
    ("offered", "wanted", "fits"),
    [
        ("linux/arm64", Platform("linux", "arm64", "v8"), True),
        ("linux/arm64/v8", Platform("linux", "arm64"), True),
        ("linux/arm64/v8", Platform("linux", "arm64", "v8"), True),
        ("linux/arm64/v9", Platform("linux", "arm64", "v8"), False),
        ("linux/arm", Platform("linux", "arm64"), False),
        ("windows/amd64", LINUX, False),
        ("Linux/amd64", LINUX, False),
    ],
)
def test_which_platforms_fit(offered: str, wanted: Platform, fits: bool) -> None:
    index = {"manifests": [entry(offered)]}
    if fits:
        assert choose(index, wanted, "it").platforms == (offered,)
    else:
        with pytest.raises(TrussError, match=f"^it has no image for {wanted}: it has {offered}.$"):
            choose(index, wanted, "it")


def test_the_first_of_several_that_fit() -> None:
    entries = [entry("linux/amd64"), entry("linux/amd64", digest=OTHER), entry()]
    found = choose({"manifests": entries}, LINUX, "it")
    assert found.descriptor.digest == DIGEST
    assert found.platforms == ("linux/amd64", "linux/amd64")
    # An image for any machine comes before one for newer machines.
    entries[0] = entry("linux/amd64/v2")
    found = choose({"manifests": entries}, LINUX, "it")
    assert found.descriptor.digest == OTHER
    assert found.platforms == ("linux/amd64/v2", "linux/amd64")


@pytest.mark.parametrize("kind", ["manifest.v2+json", "manifest.list.v2+json"])
def test_dockers_manifests_and_lists_of_them(kind: str) -> None:
    docker = entry("", f"application/vnd.docker.distribution.{kind}")
    assert choose({"manifests": [docker]}, LINUX, "it").is_index is ("list" in kind)


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:" + "a" * 63,
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 64 + "\n",
        "sha256:../../" + "a" * 58,
        "sha512:" + "a" * 64,
        "a" * 64,
        None,
        ["sha256:" + "a" * 64],
    ],
)
def test_a_digest_cannot_lead_elsewhere(digest: Any) -> None:
    bad = {**CONFIG, "digest": digest}
    layer = entry("", LAYER_TYPE, digest=digest)
    reads: List[Callable[[], object]] = [
        lambda: choose({"manifests": [entry("linux/amd64", digest=digest)]}, LINUX, "it"),
        lambda: manifest({"config": bad, "layers": []}, "it"),
        lambda: manifest({"config": CONFIG, "layers": [layer]}, "it"),
    ]
    for read in reads:
        with pytest.raises(TrussError) as caught:
            read()
        expected = f"it refers to a blob by {digest!r}, which is not a sha256 digest."
        assert str(caught.value) == expected


@pytest.mark.parametrize("size", [-1, 1.0, True, "1", None])
def test_invalid_sizes(size: Any) -> None:
    with pytest.raises(TrussError, match=f"^it declares the invalid size {size!r} for {DIGEST}.$"):
        manifest({"config": {**CONFIG, "size": size}, "layers": []}, "it")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"layers": []}, "it has no `config`."),
        ({"config": [CONFIG], "layers": []}, "it has no `config`."),
        ({"config": CONFIG}, "it has no list `layers`."),
        ({"config": CONFIG, "layers": {"0": entry()}}, "it has no list `layers`."),
        ({"config": CONFIG, "layers": [entry(), "x"]}, "it has no list `layers`."),
    ],
)
def test_manifests_that_lack_something(data: Dict[str, Any], message: str) -> None:
    with pytest.raises(TrussError) as caught:
        manifest(data, "it")
    assert str(caught.value) == message


def test_a_long_value_is_not_shown_whole() -> None:
    config = {
        "rootfs": {"diff_ids": []},
        "os": "linux",
        "architecture": "amd64",
        "history": {"x": "y" * 1000},
    }
    with pytest.raises(TrussError, match=r"^it: `history` in its config is .{60}\.\.\.\.$"):
        check_config(config, 0, LINUX, "it")


def test_a_corrupt_blob_has_a_fix() -> None:
    with pytest.raises(TrussError) as caught:
        check_blob(Descriptor("x", DIGEST, 5), "b" * 64, 6, "the image x")
    assert str(caught.value) == (
        f"the image x: the content of blobs/sha256/{'a' * 64} has the digest sha256:{'b' * 64}. "
        f"The layout is corrupt: fetch it again."
    )


def test_the_last_value_of_a_variable_counts() -> None:
    assert environment({"config": {"Env": ["A=1", "B=2", "A=3", "C"]}}) == {
        "A": "3",
        "B": "2",
        "C": "",
    }
    assert environment({}) == environment({"config": {"Env": None}}) == {}


# --- One value of a valid document is replaced: it is accepted, or refused with a message.


def mostly(usual: Any) -> st.SearchStrategy[Any]:
    return st.integers(0, 5).flatmap(lambda n: JSON if n == 5 else st.just(usual))


def descriptors(media_type: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"mediaType": mostly(media_type), "digest": mostly(DIGEST), "size": mostly(1)},
        optional={"platform": mostly({"os": "linux", "architecture": "amd64"})},
    )


CONFIGS = st.fixed_dictionaries(
    {
        "rootfs": mostly({"diff_ids": [DIGEST]}) | st.fixed_dictionaries({"diff_ids": JSON}),
        "os": mostly("linux"),
        "architecture": mostly("amd64"),
        "config": st.fixed_dictionaries(
            {"Env": mostly(["A=1"]) | st.lists(JSON), "OnBuild": mostly([]), "Labels": mostly({})}
        ),
    },
    optional={"variant": JSON, "history": JSON},
)


@given(
    st.lists(descriptors(MANIFEST_TYPE), max_size=3),
    descriptors(CONFIG["mediaType"]),
    st.lists(descriptors(LAYER_TYPE), max_size=2),
    CONFIGS,
)
def test_almost_valid_documents(
    entries: List[Any], config: Any, layers: List[Any], run: Dict[str, Any]
) -> None:
    def read_config() -> None:
        check_config(run, 1, LINUX, "it")
        environment(run)

    reads: List[Callable[[], object]] = [
        lambda: choose({"manifests": entries}, LINUX, "it"),
        lambda: manifest({"config": config, "layers": layers}, "it"),
        read_config,
    ]
    for read in reads:
        try:
            read()
        except TrussError as error:
            assert str(error).startswith("it")
