"""As many trusses as a repository has, published twice."""

from __future__ import annotations

from pathlib import Path

from support.pushing import publish_twice


def test_only_what_changed(tmp_path: Path) -> None:
    publish_twice(tmp_path, count=50, changed=3)
