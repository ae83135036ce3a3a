"""Pushes a gathered truss, with the command line of the Truss release that this runs in.

    push.py spec.json

Around `truss push` it knows what was pushed before, tries again where that can help, and finds out
whether a push whose answer was lost has been registered all the same.
"""

from __future__ import annotations

import configparser
import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, Optional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import baseten  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import redact  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import state  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
import truss_cli  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
from record import Record  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

SECRET_VARIABLES = ("BASETEN_API_KEY", "BASETEN_TRUSS_AUTH_API_KEY")
_SECRET_KEYS = ("api_key", "oauth_access_token", "oauth_refresh_token")

_INTERRUPTED = 130


class Push:
    def __init__(self, spec: Dict[str, Any], log: redact.RedactedStream) -> None:
        self._spec = spec
        self._log = log
        self._identity = state.Identity(**spec["identity"])
        content = state.Content(spec["tree_digest"], spec["options"])
        self._record = Record(spec["state_file"], self._identity, content)
        self._group: Any = None
        self._was_asked = False

    def run(self) -> int:
        if self._is_there():
            return 0
        attempts = self._spec["attempts"]
        for number in range(1, attempts + 1):
            ended = self._attempt()
            if ended.error is None:
                return 0
            if not ended.is_transient:
                break
            # Each time twice as long; not all jobs of a CI run at the same time.
            delay = self._spec["backoff"] * 2 ** (number - 1) * random.uniform(0.75, 1.25)
            then = f"trying again in {delay:.1f} s" if number < attempts else "given up"
            self._say(f"attempt {number} of {attempts} failed, {then}: {ended.error}")
            time.sleep(delay)
        else:
            recovered = self._recover()
            if recovered is not None:
                return recovered
        self._say(f"error: {ended.error}")
        return 1

    def _attempt(self) -> truss_cli.Ended:
        try:
            remote = self._connect()
            if self._is_there(remote):
                return truss_cli.Ended({})
            if self._group is None:
                self._group = truss_cli.load()
                truss_cli.check_options(self._group, self._spec["arguments"])
            model = self._find_model(remote)
        except Exception as e:
            return truss_cli.Ended({}, truss_cli.describe(e), truss_cli.is_transient(e))
        if self._record.registered(model):
            return self._adopt(remote, model)
        self._record.begin(model)
        arguments = ["push", self._spec["folder"], *self._spec["arguments"]]
        if not self._spec["by_environment"]:
            arguments.append(f"--remote={remote.name}")
        ended = truss_cli.run(self._group, arguments, self._log)
        self._log.finish()
        if ended.error is None:
            self._finish(remote, ended.result, live=self._spec["wait"])
        elif not ended.is_transient:
            self._refused(remote)
        return ended

    def _connect(self) -> baseten.Remote:
        remote = baseten.Remote(None if self._spec["by_environment"] else self._identity.remote)
        self._log.add(remote.secrets)
        return remote

    def _is_there(self, remote: Optional[baseten.Remote] = None) -> bool:
        """Whether what is to be pushed is at the remote, and up or on its way."""
        decision = self._record.decide(self._spec["skip_unchanged"])
        if decision.kind == "ask" and remote is not None:
            self._record.ask(remote)
            self._was_asked = True
            decision = self._record.decide(self._spec["skip_unchanged"])
        if decision.kind == "skip" or (decision.kind == "push" and self._was_asked):
            self._say(decision.why)
            self._was_asked = False
        return bool(decision.kind == "skip")

    def _find_model(self, remote: baseten.Remote) -> Optional[baseten.Model]:
        return remote.find_model(self._identity.model_name, self._identity.team)

    def _recover(self) -> Optional[int]:
        """The exit code, if the attempt that has just failed was registered all the same."""
        with suppress(Exception):
            remote = self._connect()
            model = self._find_model(remote)
            if self._record.registered(model):
                return 1 if self._adopt(remote, model).error else 0
        return None

    def _adopt(self, remote: baseten.Remote, model: baseten.Model) -> truss_cli.Ended:
        deployment = self._record.registered(model)
        self._say(
            f"the answer to an earlier attempt was lost, but the remote has deployment "
            f"{deployment.id} of it: not pushed again"
        )
        result = {"model_id": model.id, "model_version_id": deployment.id}
        self._finish(remote, result, live=False)
        if self._spec["wait"]:
            return truss_cli.Ended(result, f"deployment {deployment.id} has not been waited for")
        return truss_cli.Ended(result)

    def _finish(self, remote: baseten.Remote, result: Dict[str, Any], live: bool) -> None:
        facts = {"target": self._spec["target"], "remote_url": remote.url}
        entry = self._record.finish(result, live, **facts)
        self._say(f"model {entry['model_id']}, deployment {entry['deployment_id']}")
        for name in ("predict_url", "logs_url"):
            if entry[name]:
                self._say(f"{name}: {entry[name]}")

    def _refused(self, remote: baseten.Remote) -> None:
        """A wait that ends badly is an error too, but there is a deployment then."""
        model = deployment = None
        if self._spec["wait"]:
            with suppress(Exception):
                model = self._find_model(remote)
                deployment = self._record.registered(model)
        if model and deployment:
            result = {"model_id": model.id, "model_version_id": deployment.id}
            self._finish(remote, result, live=False)
        else:
            self._record.refused()

    def _say(self, text: str) -> None:
        self._log.write(f"{self._identity.model_name} @ {self._identity}: {text}\n")


def secrets_of_user(trussrc: str) -> List[str]:
    """All that the environment and Truss's own file have, for any remote."""
    found = [os.environ.get(name, "") for name in SECRET_VARIABLES]
    parser = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error, OSError, UnicodeDecodeError):
        parser.read(os.path.expanduser(trussrc))
    for section in parser.sections():
        found += (parser.get(section, key, fallback="") for key in _SECRET_KEYS)
    return [secret for secret in found if secret]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(spec_path: str) -> int:
    spec = json.loads(Path(spec_path).read_text())
    trussrc = os.environ.get("USER_TRUSSRC_PATH", "~/.trussrc")
    log = redact.RedactedStream(sys.stderr, secrets_of_user(trussrc))
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return Push(spec, log).run()
    except state.StateError as e:
        log.write(f"error: {e}\n")
        return 1
    except KeyboardInterrupt:
        log.finish()
        log.write("interrupted; the next run finds out what has become of it\n")
        return _INTERRUPTED
    finally:
        log.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
