"""Which targets the specs of a folder name."""

from __future__ import annotations

from typing import List

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.target_types import PythonSourcesGeneratorTarget
from pants.base.specs import RawSpecsWithoutFileOwners
from pants.core.target_types import FileTarget, GenericTarget
from pants.engine.addresses import Addresses
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.sources.folder_specs import in_folder, in_folder_or_above


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *target_types_rules.rules(),
            QueryRule(Addresses, [RawSpecsWithoutFileOwners]),
        ],
        target_types=[FileTarget, GenericTarget, PythonSourcesGeneratorTarget],
    )
    runner.write_files(
        {
            "BUILD": "target(name='top')",
            "a/BUILD": "target(name='one')\ntarget(name='two')",
            "a/b/BUILD.pants": "python_sources(sources=['*.py', 'c/*.py'])",
            "a/b/m.py": "",
            "a/b/c/n.py": "",
            "ab/BUILD": "target()",
            "empty/x": "",
            "é x/BUILD": "target(name='accent')",
        }
    )
    return runner


BELOW_C = ["//:top", "a/b/c/n.py:../b", "a/b/m.py", "a/b:b", "a:one", "a:two"]


def specs(rule_runner: RuleRunner, raw: RawSpecsWithoutFileOwners) -> List[str]:
    return sorted(address.spec for address in rule_runner.request(Addresses, [raw]))


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("", ["//:top"]),
        ("a", ["a:one", "a:two"]),
        # A target that is generated counts where its file is.
        ("a/b", ["a/b/m.py"]),
        ("a/b/c", ["a/b/c/n.py:../b"]),
        ("ab", ["ab:ab"]),
        ("é x", ["é x:accent"]),
        ("empty", []),
        ("a/nowhere", []),
        ("nowhere", []),
    ],
)
def test_the_targets_of_a_folder(rule_runner: RuleRunner, folder: str, expected: List[str]) -> None:
    assert specs(rule_runner, in_folder(folder, "a test")) == expected


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("", ["//:top"]),
        ("a", ["//:top", "a:one", "a:two"]),
        ("a/b", ["//:top", "a/b/m.py", "a/b:b", "a:one", "a:two"]),
        ("a/b/c", BELOW_C),
        ("a/b/c/nowhere/deep", BELOW_C),
        ("ab", ["//:top", "ab:ab"]),
        ("empty", ["//:top"]),
    ],
)
def test_the_targets_of_a_folder_and_those_above(
    rule_runner: RuleRunner, folder: str, expected: List[str]
) -> None:
    assert specs(rule_runner, in_folder_or_above(folder, "a test")) == expected
