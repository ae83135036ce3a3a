from __future__ import annotations

from pants_truss.core.oci.layout_outputs import layout_outputs, paths_beside
from pants_truss.core.oci.platforms import parse_platform

AMD64, ARM64, V8 = map(parse_platform, ("linux/amd64", "linux/arm64", "linux/arm64/v8"))


def test_one_platform() -> None:
    assert paths_beside("a/x", [AMD64]) == ("a/x",)
    assert layout_outputs("a/x", [AMD64], archives=False) == ("a/x", "a/x.cdx.json")
    assert layout_outputs("a/x", [AMD64], archives=True) == ("a/x", "a/x.cdx.json", "a/x.tar")


def test_several_platforms() -> None:
    assert paths_beside("x", [AMD64, V8]) == ("x-amd64", "x-arm64-v8")
    assert layout_outputs("x", [AMD64, ARM64], archives=True) == (
        *("x", "x-amd64.cdx.json", "x-amd64.tar"),
        *("x-arm64.cdx.json", "x-arm64.tar"),
    )
