"""Runs the script in a separate process, laid out as the rules do it."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any, List

import pytest

from pants_truss.testutil.pushing import CONFIG, Pushing, digest_of
from pants_truss.testutil.stand_in_baseten import Baseten

MADE = ["model m1, deployment d1", "predict_url: https://predict", "logs_url: https://logs"]
SAME = f"unchanged: {digest_of(CONFIG)[:19]} is deployment d1"
FOUND = [
    "the answer to an earlier attempt was lost, but the remote has created deployment d1 for it: "
    "not pushed again",
    "model m1, deployment d1",
    "logs_url: https://app/models/m1/logs/d1",
]


def test_a_push_and_its_record_in_later_runs(pushing: Pushing, baseten: Baseten) -> None:
    assert pushing.run() == (0, MADE)
    assert pushing.rest == ["Pushing push truss --remote=local"]
    assert baseten.calls == ["models", "create"]
    (entry,) = pushing.entries
    assert (entry["target"], entry["live"], "pending" in entry) == ("a:b", False, False)
    # It has not been seen up, so the remote is asked once.
    baseten.calls.clear()
    assert pushing.run() == (0, [SAME])
    assert baseten.calls == ["model"]
    assert pushing.run() == (0, [SAME])
    assert baseten.calls == ["model"]
    pushing.edit("other: 1\n")
    assert pushing.run()[0] == 0
    assert baseten.statuses.keys() == {"d1", "d2"}


def test_credentials_of_the_environment_name_no_remote(pushing: Pushing) -> None:
    assert pushing.run(by_environment=True) == (0, MADE)
    assert pushing.rest == ["Pushing push truss"]


def test_a_deployment_that_is_starting(pushing: Pushing, baseten: Baseten) -> None:
    baseten.initial = "BUILDING"
    pushing.run()
    expected = (0, [f"{SAME}, and BUILDING"])
    assert pushing.run() == expected
    # Within a minute the recorded answer is used and the remote is not asked.
    assert (pushing.run(), baseten.calls.count("model")) == (expected, 1)
    baseten.statuses["d1"] = "MODEL_READY"
    code, said = pushing.run(wait=True)
    assert (code, said) == (0, ["deployment d1 is MODEL_READY"])
    assert pushing.entries[0]["live"] is True


@pytest.mark.parametrize(
    "before, later, error",
    [
        ("BUILDING", "BUILD_FAILED", "deployment d1 is BUILD_FAILED"),
        ("BUILDING", "INACTIVE", "deployment d1 is INACTIVE"),
        ("INACTIVE", "INACTIVE", "deployment d1 is INACTIVE"),
    ],
)
def test_a_wait_fails_if_the_deployment_does_not_come_up(
    pushing: Pushing, baseten: Baseten, before: str, later: str, error: str
) -> None:
    baseten.initial = before
    pushing.run()
    pushing.run()
    baseten.statuses["d1"] = later
    if before == later:
        pushing.forget_answer()
    code, said = pushing.run(wait=True)
    assert (code, said[-1]) == (1, f"error: {error}")
    assert baseten.calls.count("create") == 1


def test_a_wait_times_out(pushing: Pushing, baseten: Baseten) -> None:
    baseten.initial = "BUILDING"
    pushing.run()
    pushing.run()
    code, said = pushing.run(wait=True, wait_timeout=0.01)
    assert (code, said) == (1, ["error: deployment d1 is not up after 0.01 s"])


@pytest.mark.parametrize("status", ["BUILD_FAILED", None])
def test_failed_and_gone_deployments_are_pushed_again(
    pushing: Pushing, baseten: Baseten, status: Any
) -> None:
    pushing.run()
    baseten.statuses["d1"] = status
    if status is None:
        baseten.statuses["d0"] = baseten.statuses.pop("d1")
    code, said = pushing.run()
    assert said[0] == f"deployment d1 is {status or 'GONE'}: pushed again"
    assert (code, said[1]) == (0, "model m1, deployment d2")


def test_a_failed_wait_of_truss_is_not_retried(pushing: Pushing, baseten: Baseten) -> None:
    baseten.initial = "BUILD_FAILED"
    assert pushing.run(wait=True, attempts=3) == (
        1,
        [
            "error: deployment d1 exists, but the wait for it failed: Deployment failed with "
            "status BUILD_FAILED",
        ],
    )
    assert list(baseten.statuses) == ["d1"]
    assert pushing.entries[0]["deployment_id"] == "d1"


# Retries.


def test_transient_errors_are_retried(pushing: Pushing, baseten: Baseten) -> None:
    baseten.faults = [500, 429]
    code, said = pushing.run(attempts=3)
    failed = "retrying in 0.00 s:"
    assert (code, said) == (
        0,
        [
            f'attempt 1 of 3 failed, {failed} 500 for "refused ***"',
            f'attempt 2 of 3 failed, {failed} 429 for "refused ***"',
            *MADE,
        ],
    )


def test_retries_are_limited(pushing: Pushing, baseten: Baseten) -> None:
    baseten.faults = [500, 500, 500]
    code, said = pushing.run(attempts=2)
    assert (code, said[1:]) == (
        1,
        ['error: gave up after 2 attempts: 500 for "refused ***"'],
    )
    assert baseten.calls.count("create") == 2


def test_a_refusal_is_not_retried_or_recorded(pushing: Pushing, baseten: Baseten) -> None:
    baseten.faults = [400]
    assert pushing.run(attempts=3) == (1, ['error: 400 for "refused ***"'])
    assert (baseten.calls.count("create"), pushing.entries) == (1, [])


def test_credentials_that_the_remote_rejects(pushing: Pushing, baseten: Baseten) -> None:
    baseten.faults = [403]
    assert pushing.run(attempts=3) == (
        1,
        [
            'error: 403 for "refused ***". The remote rejects the credentials from [local] in '
            ".trussrc"
        ],
    )


@pytest.mark.parametrize("attempts, said", [(1, FOUND), (2, FOUND)])
def test_a_push_with_a_lost_answer_is_not_repeated(
    pushing: Pushing, baseten: Baseten, attempts: int, said: List[str]
) -> None:
    baseten.faults = ["cut"]
    code, found = pushing.run(attempts=attempts)
    assert code == 0
    # The first of several attempts reports the error.
    assert found[attempts - 1 :] == said
    assert list(baseten.statuses) == ["d1"]
    assert "pending" not in pushing.entries[0]


def test_the_next_run_finds_an_interrupted_push(pushing: Pushing, baseten: Baseten) -> None:
    baseten.faults = ["hold"]
    process = pushing.start()
    assert baseten.held.wait(30)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.splitlines()[1:] == [
        "mine @ local: interrupted; the next run checks if the push has created a deployment"
    ]
    assert pushing.entries[0]["pending"]["known"] == []
    # The push had created a deployment.
    baseten.statuses["d1"] = "MODEL_READY"
    assert pushing.run() == (0, FOUND)
    assert baseten.calls.count("create") == 1


def test_a_remote_that_does_not_answer(pushing: Pushing, baseten: Baseten) -> None:
    pushing.run()
    baseten.is_down = True
    code, said = pushing.run(attempts=2)
    assert (code, said[1:]) == (1, ['error: gave up after 2 attempts: 503 for "down"'])
    # The record is kept, and the truss is not pushed blindly.
    assert pushing.entries[0]["deployment_id"] == "d1"
    assert list(baseten.statuses) == ["d1"]


def test_what_an_earlier_run_has_begun_stays_if_the_remote_is_down(
    pushing: Pushing, baseten: Baseten
) -> None:
    baseten.faults = ["hold"]
    process = pushing.start()
    assert baseten.held.wait(30)
    process.kill()
    process.communicate(timeout=30)
    baseten.statuses["d1"] = "MODEL_READY"
    baseten.is_down = True
    assert pushing.run(attempts=2)[0] == 1
    baseten.is_down = False
    # Without the record of the first run this one would make a second deployment.
    assert pushing.run() == (0, FOUND)
    assert list(baseten.statuses) == ["d1"]


# Pants or another run.

# Starts a push as Pants does, and says the push's process id.
LAUNCHER = "import os, subprocess, sys\nprint(subprocess.Popen(sys.argv[1:]).pid)\nos.wait()\n"


def test_a_push_ends_with_the_pants_that_started_it(pushing: Pushing, baseten: Baseten) -> None:
    baseten.faults = ["hold"]
    process = pushing.start(sys.executable, "-uc", LAUNCHER)
    assert baseten.held.wait(30)
    process.kill()
    # By the end of what is said the push has ended.
    _, stderr = process.communicate(timeout=30)
    assert stderr.splitlines()[-1].endswith(
        ": interrupted; the next run checks if the push has " "created a deployment"
    )
    assert pushing.entries[0]["pending"]


def test_a_push_whose_pants_is_gone_asks_for_nothing(pushing: Pushing, baseten: Baseten) -> None:
    """Pants was killed before the push looked for it."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    code, _ = pushing.run(started_by=gone.pid)
    assert code == 130
    assert "create" not in baseten.calls


