"""docs/tutorial.md, from its first line to its last."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from support.literate import Literate, blocks
from support.pants_release import put_on_path
from support.remote import free_address
from support.stranger import Stranger, wheel

PAGE = Path("docs/tutorial.md").resolve()


def test_the_tutorial(tmp_path: Path) -> None:
    repo = Stranger(tmp_path / "repo", tmp_path / "machine")
    repo.environment = {
        **{
            f"GIT_{who}_{what}": "x@example.com"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
        "PATH": f"{put_on_path(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}",
    }
    repo.root.mkdir()
    repo.git("init", "--quiet")
    (repo.root / "wheels").mkdir()
    shutil.copy(wheel(), repo.root / "wheels")
    port = free_address().rpartition(":")[2]
    literate = Literate(repo.root, repo.process_environment())
    try:
        found = blocks(PAGE)
        assert sum(block.language == "sh" for block in found) > 10
        for block in found:
            literate.do(replace(block, body=block.body.replace("9000", port)))
    finally:
        literate.end()
        repo.stop_daemon()
