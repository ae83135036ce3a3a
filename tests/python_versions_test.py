"""A truss of each Python that there is on this machine, from the folder to a prediction."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

from support.monorepo import PYTHON_TOML, Monorepo
from support.pants_release import is_at_least
from support.tools import find_release_tool

PAGE = Path("docs/compatibility.md")
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
FIRST_PANTS = {"3.12": "2.21", "3.13": "2.23"}
# The newest that the Pex of Pants 2.17 can run.
NEWEST_OF_PEX = "3.11"
# From there on the Pex of Pants, and the pip that the plugin's lockfiles name, know the others.
FIRST_WITH_ALL = "2.23.0"
MODEL = """\
import sys

import words


class Model:
    def predict(self, request):
        return {"python": words.dotted(sys.version_info[:2])}
"""


def is_present(version: str) -> bool:
    """A shim of pyenv may be there with no such Python behind it: only running tells."""
    root = Path(os.environ.get("PYENV_ROOT") or os.path.join(os.environ["HOME"], ".pyenv"))
    found = [shutil.which(f"python{version}"), *root.glob(f"versions/{version}.*/bin/python")]
    command = "import sys; sys.exit(sys.version_info[:2] != (%s))" % version.replace(".", ", ")
    return any(
        subprocess.run([str(python), "-c", command], capture_output=True).returncode == 0
        for python in found
        if python
    )


PRESENT = [version for version in VERSIONS if is_present(version)]


def is_newer(version: str) -> bool:
    return VERSIONS.index(version) > VERSIONS.index(NEWEST_OF_PEX)


def name(version: str) -> str:
    return f"py{version.replace('.', '')}"


def folder(version: str) -> str:
    return f"t/{name(version)}"


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("pythons")
    repo = Monorepo(base / "repo", base / "machine", shares_store=True)
    toml = PYTHON_TOML.format(roots='"/t/*", "/shared"')
    repo.configure("pants.backend.python", toml=toml.replace("==3.11.*", ">=3.9,<3.14"))
    repo.write("shared/words.py", "def dotted(parts):\n    return '.'.join(map(str, parts))\n")
    repo.write("shared/BUILD", "python_sources()\n")
    for version in VERSIONS:
        truss = folder(version)
        repo.truss(truss, f"python_version: {name(version)}\n")
        repo.write(f"{truss}/BUILD", 'truss()\npython_sources(name="s", sources=["**/*.py"])\n')
        repo.write(f"{truss}/model/model.py", MODEL)
        example = f"- name: Its Python\n  input: {{}}\n  output: {{python: '{version}'}}\n"
        repo.write(f"{truss}/examples.yaml", example)
    yield repo
    repo.stop_daemon()


@pytest.mark.parametrize("version", VERSIONS)
def test_gathering_and_linting_need_no_interpreter(version: str, repo: Monorepo) -> None:
    repo.pants("package", "lint", "--only=truss", folder(version)).assert_success()
    assert repo.dist(f"t.{name(version)}").exists()


@pytest.mark.parametrize("version", PRESENT)
def test_the_server_predicts_on_it(version: str, repo: Monorepo) -> None:
    run = repo.pants("test", folder(version))
    if is_newer(version) and not is_at_least(FIRST_WITH_ALL):
        advice = f"Use Pants {FIRST_PANTS[version]} or newer, or set a newer `[pex-cli].version`"
        assert advice in run.assert_failure().stderr
    else:
        assert f"✓ {folder(version)}" in run.assert_success().stderr


def newer_pex() -> Dict[str, str]:
    """The options that `docs/python-versions.md` names, in the environment."""
    file = find_release_tool("tests.newer_pex/pex.pex").resolve()
    content = file.read_bytes()
    version = subprocess.run(
        [sys.executable, str(file), "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    platforms = ("linux_x86_64", "linux_arm64", "macos_x86_64", "macos_arm64")
    sha256 = hashlib.sha256(content).hexdigest()
    known = [f"v{version}|{platform}|{sha256}|{len(content)}" for platform in platforms]
    return {
        "PANTS_PEX_CLI_VERSION": f"v{version}",
        "PANTS_PEX_CLI_KNOWN_VERSIONS": repr(known),
        "PANTS_PEX_CLI_URL_TEMPLATE": f"file://{file}",
        "PANTS_PYTHON_PIP_VERSION": "latest",
    }


@pytest.mark.parametrize("version", [version for version in PRESENT if is_newer(version)])
def test_the_server_predicts_on_it_with_a_newer_pex(version: str, repo: Monorepo) -> None:
    if is_at_least(FIRST_WITH_ALL):
        pytest.skip("this Pants has such a Pex")
    run = replace(repo, environment=newer_pex()).pants("test", folder(version))
    assert f"✓ {folder(version)}" in run.assert_success().stderr


def test_there_are_some() -> None:
    """At least that of Pants, and that of the example."""
    assert {"3.9", "3.11"} <= set(PRESENT)


def test_the_page_has_the_matrix() -> None:
    rows: List[str] = []
    for version in VERSIONS:
        own = f"no: the Pex of Pants 2.17 knows none above {NEWEST_OF_PEX}"
        served = f"{own} | yes |" if is_newer(version) else "yes | |"
        rows.append(f"| {version} | yes | {served}")
    header = (
        "| Python | gathered, linted | loaded by the server, predicts | so with Pex 2.33.9 |\n"
        "|---|---|---|---|\n"
    )
    assert header + "\n".join(rows) in PAGE.read_text(encoding="utf-8")
