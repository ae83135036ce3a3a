from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
def test_invalid_references(text: str) -> None:
    with pytest.raises(TrussError):
        parse_reference(text)


def test_pinning_keeps_the_tag_for_people() -> None:
    assert str(parse_reference("a:1").pinned(DIGEST)) == f"a:1@{DIGEST}"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("localhost/a", ImageReference("localhost/a", None, None)),
        ("host:5000", ImageReference("host", "5000", None)),
        ("Host.example:5000/a", ImageReference("Host.example:5000/a", None, None)),
        ("[::1]:5000/a:1", ImageReference("[::1]:5000/a", "1", None)),
        ("a__b/c-d.e:_x.Y-z", ImageReference("a__b/c-d.e", "_x.Y-z", None)),
        ("a:" + "t" * 128, ImageReference("a", "t" * 128, None)),
    ],
)
def test_a_port_is_not_a_tag(text: str, reference: ImageReference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        "docker://python",
        "https://host/a",
        "a:",
        "a@",
        "a:.x",
        "a:" + "t" * 129,
        "a//b",
        "a/Upper",
        "a\n",
        " a",
        "a$(x)",
        "a:1\\",
        "../a",
        "host:port/a",
        "é",
        f"@{DIGEST}",
    ],
)
def test_an_error_shows_the_text_and_an_example(text: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse_reference(text)
    assert str(caught.value) == (
        f"{text!r} is not an image reference. Write, for example, `python:3.11-slim`."
    )


@pytest.mark.parametrize(
    "digest", ["sha512:" + "a" * 128, "sha256:" + "A" * 64, "sha256:" + "a" * 65, "md5:" + "0" * 32]
)
def test_invalid_digests(digest: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse_reference(f"a:1@{digest}")
    assert str(caught.value) == (
        f"'a:1@{digest}' has an invalid digest. Write `sha256:` followed by 64 hexadecimal digits."
    )


NAMES = st.builds(
    lambda domain, parts: domain + "/".join(parts),
    st.sampled_from(["", "localhost/", "host:5000/", "Reg.example.com/", "[2001:db8::1]:443/"]),
    st.lists(
        st.from_regex(r"[a-z0-9]{1,3}((__|\.|-{1,2})[a-z0-9]{1,3})?", fullmatch=True),
        min_size=1,
        max_size=3,
    ),
)
TAGS = st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,5}", fullmatch=True)
DIGESTS = st.none() | st.text(alphabet="0123456789abcdef", min_size=64, max_size=64).map(
    lambda digits: f"sha256:{digits}"
)


@given(st.builds(ImageReference, NAMES, TAGS, DIGESTS))
def test_references_round_trip(reference: ImageReference) -> None:
    assert parse_reference(str(reference)) == reference
    fetched = parse_reference(reference.fetched)
    assert fetched.name == reference.name
    # Exactly one: with both or neither, a tool would choose.
    assert (fetched.tag is None) is (fetched.digest is not None)
    assert fetched.digest == reference.digest
    pinned = reference.pinned(DIGEST)
    assert parse_reference(pinned.fetched) == ImageReference(reference.name, None, DIGEST)
    assert (pinned.name, pinned.tag) == (reference.name, reference.tag)
