"""Machines that share a cache by the Remote Execution API: what one has done the next does not do
again, wherever its repository, home and caches lie."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

from support.base_image import BaseImage
from support.image_layout import Layout
from support.monorepo import WORK_UNITS_PATH, Monorepo, read_tree
from support.remote import CacheServer, cache_options, toml
from support.repository import settings

# Processes of Pants' own rules that look for programs of the machine. Pants never caches them,
# because another machine may have other programs.
LOOKUPS = ("Searching for `", "Test binary ", "Find interpreter for constraints: ")

GOALS = (
    ("package", "src/trusses::", "src/images:sentiment-oci"),
    ("--truss-gather-output-format=tar", "package", "src/trusses::"),
    ("lint", "--only=truss", "src/trusses::"),
    ("test", "src::"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CacheServer]:
    with CacheServer(tmp_path_factory.mktemp("server")) as started:
        assert isinstance(started, CacheServer)
        yield started


def clone(root: Path, machine: Path, server: CacheServer) -> Monorepo:
    """The example monorepo."""
    repo = Monorepo(root, machine, fresh=True)
    for folder in ("3rdparty/models", "pants-plugins/pants_truss", "src"):
        shutil.copytree(folder, root / folder)
    own = (
        settings()
        .replace("[GLOBAL]\n", '[GLOBAL]\nstreaming_workunits_level = "trace"\n')
        .replace(
            '["%(buildroot)s/pants-plugins"]',
            f'["%(buildroot)s/pants-plugins", "{WORK_UNITS_PATH}"]',
        )
    )
    own = own.replace("backend_packages = [\n", 'backend_packages = [\n  "work_unit_log",\n')
    # The workers' settings have a section of that name.
    own = re.sub(r"\[subprocess-environment\]\n(?:[^\[\n].*\n)+", "", own)
    base = '\n[truss-images.bases]\n"baseten/truss-server-base:3.11-v0.13.0" = "images/base"\n'
    repo.write("pants.toml", own + base + toml())
    BaseImage(root / "images/base").write()
    repo.environment = cache_options(server.address)
    return repo


def executed(repo: Monorepo, *arguments: str) -> List[str]:
    """Runs Pants: the processes that were neither cached nor lookups."""
    run, units = repo.pants_with_described_work_units(*arguments)
    run.assert_success()
    assert "Failed to" not in run.stderr, run.stderr
    started = [description for name, description in units if name == "run_local_process"]
    return [text for text in started if not text.startswith(LOOKUPS)]


def made(repo: Monorepo) -> Dict[str, str]:
    """The hash of each file that was packaged."""
    tree = read_tree(repo.root / "dist")
    return {
        path: hashlib.sha256(content).hexdigest()
        for path, (content, _) in tree.items()
        if not path.startswith("test/")
    }


def test_a_second_machine_executes_nothing(server: CacheServer, tmp_path: Path) -> None:
    first = clone(tmp_path / "a", tmp_path / "machine-a", server)
    far = tmp_path / "a much longer path" / ("deep/" * 10) / "clone"
    second = clone(far, tmp_path / "machine-b", server)
    second.environment.update(
        {"PATH": "/nowhere:/usr/bin:/bin", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}
    )
    work = {}
    try:
        for repo in (first, second):
            for goal in GOALS:
                work[repo.root, goal] = executed(repo, *goal)
    finally:
        first.stop_daemon()
        second.stop_daemon()
    kinds = {text.split(" ")[0] for goal in GOALS for text in work[first.root, goal]}
    assert {"Building", "Fill", "Install", "Make"} <= kinds, work
    assert [work[second.root, goal] for goal in GOALS] == [[]] * len(GOALS)
    assert made(second) == made(first)
    layout = Layout(second.dist("src.images/sentiment-oci"))
    assert "src/shared/textkit" in layout.digests