def test_what_another_run_has_pushed_since_is_not_replaced(
    pushing: Pushing, baseten: Baseten
) -> None:
    """The rules of this run have read the state file before."""
    seen = pushing.mark()
    pushing.edit("new: 1\n")
    assert pushing.run()[0] == 0
    new = pushing.digest[:19]
    pushing.edit("old: 1\n")
    said = f"another run has pushed {new} as deployment d1 since this one read the state file. Not "
    assert pushing.run(seen=seen, attempts=3) == (
        1,
        [
            f"error: {said}pushed, as it may be newer. Run again to push what is in the repository "
            f"now"
        ],
    )
    assert list(baseten.statuses) == ["d1"]
    # The same content is not pushed twice.
    pushing.edit("new: 1\n")
    assert pushing.run(seen=seen)[0] == 0
    assert list(baseten.statuses) == ["d1"]
    pushing.edit("old: 1\n")
    assert pushing.run(seen=pushing.mark())[0] == 0
    assert list(baseten.statuses) == ["d1", "d2"]


def test_what_another_run_pushes_meanwhile_is_not_replaced(
    pushing: Pushing, baseten: Baseten
) -> None:
    """It ends while this one waits for the remote's answer about its own push."""
    baseten.faults = [503]
    pushing.edit("old: 1\n")
    process = pushing.start(attempts=2, backoff=3)
    while "create" not in baseten.calls:
        pass
    state = {"tree_digest": "sha256:" + "e" * 64, "deployment_id": "d9", "model_id": "m1"}
    pushing.write_entry(**state)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1 and "as deployment d9 since this one" in stderr
    assert baseten.calls.count("create") == 1 and not baseten.statuses


