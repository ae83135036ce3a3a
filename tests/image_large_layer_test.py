"""A layer that is larger than a signed 32-bit number of bytes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from support.image_layout import Layout
from support.images import make


def test_a_layer_of_more_than_two_gigabytes(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", tmp_path / "machine", shares_store=True)
    size = 2**31 + 5
    with open(repo.root / "src/a/data/weights.bin", "wb") as file:
        file.truncate(size)
    try:
        repo.pants("package", "src/a:image").assert_success()
    finally:
        repo.stop_daemon()
    data = Layout(repo.dist("src.a/image")).layer("data")
    with tarfile.open(fileobj=io.BytesIO(data.content), mode="r|gz") as tar:
        sizes = {entry.name: entry.size for entry in tar}
    assert sizes["app/data/weights.bin"] == size
