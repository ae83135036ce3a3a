from __future__ import annotations

import json
from typing import Any, List

from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.gathered import GatheredFile, GatheredRequirement
from pants_truss.core.manifest import manifest, manifest_bytes, read_tree_digest, to_bytes

FILES = st.builds(
    GatheredFile,
    st.text(),
    st.text("0123456789abcdef"),
    st.integers(0),
    st.booleans(),
    st.none() | st.text(),
    st.none() | st.text(),
    st.text(),
)
REQUIREMENTS = st.builds(GatheredRequirement, st.text(), st.text(), st.none() | st.text())


@given(st.text(), st.lists(FILES), st.lists(REQUIREMENTS))
def test_each_file_and_requirement_has_one_line_of_json(
    target: str, files: List[GatheredFile], requirements: List[GatheredRequirement]
) -> None:
    data = manifest(target, files, requirements, "sha256:0")
    content = manifest_bytes(data)
    assert json.loads(content) == data
    # Four values, two lines for each list (one if it is empty), and the braces.
    own = 4 + 2 + sum(2 if found else 1 for found in (bool(files), bool(requirements)))
    assert content.count(b"\n") == own + len(files) + len(requirements)


GOLDEN = """\
{
  "version": 1,
  "target": "t:t",
  "tree_digest": "sha256:0",
  "size": 12,
  "files": [
    {"path": "b \\"\\u00e9\\n.py", "sha256": "ab", "size": 10, "executable": true, \
"target": "s:s", "source": "s/b.py", "reason": "imported by t/a.py"},
    {"path": "a.py", "sha256": "cd", "size": 2, "executable": false, \
"target": null, "source": null, "reason": "generated"}
  ],
  "requirements": [
    {"requirement": "numpy==1", "origin": "t/config.yaml", "reason": null},
    {"requirement": "a", "origin": "lock", "reason": "required by numpy"}
  ]
}
"""


def test_the_bytes_of_the_documented_format() -> None:
    data = manifest(
        "t:t",
        [
            GatheredFile('b "é\n.py', "ab", 10, True, "s:s", "s/b.py", "imported by t/a.py"),
            GatheredFile("a.py", "cd", 2, False, None, None, "generated"),
        ],
        [
            GatheredRequirement("numpy==1", "t/config.yaml", None),
            GatheredRequirement("a", "lock", "required by numpy"),
        ],
        "sha256:0",
    )
    assert manifest_bytes(data) == GOLDEN.encode("ascii")


def test_an_empty_truss() -> None:
    data = manifest("t:t", [], [], "sha256:0")
    assert (data["size"], data["files"], data["requirements"]) == (0, [], [])
    lines = manifest_bytes(data).decode().splitlines()
    assert lines[-3:] == ['  "files": [],', '  "requirements": []', "}"]


def test_a_name_that_is_not_utf8_can_be_written_and_read() -> None:
    name = b"\xff.py".decode("utf-8", "surrogateescape")
    data = manifest("t:t", [GatheredFile(name, "0", 1, False, None, None, "truss")], [], "sha256:0")
    assert json.loads(manifest_bytes(data))["files"][0]["path"] == name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_any_data_becomes_ascii_with_one_final_line_break(value: Any) -> None:
    content = to_bytes(value)
    assert content.isascii() and content.endswith(b"\n") and not content.endswith(b"\n\n")
    assert json.loads(content) == value
    # Keys keep their order: the same data gives the same bytes.
    assert to_bytes(json.loads(content)) == content


def test_data_is_indented_for_people() -> None:
    assert to_bytes([{"b": "é", "a": []}]) == (
        b'[\n  {\n    "b": "\\u00e9",\n    "a": []\n  }\n]\n'
    )


@given(st.text(), st.lists(FILES))
def test_the_digest_is_found_in_the_first_lines(target: str, files: List[GatheredFile]) -> None:
    digest = f"sha256:{'0a' * 32}"
    assert read_tree_digest(manifest_bytes(manifest(target, files, [], digest))) == digest


def test_a_file_without_a_digest() -> None:
    assert read_tree_digest(b"{}") is None
    for content in (b"\xff", b'  "tree_digest": "\xff"', b'  "tree_digest": "sha256:0a"'):
        assert read_tree_digest(content) is None
