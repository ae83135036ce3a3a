"""Tests the content of the state file, and that killed processes leave it intact."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.publish import state
from pants_truss.publish.state import (
    Content,
    DeploymentSlot,
    StateError,
    decide,
    find,
    read,
    short,
    update,
)

ONE = DeploymentSlot("baseten", "https://b", None, "one", None, None)
TWO = ONE._replace(model_name="two")


def put(path: Path, identity: DeploymentSlot, **values: Any) -> Dict[str, Any]:
    return update(str(path), identity, lambda entry: entry.update(values))


def texts(path: Path) -> List[str]:
    """Returns the names of models, in the order of the file."""
    return [entry["model_name"] for entry in read(str(path))]


# --- Writing.


def test_the_file_byte_for_byte(tmp_path: Path) -> None:
    """People read the file, and CI compares it."""
    path = tmp_path / "state.json"
    put(path, ONE, deployment_id="d1", name="é")
    assert path.read_text() == (
        "{\n"
        '  "deployments": [\n'
        "    {\n"
        '      "deployment_id": "d1",\n'
        '      "deployment_name": null,\n'
        '      "environment": null,\n'
        '      "model_name": "one",\n'
        '      "name": "\\u00e9",\n'
        '      "remote": "baseten",\n'
        '      "remote_url": "https://b",\n'
        '      "team": null\n'
        "    }\n"
        "  ],\n"
        '  "version": 1\n'
        "}\n"
    )


def test_the_file_is_readable_for_all_and_its_folder_is_created(tmp_path: Path) -> None:
    path = tmp_path / "a/é b/state.json"
    before = os.umask(0o077)
    try:
        put(path, ONE, deployment_id="d1")
    finally:
        os.umask(before)
    # CI may keep the file as another user.
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    update("state.json", ONE, lambda entry: entry.update(deployment_id="d1"))
    assert texts(tmp_path / "state.json") == ["one"]


@given(st.permutations([ONE, TWO, ONE._replace(team="a"), ONE._replace(environment="é")]))
def test_an_entry_is_found_wherever_it_is(identities: List[DeploymentSlot]) -> None:
    entries: List[Dict[str, Any]] = []
    for identity in identities:
        entries.append({**identity._asdict(), "deployment_id": "d"})
    found = [find(entries, identity) for identity in sorted(identities, key=str)]
    assert found == [
        {**identity._asdict(), "deployment_id": "d"} for identity in sorted(identities, key=str)
    ]


def test_entries_are_sorted_by_identity(tmp_path: Path) -> None:
    both = []
    for number, order in enumerate(([TWO, ONE, ONE._replace(team="a")], [ONE, TWO])):
        path = tmp_path / f"{number}.json"
        for identity in order:
            put(path, identity, deployment_id="d")
        both.append(path)
    put(both[1], ONE._replace(team="a"), deployment_id="d")
    assert both[0].read_text() == both[1].read_text()
    # An entry without a team comes first.
    assert [(e["team"], e["model_name"]) for e in read(str(both[0]))] == [
        (None, "one"),
        (None, "two"),
        ("a", "one"),
    ]


def test_a_change_affects_one_entry_only(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    put(path, ONE, deployment_id="d1", live=True, later="of a newer plugin")
    put(path, TWO, deployment_id="d2")
    assert put(path, ONE, deployment_id="d3")["later"] == "of a newer plugin"
    found = {entry["model_name"]: entry["deployment_id"] for entry in read(str(path))}
    assert found == {"one": "d3", "two": "d2"}


def test_an_empty_entry_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    put(path, ONE, pending={"began": 1})
    put(path, TWO, deployment_id="d2")
    returned = update(str(path), ONE, lambda entry: entry.pop("pending"))
    # The caller still sees the changed entry.
    assert returned["model_name"] == "one" and texts(path) == ["two"]
    put(path, TWO, deployment_id="")
    assert json.loads(path.read_text()) == {"deployments": [], "version": 1}


# --- Reading.


@pytest.mark.parametrize(
    "content, what",
    [
        (b"", "cannot be read as the state of pushes: Expecting value: line 1 column 1 (char 0)."),
        (
            b'{"version": 1,',
            "cannot be read as the state of pushes: Expecting property name enclosed in double "
            "quotes: line 1 column 15 (char 14).",
        ),
        (b"null", "is not a state file of pushes: it has no list `deployments`."),
        (b'{"version": 1}', "is not a state file of pushes: it has no list `deployments`."),
        (
            b'{"version": 1, "deployments": [{}, null]}',
            "is not a state file of pushes: it has no list `deployments`.",
        ),
        (b'{"deployments": []}', "has version None, but this plugin reads version 1."),
        (
            b'{"version": "1", "deployments": []}',
            "has version '1', but this plugin reads version 1.",
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "é.json"
    path.write_bytes(content)
    with pytest.raises(StateError) as error:
        read(str(path))
    assert str(error.value) == (
        f"{path} {what} Restore it, or delete it to push every truss again."
    )


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    with pytest.raises(StateError, match="cannot be read as the state of pushes: .*directory"):
        read(str(tmp_path / "state.json"))


def test_other_encodings_of_json(tmp_path: Path) -> None:
    """An editor may have written the file."""
    path = tmp_path / "state.json"
    path.write_text('{"version": 1, "deployments": [{"model_name": "é"}]}', encoding="utf-16")
    assert texts(path) == ["é"]


# --- Killed processes.


HOLD = """\
import sys, time
sys.path.insert(0, sys.argv[1])
import state
identity = state.DeploymentSlot("r", None, None, "held", None, None)
def change(entry):
    entry["deployment_id"] = "d"
    print("inside", flush=True)
    time.sleep(600)
