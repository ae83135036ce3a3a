from __future__ import annotations

from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.yaml_document import MAX_BYTES, MAX_DEPTH, MAX_NODES, decode, parse


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"---\n", b"null\n", b"\xef\xbb\xbf"])
def test_an_empty_config_is_an_empty_mapping(content: bytes) -> None:
    assert parse(content).data == {}
    assert parse(content).position(("a",)) is None


def test_merge_keys_are_not_duplicates() -> None:
    text = b"b: &b {x: 1, y: 2}\nc: {<<: *b, y: 3}\nd: {<<: *b, y: 4}\n"
    assert parse(text).data["c"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: {<<: {x: 1}, <<: {y: 2}}", {"a": {"x": 1, "y": 2}}),
        ("1: a\n'1': b", {1: "a", "1": "b"}),
        ("a: {k: 1}\nb: {k: 2}", {"a": {"k": 1}, "b": {"k": 2}}),
        ("a: [{k: 1}, {k: 2}]", {"a": [{"k": 1}, {"k": 2}]}),
    ],
)
def test_similar_keys_are_not_duplicates(text: str, data: Dict[Any, Any]) -> None:
    assert parse(text.encode()).data == data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "must be a mapping of keys to values, but it is a list (line 1, column 1)"),
        (b"just text\n", "but it is a string"),
        (b"# c\n  true\n", "but it is a boolean (line 2, column 3)"),
        (b"1.5\n", "but it is a float"),
        (b"a: [1\nb: 2\n", "it is not valid YAML: .*line 2, column 2"),
        (b"a: 1\n  b: 2\n", "line 2, column 4"),
        (
            b"a: 1\nb: 2\na: 3\n",
            "the key `a` appears twice: line 1, column 1 and line 3, column 1. Keep one",
        ),
        (
            b"a: {x: 1, x: 2}\n",
            "the key `x` appears twice: line 1, column 5 and line 1, column 11",
        ),
        (b"a: 1\n'a': 2\n", "the key `a` appears twice"),
        (b"a: [[{b: {x: 1, x: 2}}]]\n", "the key `x` appears twice"),
        (b"a: &a {x: 1, x: 2}\n<<: *a\n", "the key `x` appears twice: line 1"),
        (b"a: {<<: {x: 1, x: 2}}\n", "the key `x` appears twice: line 1"),
        (b"a: !!set {x, x}\n", "the key `x` appears twice"),
        (b"a: !!python/object:os.system x\n", "could not determine a constructor for the tag"),
        # The value may be a password.
        (b"a: !hunter2 x\n", "a constructor for the tag. Truss configs hold plain YAML only"),
        (b"a: !Ref x\n", "plain YAML only .line 1, column 4"),
        (b"a: 1\nb: \xff\n", "it is not UTF-8: byte 0xff in line 2. Save it as UTF-8"),
        (b"\xed\xa0\x80: 1\n", "it is not UTF-8: byte 0xed in line 1"),
        ("a: é\n".encode("utf-16"), "it is not UTF-8"),
        (b"a: *nope\n", "found undefined alias"),
        (b"a: &a [*a]\n", "an alias refers to its own parent"),
        (b"a: &a {<<: *a}\n", "an alias refers to its own parent"),
        (b"<<: 1\n", "expected a mapping or list of mappings for merging"),
        (b"a: 2024-99-99\n", "a value that cannot be read (ValueError).* Quote it"),
        (b"a: \x07\n", "not valid YAML"),
        (b"a: 1\n---\nb: 2\n", "expected a single document"),
        (b"x: " + b"y" * MAX_BYTES, "it has 200,003 bytes, over the limit of 200,000"),
        (b"a: !!bool x\n", "a value that cannot be read"),
        (b"a: !!int ''\n", "a value that cannot be read"),
        (b"a: !!timestamp x\n", "a value that cannot be read"),
        (b"a: [" + b"x," * 50_000 + b"]", "it has more than 20,000 values"),
        (b"? [a, b]\n: 1\n", "found unhashable key"),
    ],
)
def test_bad_documents(content: bytes, message: str) -> None:
    with pytest.raises(TrussError, match=message.replace("(", r"\(").replace(")", r"\)")):
        parse(content)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a:\n\tb: 1\n", "Indent with spaces: YAML does not allow tabs (line 2, column 1)"),
        ("a: b: c\n", "Quote a value that holds `: `, or fix the indentation (line 1, column 5)"),
        ("a:\n  b: 1\n c: 2\n", "The line is not indented like the lines above it (line 3, "),
        ("a: 1\nb\n", "Add a `:` after the key"),
        ("a: [1, 2\n", "Close the bracket, or add the comma"),
        ("a: {b: 1\n", "Close the bracket, or add the comma"),
    ],
)
def test_common_mistakes_have_a_remedy(text: str, remedy: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse(text.encode())
    assert str(caught.value).startswith("it is not valid YAML: ")
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        # The value may be an unquoted password that begins with `*` or `&`.
        "password: *hunter2\n",
        "a: &hunter2 1\nb: &hunter2 2\n",
        "password: !!int hunter2\n",
        "password: !!float hunter2\n",
        "password: !!bool hunter2\n",
        "password: !!timestamp hunter2\n",
        "password: 'hunter2\n",
        'password: "hunter2\\x"\n',
        "password: hunter2: x\n",
        "password: hunter2\n x: 1\n",
        "- hunter2\n",
        "hunter2\n",
    ],
)
def test_no_error_quotes_a_value(text: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse(text.encode())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"a: 1\nb: 2\na: 3\n", 3, 1),
        (b"\n\n  - a\n", 3, 3),
        (b"a: 1\r\nb:\r\n  c: *d\r\n", 3, 6),
        (b"a: 1\nb: c\xe9\n", 2, None),
        (b"a: b: c\n", 1, 5),
        (b"a: !Ref x\n", 1, 4),
        (b"a:\n  b: &b\n    - *b\n", 2, 6),
        (b"a: 2024-99-99\n", None, None),
    ],
)
def test_errors_have_their_place(
    content: bytes, line: Optional[int], column: Optional[int]
) -> None:
    with pytest.raises(TrussError) as caught:
        parse(content)
    assert (caught.value.line, caught.value.column) == (line, column)
    if column:
        assert str(caught.value).endswith(f"(line {line}, column {column}).") or (
            f"line {line}, column {column}. Keep one" in str(caught.value)
        )


