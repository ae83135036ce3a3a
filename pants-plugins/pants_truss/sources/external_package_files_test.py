from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Dict, Tuple

import pytest
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.present_files import PresentTree
from pants_truss.core.source_tree import EXPLICIT, EXTERNAL_PACKAGE
from pants_truss.sources import external_package_files, workspace_scan
from pants_truss.sources.external_package_files import PlacedPackage, PlacePackageRequest
from pants_truss.target_types.truss import (
    TrussExternalPackageSourcesField,
    TrussExternalPackageTarget,
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *external_package_files.rules(),
            *workspace_scan.rules(),
            QueryRule(PlacedPackage, [PlacePackageRequest]),
        ],
        target_types=[TrussExternalPackageTarget],
    )


def lay(
    rule_runner: RuleRunner,
    folder: str,
    *ignore: str,
    bundled: str = "packages",
    reason: str = EXTERNAL_PACKAGE,
) -> PlacedPackage:
    target = rule_runner.get_target(Address(folder))
    request = PlacePackageRequest(
        target[TrussExternalPackageSourcesField], reason, bundled, tuple(ignore)
    )
    return rule_runner.request(PlacedPackage, [request])


def present(rule_runner: RuleRunner, placed: PlacedPackage) -> Dict[str, Tuple[str, bool]]:
    contents = rule_runner.request(DigestContents, [placed.digest])
    return {file.path: (file.content.decode(), file.is_executable) for file in contents}


def test_the_contents_of_the_folder_land_in_the_bundled_packages(
    rule_runner: RuleRunner,
) -> None:
    rule_runner.write_files(
        {
            "plain/BUILD": "truss_external_package()",
            "plain/top.py": "1",
            "plain/lib/é x.py": "22",
            "plain/lib/run": "333",
        }
    )
    Path(rule_runner.build_root, "plain/lib/run").chmod(0o755)
    placed = lay(rule_runner, "plain", bundled="vendor/py", reason=EXPLICIT)
    assert present(rule_runner, placed) == {
        "vendor/py/top.py": ("1", False),
        "vendor/py/lib/é x.py": ("22", False),
        "vendor/py/lib/run": ("333", True),
    }
    assert (placed.address, placed.root) == ("plain:plain", "plain")
    assert {file.path: file for file in placed.files}["vendor/py/lib/run"] == GatheredFile(
        "vendor/py/lib/run",
        hashlib.sha256(b"333").hexdigest(),
        3,
        True,
        "plain:plain",
        "plain/lib/run",
        EXPLICIT,
    )
    assert placed.present == PresentTree("plain", frozenset({"top.py", "lib/é x.py", "lib/run"}))


def test_patterns_are_asked_about_paths_of_the_result(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "ignored/BUILD": "truss_external_package()",
            "ignored/keep.py": "",
            "ignored/packages/nested.py": "",
            "ignored/data/big.bin": "",
            "ignored/tests/t.py": "",
        }
    )
    ignore = ("/packages/data/", "tests/", "/packages/packages/nested.py", "/keep.py")
    placed = lay(rule_runner, "ignored", *ignore)
    assert [file.path for file in placed.files] == ["packages/keep.py"]
    assert set(present(rule_runner, placed)) == {"packages/keep.py"}
    assert placed.present.ignored == {"packages/nested.py", "data/big.bin", "tests/t.py"}
    assert placed.present.paths == {"keep.py"}


def test_a_package_without_files(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"none/BUILD": "truss_external_package()"})
    placed = lay(rule_runner, "none")
    assert (placed.files, present(rule_runner, placed)) == ((), {})
    assert placed.root == "none"


def test_what_is_bad_below_the_package_is_handed_on(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"bad/BUILD": "truss_external_package()", "bad/sub/x.py": ""})
    Path(rule_runner.build_root, "bad/sub/broken").symlink_to("nowhere")
    placed = lay(rule_runner, "bad")
    assert [bad.path for bad in placed.read.bad_paths] == ["sub/broken"]
    assert set(present(rule_runner, placed)) == {"packages/sub/x.py"}


def test_two_trusses_with_the_same_wishes_share_one_answer(
    rule_runner: RuleRunner,
) -> None:
    rule_runner.write_files({"shared/BUILD": "truss_external_package()", "shared/x.py": ""})
    assert lay(rule_runner, "shared", "a") is lay(rule_runner, "shared", "a")
    other = lay(rule_runner, "shared", "a", bundled="other")
    assert other.digest != lay(rule_runner, "shared", "a").digest
