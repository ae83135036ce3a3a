"""Any schedule of pushes, kills, faults, full disks and wrong clocks, and then one run that nothing
disturbs: the newest content is deployed once, last, and recorded.

`.ci/run nightly` tries more of them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, List, NamedTuple, Optional

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pants_truss.testutil.pushing import Pushing
from pants_truss.testutil.stand_in_baseten import Baseten

# Starts a push as Pants does. A number is the most bytes that a file may have.
LAUNCHER = """\
import os, resource, subprocess, sys
if sys.argv[1] != "-":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
print(os.getpid(), flush=True)
environment = {**os.environ, "PANTS_TRUSS_STARTED_BY": str(os.getpid())}
process = subprocess.Popen(sys.argv[2:], env=environment)
print(process.pid, flush=True)
sys.exit(process.wait())
"""
A_YEAR = 365 * 24 * 3600


class Step(NamedTuple):
    """One run. `edit`: the content is new. `fault` is one of the stand-in's, for its first request.
    `kill` names who gets SIGKILL (or the push SIGTERM) after `delay` seconds, or as soon as the
    push has asked for a deployment. `disk` is the most bytes of a file. `clock` seconds are added
    to the times of recorded answers afterwards."""

    edit: bool
    fault: Any
    attempts: int
    kill: str
    delay: Optional[float]
    disk: Optional[int]
    clock: int


steps = st.builds(
    Step,
    edit=st.booleans(),
    fault=st.sampled_from([None, None, "cut", "slow", "hold", 400, 429, 500, 503, "other"]),
    attempts=st.integers(1, 2),
    kill=st.sampled_from(["", "", "pants", "push", "both", "term"]),
    delay=st.none() | st.floats(0, 0.6),
    disk=st.none() | st.none() | st.integers(0, 900),
    clock=st.sampled_from([0, 0, A_YEAR, -A_YEAR, 30]),
)


class Schedule:
    def __init__(self, folder: Path, baseten: Baseten) -> None:
        self.pushing = Pushing(folder, baseten)
        self.baseten = baseten
        self.commit = 0

    def run(self, step: Step) -> None:
        if step.edit:
            self.edit()
        self.baseten.faults = [] if step.fault is None else [step.fault]
        limit = "-" if step.disk is None else str(step.disk)
        process = self.pushing.start(
            sys.executable, "-c", LAUNCHER, limit, attempts=step.attempts, seen=None
        )
        assert process.stdout
        launcher, push = (int(process.stdout.readline()) for _ in range(2))
        # A push that waits without end has to be ended.
        must_end = step.kill or step.fault == "hold"
        if must_end:
            calls = self.baseten.calls.count("create")
            self.wait(process, step.delay, calls)
            self.end(step.kill or "term", launcher, push)
        process.communicate(timeout=60)
        if step.clock and self.pushing.entries:
            for entry in (entries := self.pushing.entries):
                if "asked" in entry:
                    entry["asked"] += step.clock
            content = {"version": 1, "deployments": entries}
            (self.pushing.folder / "state.json").write_text(json.dumps(content))

    def edit(self) -> None:
        self.commit += 1
        self.pushing.edit(f"model_name: m{self.commit}\n")

    def wait(self, process: Any, delay: Optional[float], calls: int) -> None:
        deadline = time.monotonic() + (3 if delay is None else delay)
        while time.monotonic() < deadline and process.poll() is None:
            if delay is None and self.baseten.calls.count("create") > calls:
                return
            time.sleep(0.005)

    def end(self, kill: str, launcher: int, push: int) -> None:
        numbers = {
            "pants": [(launcher, signal.SIGKILL)],
            "push": [(push, signal.SIGKILL)],
            "both": [(launcher, signal.SIGKILL), (push, signal.SIGKILL)],
            "term": [(push, signal.SIGTERM)],
        }
        for pid, number in numbers[kill]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        # The remote does as it was asked, also for a push that has ended. A run that comes before
        # that cannot know.
        time.sleep(0.05)
        deadline = time.monotonic() + 10
        while self.baseten.making and time.monotonic() < deadline:
            time.sleep(0.01)

    def settle(self) -> List[str]:
        self.baseten.faults = []
        code, said = self.pushing.run()
        assert code == 0, said
        return said

    def check(self) -> None:
        newest = f"model_name: m{self.commit}\n"
        contents = list(self.baseten.contents.values())
        assert contents[-1] == newest
        assert contents.count(newest) == 1
        (entry,) = self.pushing.entries
        assert entry["deployment_id"] == list(self.baseten.contents)[-1]
        assert entry["tree_digest"] == self.pushing.digest and "pending" not in entry
        names = {path.name for path in self.pushing.folder.iterdir()}
        # The next write removes what a killed one has left.
        names = {name for name in names if not name.startswith(".truss-publish-")}
        assert names == {"publish", "site", "start.py", "state.json", "truss"}


# Each takes a second.
EXAMPLES = settings.default.max_examples


@settings(
    max_examples=EXAMPLES if EXAMPLES > 100 else 10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(steps, min_size=1, max_size=3))
def test_any_schedule_ends_with_the_newest_content_deployed_once(schedule: List[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, Baseten() as baseten:
        thread = threading.Thread(
            target=baseten.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            made = Schedule(Path(folder), baseten)
            made.edit()
            for step in schedule:
                made.run(step)
            said = made.settle()
            made.check()
            # Nothing is pushed again.
            count = len(baseten.contents)
            made.settle()
            assert len(baseten.contents) == count, said
        finally:
            baseten.ended.set()
            baseten.shutdown()


def test_a_schedule_can_fail() -> None:
    """The stand-in itself makes two deployments of one content for who asks twice."""
    with tempfile.TemporaryDirectory() as folder, Baseten() as baseten:
        threading.Thread(target=baseten.serve_forever, daemon=True).start()
        made = Schedule(Path(folder), baseten)
        made.edit()
        for _ in range(2):
            made.settle()
            (Path(folder) / "state.json").unlink()
        assert list(baseten.contents.values()) == ["model_name: m1\n"] * 2
        baseten.shutdown()
