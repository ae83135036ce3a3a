from __future__ import annotations

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.documents import Platform
from pants_truss.core.oci.platforms import complete_platform, machine, parse_platform


def test_platforms() -> None:
    assert parse_platform("linux/amd64") == Platform("linux", "amd64")
    arm = parse_platform("linux/arm64/v8")
    assert (str(arm), machine(arm)) == ("linux/arm64/v8", "aarch64")


@pytest.mark.parametrize("text", ["", "linux", "windows/amd64", "linux/mips", "linux/amd64/"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(TrussError, match="`linux/amd64` and `linux/arm64` are"):
        parse_platform(text)


def test_what_pex_is_told() -> None:
    told = complete_platform((3, 11), Platform("linux", "arm64"))
    tags = told["compatible_tags"]
    assert tags[0] == "cp311-cp311-manylinux_2_31_aarch64"
    assert "cp311-cp311-manylinux2014_aarch64" in tags
    assert "cp38-abi3-manylinux2014_aarch64" in tags
    assert tags[-1] == "py30-none-any"
    assert not [tag for tag in tags if "x86_64" in tag or "manylinux1" in tag]
    assert told["marker_environment"]["platform_machine"] == "aarch64"
    assert told["marker_environment"]["python_version"] == "3.11"


def test_older_names_of_wheels() -> None:
    tags = complete_platform((3, 9), Platform("linux", "amd64"), 17)["compatible_tags"]
    assert "cp39-cp39-manylinux1_x86_64" in tags
    assert "cp39-cp39-linux_x86_64" in tags
    assert "cp39-cp39-manylinux_2_18_x86_64" not in tags
