"""Another Truss release, which is a folder here, is asked for its tables. The real releases:
`tests/truss_release_test.py`."""

from __future__ import annotations

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.core.lint.release import ReleaseTables, default_release
from pants_truss.requirements import lockfile
from pants_truss.testutil.stand_in_pex import FOLDER, TOOL, with_stand_in_pex
from pants_truss.truss_cli import release_tables
from pants_truss.truss_cli.release_tables import ReleaseTablesRequest
from pants_truss.truss_cli.rules import TrussCliFailed

# No model of pydantic: only its answers count.
CONFIG = """\
import enum

class Accelerator(str, enum.Enum):
    Z9 = "Z9"

class TrussConfig:
    @classmethod
    def from_dict(cls, data):
        if data["python_version"] not in ("py311", "py320"):
            raise ValueError("no such Python")

class WeightsSource:
    def __init__(self, source, mount_location):
        raise ValueError("no scheme. Supported schemes: hf://, oci:// (see the documentation)")

print("a line of the release's own")
"""
MINE = "--truss-cli-install-from-resolve=mine"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *lockfile.rules(),
            *with_stand_in_pex(release_tables.rules()),
            QueryRule(ReleaseTables, [ReleaseTablesRequest]),
        ]
    )
    tool = {
        "truss/base/truss_config.py": CONFIG,
        "truss/templates/server/constraints.txt": "# Bounds.\nnumpy<3  # why\n\nboto3>=1\n",
        "truss-7.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: truss\nVersion: 7.0\n",
    }
    runner.write_files({f"{FOLDER}/{TOOL}/{path}": text for path, text in tool.items()})
    return runner


def find(rule_runner: RuleRunner, *options: str, locked: str = "truss==7.0\n") -> ReleaseTables:
    rule_runner.write_files({"mine.lock": locked})
    rule_runner.set_options(
        ["--python-resolves={'mine': 'mine.lock'}", *options],
        env_inherit={"PATH", "PYENV_ROOT", "HOME"},
    )
    return rule_runner.request(ReleaseTables, [ReleaseTablesRequest()])


def test_the_default_release_needs_no_process(rule_runner: RuleRunner) -> None:
    """Nothing in the tool's folder has that version."""
    assert find(rule_runner) is default_release()
    locked = f"truss=={default_release().version}\n"
    assert find(rule_runner, MINE, locked=locked) is default_release()


def test_another_release_is_asked(rule_runner: RuleRunner) -> None:
    found = find(rule_runner, MINE)
    assert found.version == "7.0"
    assert found.python_versions == ("py311", "py320")
    assert found.accelerators == ("Z9",)
    assert found.weight_schemes == ("hf", "oci")
    assert found.server_constraints == ("boto3>=1", "numpy<3")
    # It has no schema, so nothing is unknown.
    assert found.root == {} and found.models == {} and found.top_level_keys == ()


@pytest.mark.parametrize(
    "config, reason",
    [
        ("raise ImportError('no such part')\n", "ImportError: no such part"),
        ("class Other: pass\n", "ImportError: cannot import name 'TrussConfig'"),
    ],
)
def test_a_release_that_cannot_be_asked(rule_runner: RuleRunner, config: str, reason: str) -> None:
    path = f"{FOLDER}/{TOOL}/truss/base/truss_config.py"
    rule_runner.write_files({path: config})
    try:
        with engine_error(TrussCliFailed, contains=reason) as _:
            find(rule_runner, MINE)
    finally:
        rule_runner.write_files({path: CONFIG})
