"""Pants, its push, or both are killed at a random moment of a publish, with and without a daemon.
Then a run that nothing disturbs: the newest content is deployed once, last, and recorded.

`TRUSS_TEST_KILLS` is the number of kills; `.ci/run nightly` has 200. `TRUSS_TEST_SEED` repeats a
run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, List, Optional

import pytest

from support.processes import daemon_pids
from support.pushing import PUBLISH_TOML, Pushing, pid_of_push

KILLS = int(os.environ.get("TRUSS_TEST_KILLS") or 6)
SEED = int(os.environ.get("TRUSS_TEST_SEED") or time.time())
# Seconds that a push takes, about.
AFTER_START = 2.0
TARGETS = ("pants", "push", "pants and push", "daemon")


class Kills:
    def __init__(self, base: Path) -> None:
        self.pushing = Pushing(base, toml=PUBLISH_TOML + "retries = 1\n")
        self.pushing.repo.truss("a", "model_name: a\n")
        self.pushing.repo.write("a/BUILD", "truss(promote=True)\n")
        self.random = random.Random(SEED)
        self.commit = 0
        self.outcomes: "Counter[str]" = Counter()

    def edit(self) -> None:
        self.commit += 1
        self.pushing.repo.write("a/model/model.py", self.model())

    def model(self) -> str:
        return f"class Model:\n    def predict(self, x):\n        return {self.commit}\n"

    def publish(self, *options: str) -> float:
        """A run that nothing disturbs. Returns its seconds."""
        began = time.monotonic()
        self.pushing.publish(*options, "::")[0].assert_success()
        return time.monotonic() - began

    def kill(self, target: str, options: List[str], longest: float) -> None:
        """Starts a publish, and sends SIGKILL before `longest` seconds are over, or soon after the
        push has started."""
        process = self.pushing.repo.start(*options, "publish", "::")
        if self.random.random() < 0.3:
            time.sleep(self.random.uniform(0, longest))
        else:
            while process.poll() is None and not self.find_push():
                time.sleep(0.02)
            time.sleep(self.random.uniform(0, AFTER_START))
        push = self.find_push()
        had_ended = process.poll() is not None
        for pid in self.pids(target, process, push):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # The pipe closes when the push has ended. Without a daemon, and if there was no push to kill,
        # the run goes on to its end.
        process.communicate(timeout=600)
        when = "ended" if had_ended else "pushing" if push else "before the push"
        self.outcomes[f"{target}, {' '.join(options) or 'daemon'}: {when}"] += 1

    def pids(self, target: str, process: Any, push: Optional[int]) -> List[int]:
        found = [process.pid] if "pants" in target else []
        found += [push] if push and "push" in target else []
        return found + ([*daemon_pids(self.pushing.repo.root)] if target == "daemon" else [])

    def find_push(self) -> Optional[int]:
        with suppress(AssertionError):
            return pid_of_push(self.pushing)
        return None

    def check(self) -> None:
        account = self.pushing.account()
        models = [
            account.archive(number)["model/model.py"][0].decode()
            for number in range(len(account.deployments))
        ]
        assert models[-1] == self.model() and models.count(self.model()) == 1
        (entry,) = self.pushing.state
        assert entry["deployment_id"] == account.deployments[-1]["id"] and "pending" not in entry
        assert self.find_push() is None


def test_any_kill_leaves_one_deployment_of_the_newest_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Kills(tmp_path)
    modes: List[List[str]] = [[], ["--no-pantsd"]]
    try:
        longest = []
        for options in modes:
            made.edit()
            made.publish(*options)
            made.edit()
            longest.append(made.publish(*options))
        for number in range(KILLS):
            made.edit()
            mode = number % len(modes)
            # Without a daemon there is none to kill.
            targets = TARGETS[: len(TARGETS) - mode]
            target = targets[number // len(modes) % len(targets)]
            made.kill(target, modes[mode], longest[mode])
            try:
                made.publish()
                made.check()
            except (AssertionError, subprocess.TimeoutExpired) as e:
                raise AssertionError(f"kill {number} of {target}, seed {SEED}") from e
    finally:
        made.pushing.stop()
        with capsys.disabled():
            print(f"\nseed {SEED}, seconds {longest}", *sorted(made.outcomes.items()), sep="\n")
