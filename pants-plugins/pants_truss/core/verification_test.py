from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.tree_digest import tree_digest
from pants_truss.core.verification import FoundFile, layout_problems, truss_problems


def found(content: bytes, is_executable: bool = False) -> FoundFile:
    return FoundFile(hashlib.sha256(content).hexdigest(), len(content), is_executable)


FILES: Dict[str, Optional[FoundFile]] = {
    "config.yaml": found(b"model_name: a\n"),
    "model/run.sh": found(b"#!/bin/sh\n", is_executable=True),
}


def manifest(files: Dict[str, Optional[FoundFile]] = FILES) -> Dict[str, Any]:
    rows = [(path, file) for path, file in files.items() if file]
    return {
        "tree_digest": tree_digest((p, f.sha256, f.is_executable) for p, f in rows),
        "files": [
            {"path": p, "sha256": f.sha256, "size": f.size, "executable": f.is_executable}
            for p, f in rows
        ],
    }


def test_a_truss_as_packaged_has_no_problems() -> None:
    assert truss_problems(manifest(), FILES) == []
    assert truss_problems(manifest({}), {}) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"config.yaml": found(b"")}, "config.yaml has 0 bytes instead of 14"),
        ({"config.yaml": None}, "config.yaml is not a regular file"),
        ({"x\n::error::": found(b"")}, "x\\n::error:: is not in the manifest"),
        ({"model/run.sh": found(b"#!/bin/sh\n")}, "model/run.sh is not executable"),
        ({"config.yaml": found(b"model_name: a\n", True)}, "config.yaml is executable"),
    ],
)
def test_a_file_that_differs(change: Dict[str, Optional[FoundFile]], problem: str) -> None:
    assert truss_problems(manifest(), {**FILES, **change}) == [problem]


def test_other_content_of_the_same_size() -> None:
    other = found(b"model_name: b\n")
    (problem,) = truss_problems(manifest(), {**FILES, "config.yaml": other})
    assert problem == (
        f"config.yaml has other content: sha256 {other.sha256} instead of "
        f"{hashlib.sha256(b'model_name: a' + bytes([10])).hexdigest()}"
    )


def test_a_missing_file() -> None:
    assert truss_problems(manifest(), {"config.yaml": FILES["config.yaml"]}) == [
        "model/run.sh is missing"
    ]


def test_many_problems_are_cut() -> None:
    problems = truss_problems(manifest(), {**FILES, **{f"{n:02}": None for n in range(25)}})
    assert (len(problems), problems[-1]) == (11, "and 15 more")


def test_a_manifest_of_other_files_than_its_digest() -> None:
    (problem,) = truss_problems({**manifest(), "tree_digest": "sha256:0"}, FILES)
    assert problem == "the manifest's `tree_digest` sha256:0 is not that of its files"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("files"), inner),
)


@given(JSON)
def test_what_is_not_a_manifest_is_a_problem(data: Any) -> None:
    assert truss_problems(data, {}) != []


@given(st.dictionaries(st.text(min_size=1), st.tuples(st.binary(max_size=3), st.booleans())))
def test_each_change_is_found(files: Dict[str, Any]) -> None:
    made: Dict[str, Optional[FoundFile]] = {p: found(c, x) for p, (c, x) in files.items()}
    assert truss_problems(manifest(made), made) == []
    for path, (content, is_executable) in files.items():
        assert truss_problems(manifest(made), {**made, path: found(content + b"x")})
        assert truss_problems(manifest(made), {**made, path: found(content, not is_executable)})
        assert truss_problems(manifest(made), {p: f for p, f in made.items() if p != path})


# --- Image layouts.


class Layout:
    """An index, one manifest, one config and one layer, as files."""

    def __init__(self) -> None:
        self.files: Dict[str, bytes] = {}
        layer = self.add(b"layer", "application/vnd.oci.image.layer.v1.tar")
        config = self.add(
            json.dumps({"config": {"Env": []}}).encode(), "application/vnd.oci.image.config.v1+json"
        )
        image = json.dumps({"config": config, "layers": [layer]}).encode()
        top = self.add(image, "application/vnd.oci.image.manifest.v1+json")
        self.files["index.json"] = json.dumps({"manifests": [top]}).encode()

    def add(self, content: bytes, media_type: str) -> Dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def problems(self) -> Any:
        def hashed(path: str) -> Optional[FoundFile]:
            content = self.files.get(path)
            return None if content is None else found(content)

        return layout_problems(self.files.get, hashed)


def test_a_whole_layout_has_no_problems() -> None:
    assert Layout().problems() == []


@pytest.mark.parametrize("number", range(3))
def test_each_blob_of_a_layout_counts(number: int) -> None:
    blobs = sorted(path for path in Layout().files if path != "index.json")
    path = blobs[number]
    layout = Layout()
    layout.files[path] = layout.files[path][:-1]
    (problem,) = layout.problems()
    assert problem.startswith(f"{path} has {len(layout.files[path])} bytes instead of ")
    layout.files[path] += b"?"
    (problem,) = layout.problems()
    assert problem.startswith(f"{path} has other content: its sha256 is ")
    del layout.files[path]
    assert layout.problems() == [f"{path} is missing"]


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b"{}", b'{"manifests": 1}', b'{"layers": "ab"}', b"[" * 9999]
)
def test_no_index(content: Optional[bytes]) -> None:
    layout = Layout()
    layout.files.update({"index.json": content} if content is not None else {})
    if content is None:
        del layout.files["index.json"]
    assert layout.problems() == ["index.json is missing or not an image index"]


def test_descriptors_that_lead_out_of_the_layout() -> None:
    layout = Layout()
    layout.files["index.json"] = b'{"manifests": [{"digest": "sha256:../../x"}, 3]}'
    assert layout.problems() == [
        'a descriptor has no sha256 digest: {"digest": "sha256:../../x"}',
        "a descriptor has no sha256 digest: 3",
    ]
