"""Tests the record of pushes, in real files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest

from pants_truss.testutil.scripts import import_scripts

SCRIPTS = Path(__file__).resolve().parent
baseten, record, state = import_scripts(
    ["baseten", "record", "state"],
    SCRIPTS,
    SCRIPTS.parent,
    SCRIPTS.parent.parent / "serving/scripts",
)

MINE = ("local", "http://l", None, "m", None, None)
CONTENT = ("sha256:0123456789abcdef", ["--wait"])
SHORT = "sha256:0123456789ab"


def make(folder: Path, identity: Tuple[Optional[str], ...] = MINE, content: Any = CONTENT) -> Any:
    return record.Record(
        str(folder / "state.json"), state.DeploymentSlot(*identity), state.Content(*content)
    )


def entries(folder: Path) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = json.loads((folder / "state.json").read_text())["deployments"]
    return found


def deployment(status: str, id: str = "d1") -> Any:
    return baseten.Deployment(id, status)


def model(*ids: str, status: str = "MODEL_READY") -> Any:
    return baseten.Model("m1", [baseten.Deployment(id, status) for id in ids])


def test_the_record_of_a_push(tmp_path: Path) -> None:
    mine = make(tmp_path)
    assert mine.entry == {}
    assert mine.decide(True) == ("push", "no recorded push")
    mine.begin(model("old2", "old1"))
    pending = mine.entry["pending"]
    assert abs(time.time() - pending.pop("began")) < 30
    assert pending == {
        "tree_digest": CONTENT[0],
        "options": ["--wait"],
        "known": ["old1", "old2"],
        "process": os.getpid(),
    }
    assert mine.decide(True) == ("push", "the result of the last push is unknown")
    mine.made("a:b", "d1", "m1")
    (entry,) = entries(tmp_path)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry.pop("pushed_at"))
    assert entry == {
        **dict(zip(state.DeploymentSlot._fields, MINE)),
        "target": "a:b",
        "tree_digest": CONTENT[0],
        "options": ["--wait"],
        "model_id": "m1",
        "deployment_id": "d1",
        "live": False,
    }
    assert mine.decide(True) == ("ask", f"unchanged: {SHORT} is deployment d1")
    assert mine.add(live=True, logs_url="http://logs")["logs_url"] == "http://logs"
    assert mine.decide(True) == ("skip", f"unchanged: {SHORT} is deployment d1")
    assert mine.decide(False).kind == "push"
    # Nothing remains of the previous deployment.
    mine.answer(deployment("MODEL_READY"))
    mine.made("a:b", "d2", None)
    assert not {"logs_url", "status", "asked"} & {*mine.entry}
    assert (mine.entry["deployment_id"], mine.entry["live"]) == ("d2", False)


def test_a_refused_push_is_not_recorded(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.begin(None)
    mine.refused()
    assert (mine.entry, entries(tmp_path)) == ({}, [])
    mine.made("a:b", "d1", "m1")
    before = (tmp_path / "state.json").read_text()
    mine.begin(model("d1"))
    mine.refused()
    mine.refused()
    assert (tmp_path / "state.json").read_text() == before


@pytest.mark.parametrize(
    "status, live, kind, why",
    [
        ("MODEL_READY", True, "skip", f"unchanged: {SHORT} is deployment d1"),
        ("BUILDING", False, "starting", f"unchanged: {SHORT} is deployment d1, and BUILDING"),
        ("BUILD_FAILED", False, "push", "deployment d1 is BUILD_FAILED: pushed again"),
        ("GONE", False, "push", "deployment d1 is GONE: pushed again"),
        # The deployment exists; a run that waits for it reports that it is down.
        ("INACTIVE", False, "skip", f"unchanged: {SHORT} is deployment d1"),
    ],
)
def test_an_answer_counts_for_a_minute(
    tmp_path: Path, status: str, live: bool, kind: str, why: str
) -> None:
    mine = make(tmp_path)
    mine.made("a:b", "d1", "m1")
    asked = mine.decide(True)
    mine.answer(deployment(status))
    assert (mine.entry["status"], mine.entry["live"]) == (status, live)
    assert mine.decide(True) == (kind, why)
    assert record.judge(asked, deployment(status)) == (kind, why)
    if not live:
        mine.add(asked=time.time() - 61)
        assert mine.decide(True) == ("ask", f"unchanged: {SHORT} is deployment d1")


def test_an_answer_about_another_deployment_is_ignored(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.made("a:b", "d1", "m1")
    mine.answer(deployment("MODEL_READY", "d0"))
    assert mine.decide(True).kind == "ask"
    assert "asked" not in mine.entry


def test_an_answer_creates_no_entry(tmp_path: Path) -> None:
    make(tmp_path).answer(deployment("MODEL_READY"))
    assert entries(tmp_path) == []


# The origin of a new deployment.


@pytest.mark.parametrize(
    "known, found, expected",
    [
        (model(), model("d1"), "d1"),
        (model("d0"), model("d0", "d1"), "d1"),
        (model("d0"), model("d0"), None),
        (model("d0"), model(), None),
        (model("d0"), None, None),
        # The earlier deployments are unknown.
        (None, model("d1"), None),
        # With two candidates, their origin is unknown.
        (model(), model("d1", "d2"), None),
        (model(), model("d1", status="BUILD_FAILED"), None),
        (model(), model("d1", status="BUILDING"), "d1"),
        (model(), model("d1", status="INACTIVE"), "d1"),
    ],
)
def test_the_deployment_of_a_push_with_a_lost_answer(
    tmp_path: Path, known: Any, found: Any, expected: Optional[str]
) -> None:
    mine = make(tmp_path)
    mine.begin(known)
    answer = mine.registered(found)
    assert (answer and answer.id) == expected


def test_a_new_deployment_of_another_environment_is_not_ours(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.begin(model())
    make(tmp_path, (*MINE[:4], "staging", None)).made("a:b", "d1", "m1")
    assert mine.registered(model("d1")) is None
    assert mine.registered(model("d1", "d2")).id == "d2"


@pytest.mark.parametrize("content", [("sha256:other", ["--wait"]), (CONTENT[0], [])])
def test_a_new_deployment_of_other_content_is_not_ours(tmp_path: Path, content: Any) -> None:
    make(tmp_path).begin(model())
    assert make(tmp_path, content=content).registered(model("d1")) is None


def test_old_or_missing_pushes_have_no_deployment(tmp_path: Path) -> None:
    mine = make(tmp_path)
    assert mine.registered(model("d1")) is None
    mine.begin(model())
    pending = mine.entry["pending"]
    mine.add(pending={**pending, "began": time.time() - 3601})
    assert mine.registered(model("d1")) is None
    mine.add(pending={**pending, "began": time.time() - 3500})
    assert mine.registered(model("d1")).id == "d1"
    mine.made("a:b", "d1", "m1")
    assert mine.registered(model("d1", "d2")) is None


# Other deployments at the remote.


class Remote:
    """A remote whose deployments are up, except those in `fails`."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.asked: List[Tuple[str, str]] = []

    def find_deployment(self, model_id: str, deployment_id: str) -> Any:
        self.asked.append((model_id, deployment_id))
        if deployment_id == self.fails:
            raise OSError("no connection")
        return baseten.Deployment(deployment_id, "MODEL_READY")


