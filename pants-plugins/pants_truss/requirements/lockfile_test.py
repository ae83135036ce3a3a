from __future__ import annotations

import json
from typing import List

import pytest
from pants.core.target_types import GenericTarget
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import COMMON_TARGET_FIELDS, OptionalSingleSourceField, Target
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.errors import TrussError
from pants_truss.core.locked import Lockfile
from pants_truss.requirements import lockfile
from pants_truss.requirements.lockfile import (
    LockfileOwners,
    LockfileOwnersRequest,
    ReadLockfileRequest,
)
from pants_truss.testutil.results import raised


class LockTarget(Target):
    """Like the target of Pants, which cannot be written in a BUILD file."""

    alias = "lock"
    core_fields = (*COMMON_TARGET_FIELDS, OptionalSingleSourceField)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *lockfile.rules(),
            QueryRule(LockfileOwners, [LockfileOwnersRequest]),
            QueryRule(Lockfile, [ReadLockfileRequest]),
        ],
        target_types=[GenericTarget, LockTarget],
    )


def owners(rule_runner: RuleRunner, path: str) -> List[str]:
    found = rule_runner.request(LockfileOwners, [LockfileOwnersRequest(path)])
    return [address.spec for address in found.addresses]


def read(rule_runner: RuleRunner, path: str, python: str = "3.11") -> Lockfile:
    return rule_runner.request(Lockfile, [ReadLockfileRequest(path, "models", python)])


def error(rule_runner: RuleRunner, path: str) -> str:
    with pytest.raises(ExecutionError) as caught:
        read(rule_runner, path)
    found = raised(caught)
    assert isinstance(found, TrussError)
    return str(found)


# --- Owners.


def test_the_targets_that_own_a_lockfile(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "locks/BUILD": (
                "lock(name='one', source='a.lock')\n"
                "lock(name='same', source='a.lock')\n"
                "lock(name='other', source='b.lock')\n"
                "lock(name='none')\n"
                "target(name='group')\n"
            ),
            "locks/a.lock": "",
            "locks/b.lock": "",
            "locks/deeper/BUILD": "lock(source='a.lock')",
            "locks/deeper/a.lock": "",
        }
    )
    assert owners(rule_runner, "locks/a.lock") == ["locks:one", "locks:same"]
    assert owners(rule_runner, "locks/b.lock") == ["locks:other"]
    assert owners(rule_runner, "locks/deeper/a.lock") == ["locks/deeper:deeper"]
    assert owners(rule_runner, "locks/c.lock") == []


@pytest.mark.parametrize("path", ["no/such/folder/a.lock", "top.lock"])
def test_a_lockfile_that_no_target_owns(rule_runner: RuleRunner, path: str) -> None:
    assert owners(rule_runner, path) == []


def test_a_lockfile_at_the_build_root(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"BUILD": "lock(name='top', source='root.lock')", "root.lock": ""})
    assert owners(rule_runner, "root.lock") == ["//:top"]


# --- Reading.


def test_a_lockfile_is_read_for_one_python(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "read/é [x].lock": (
                "numpy==1.26.4\n"
                "tomli==2.0.1 ; python_version < '3.11'\n"
                "windows==1 ; sys_platform == 'win32'\n"
            )
        }
    )
    for python, names in (("3.11", {"numpy"}), ("3.9", {"numpy", "tomli"})):
        assert set(read(rule_runner, "read/é [x].lock", python).distributions) == names


def test_a_changed_lockfile_is_read_again(rule_runner: RuleRunner) -> None:
    for version in ("1.0", "2.0"):
        rule_runner.write_files({"changed/x.lock": f"numpy=={version}\n"})
        locked = read(rule_runner, "changed/x.lock")
        assert locked.distributions["numpy"].version == version


@pytest.mark.parametrize("path", ["absent/models.lock", "absent", "ab*"])
def test_a_lockfile_that_is_not_there(rule_runner: RuleRunner, path: str) -> None:
    rule_runner.write_files({"absent/other.lock": ""})
    assert error(rule_runner, path) == (
        f"the lockfile {path} of the resolve models does not exist. Run `pants generate-lockfiles "
        "--resolve=models`."
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\0",
        b"{",
        b"// a comment\n[1, 2]",
        json.dumps({"locked_resolves": 3}).encode(),
        json.dumps({"locked_resolves": [{"locked_requirements": [1]}]}).encode(),
        b"numpy>=1\n",
        b"version = 1\n[[package]]\nname = 'a'\n",
        b"[" * 100_000,
    ],
)
def test_a_file_that_is_not_a_lockfile_is_named_in_one_sentence(
    rule_runner: RuleRunner, content: bytes
) -> None:
    rule_runner.write_files({"bad/x.lock": content})
    message = error(rule_runner, "bad/x.lock")
    assert message.startswith("the lockfile bad/x.lock of the resolve models ")
    assert message.endswith(".")
    assert "\n" not in message
