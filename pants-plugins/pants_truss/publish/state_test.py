from __future__ import annotations

import json
import math
import multiprocessing
import tempfile
from functools import partial
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
    mark,
    read,
    update,
)

ONE = DeploymentSlot("baseten", "https://b", None, "one", None, None)
CONTENT = Content("sha256:" + "ab" * 32, ("--promote",))


def pushed(**values: Any) -> Dict[str, Any]:
    entry = {
        **ONE._asdict(),
        "tree_digest": CONTENT.tree_digest,
        "options": list(CONTENT.options),
        "deployment_id": "d1",
    }
    return {**entry, **values}


@pytest.mark.parametrize(
    "entry, skip_unchanged, kind, why",
    [
        (None, True, "push", "no recorded push"),
        ({}, True, "push", "no recorded push"),
        (pushed(live=True), True, "skip", "unchanged: sha256:abababababab is deployment d1"),
        (pushed(live=True), False, "push", "`[truss-publish].skip_unchanged` is off"),
        (pushed(), True, "push", "the record of the last push lacks the id to ask the remote with"),
        (pushed(model_id="m"), True, "ask", "unchanged: sha256:abababababab is deployment d1"),
        (pushed(live=True, pending={}), True, "push", "the result of the last push is unknown"),
        (
            pushed(live=True, options=[]),
            True,
            "push",
            "options differ from those of deployment d1",
        ),
        (
            pushed(live=True, tree_digest="sha256:" + "cd" * 32),
            True,
            "push",
            "changed since deployment d1 (sha256:cdcdcdcdcdcd)",
        ),
    ],
)
def test_decide(entry: Any, skip_unchanged: bool, kind: str, why: str) -> None:
    assert decide(entry, CONTENT, skip_unchanged) == (kind, why)


def test_the_text_of_an_identity() -> None:
    assert str(ONE) == "baseten"
    assert str(DeploymentSlot("b", "u", "t", "m", "production", None)) == (
        "team t at b, environment production"
    )
    assert str(ONE._replace(deployment_name="d")) == "baseten, deployment name d"


names = st.text(max_size=4)
maybe = st.none() | names
identities = st.builds(DeploymentSlot, names, names, maybe, names, maybe, maybe)


