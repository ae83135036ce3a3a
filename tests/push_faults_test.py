"""What goes wrong during a push: each fault, at each step of it, and what the next run makes of it."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from support.baseten_graph import Account, Fault
from support.monorepo import Run
from support.pushing import PUBLISH_TOML, Pushing, pid_of_push

# One more attempt than the first.
TOML = PUBLISH_TOML + "retries = 1\n"

_ASKING = ("models", "teams", "validation", "credentials", "create")
_ALWAYS = 1_000_000


@dataclass(frozen=True)
class Case:
    """`first` is whether the first run is to succeed; the second always is, and in the end there is
    one deployment. `has_model`: there is one of that name, and a deployment of something else."""

    fault: Fault
    first: bool
    has_model: bool = False
    fields: str = ""

    @property
    def name(self) -> str:
        times = "always" if self.fault.times == _ALWAYS else f"{self.fault.times}x"
        where = f"-{self.fault.at_byte}" if str(self.fault.kind).startswith("cut") else ""
        code = f"-{self.fault.code}" if self.fault.code else ""
        model = "-known" if self.has_model else ""
        return f"{self.fault.step}-{self.fault.kind}{code}{where}-{times}{model}".lower()


def cases() -> Iterator[Case]:
    for step in _ASKING:
        yield Case(Fault(step, 401), False)
        yield Case(Fault(step, 500), False)
        yield Case(Fault(step, 503, times=1), True)
        yield Case(Fault(step, "cut-request", times=1, at_byte=1), True)
        yield Case(Fault(step, "slow", times=1, seconds=2), True)
        yield Case(Fault(step, "error", times=1), False)
    for step in _ASKING[:-1]:
        yield Case(Fault(step, "cut-answer", times=1, at_byte=40), True)
        yield Case(Fault(step, "cut-answer"), False)
    yield Case(Fault("model", 500, times=1), True, has_model=True)
    yield Case(Fault("models", 429, times=1), True)
    yield Case(Fault("create", "error", times=1, code="INTERNAL_SERVER_ERROR"), True)
    # The deployment is made, and the answer lost: no second one may be made of it.
    for at_byte in (0, 1, 9, 17, 40, 60, 120):
        yield Case(Fault("create", "cut-answer", at_byte=at_byte), True)
    yield Case(Fault("create", "cut-answer", at_byte=0), True, has_model=True)
    yield Case(Fault("create", "gateway"), True)
    yield Case(Fault("create", "cut-request", at_byte=0), False)
    # Truss itself tries an upload again, five times.
    yield Case(Fault("upload", 403), False)
    yield Case(Fault("upload", 500), False)
    yield Case(Fault("upload", 503, times=1), True)
    yield Case(Fault("upload", "slow", times=1, seconds=2), True)
    yield Case(Fault("upload", "cut-request", at_byte=3000), False)
    for at_byte in (0, 1, 700, 9000):
        yield Case(Fault("upload", "cut-request", times=1, at_byte=at_byte), True)
    for at_byte in (0, 20):
        yield Case(Fault("upload", "cut-answer", times=1, at_byte=at_byte), True)


def deployments(account: Account) -> List[Dict[str, Any]]:
    return [d for d in account.deployments if d["s3_key"] != "old"]


def test_each_fault_at_each_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {case.name: case for case in cases()}
    pushing = Pushing(tmp_path, *found, toml=TOML)
    repo = pushing.repo
    try:
        for name, case in found.items():
            repo.truss(f"t/{name}", "model_name: model\n")
            repo.write(f"t/{name}/BUILD", f'truss(name="t", remotes=["{name}"])\n')
            account = pushing.account(name)
            account.faults.append(case.fault)
            if case.has_model:
                account.models["model"] = "old"
                account.deployments.append(
                    {"id": "old", "model_id": "old", "s3_key": "old", "name": None}
                )
        run, published = pushing.publish("t::")
        first = {name: published[f"t/{name}:t@{name}"]["published"] for name in found}
        uploads = {name: len(pushing.account(name).uploads) for name in found}
        after_first = {name: len(deployments(pushing.account(name))) for name in found}
        run.assert_failure()
        for name in found:
            assert f"{'✓' if first[name] else '✕'} t/{name}:t " in run.stderr, run.stderr
            pushing.account(name).faults.clear()
        second, published = pushing.publish("t::")
        second.assert_success()
        rows = [
            f"{name:42} {'pushed' if first[name] else 'failed':8} {after_first[name]:11} "
            f"{'-' if first[name] else 'pushed':8} {len(deployments(pushing.account(name))):11}"
            for name in found
        ]
        with capsys.disabled():
            head = f"{'fault':42} {'1st run':8} {'deployments':11} {'2nd run':8} {'deployments':11}"
            print("\n".join(["", head, *rows]))
        assert first == {name: case.first for name, case in found.items()}
        repo.pants("package", "t::").assert_success()
        for name, case in found.items():
            account = pushing.account(name)
            # Nothing is lost, nothing there twice, and only what failed was pushed again.
            assert len(deployments(account)) == 1, name
            assert account.archive() == pushing.gathered(f"t.{name}/t"), name
            if case.first:
                assert len(account.uploads) == uploads[name], name
    finally:
        pushing.stop()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushing]:
    made = Pushing(tmp_path_factory.mktemp("push"), toml=TOML)
    yield made
    made.stop()


@pytest.fixture
def pushing(machine: Pushing) -> Pushing:
    """With an account that nothing was pushed to, and no truss."""
    for name in ("a", "b"):
        shutil.rmtree(machine.repo.root / name, ignore_errors=True)
    machine.state_path.unlink(missing_ok=True)
    machine.baseten.account("baseten", machine.account().key)
    return machine


def test_a_name_that_is_taken(pushing: Pushing) -> None:
    """The remote rejects the name, and the next truss is still pushed."""
    repo, account = pushing.repo, pushing.account()
    account.deployments.append({"id": "d", "model_id": "m", "name": "2026-11", "s3_key": "old"})
    repo.truss("a", "model_name: a\n")
    repo.write("a/BUILD", 'truss(deployment_name="2026-11")\n')
    repo.truss("b", "model_name: b\n")
    run, published = pushing.publish("::")
    error = run.assert_failure().stderr
    expected = "deployment name 2026-11: error: A deployment with the name 2026-11 exists already"
    assert f"a @ baseten, {expected}" in error
    assert [published[f"{name}:{name}@baseten"]["published"] for name in "ab"] == [False, True]
    uploads = len(account.uploads)
    repo.write("a/BUILD", 'truss(deployment_name="2026-12")\n')
    run, published = pushing.publish("::")
    run.assert_success()
    assert len(account.uploads) == uploads + 1
    assert account.deployments[-1]["name"] == "2026-12"


def test_a_truss_that_cannot_be_gathered_stops_all(pushing: Pushing) -> None:
    """Before anything is pushed: what is pushed is what was checked."""
    repo, account = pushing.repo, pushing.account()
    repo.truss("a", "model_name: a\nexternal_package_dirs: [../nowhere]\n")
    repo.truss("b", "model_name: b\n")
    error = pushing.publish("::")[0].assert_failure().stderr
    assert "../nowhere" in error
    assert account.calls == []


class Interrupted:
    """A publish that is ended while a step of it waits for its answer."""

    def __init__(self, pushing: Pushing, step: str, *options: str) -> None:
        self._pushing = pushing
        self._reached = threading.Event()
        pushing.baseten.on_call = lambda _, name: self._reached.set() if name == step else None
        self._process = pushing.repo.start(*options, "publish", "::")

    def end(self, how: str) -> Run:
        assert self._reached.wait(300)
        if how == "interrupt":
            os.kill(self._process.pid, signal.SIGINT)
        elif how == "kill-pants":
            os.kill(self._process.pid, signal.SIGKILL)
        else:
            os.kill(pid_of_push(self._pushing), signal.SIGKILL)
        output, _ = self._process.communicate(timeout=60)
        self._pushing.baseten.on_call = None
        return Run(self._process.returncode, output, output)


@pytest.mark.parametrize("step", ["validation", "upload", "create"])
@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_a_run_that_is_ended(pushing: Pushing, step: str, how: str) -> None:
    """By Ctrl-C, and by the end of the machine. At `create` the remote makes the deployment."""
    repo, account = pushing.repo, pushing.account()
    repo.truss("a", "model_name: a\n")
    repo.write("a/BUILD", 'truss(deployment_name="only-one")\n')
    fault = Fault(step, "hold", times=1)
    account.faults.append(fault)
    assert Interrupted(pushing, step).end(how).exit_code != 0
    fault.released.set()
    expected = 1 if step == "create" else 0
    deadline = time.monotonic() + 10
    while len(account.deployments) != expected:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # Nothing is there of what was not sent.
    assert [entry["pending"]["known"] for entry in pushing.state] == [[]] * expected
    second, published = pushing.publish("::")
    second.assert_success()
    assert len(account.deployments) == 1
    assert ("not pushed again" in second.stderr) == (step == "create")
    (entry,) = pushing.state
    assert "pending" not in entry and entry["predict_url"] and entry["logs_url"]
    assert entry["deployment_id"] == account.deployments[0]["id"]


@pytest.mark.parametrize("options", [("--no-pantsd",), ()])
def test_a_push_never_outlives_its_run(pushing: Pushing, options: Tuple[str, ...]) -> None:
    """Pants is killed while its push uploads. A later push stays, and is pushed once."""
    repo, account = pushing.repo, pushing.account()
    repo.truss("a", "model_name: a\n")
    repo.write("a/BUILD", "truss(promote=True)\n")
    fault = Fault("upload", "hold", times=1)
    account.faults.append(fault)
    Interrupted(pushing, "upload", *options).end("kill-pants")
    repo.write(
        "a/model/model.py", "class Model:\n    def predict(self, x):\n        return 'new'\n"
    )
    pushing.publish(*options, "::")[0].assert_success()
    fault.released.set()
    deadline = time.monotonic() + 30
    with suppress(AssertionError):
        while pid_of_push(pushing):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    # Time for what the dead run had begun.
    time.sleep(2)
    (deployment,) = account.deployments
    assert b"'new'" in account.archive(0)["model/model.py"][0]
    (entry,) = pushing.state
    assert entry["deployment_id"] == deployment["id"] and "pending" not in entry
    pushing.publish(*options, "::")[0].assert_success()
    assert len(account.deployments) == 1
