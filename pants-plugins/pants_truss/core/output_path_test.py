from __future__ import annotations

from typing import Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.output_path import expand, unknown_names, values


@pytest.mark.parametrize(
    ("template", "path"),
    [
        (None, "src.a/t@x=1.tar"),
        ("", "src.a/t@x=1.tar"),
        ("trusses/a", "trusses/a"),
        ("${spec_path_normalized}/out", "src.a/out"),
        ("out/${target_name_normalized}", "out/t@x=1"),
        ("x${file_suffix}", "x.tar"),
        ("./a//b/../c/", "a/c"),
        ("../x", "../x"),
        ("${spec_path}/a", "${spec_path}/a"),
        # A `$` without braces is part of a folder's name.
        ("$spec_path_normalized", "$spec_path_normalized"),
    ],
)
def test_templates(template: Optional[str], path: str) -> None:
    assert expand(template, values("src/a", "t@x=1", ".tar")) == path


def test_the_build_root() -> None:
    assert expand(None, values("", "top", "")) == "top"


@pytest.mark.parametrize(
    ("template", "names"),
    [
        (None, ()),
        ("a/b", ()),
        ("${spec_path_normalized}/${target_name_normalized}${file_suffix}", ()),
        ("${spec_path}/${}/$x", ("spec_path", "")),
    ],
)
def test_unknown_names(template: Optional[str], names: Tuple[str, ...]) -> None:
    assert unknown_names(template) == names


@given(st.text(min_size=1))
def test_a_template_without_names_is_only_normalised(text: str) -> None:
    found = values("a", "t", "")
    if "${" not in text:
        assert expand(text, found) == expand(expand(text, found), found)
        assert not unknown_names(text)
