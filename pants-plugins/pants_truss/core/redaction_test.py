from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.redaction import MAX_SHOWN, may_show


@pytest.mark.parametrize(
    "text",
    [
        "",
        "numpy==1.26.4",
        "../shared/textkit",
        "/etc/reqs.txt",
        "https://host/simple",
        "hf://owner/repo@revision",
        "user@host",
        "py3.11",
        "é",
        "x" * 23,
        "a." * (MAX_SHOWN // 2),
    ],
)
def test_names_numbers_and_paths_are_shown(text: str) -> None:
    assert may_show(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter2@host/simple",
        "git+ssh://token@host",
        "s3://:@",
        "hf_abcdefghijklmnopqrstuv",
        "AKIA0123456789ABCDEF0123",
        "eyJhbGciOiJIUzI1NiJ9/+=_-",
        "x.y." + "a" * 24 + ".z",
        "pip install x",
        "a\tb",
        "a\nb",
        " a",
        "a\u00a0b",
        "my-secret",
        "SECRET_NAME",
        "Passwd",
        "PASSWORD=x",
        "api-Token",
        "a." * (MAX_SHOWN // 2) + "b",
    ],
)
def test_possible_credentials_and_long_values_are_hidden(text: str) -> None:
    assert not may_show(text)


TEXTS = st.text(alphabet="aZ09:/@.-_= é\n", max_size=40)


@given(TEXTS, st.integers(0, 40), st.integers(0, 40))
def test_parts_of_a_shown_value_are_shown(text: str, start: int, end: int) -> None:
    # A shortened text is shown if the whole text is.
    assert not may_show(text) or may_show(text[start:end])


@given(
    TEXTS,
    st.sampled_from(["x://u:p@h", "0123456789abcdefABCDEF+/", "token", "Secret", "passw"]),
    TEXTS,
)
def test_one_suspicious_part_hides_the_whole_value(before: str, sign: str, after: str) -> None:
    assert not may_show(before + sign + after)