def test_files_that_are_not_those_that_were_gathered(pushing: Pushing, baseten: Baseten) -> None:
    (pushing.folder / "truss/config.yaml").write_text("model_name: mind\n")
    code, said = pushing.run(attempts=3)
    assert code == 1 and len(said) == 1
    assert f"has the digest {pushing.digest}, but what Pants laid out" in said[0]
    assert digest_of("model_name: mind\n") in said[0]
    assert "create" not in baseten.calls and pushing.entries == []


# Errors before anything is sent.


def test_an_answer_without_a_deployment(pushing: Pushing, baseten: Baseten) -> None:
    baseten.faults = ["other"]
    assert pushing.run() == (
        1,
        ["error: `truss push` succeeded, but named no deployment in its answer"],
    )
    # It has made one, which the next run finds.
    assert pushing.run() == (0, FOUND)
    assert list(baseten.statuses) == ["d1"]


def test_an_option_that_the_release_lacks(pushing: Pushing, baseten: Baseten) -> None:
    assert pushing.run(arguments=["--wait", "--team=a"], attempts=3) == (
        1,
        [
            "error: `truss push` of Truss 0.9.1 has no option `--team`. Set `[truss-cli]."
            "install_from_resolve` to a release that has it."
        ],
    )
    assert "create" not in baseten.calls


def test_an_invalid_state_file(pushing: Pushing, baseten: Baseten) -> None:
    (pushing.folder / "state.json").write_text('{"version": 2, "deployments": []}')
    assert pushing.run() == (1, [])
    assert pushing.rest == [
        "error: state.json has version 2, but this plugin reads version 1. Restore it, or delete "
        "it to push every truss again."
    ]
    assert baseten.calls == []
