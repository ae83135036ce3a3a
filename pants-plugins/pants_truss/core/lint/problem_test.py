from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core import yaml_document
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.problem import Problem, dotted, items, mapping, mappings


# --- Keys as text.


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ((), ""),
        (("resources",), "resources"),
        (("resources", "cpu"), "resources.cpu"),
        (("weights", 0, "source"), "weights[0].source"),
        (("a", 1, 2, "b"), "a[1][2].b"),
        # A document may have a number for a key.
        ((1,), "1"),
        ((1, "a"), "1.a"),
        (("a", None, 1.5), "a.None.1.5"),
    ],
)
def test_a_key_as_text(key: Tuple[Any, ...], text: str) -> None:
    assert dotted(key) == text
    assert dotted(list(key)) == text


@given(st.text("ab_", min_size=1), st.lists(st.one_of(st.text("ab_", min_size=1), st.integers(0))))
def test_different_keys_have_different_texts(first: str, rest: List[Any]) -> None:
    steps = re.findall(r"\[(\d+)\]|([^.\[\]]+)", dotted([first, *rest]))
    assert [int(index) if index else name for index, name in steps] == [first, *rest]


# --- The place in the config.

CONFIG = b"""\
resources:
  cpu: "4"
weights:
  - source: hf://a/b
  - {source: hf://a/c, mount_location: /x}
"quoted": {1: a, true: b}
base: &base {image: x}
base_image:
  <<: *base
  python_executable_path: /p
"""


@pytest.mark.parametrize(
    ("key", "line", "column"),
    [
        (("resources",), 1, 1),
        (("resources", "cpu"), 2, 3),
        (("weights", 0), 4, 5),
        (("weights", 1, "mount_location"), 5, 24),
        (("quoted",), 6, 1),
        (("quoted", 1), 6, 12),
        # Merged from above.
        (("base_image", "image"), 7, 14),
        (("base_image", "python_executable_path"), 10, 3),
        # The nearest that is there.
        (("resources", "memory"), 1, 1),
        (("resources", "cpu", "a", "b"), 2, 3),
        (("weights", 2), 3, 1),
        (("weights", "a"), 3, 1),
        (("weights", 1, "auth", "x"), 5, 5),
        (("runtime", "cpu"), None, None),
        ((), None, None),
    ],
)
def test_the_place_of_a_key(
    key: Tuple[Any, ...], line: Optional[int], column: Optional[int]
) -> None:
    document = yaml_document.parse(CONFIG)
    assert Problem(key, "m.").at("t/config.yaml", document) == Finding(
        "config-schema", "t/config.yaml", "m.", Severity.ERROR, line, column
    )


@pytest.mark.parametrize("content", [b"", b"# only a comment\n", b"null\n", b"{}"])
def test_a_document_without_keys_has_no_places(content: bytes) -> None:
    finding = Problem(("a",), "m.").at("c.yaml", yaml_document.parse(content))
    assert (finding.line, finding.column) == (None, None)


def test_the_rule_and_the_severity_stay() -> None:
    problem = Problem(("resources",), "m.", Severity.WARNING, "secret")
    finding = problem.at("c.yaml", yaml_document.parse(CONFIG))
    assert (finding.rule, finding.severity, finding.place) == (
        "secret",
        Severity.WARNING,
        "c.yaml:1",
    )


# --- Ways to values that need not be there.


@pytest.mark.parametrize(
    ("data", "path", "found"),
    [
        ({"a": {"b": {"c": 1}}}, ("a", "b"), {"c": 1}),
        ({"a": 1}, (), {"a": 1}),
        ({"a": {}}, ("a",), {}),
        ({}, ("a", "b"), {}),
        ({"a": None}, ("a",), {}),
        ({"a": None}, ("a", "b"), {}),
        ({"a": "b"}, ("a", "b"), {}),
        ({"a": [{"b": {}}]}, ("a", "b"), {}),
        ({"a": {"b": 1}}, ("a", "b"), {}),
        (None, (), {}),
        ([], ("a",), {}),
    ],
)
def test_a_mapping_at_a_path(data: Any, path: Tuple[str, ...], found: Dict[str, Any]) -> None:
    assert mapping(data, *path) == found


def test_entries_of_a_list_keep_their_index() -> None:
    data: Dict[str, Any] = {"a": [{"x": 1}, "b", None, {}]}
    assert list(items(data, "a")) == [
        (("a", 0), {"x": 1}),
        (("a", 1), "b"),
        (("a", 2), None),
        (("a", 3), {}),
    ]
    assert list(mappings(data, "a")) == [(("a", 0), {"x": 1}), (("a", 3), {})]


@pytest.mark.parametrize("value", [None, "abc", 1, True, {"x": 1}, ({},), []])
def test_what_is_not_a_list_has_no_entries(value: Any) -> None:
    assert list(items({"a": value}, "a")) == list(mappings({"a": value}, "a")) == []
    assert list(items({}, "a")) == []