def others(folder: Path) -> Any:
    """The remote is asked about `a` and `f`."""
    known: Dict[str, Dict[str, Any]] = {
        "a": {},
        "b": {"live": True},
        "c": {"asked": time.time(), "status": "BUILDING"},
        "d": {"model_id": None},
        "f": {"asked": time.time() - 61, "status": "BUILDING"},
    }
    for name, facts in known.items():
        one = make(folder, ("local", "http://l", None, name, None, None))
        one.made("a:b", f"d-{name}", f"m-{name}")
        one.add(**facts)
    for place in (("other", "http://l"), ("local", "http://other")):
        make(folder, (*place, None, "g", None, None)).made("a:b", "d-g", "m-g")
    pending = make(folder, ("local", "http://l", None, "h", None, None))
    pending.begin(None)
    return make(folder)


def test_the_remote_is_asked_about_all_deployments_that_may_be_down(tmp_path: Path) -> None:
    remote = Remote()
    others(tmp_path).ask_about_others(remote)
    assert remote.asked == [("m-a", "d-a"), ("m-f", "d-f")]
    seen = {entry["model_name"]: entry.get("status") for entry in entries(tmp_path)}
    assert seen == {
        "a": "MODEL_READY",
        "b": None,
        "c": "BUILDING",
        "d": None,
        "f": "MODEL_READY",
        "g": None,
        "h": None,
    }
    # A second call asks nothing: they are known to be up.
    again = Remote()
    make(tmp_path).ask_about_others(again)
    assert again.asked == []


