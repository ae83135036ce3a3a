"""Pushes a gathered truss, with the command line of the Truss release that this runs in.

    push.py spec.json

It wraps `truss push`: it reads what was pushed before, retries if that can help, and finds out if a
push whose response was lost has created a deployment.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import baseten  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import folder_digest  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import parent  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import record  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import redact  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import state  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import truss_cli  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
from truss_cli import Ended  # noqa: E402  # pants: no-infer-dep

_INTERRUPTED = 130
# Seconds between two polls of a deployment, the number of polls that may fail, and the seconds that
# Truss may exceed its timeout by.
_POLL = 2
_MAX_FAILED_POLLS = 10
_GRACE = 5


class Push:
    def __init__(
        self, spec: Dict[str, Any], log: redact.RedactedStream, pants: parent.Parent
    ) -> None:
        self._spec = spec
        self._log = log
        self._pants = pants
        self._identity = state.DeploymentSlot(**spec["identity"])
        content = state.Content(spec["tree_digest"], spec["options"])
        self._record = record.Record(spec["state_file"], self._identity, content, spec["seen"])
        self._group: Any = None
        # The result of the last attempt: the id of the created deployment, and if the request that
        # creates it was answered.
        self._made: Optional[str] = None
        self._answered = True

    def run(self) -> int:
        decision = self._record.decide(self._spec["skip_unchanged"])
        done = (state.Kind.SKIP,) if self._spec["wait"] else (state.Kind.SKIP, state.Kind.STARTING)
        if decision.kind in done:
            self._say(decision.why)
            return 0
        ended = self._attempts()
        if ended.error is None:
            return 0
        self._say(f"error: {ended.error}")
        return 1

    def _attempts(self) -> Ended:
        attempts = self._spec["attempts"]
        for number in range(1, attempts + 1):
            ended = self._attempt()
            if ended.error is None or not ended.is_transient:
                return ended
            if number < attempts:
                # Doubles each time. The random factor spreads the jobs of a CI.
                delay = self._spec["backoff"] * 2 ** (number - 1) * random.uniform(0.75, 1.25)
                then = f"retrying in {delay:.2f} s"
                self._say(f"attempt {number} of {attempts} failed, {then}: {ended.error}")
                time.sleep(delay)
        with suppress(Exception):
            remote = self._connect()
            recovered = self._recover(remote)
            if recovered is not None:
                return recovered
        if self._answered:
            self._record.refused()
        return Ended({}, f"gave up after {attempts} attempts: {ended.error}")

    def _attempt(self) -> Ended:
        try:
            remote = self._connect()
            ended = self._is_there(remote)
            if ended is None:
                ended = self._recover(remote)
            if ended is not None:
                return ended
            self._record.refuse_superseded()
            if self._group is None:
                self._check_files()
                self._group = truss_cli.load()
                truss_cli.check_options(self._group, self._spec["arguments"])
        except record.Superseded as e:
            return Ended({}, str(e))
        except Exception as e:
            return Ended({}, self._describe(e), truss_cli.is_transient(e))
        return self._push(remote)

    def _check_files(self) -> None:
        """Raises `DamagedFiles`: Pants does not hash what it loads from its own store."""
        found = folder_digest.digest_of_folder(self._spec["folder"])
        if found != self._spec["tree_digest"]:
            raise DamagedFiles(
                f"the gathered truss has the digest {self._spec['tree_digest']}, but what Pants "
                f"laid out to be pushed has {found}: Pants' local store is damaged. Not pushed. "
                f"Delete `[GLOBAL].local_store_dir`, and run again"
            )

    def _end_if_orphaned(self) -> None:
        """Pants was killed: another run may push by now, and what is here may be old."""
        if self._pants.is_gone:
            raise KeyboardInterrupt

    def _push(self, remote: baseten.Remote) -> Ended:
        spec = self._spec
        arguments = ["push", spec["folder"], *spec["arguments"]]
        if not spec["by_environment"]:
            arguments.append(f"--remote={remote.name}")
        self._made, self._answered = None, True

        def before() -> None:
            model = None
            is_unknown = self._record.wait_for_other()
            with suppress(Exception):
                model = self._find_model(remote)
            # While this push uploaded, the remote may have done what an earlier one had asked for.
            if is_unknown and self._record.registered(model):
                raise record.Superseded("an earlier push has made a deployment")
            self._end_if_orphaned()
            self._record.begin(model)
            self._answered = False
            self._end_if_orphaned()

        def after(answer: truss_cli.Answer) -> None:
            self._answered, self._made = answer.is_whole, answer.deployment_id
            if answer.deployment_id:
                self._record.made(spec["target"], answer.deployment_id, answer.model_id)
                if spec["wait"] and spec["wait_timeout"]:
                    signal.setitimer(signal.ITIMER_REAL, spec["wait_timeout"] + _GRACE)
            elif answer.is_refusal:
                self._record.refused()

        try:
            with truss_cli.watch_creation(before, after):
                ended = truss_cli.run(self._group, arguments, self._log, spec["credentials"])
        except record.Superseded as e:
            return self._is_there(remote) or self._recover(remote) or Ended({}, str(e))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._log.finish()
        if ended.error is None:
            return self._finish(ended.result)
        if self._made:
            # The wait failed. Another attempt would create another deployment.
            error = f"deployment {self._made} exists, but the wait for it failed: {ended.error}"
            return Ended({}, error)
        return ended

    def _finish(self, result: Dict[str, Any]) -> Ended:
        deployment = result.get("model_version_id")
        if not deployment:
            return Ended({}, "`truss push` succeeded, but named no deployment in its answer")
        if deployment != self._made:
            self._record.made(self._spec["target"], deployment, result.get("model_id"))
        urls = {name: result[name] for name in ("predict_url", "logs_url") if result.get(name)}
        self._report(self._record.add(live=self._spec["wait"], **urls))
        return Ended(result)

    def _report(self, entry: state.Entry) -> None:
        self._say(f"model {entry['model_id']}, deployment {entry['deployment_id']}")
        for name in ("predict_url", "logs_url"):
            if entry.get(name):
                self._say(f"{name}: {entry[name]}")

    # Existing deployments.

    def _connect(self) -> baseten.Remote:
        remote = baseten.Remote(None if self._spec["by_environment"] else self._identity.remote)
        self._log.add(remote.secrets)
        return remote

    def _find_model(self, remote: baseten.Remote) -> Optional[baseten.Model]:
        return remote.find_model(self._identity.model_name, self._identity.team)

    def _is_there(self, remote: baseten.Remote) -> Optional[Ended]:
        """Returns how it ended, or None if the truss must be pushed."""
        decision = self._record.decide(self._spec["skip_unchanged"])
        entry = self._record.entry
        if decision.kind is state.Kind.ASK:
            found = remote.find_deployment(entry["model_id"], entry["deployment_id"])
            self._record.answer(found)
            decision = record.judge(decision, found)
            self._say(decision.why)
            self._record.ask_about_others(remote)
            if self._spec["wait"] and found.is_down:
                return Ended({}, f"deployment {found.id} is {found.status}")
        if decision.kind is state.Kind.STARTING and self._spec["wait"]:
            return self._wait(remote, entry["model_id"], entry["deployment_id"])
        return Ended({}) if decision.kind in (state.Kind.SKIP, state.Kind.STARTING) else None

    def _recover(self, remote: baseten.Remote) -> Optional[Ended]:
        """Returns how it ended, if an earlier attempt with a lost answer created a deployment."""
        if not self._record.entry.get("pending"):
            return None
        model = self._find_model(remote)
        deployment = self._record.registered(model)
        if model is None or deployment is None:
            return None
        self._say(
            f"the answer to an earlier attempt was lost, but the remote has created deployment "
            f"{deployment.id} for it: not pushed again"
        )
        self._record.made(self._spec["target"], deployment.id, model.id)
        self._report(self._record.add(**remote.urls(model, deployment)))
        if self._spec["wait"]:
            return self._wait(remote, model.id, deployment.id)
        return Ended({})

    def _wait(self, remote: baseten.Remote, model_id: str, deployment_id: str) -> Ended:
        """Waits for a deployment of an earlier attempt. `truss push` only waits for its own."""
        timeout = self._spec["wait_timeout"]
        deadline = time.monotonic() + timeout if timeout else float("inf")
        failed = 0
        while True:
            try:
                found = remote.find_deployment(model_id, deployment_id)
            except Exception as e:
                failed += 1
                if failed == _MAX_FAILED_POLLS or not truss_cli.is_transient(e):
                    return Ended({}, f"deployment {deployment_id}: {self._describe(e)}")
            else:
                failed = 0
                self._record.answer(found)
                if found.is_up:
                    self._say(f"deployment {deployment_id} is {found.status}")
                    return Ended({})
                if not found.is_starting:
                    return Ended({}, f"deployment {deployment_id} is {found.status}")
            if time.monotonic() > deadline:
                return Ended({}, f"deployment {deployment_id} is not up after {timeout} s")
            time.sleep(_POLL)

    def _describe(self, error: Exception) -> str:
        return str(truss_cli.describe(error, self._spec["credentials"]))

    def interrupted(self) -> None:
        self._log.finish()
        self._say("interrupted; the next run checks if the push has created a deployment")

    def _say(self, text: str) -> None:
        self._log.write(f"{self._identity.model_name} @ {self._identity}: {text}\n")


class DamagedFiles(Exception):
    """The files to push are not those that were gathered."""


def _end_soon() -> None:
    """Truss may wait for an upload that it has begun."""
    time.sleep(_GRACE)
    os._exit(_INTERRUPTED)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end_wait(*_: object) -> None:
    raise truss_cli.WaitEnded("it is not up after `wait_timeout`")


def main(spec_path: str) -> int:
    spec = json.loads(Path(spec_path).read_text())
    log = redact.RedactedStream(sys.stderr, redact.secrets_of_user())
    # Truss logs the server's answers, which may repeat what it was sent.
    sys.stdout = sys.stderr = log
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGALRM, _end_wait)
    pants = parent.Parent()
    push = Push(spec, log, pants)
    try:
        pants.end_with_it(_end_soon)
        return push.run()
    except state.StateError as e:
        log.write(f"error: {e}\n")
        return 1
    except KeyboardInterrupt:
        push.interrupted()
        return _INTERRUPTED
    except Exception:
        log.write(traceback.format_exc())
        return 1
    finally:
        log.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
