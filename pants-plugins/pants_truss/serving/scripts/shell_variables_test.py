from __future__ import annotations

from typing import Dict, List

import pytest

from pants_truss.serving.scripts import shell_variables

SHELL = {
    "PATH": "/bin",
    "LC_ALL": "C",
    "TRUSS_SECRET_KEY": "s3cret",
    "AWS_PROFILE": "prod-value",
    "HF_TOKEN": "hf-value",
}


class Os:
    """Stands in for the module: the test runner has variables of its own."""

    def __init__(self) -> None:
        self.environ = {**SHELL}


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> Dict[str, str]:
    stand_in = Os()
    monkeypatch.setattr(shell_variables, "os", stand_in)
    return stand_in.environ


SEES = "The model sees variables of your shell that an image does not have: "
BY = "`[truss-server].env_vars` does not name them."


@pytest.mark.parametrize(
    "patterns, dropped, lines",
    [
        (["*"], [], [f"{SEES}AWS_PROFILE, HF_TOKEN."]),
        (
            ["HF_*"],
            ["AWS_PROFILE"],
            [f"{SEES}HF_TOKEN.", f"The model does not see AWS_PROFILE: {BY}"],
        ),
        # Names are those of the system: `hf_token` is another one.
        (
            ["hf_token"],
            ["AWS_PROFILE", "HF_TOKEN"],
            [f"The model does not see AWS_PROFILE, HF_TOKEN: {BY}"],
        ),
        ([], ["AWS_PROFILE", "HF_TOKEN"], [f"The model does not see AWS_PROFILE, HF_TOKEN: {BY}"]),
    ],
)
def test_a_list_decides_what_the_model_sees(
    shell: Dict[str, str], patterns: List[str], dropped: List[str], lines: List[str]
) -> None:
    assert shell_variables.limit(patterns) == lines
    assert shell == {k: v for k, v in SHELL.items() if k not in dropped}


def test_a_shell_without_others_needs_no_word(shell: Dict[str, str]) -> None:
    for name in ("AWS_PROFILE", "HF_TOKEN"):
        del shell[name]
    assert shell_variables.limit(["*"]) == shell_variables.limit([]) == []


@pytest.mark.parametrize("patterns", [["*"], []])
def test_names_are_shortened_and_safe_and_values_are_not_shown(
    shell: Dict[str, str], patterns: List[str]
) -> None:
    more: Dict[str, str] = {f"X{number:02}": "value" for number in range(9)}
    shell.update({**more, "A\x1b[2J": "value"})
    line = shell_variables.limit(patterns)[0]
    assert r"'A\x1b[2J', AWS_PROFILE, HF_TOKEN, X00," in line and "and 2 more" in line
    assert "value" not in line and "s3cret" not in line
