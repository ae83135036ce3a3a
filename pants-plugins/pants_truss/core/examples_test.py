from __future__ import annotations

import datetime
import json
from typing import Any, Dict, Optional

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.examples import Example, first_input, of_metadata, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    # YAML cannot represent some characters.
    | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)  # fmt: skip


def test_examples() -> None:
    content = b"- {name: A, input: {x: 1}}\n- {name: 2, input: null, output: null}\n"
    assert parse("e.yaml", content) == (Example("A", '{"x": 1}'), Example("2", "null", "null"))
    assert parse("e.yaml", b"") == ()


@given(value=JSON, output=JSON)
def test_examples_round_trip(value: Any, output: Any) -> None:
    content = yaml.safe_dump([{"name": "One", "input": value, "output": output}]).encode()
    (example,) = parse("e.yaml", content)
    assert json.loads(example.input) == value
    assert json.loads(example.output or "") == output


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_examples_or_an_error(content: bytes) -> None:
    try:
        parse("e.yaml", content)
    except TrussError as e:
        assert "e.yaml" in str(e)
    json.loads(first_input(content))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"- [\n", "e.yaml:2 is not valid YAML"),
        (b"- !!python/object:os.system x\n", "e.yaml:1 is not valid YAML"),
        (b"\xff", "e.yaml is not UTF-8 (byte 0)"),
        (b"name: x\n", "must be a list of examples, but is a dict"),
        (b"- x\n", "example 1 of e.yaml must have `name` and `input`, but is a str"),
        (b"- {input: 1}\n", "example 1 of e.yaml has no `name`. Add it."),
        (b"- {name: a, input: 1, out: 2}\n", "has the unknown key `out`. Use only name, input"),
        (b"- {name: a, input: 1}\n- {name: a, input: 2}\n", "two examples with the name 'a'"),
        (b"- {name: a, input: 2020-01-01}\n", "`input` of example 1 of e.yaml has the date 2020"),
        (b"- {name: a, input: 1, output: .nan}\n", "has the number nan, which is not JSON"),
        (b"- {name: a, input: {1: 2}}\n", "has the key 1, which is not a string"),
        (b"- {name: a, input: !!binary aGk=}\n", "has the bytes b'hi', which is not JSON"),
        (b"- {name: a, input: !!set {x}}\n", "has the set {'x'}, which is not JSON"),
        (
            b"- {name: a, input: " + b"[" * 3000 + b"]" * 3000 + b"}\n",
            "e.yaml: it is nested more than",
        ),
        (b"x" * 10_000_001, "is larger than 10,000,000 bytes"),
    ],
)
def test_bad_files(content: bytes, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse("e.yaml", content)
    assert message in str(caught.value)
    assert first_input(content) == "{}"


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["  - &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    content = "\n".join(["- name: a", "  input:", *lines]).encode()
    with pytest.raises(
        TrussError, match="e.yaml: its aliases expand to more than 5,000,000 values"
    ):
        parse("e.yaml", content)


def test_an_alias_of_itself_is_refused() -> None:
    with pytest.raises(TrussError, match="e.yaml: an alias refers to its own parent"):
        parse("e.yaml", b"- {name: a, input: &a [*a]}\n")


def test_merge_keys_that_multiply_are_refused() -> None:
    lines = ["- &a0 {x: 1, y: 2}"]
    lines += [f"- &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 30)]
    with pytest.raises(TrussError, match="its aliases expand"):
        parse("e.yaml", "\n".join(lines).encode())


def test_long_numbers_are_refused() -> None:
    """Python needs quadratic time for these, or cannot write them."""
    for number in ("1" + ":1" * 400_000, "0x" + "f" * 5000, "1" * 5000, "1" * 5000 + ".0"):
        with pytest.raises(TrussError, match="it has a number of more than 3,000 characters"):
            parse("e.yaml", f"- {{name: a, input: {number}}}".encode())


def test_a_name_is_text() -> None:
    with pytest.raises(TrussError, match="`name` of example 1 of e.yaml is a list. Write text."):
        parse("e.yaml", b"- {name: [a], input: 1}\n")
    assert parse("e.yaml", b"- {name: 1, input: 1}\n")[0].name == "1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- {name: a, input: 1}\n- {name: b}\n", "example 2 of e.yaml has no `input`. Add it."),
        (b"- null\n", "example 1 of e.yaml must have `name` and `input`, but is null."),
        (b"- {name: a, input: 1}\n- {name: b, input: .inf}\n", "`input` of example 2 of e.yaml"),
        (b"x\n", "Write, for example, `- name: Short` and `  input: {}`."),
        (b"- {name: a, input: 1, 5: 2}\n", "the unknown key `5`. Use only name, "),
        (b"- {name: '1', input: 1}\n- {name: 1, input: 2}\n", "the name '1'. Rename one."),
        (b"- {name: a, input: [{b: {true: 1}}]}\n", "`input` of example 1 of e.yaml has the key T"),
        (b"- {name: a, input: 1, output: {null: 1}}\n", "`output` of example 1 of e.yaml has the "),
        (b"- {name: a, input: [-.inf]}\n", "the number -inf, which is not JSON"),
        (b"- {name: a, input: 2020-01-01 10:00:00}\n", "has the datetime 2020-01-01 10:00:00"),
        (b"- {name: a, input: !!omap [b: 1]}\n", "has the tuple ('b', 1), which is not JSON. Q"),
        (b"- {name: a, input: *b}\n", "e.yaml:1 is not valid YAML: found undefined alias"),
        (b"\n- {name: a, input: 'b}\n", "is not valid YAML: found unexpected end of stream"),
        (b"- {name: a, input: 2020-13-13}\n", "e.yaml is not valid YAML: month must be in 1..12"),
        (b"\x00", "e.yaml is not valid YAML: unacceptable character #x0000"),
    ],
)
def test_errors_name_the_place_and_the_fix(content: bytes, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse("e.yaml", content)
    assert message in str(caught.value)
    assert "e.yaml" in str(caught.value)


def test_errors_of_yaml_have_a_line() -> None:
    with pytest.raises(TrussError) as caught:
        parse("e.yaml", b"- name: a\n  input: 1\n- name: b: c\n")
    assert caught.value.line == 3


def test_files_at_the_limits_are_accepted() -> None:
    def nested(depth: int) -> bytes:
        return b"- {name: a, input: " + b"[" * depth + b"1" + b"]" * depth + b"}\n"

    assert parse("e.yaml", nested(100))[0].input == "[" * 100 + "1" + "]" * 100
    with pytest.raises(TrussError, match="`input` of example 1 of e.yaml has more than 100 levels"):
        parse("e.yaml", nested(101))
    with pytest.raises(TrussError, match="has more than 10,000 examples. Remove some"):
        parse("e.yaml", b"[" + b"1," * 10_001 + b"]")
    # One example too many hides what the others lack; the limit itself does not.
    with pytest.raises(TrussError, match="example 1 of e.yaml must have"):
        parse("e.yaml", b"[" + b"1," * 10_000 + b"]")


def test_limits_apply_to_each_value() -> None:
    values = ", ".join(["x"] * 300)
    content = f"- {{name: a, input: &a [{values}]}}\n".encode()
    content += b"".join(b"- {name: b%d, input: *a, output: *a}\n" % n for n in range(1_000))
    assert len(parse("e.yaml", content)) == 1_001


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "{}"),
        (b"", "{}"),
        (b"[]", "{}"),
        (b"- {name: a, input: {x: \xc3\xa9}}\n- {name: b, input: 2}\n", '{"x": "\\u00e9"}'),
        (b"- {name: a, input: null}\n", "null"),
        (b'- {name: a, input: "a\\nb"}\n', '"a\\nb"'),
        # The second example is not valid, so the file has no first input.
        (b"- {name: a, input: 1}\n- {name: a, input: 2}\n", "{}"),
    ],
)
def test_first_input(content: Optional[bytes], line: str) -> None:
    assert first_input(content) == line


@pytest.mark.parametrize("value", ["!!timestamp x", "!!bool x", "!!int x", "!!python/name:os.x"])
def test_values_that_do_not_match_their_tag(value: str) -> None:
    with pytest.raises(TrussError, match="is not valid YAML"):
        parse("t/examples.yaml", f"- input: {value}\n".encode())


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model_metadata": None},
        {"model_metadata": "text"},
        {"model_metadata": {}},
        {"model_metadata": {"example_model_input": None}},
    ],
)
def test_metadata_without_an_example(config: Dict[str, Any]) -> None:
    assert of_metadata(config) is None


def test_an_example_of_metadata_that_is_not_json() -> None:
    day = datetime.date(2026, 1, 2)
    content = of_metadata({"model_metadata": {"example_model_input": {"day": day}}})
    with pytest.raises(TrussError, match="`input` of example 1 of t/config.yaml has the date"):
        parse("t/config.yaml", content or b"")