# --- Limits.


def test_a_file_as_large_as_the_limit() -> None:
    content = b"x: " + b"y" * (MAX_BYTES - 3)
    assert len(parse(content).data["x"]) == MAX_BYTES - 3
    with pytest.raises(TrussError, match="over the limit"):
        parse(content + b"y")


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ("{a: ", "}"), ("[{a: ", "}]")])
def test_nesting_as_deep_as_the_limit(open_: str, close: str) -> None:
    # The mapping itself is the first level; the innermost value is the last.
    times = (MAX_DEPTH - 2) // len(close)
    parse(f"a: {open_ * times}x{close * times}".encode())
    with pytest.raises(TrussError, match=f"nested more than {MAX_DEPTH} levels deep .line 1, "):
        parse(f"a: {open_ * (times + 1)}x{close * (times + 1)}".encode())


def test_brackets_without_end_are_no_recursion_error() -> None:
    with pytest.raises(TrussError, match=r"64 levels deep \(line 1, column 65\)") as caught:
        parse(b"[" * 100_000)
    assert (caught.value.line, caught.value.column) == (1, 65)


def test_as_many_values_as_the_limit() -> None:
    # The mapping, the key and the list count too.
    items = ["x"] * (MAX_NODES - 3)
    assert len(parse(f"a: [{','.join(items)}]".encode()).data["a"]) == MAX_NODES - 3
    with pytest.raises(TrussError, match="it has more than 20,000 values. Is it a Truss config?"):
        parse(f"a: [{','.join([*items, 'x'])}]".encode())


def test_aliases_count_as_what_they_stand_for() -> None:
    def content(length: int) -> bytes:
        # The list twice, both keys, and the mapping.
        return f"a: &a [{','.join(['x'] * length)}]\nb: *a\n".encode()

    limit = (MAX_NODES - 3) // 2 - 1
    assert parse(content(limit)).data["b"] == ["x"] * limit
    with pytest.raises(TrussError, match="its aliases expand to more than 20,000 values"):
        parse(content(limit + 1))


