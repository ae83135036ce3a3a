"""Replays the seeds of all fuzz targets, and each input that was a finding. It needs no atheris.

A file in `findings/` has the name of its target before the first `-`.
"""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import pytest

from fuzz.checks import time_limit
from fuzz.fuzz_targets import TARGETS
from fuzz.seeds import SEEDS

HERE = Path(__file__).resolve().parent
# Far above what any of these inputs needs, also on a slow machine.
MAX_SECONDS = 8.0

# Findings that are large, or one thing many times.
_NESTED = b"(" * 150 + b"os_name == 'x'" + b")" * 150
_ENTRY = (
    b'{"version": 1, "deployments": [{"remote": "baseten", "model_name": "m", "deployment_id": "d"'
)
REPEATED = (
    ("config", "an integer", b"environment_variables: {A: 0x" + b"f" * 4000 + b"}\n"),
    ("ignore", "spaces in .gitmodules", b"a\npath = a" + b" " * 40_000 + b'"x\n'),
    ("lockfile", "packages without a source", b"[[package]]\n" * 12_000),
    ("lockfile", "the first key of conda-lock", b"metadata:\n" * 18_000),
    ("metadata", "a nested marker", b"b ; " + _NESTED + b"\n"),
    ("requirements", "a long version", b"a==" + b"9" * 4301 + b"\n"),
    ("requirements", "spaces", b"a" + b" " * 60_000 + b"b\n"),
    ("requirements", "many suffixes", b"b" + b"-cpu" * 1000 + b"\n"),
    ("state", "a number", _ENTRY + b', "asked": 1' + b"0" * 400 + b"}]}"),
)


def _inputs() -> List[Tuple[str, str, bytes]]:
    found = [
        (name, f"seed {number}", content)
        for name, contents in SEEDS.items()
        for number, content in enumerate(contents)
    ]
    for file in sorted((HERE / "findings").glob("*-*")):
        name, _, what = file.name.partition("-")
        found.append((name, what, file.read_bytes()))
    return [*found, *REPEATED]


@pytest.mark.parametrize(
    ("target", "content"),
    [pytest.param(target, content, id=f"{target}: {what}") for target, what, content in _inputs()],
)
def test_no_input_breaks_a_parser(target: str, content: bytes) -> None:
    with time_limit(MAX_SECONDS):
        TARGETS[target](content)


def test_every_target_has_seeds() -> None:
    assert set(SEEDS) == set(TARGETS)
