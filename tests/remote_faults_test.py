"""Servers of a shared cache that fail: the build goes on here, and what it makes is never wrong."""

from __future__ import annotations

import random
import re
import shutil
import time
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from support.cut import Cut
from support.monorepo import PYTHON_TOML, Monorepo
from support.remote import CacheServer, cache_options, toml

TAR = "t/a.tar"
# In bytes, of a file that is too large for one message: it goes as a stream.
SIZE = 6_000_000


def make(root: Path, machine: Path) -> Monorepo:
    """One truss, written as a tar: a cached process, whose result is known without one."""
    repo = Monorepo(root, machine)
    repo.log_work_units("pants.backend.python", toml=PYTHON_TOML.format(roots='"/"') + toml())
    repo.truss("t")
    repo.write("t/BUILD", 'truss(name="a", output_format="tar", output_path="t/a")\n')
    repo.write("t/data/large", random.Random(0).getrandbits(8 * SIZE).to_bytes(SIZE, "big"))
    return repo


class Team:
    """Two machines with one server, which have built what does not change, and a third without. An
    `edit` makes the next run execute a process that no machine has. All goes by one `way`: with
    another address the daemons would restart."""

    def __init__(self, base: Path) -> None:
        self.server = CacheServer(base / "server")
        self.server.start()
        self.way = Cut(self.server.address, self.server.kill)
        self.first, self.second, self._alone = (
            make(base / name / "repo", base / name / "machine")
            for name in ("first", "second", "alone")
        )
        self._edits = 0
        for repo in (self.first, self.second):
            repo.environment = cache_options(self.way.address)
            repo.pants("package", "t:a").assert_success()

    def edit(self) -> None:
        self._edits += 1
        for repo in (self._alone, self.first, self.second):
            repo.write("t/model/model.py", f"class Model:\n    EDIT = {self._edits}\n")
        time.sleep(1)  # Let the daemons notice.

    def package(self, repo: Monorepo) -> Tuple[List[str], str]:
        """What it executed, and said, while it made what the machine without a server makes."""
        run, units = repo.pants_with_described_work_units("package", "t:a")
        run.assert_success()
        self._alone.pants("package", "t:a").assert_success()
        assert repo.dist(TAR).read_bytes() == self._alone.dist(TAR).read_bytes()
        executed = [text for name, text in units if name == "run_local_process"]
        return [text for text in executed if text.startswith("Make")], run.stderr

    def large_blobs(self) -> List[Path]:
        """Returns the uploaded blobs of a tar that has the large file in it."""
        found = [path for path in self.server.stored() if path.stat().st_size > SIZE]
        assert found
        return found

    def mend(self) -> None:
        self.server.kill()
        self.server.space = 0
        shutil.rmtree(self.server.blobs)
        self.server.start()
        self.way.delay = 0
        self.way.mend()

    def stop(self) -> None:
        for repo in (self._alone, self.first, self.second):
            repo.stop_daemon()
        self.way.stop()
        self.server.kill()


@pytest.fixture(scope="module")
def the_team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    team = Team(tmp_path_factory.mktemp("team"))
    yield team
    team.stop()


@pytest.fixture
def team(the_team: Team) -> Iterator[Team]:
    the_team.edit()
    yield the_team
    the_team.mend()


MADE = ["Make t/a.tar"]


def test_without_a_fault_the_second_machine_executes_nothing(team: Team) -> None:
    assert team.package(team.first)[0] == MADE
    assert team.package(team.second)[0] == []


def test_a_server_that_is_down(team: Team) -> None:
    team.server.kill()
    team.first.stop_daemon()
    executed, log = team.package(team.first)
    assert executed == MADE
    assert re.search("Failed to (read from|write to) remote cache", log)


@pytest.mark.parametrize("after", [1, 3_000_000])
def test_a_server_that_is_killed_midway(team: Team, after: int) -> None:
    team.way.cut(after)
    assert team.package(team.first)[0] == MADE
    assert team.package(team.second)[0] == MADE


def test_a_slow_server(team: Team) -> None:
    """The result of a process that runs here meanwhile is as good."""
    assert team.package(team.first)[0] == MADE
    team.way.delay = 0.3
    team.package(team.second)


def test_blobs_that_are_corrupt(team: Team) -> None:
    assert team.package(team.first)[0] == MADE
    for blob in team.large_blobs():
        with open(blob, "r+b") as file:
            file.seek(SIZE // 2)
            file.write(b"corrupt")
    assert team.package(team.second)[0] == MADE


def test_blobs_that_are_gone(team: Team) -> None:
    """A server that has thrown away what it says it has."""
    assert team.package(team.first)[0] == MADE
    for blob in team.large_blobs():
        blob.unlink()
    assert team.package(team.second)[0] == MADE


def test_answers_that_are_not_valid(team: Team) -> None:
    """Whatever the server has is another file."""
    assert team.package(team.first)[0] == MADE
    assert team.large_blobs()
    for blob in team.server.stored():
        blob.write_bytes(b"no such thing")
    assert team.package(team.second)[0] == MADE


def test_a_full_disk(team: Team) -> None:
    team.server.kill()
    shutil.rmtree(team.server.blobs)
    team.server.space = 2
    team.server.start()
    executed, log = team.package(team.first)
    assert executed == MADE and "Failed to write to remote cache" in log
    assert team.package(team.second)[0] == MADE
