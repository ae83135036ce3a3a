"""The wheel and the source distribution are the same bytes, whoever builds them, and where."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Dict

from support.monorepo import Monorepo


def build(base: Path, umask: int, environment: Dict[str, str]) -> Dict[str, bytes]:
    """With caches of its own. Name -> content of what is made."""
    repo = Monorepo(base / "repo", base / "machine", environment, daemon=False, fresh=True)
    for folder in ("pants-plugins", "3rdparty/plugins"):
        shutil.copytree(folder, repo.root / folder)
    shutil.copy("pants.toml", repo.root)
    # The BUILD file says something of tests, which are not here, and not in the wheel.
    package = repo.root / "pants-plugins/pants_truss"
    for tested in {file.parent for file in package.rglob("*.py")}:
        (tested / "x_test.py").touch()
    repo.pants("package", "pants-plugins:dist", umask=umask).assert_success()
    return {path.name: path.read_bytes() for path in (repo.root / "dist").iterdir()}


def test_the_same_bytes(tmp_path: Path) -> None:
    one = build(tmp_path / "one", 0o022, {"TZ": "UTC", "LC_ALL": "C.UTF-8"})
    other = build(tmp_path / "longer-name/other", 0o077, {"TZ": "Asia/Tokyo", "USER": "nobody"})
    assert sorted(one) == ["pants_truss-0.1.0-py3-none-any.whl", "pants_truss-0.1.0.tar.gz"]
    assert one == other
