from __future__ import annotations

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.reference import ImageReference, parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "reference", "fetched"),
    [
        ("python", ImageReference("python", None, None), "python:latest"),
        ("python:3.11-slim", ImageReference("python", "3.11-slim", None), "python:3.11-slim"),
        ("host:5000/a/b", ImageReference("host:5000/a/b", None, None), "host:5000/a/b:latest"),
        (
            f"host:5000/a/b:1@{DIGEST}",
            ImageReference("host:5000/a/b", "1", DIGEST),
            f"host:5000/a/b@{DIGEST}",
        ),
        (f"a@{DIGEST}", ImageReference("a", None, DIGEST), f"a@{DIGEST}"),
    ],
)
def test_references(text: str, reference: ImageReference, fetched: str) -> None:
    found = parse_reference(text)
    assert found == reference
    assert (str(found), found.fetched) == (text, fetched)


@pytest.mark.parametrize(
    "text",
    ["", "Upper", "a b", "a\nb", "--x", "a:b:c", "a@sha256:short", "/a", "a/", f"a@md5:{'0' * 32}"],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(TrussError):
        parse_reference(text)


def test_pinning_keeps_the_tag_for_people() -> None:
    assert str(parse_reference("a:1").pinned(DIGEST)) == f"a:1@{DIGEST}"