def test_errors_about_other_deployments_are_ignored(tmp_path: Path) -> None:
    remote = Remote(fails="d-f")
    others(tmp_path).ask_about_others(remote)
    live = [entry["model_name"] for entry in entries(tmp_path) if entry.get("live")]
    assert live == ["a", "b"]
    (tmp_path / "state.json").write_text("{")
    make(tmp_path).ask_about_others(remote)


# Other runs, and clocks that were wrong.


def test_an_answer_from_the_future_does_not_count(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.made("a:b", "d1", "m1")
    mine.answer(deployment("BUILDING"))
    assert mine.decide(True).kind == "starting"
    mine.add(asked=time.time() + 365 * 24 * 3600)
    assert mine.decide(True).kind == "ask"


def test_a_push_that_began_in_the_future_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.begin(model())
    assert mine.registered(model("d1")) is not None
    mine.add(pending={**mine.entry["pending"], "began": time.time() + 7200})
    assert mine.registered(model("d1")) is None
    mine.add(pending={"tree_digest": CONTENT[0], "options": CONTENT[1], "known": []})
    assert mine.registered(model("d1")) is None


def test_a_push_of_another_run_supersedes_this_one(tmp_path: Path) -> None:
    old = make(tmp_path, content=("sha256:old", []))
    old.decide(True)
    make(tmp_path).made("a:b", "d1", "m1")
    for refused in (old.refuse_superseded, lambda: old.begin(None)):
        with pytest.raises(record.Superseded, match=f"has pushed {SHORT} as deployment d1 since"):
            refused()
    assert mine_is_there(tmp_path)


def mine_is_there(folder: Path) -> bool:
    (entry,) = entries(folder)
    return entry["deployment_id"] == "d1" and "pending" not in entry


def test_ones_own_steps_and_answers_supersede_nothing(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.decide(True)
    for _ in range(2):
        mine.refuse_superseded()
        mine.begin(model())
        mine.refused()
    mine.begin(model())
    mine.made("a:b", "d1", "m1")
    mine.answer(deployment("BUILDING"))
    make(tmp_path).answer(deployment("MODEL_READY"))
    mine.refuse_superseded()
    mine.begin(model("d1"))


def test_a_deleted_state_file_supersedes_nothing(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.made("a:b", "d1", "m1")
    (tmp_path / "state.json").unlink()
    mine.begin(model())


def test_a_push_waits_for_another_of_this_machine(tmp_path: Path) -> None:
    other = make(tmp_path)
    other.begin(model())
    asking = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    other.add(pending={**other.entry["pending"], "process": asking.pid})
    mine = make(tmp_path, content=("sha256:new", []))
    mine.decide(True)
    made = threading.Timer(1, other.made, ("a:b", "d1", "m1"))
    made.start()
    with pytest.raises(record.Superseded):
        assert not mine.wait_for_other()
        mine.begin(model())
    asking.communicate("\n")
    # One that has ended without a result is not waited for.
    other.add(pending={"began": time.time(), "process": asking.pid}, deployment_id=None)
    again = make(tmp_path, content=("sha256:new", []))
    again.decide(True)
    assert again.wait_for_other()
    again.begin(model())
    assert again.entry["pending"]["tree_digest"] == "sha256:new"
