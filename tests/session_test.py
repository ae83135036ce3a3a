"""The session that README shows is one that happened, and would happen again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.monorepo import Monorepo
from support.pants_release import put_on_path
from support.session import TRANSCRIPT, copy_example, record, without_times


def test_the_commands_print_what_the_session_shows(tmp_path: Path) -> None:
    repo = Monorepo(tmp_path / "repo", tmp_path / "machine", daemon=False, shares_store=True)
    copy_example(repo.root)
    environment = repo.process_environment()
    path = f"{put_on_path(tmp_path / 'bin')}{os.pathsep}{environment['PATH']}"

    def run(command: str) -> str:
        process = subprocess.run(
            ["bash", "-c", command],
            cwd=repo.root,
            env={**environment, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.returncode == 0, process.stdout
        return process.stdout

    shown = TRANSCRIPT.read_text(encoding="utf-8")
    assert without_times(record(run)) == without_times(shown)