@pytest.mark.parametrize("style", ["a{n}: &a{n} [{aliases}]", "a{n}: &a{n} {{<<: [{aliases}]}}"])
def test_alias_bombs_are_refused(style: str) -> None:
    lines = ["a0: &a0 {k: v}"]
    for n in range(1, 30):
        lines.append(style.format(n=n, aliases=", ".join([f"*a{n - 1}"] * 9)))
    with pytest.raises(TrussError, match="its aliases expand to more than 20,000 values"):
        parse("\n".join(lines).encode())


# --- Positions.

TEXT = """\
a: 1
resources: # comment
    cpu: "1"
    list: [x, {y: 2}]
'quoted key': &q {z: 1}
? asked
: - b
  - c: 3
merged: {<<: *q, w: 1}
overridden: {z: 5, <<: *q}
8: {9: x}
"""


@pytest.mark.parametrize(
    ("path", "position"),
    [
        (("a",), (1, 1)),
        (("resources", "cpu"), (3, 5)),
        (("resources", "list", 0), (4, 12)),
        (("resources", "list", 1, "y"), (4, 16)),
        (("quoted key",), (5, 1)),
        (("asked",), (6, 3)),
        (("asked", 1, "c"), (8, 5)),
        (("merged", "w"), (9, 18)),
        (("merged", "z"), (5, 19)),
        (("overridden", "z"), (10, 14)),
        ((8, 9), (11, 5)),
        # The nearest known place.
        (("resources", "gpu"), (2, 1)),
        (("resources", "list", 2), (4, 5)),
        (("resources", "list", "y"), (4, 5)),
        (("resources", "cpu", "deeper"), (3, 5)),
        (("a", 0), (1, 1)),
        (("absent", "cpu"), None),
        ((), None),
    ],
)
def test_positions(path: Sequence[Any], position: Optional[Tuple[int, int]]) -> None:
    assert parse(TEXT.encode()).position(path) == position


def test_a_byte_order_mark_and_line_ends_stay_and_do_not_count() -> None:
    text = "\ufeffa: 1\r\nb: é\r\n"
    document = parse(text.encode())
    assert (document.text, document.data) == (text, {"a": 1, "b": "é"})
    assert (document.position(["a"]), document.position(["b"])) == ((1, 1), (2, 1))
    assert decode(text.encode()) == text


# --- Random documents.

keys = st.text("abc", min_size=1, max_size=3)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
mappings = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def paths_in(value: Any) -> Iterator[Tuple[Any, ...]]:
    if isinstance(value, (dict, list)):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield (step,)
            yield from ((step, *rest) for rest in paths_in(item))


@given(mappings, st.sampled_from([None, True, False]), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=200)
def test_data_is_what_pyyaml_reads_and_each_key_is_at_its_position(
    data: Dict[str, Any], flow: Optional[bool], line_break: str
) -> None:
    text: str = yaml.safe_dump(data, default_flow_style=flow, line_break=line_break, width=9999)
    document = parse(text.encode())
    assert document.text == text
    # Compares text, in which a NaN is equal to itself.
    assert repr(document.data) == repr(yaml.safe_load(text))
    lines = text.split("\n")
    found = []
    for path in paths_in(document.data):
        position = document.position(path)
        assert position is not None
        line, column = position
        if isinstance(path[-1], str):
            assert lines[line - 1][column - 1 :].startswith(path[-1])
        found.append(position)
    # Positions follow the order of the text.
    assert found == sorted(found)


@given(mappings.filter(bool), st.data())
@settings(max_examples=200)
def test_a_duplicate_key_is_refused(data: Dict[str, Any], draw: st.DataObject) -> None:
    key = draw.draw(st.sampled_from(sorted(data)))
    text: str = yaml.safe_dump(data, default_flow_style=False)
    last = text.count("\n") + 1
    with pytest.raises(TrussError) as caught:
        parse(f"{text}{key}: again\n".encode())
    assert f"the key `{key}` appears twice: line " in str(caught.value)
    assert (caught.value.line, caught.value.column) == (last, 1)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(alphabet="a:-[]{}&*!|>'\"# \n\t?,%@`<", max_size=40).map(str.encode),
    )
)
@settings(max_examples=1500)
def test_any_bytes_give_a_mapping_or_a_truss_error(content: bytes) -> None:
    try:
        document = parse(content)
    except TrussError as e:
        assert str(e)
        return
    assert isinstance(document.data, dict)
    assert document.text.encode() == content
    assert repr(document.data) == repr(yaml.safe_load(document.text) or {})
