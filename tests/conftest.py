from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from support.launcher import Clone, Installed, install
from support.monorepo import Monorepo
from support.truss_library import TrussLibrary


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Monorepo]:
    """An empty repository with a daemon of its own."""
    monorepo = Monorepo(tmp_path / "repo", tmp_path / "machine").configure()
    yield monorepo
    monorepo.stop_daemon()


@pytest.fixture
def truss(tmp_path: Path) -> TrussLibrary:
    return TrussLibrary(tmp_path / "truss-home")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Pants, installed by `./pants` into an empty cache."""
    return install(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def ready(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone whose daemon runs."""
    with installed.clone(tmp_path_factory.mktemp("clone")) as clone:
        yield clone
