from __future__ import annotations

import json
from typing import List

from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.gathered import GatheredFile, GatheredRequirement
from pants_truss.core.manifest import manifest, manifest_bytes

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
def test_it_is_json_of_one_line_for_each_file_and_requirement(
    target: str, files: List[GatheredFile], requirements: List[GatheredRequirement]
) -> None:
    data = manifest(target, files, requirements, "sha256:0")
    content = manifest_bytes(data)
    assert json.loads(content) == data
    # Of its own: four values, the lists' two lines each, or one if they are empty, and the braces.
    own = 4 + 2 + sum(2 if found else 1 for found in (bool(files), bool(requirements)))
    assert content.count(b"\n") == own + len(files) + len(requirements)
