"""What Pants installs in a repository with the settings of docs/install.md, on machines whose pip is configured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest
import toml  # pants: no-infer-dep

from support import pants_release
from support.literate import blocks
from support.monorepo import Monorepo
from support.pip_configuration import OPTIONS, of_machine, write_configuration

INSTALL = Path("docs/install.md").resolve()
SECTION = "subprocess-environment"
SETTINGS = """\
[python]
enable_resolves = true
interpreter_constraints = ["CPython==3.11.*"]

[python.resolves]
python-default = "lock.txt"

[python-infer]
use_rust_parser = true

"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="a machine's /etc is replaced in a mount namespace of Linux"
)


def settings_of_the_page() -> str:
    settings = toml.loads(next(x.body for x in blocks(INSTALL) if x.language == "toml"))
    text: str = toml.dumps({SECTION: settings[SECTION]})
    return text


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Monorepo]:
    made = Monorepo(tmp_path / "repo", tmp_path / "machine", fresh=True)
    # The variables that all other tests pass on must not help here.
    made.environment = {"PANTS_SUBPROCESS_ENVIRONMENT_ENV_VARS": "+[]"}
    build = 'python_requirement(name="six", requirements=["six"])\n'
    made.write(
        "BUILD", f'{build}pex_binary(name="app", entry_point="six", dependencies=[":six"])\n'
    )
    yield made
    made.stop_daemon()


def pants(
    repo: Monorepo, configuration: Path, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    command = [pants_release.client(), *arguments]
    return subprocess.run(
        of_machine(configuration, repo.machine, command),
        cwd=repo.root,
        env=repo.process_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_configuration_of_a_machine_has_no_effect(repo: Monorepo, tmp_path: Path) -> None:
    configuration = write_configuration(tmp_path / "pip", *OPTIONS)
    repo.configure("pants.backend.python", toml=SETTINGS)
    # It has one without the settings.
    assert pants(repo, configuration, "generate-lockfiles").returncode != 0
    repo.configure("pants.backend.python", toml=SETTINGS + settings_of_the_page())
    run = pants(repo, configuration, "generate-lockfiles")
    assert run.returncode == 0, run.stderr
    assert "999.0" not in (repo.root / "lock.txt").read_text()
    run = pants(repo, configuration, "package", ":app")
    assert run.returncode == 0, run.stderr
    app = [str(repo.dist("app.pex")), "-c", "import six; print(six.__version__)"]
    environment = {**os.environ, "PEX_INTERPRETER": "1", "PEX_ROOT": str(tmp_path / "pex")}
    environment.pop("PYTHONPATH", None)
    assert subprocess.check_output(app, env=environment, text=True).startswith("1.")