@given(st.lists(st.tuples(identities, names)))
def test_entries_round_trip(changes: List[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/some/state.json"
        for identity, deployment in changes:
            update(path, identity, partial(dict.update, deployment_id=f"d{deployment}"))
        expected = {identity: f"d{deployment}" for identity, deployment in changes}
        entries = read(path)
        assert len(entries) == len(expected)
        for identity, deployment in expected.items():
            found = find(entries, identity)
            assert found and found["deployment_id"] == deployment


def test_an_entry_without_content_is_dropped(tmp_path: Path) -> None:
    path = str(tmp_path / "state.json")
    update(path, ONE, lambda entry: entry.update(pending={}))
    assert read(path) == []
    update(path, ONE, lambda entry: entry.update(pending={"began": 1}))
    assert len(read(path)) == 1


def test_one_name_for_two_remotes() -> None:
    entries = [pushed(remote_url=url, deployment_id=url) for url in ("https://a", "https://b")]
    found = [find(entries, ONE._replace(remote_url=url)) for url in ("https://b", "https://c")]
    assert [entry and entry["deployment_id"] for entry in found] == ["https://b", None]
    # The URL of a remote without credentials is unknown.
    assert find(entries, ONE._replace(remote_url=None)) == entries[0]


BASE: Dict[str, Any] = {"remote": "b", "model_name": "m"}


@pytest.mark.parametrize(
    "entry, said",
    [
        ({"model_name": 7}, "`deployments[1].model_name` must be a string, but is 7."),
        (
            {"deployment_id": ["d"]},
            "`deployments[1].deployment_id` must be a string, but is ['d'].",
        ),
        ({"live": "yes"}, "`deployments[1].live` must be true or false, but is 'yes'."),
        ({"asked": "now"}, "`deployments[1].asked` must be a number, but is 'now'."),
        ({"asked": math.nan}, "`deployments[1].asked` must be a number, but is nan."),
        ({"asked": math.inf}, "`deployments[1].asked` must be a number, but is inf."),
        ({"asked": 10**400}, "`deployments[1].asked` must be a number, but is 1000"),
        ({"asked": True}, "`deployments[1].asked` must be a number, but is True."),
        ({"options": "a"}, "`deployments[1].options` must be a list of strings, but is 'a'."),
        ({"options": [1]}, "`deployments[1].options` must be a list of strings, but is [1]."),
        ({"pending": "d"}, "`deployments[1].pending` must be an object, but is 'd'."),
        (
            {"pending": {"known": "d"}},
            "`deployments[1].pending.known` must be a list of strings, but is 'd'.",
        ),
        ({"pending": {"began": "x"}}, "`deployments[1].pending.began` must be a number"),
    ],
)
def test_an_edit_that_went_wrong(entry: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    content: Any = {"version": 1, "deployments": [BASE, {**BASE, **entry}]}
    path.write_text(json.dumps(content))
    with pytest.raises(StateError, match="Correct it, or remove the entry") as error:
        read(str(path))
    assert f"{path}: {said}" in str(error.value)


def test_keys_that_are_absent_null_or_unknown_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    entry: Dict[str, Any] = {**BASE, "pending": None, "asked": None, "added_by_a_newer_release": {}}
    path.write_text(json.dumps({"version": 1, "deployments": [{}, entry]}))
    assert read(str(path)) == [{}, entry]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    link = tmp_path / "state.json"
    link.symlink_to("cache/state.json")
    for number in "12":
        update(str(link), ONE, partial(dict.update, deployment_id=number))
        assert link.is_symlink() and link.samefile(tmp_path / "cache/state.json")
        assert [entry["deployment_id"] for entry in read(str(link))] == [number]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["state.json"]


def test_what_a_killed_process_has_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".truss-publish-x1").write_text("{")
    update(str(tmp_path / "state.json"), ONE, partial(dict.update, deployment_id="d"))
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="state.json cannot be written: .*Free the disk"):
        update(str(tmp_path / "file/state.json"), ONE, partial(dict.update, deployment_id="d"))


def test_a_mark_changes_with_pushes_alone() -> None:
    entry: Any = {"deployment_id": "d1"}
    marks = {mark(None), mark({}), mark({"status": "UP", "pending": None})}
    assert marks == {""}
    assert mark(entry) == mark({**entry, "asked": 1, "status": "UP", "live": True})
    begun = mark({**entry, "pending": {"began": 1}})
    assert len({mark(entry), mark({"deployment_id": "d2"}), begun, ""}) == 4


def test_no_file(tmp_path: Path) -> None:
    assert read(str(tmp_path / "none.json")) == []


@pytest.mark.parametrize(
    "content, expected",
    [
        ("{", "cannot be read as the state of pushes"),
        ("[" * 100_000, "cannot be read as the state of pushes"),
        ("[]", "no list `deployments`"),
        ('{"deployments": {}}', "no list `deployments`"),
        ('{"deployments": [1]}', "no list `deployments`"),
        ('{"deployments": [], "version": 2}', "has version 2, but"),
    ],
)
def test_not_a_state_file(content: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(StateError, match="delete it to push every truss again") as error:
        read(str(path))
    assert expected in str(error.value)
    # The file is not overwritten either.
    with pytest.raises(StateError):
        update(str(path), ONE, lambda entry: entry.update(deployment_id="d"))
    assert path.read_text() == content


def test_a_failed_change_leaves_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "state.json")
    update(path, ONE, lambda entry: entry.update(deployment_id="d1"))
    with pytest.raises(TypeError):
        update(path, ONE, lambda entry: entry.update(deployment_id=object()))
    assert [entry["deployment_id"] for entry in read(path)] == ["d1"]
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def _write_some(path: str, number: int) -> None:
    for each in range(20):
        identity = DeploymentSlot("r", "u", None, f"{number}-{each}", None, None)
        update(path, identity, lambda entry: entry.update(deployment_id="d"))


def test_several_processes_write(tmp_path: Path) -> None:
    path = str(tmp_path / "state.json")
    jobs = [multiprocessing.Process(target=_write_some, args=(path, n)) for n in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert len(read(path)) == 80
    assert json.loads(Path(path).read_text())["version"] == state.VERSION
