"""The digest of a folder is that of the rules."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pants_truss.core.tree_digest import tree_digest
from pants_truss.testutil.scripts import import_scripts

SCRIPTS = Path(__file__).resolve().parent
(folder_digest,) = import_scripts(["folder_digest"], SCRIPTS, SCRIPTS.parent.parent / "core")


def test_the_digest_of_a_folder(tmp_path: Path) -> None:
    files = {"config.yaml": b"", "model/é x.py": b"x", "data/w.bin": b"\0" * 3_000_000}
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / "empty").mkdir()
    (tmp_path / "config.yaml").chmod(0o755)
    expected = tree_digest(
        (path, hashlib.sha256(content).hexdigest(), path == "config.yaml")
        for path, content in files.items()
    )
    assert folder_digest.digest_of_folder(str(tmp_path)) == expected
    (tmp_path / "data/w.bin").write_bytes(b"\0" * 2_999_999 + b"\1")
    assert folder_digest.digest_of_folder(str(tmp_path)) != expected
