"""A repository whose trusses are pushed to the stand-in for Baseten."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, Tuple

from support.baseten import Baseten
from support.baseten_graph import Account
from support.monorepo import PYTHON_TOML, Monorepo, Run

KEY = "key-{}-0123456789abcdef"
PUBLISH_TOML = """
[truss-publish]
default_remotes = ["baseten"]
skip_unchanged = true
retry_delay = 0.1
"""


class Pushing:
    """`remotes` are accounts of the stand-in, which Truss's own file has."""

    def __init__(
        self, base: Path, *remotes: str, toml: str = PUBLISH_TOML, fresh: bool = False
    ) -> None:
        self.baseten = Baseten()
        self.repo = Monorepo(base / "repo", base / "machine", fresh=fresh, shares_store=not fresh)
        self.repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/src"') + toml)
        self.trussrc = base / "trussrc"
        self.repo.environment["USER_TRUSSRC_PATH"] = str(self.trussrc)
        for remote in remotes or ("baseten",):
            self.baseten.account(remote, KEY.format(remote))
        self.log_in()

    def log_in(self) -> None:
        self.trussrc.write_text(self.baseten.trussrc())

    def account(self, remote: str = "baseten") -> Account:
        return self.baseten.accounts[remote]

    def publish(self, *arguments: str) -> Tuple[Run, Dict[str, Any]]:
        """The run, and what it wrote for the next step, by target and remote."""
        output = self.repo.machine / "published.json"
        output.unlink(missing_ok=True)
        run = self.repo.pants(*arguments[:-1], "publish", f"--output={output}", arguments[-1])
        entries = json.loads(output.read_text()) if output.exists() else []
        return run, {f"{entry['target']}@{entry.get('remote')}": entry for entry in entries}

    @property
    def state_path(self) -> Path:
        return self.repo.dist("truss-publish.json")

    @property
    def state(self) -> List[Dict[str, Any]]:
        if not self.state_path.exists():
            return []
        entries: List[Dict[str, Any]] = json.loads(self.state_path.read_text())["deployments"]
        return entries

    def gathered(self, path: str) -> Dict[str, Tuple[bytes, int]]:
        """A truss in `dist/`: path -> content and mode, as `Account.archive`."""
        root = self.repo.dist(path)
        files = [file for file in root.rglob("*") if file.is_file()]
        return {
            file.relative_to(root).as_posix(): (file.read_bytes(), file.stat().st_mode & 0o777)
            for file in files
        }

    def folder(self, test: str) -> str:
        """For the truss of one test; nothing is in it."""
        path = f"t/{test.partition('[')[0]}"
        shutil.rmtree(self.repo.root / path, ignore_errors=True)
        return path

    def stop(self) -> None:
        self.repo.stop_daemon()
        self.baseten.stop()


def publish_twice(base: Path, count: int, changed: int) -> None:
    """Pushes `count` trusses, edits `changed` of them, and checks that a new run pushes these."""
    pushing = Pushing(base)
    account = pushing.account()
    try:
        for number in range(count):
            pushing.repo.truss(f"t/m{number}", f"model_name: m{number}\n")
        pushing.publish("::")[0].assert_success()
        assert len(account.uploads) == len(account.deployments) == count
        for number in range(changed):
            pushing.repo.write(f"t/m{number}/model/model.py", "class Model:\n    pass\n")
        pushing.publish("::")[0].assert_success()
        assert len(account.uploads) == count + changed
        names = {id: name for name, id in account.models.items()}
        new = [names[d["model_id"]] for d in account.deployments[count:]]
        assert sorted(new) == [f"m{number}" for number in range(changed)]
        # Nothing has changed: the remote is asked once more about those that are new.
        run, published = pushing.publish("::")
        run.assert_success()
        assert len(account.uploads) == count + changed
        calls = len(account.calls)
        run, published = pushing.publish("::")
        assert len(account.calls) == calls
        assert [entry["published"] for entry in published.values()] == [False] * count
        assert run.assert_success().stderr.count("skipped (unchanged: sha256:") == count
    finally:
        pushing.stop()


def pid_of_push(pushing: Pushing) -> int:
    """Returns the pid of the process that pushes to the stand-in at this moment."""
    mine = str(pushing.state_path)
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if (
                b"publish/push.py" in words
                and mine in (entry / "cwd/publish/spec.json").read_text()
            ):
                return int(entry.name)
    raise AssertionError("there is no push")
