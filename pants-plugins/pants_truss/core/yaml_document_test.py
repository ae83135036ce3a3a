from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.yaml_document import MAX_BYTES, parse


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"---\n", b"null\n", b"\xef\xbb\xbf"])
def test_an_empty_config_is_an_empty_mapping(content: bytes) -> None:
    assert parse(content).data == {}


def test_merge_keys_are_not_duplicates() -> None:
    text = b"b: &b {x: 1, y: 2}\nc: {<<: *b, y: 3}\nd: {<<: *b, y: 4}\n"
    assert parse(text).data["c"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "must be a mapping of keys to values, but it is a list (line 1, column 1)"),
        (b"just text\n", "but it is a string"),
        (b"a: [1\nb: 2\n", "it is not valid YAML: .*line 2, column 2"),
        (b"a: 1\n  b: 2\n", "line 2, column 4"),
        (
            b"a: 1\nb: 2\na: 3\n",
            "the key `a` is there twice: line 1, column 1 and line 3, column 1",
        ),
        (
            b"a: {x: 1, x: 2}\n",
            "the key `x` is there twice: line 1, column 5 and line 1, column 11",
        ),
        (b"a: !!python/object:os.system x\n", "could not determine a constructor for the tag"),
        (b"a: !Ref x\n", "plain YAML only .line 1, column 4"),
        (b"a: 1\nb: \xff\n", "it is not UTF-8: byte 0xff in line 2"),
        ("a: é\n".encode("utf-16"), "it is not UTF-8"),
        (b"a: *nope\n", "found undefined alias"),
        (b"a: &a [*a]\n", "an alias refers to its own parent"),
        (b"a: 2024-99-99\n", "a value that cannot be read"),
        (b"a: \x07\n", "not valid YAML"),
        (b"a: 1\n---\nb: 2\n", "expected a single document"),
        (b"[" * 100 + b"]" * 100, "nested more than 64 levels deep .line 1, column 65"),
        (b"x: " + b"y" * MAX_BYTES, "over the limit of 200,000"),
        (b"a: !!bool x\n", "a value that cannot be read"),
        (b"a: !!int ''\n", "a value that cannot be read"),
        (b"a: [" + b"x," * 50_000 + b"]", "it has more than 20,000 values"),
        (b"? [a, b]\n: 1\n", "found unhashable key"),
    ],
)
def test_bad_documents(content: bytes, message: str) -> None:
    with pytest.raises(TrussError, match=message.replace("(", r"\(").replace(")", r"\)")):
        parse(content)


@pytest.mark.parametrize("style", ["a{n}: &a{n} [{aliases}]", "a{n}: &a{n} {{<<: [{aliases}]}}"])
def test_alias_bombs_are_refused(style: str) -> None:
    lines = ["a0: &a0 {k: v}"]
    for n in range(1, 30):
        lines.append(style.format(n=n, aliases=", ".join([f"*a{n - 1}"] * 9)))
    with pytest.raises(TrussError, match="its aliases expand to more than 20,000 values"):
        parse("\n".join(lines).encode())


@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(alphabet="a:-[]{}&*!|>'\"# \n\t?,%@`<", max_size=40).map(str.encode),
    )
)
@settings(max_examples=1500)
def test_any_bytes_give_a_mapping_or_the_one_error(content: bytes) -> None:
    try:
        assert isinstance(parse(content).data, dict)
    except TrussError as e:
        assert str(e)