state.update(sys.argv[2], identity, change)
"""


def hold(path: Path) -> subprocess.Popen[str]:
    """A process in the middle of a change. It needs only the module."""
    command = [sys.executable, "-S", "-c", HOLD, str(Path(state.__file__).parent), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "inside\n"
    return process


def test_a_process_that_is_killed_leaves_the_file_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    put(path, ONE, deployment_id="d1")
    before = path.read_bytes()
    process = hold(path)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert path.read_bytes() == before
    put(path, TWO, deployment_id="d2")
    assert texts(path) == ["one", "two"]
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_a_change_waits_for_another(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    holding = hold(path)
    code = HOLD.replace("time.sleep(600)", "pass").replace('"held"', '"waits"')
    command = [sys.executable, "-S", "-c", code, str(Path(state.__file__).parent), str(path)]
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.communicate(timeout=1)
        # It has not even read the entry it is going to change.
        assert not path.exists()
    finally:
        holding.kill()
        holding.wait(timeout=30)
    assert waiting.communicate(timeout=30)[0] == "inside\n"
    assert texts(path) == ["waits"]


def test_reading_does_not_wait_for_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    put(path, ONE, deployment_id="d1")
    process = hold(path)
    try:
        began = time.monotonic()
        assert texts(path) == ["one"]
        assert time.monotonic() - began < 10
    finally:
        process.kill()
        process.wait(timeout=30)


# --- Decisions.


def test_the_first_of_two_entries_for_one_place_counts() -> None:
    entries = [{**ONE._asdict(), "deployment_id": number} for number in "12"]
    found = find(entries, ONE)
    assert found and found["deployment_id"] == "1"
    assert find(entries, TWO) is None and find([], ONE) is None
    # Each part of an identity counts, except an unknown URL.
    for name in DeploymentSlot._fields:
        other = ONE._replace(**{name: "other"})
        assert find(entries, other) is None
    assert find(entries, ONE._replace(remote_url=None)) == entries[0]


@pytest.mark.parametrize(
    "entry, why",
    [
        ({"deployment_id": "d", "tree_digest": None, "live": True}, "(None)"),
        ({"deployment_id": "d", "live": True}, "(None)"),
        ({"deployment_id": "d", "tree_digest": "", "live": True}, "()"),
    ],
)
def test_an_entry_that_lacks_its_digest_is_pushed(entry: Dict[str, Any], why: str) -> None:
    decision = decide(entry, Content("sha256:" + "a" * 64), skip_unchanged=True)
    assert decision == ("push", f"changed since deployment d {why}")


def test_the_order_of_options_counts() -> None:
    """The last of two equal options wins, so their order matters."""
    content = Content("sha256:a", ("--x=1", "--x=2"))
    entry = {"deployment_id": "d", "live": True, "tree_digest": "sha256:a"}
    assert decide({**entry, "options": ["--x=1", "--x=2"]}, content, True).kind == "skip"
    assert decide({**entry, "options": ["--x=2", "--x=1"]}, content, True).kind == "push"
    # An entry without options was pushed without options.
    assert decide(entry, Content("sha256:a"), True).kind == "skip"


@pytest.mark.parametrize(
    "digest, expected",
    [
        ("sha256:" + "0123456789abcdef" * 4, "sha256:0123456789ab"),
        ("sha256:0123", "sha256:0123"),
        ("", ""),
    ],
)
def test_short_digests(digest: str, expected: str) -> None:
    assert short(digest) == expected
