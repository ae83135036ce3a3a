"""The `./pants` script on machines with and without what it needs."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import pytest

from support.launcher import (
    PYTHON,
    Clone,
    Installed,
    bare_environment,
    usual_environment,
)
from support.pip_configuration import (
    CONSTRAINT,
    OPTIONS,
    of_environment,
    write_configuration,
)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone", bare_environment(tmp_path)).configure()


def test_one_line_when_there_is_no_python(clone: Clone) -> None:
    result = clone.run("--no-pantsd", "--version")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "runs on CPython 3.9 and none was found: install one" in line
    assert "or set PANTS_PYTHON to its path" in line


@pytest.mark.parametrize("python", ["/nonexistent/python3.9", "/bin/sh"])
def test_one_line_when_the_named_python_is_not_python39(clone: Clone, python: str) -> None:
    result = clone.run("--no-pantsd", "--version", PANTS_PYTHON=python)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert f"PANTS_PYTHON={python} is not a CPython 3.9" in line


@pytest.mark.parametrize("option", OPTIONS)
def test_each_planted_option_has_an_effect(option: str, tmp_path: Path) -> None:
    """On a pip that heeds it: what the installation below passes by would stop or change it."""
    configuration = write_configuration(tmp_path / "pip", option)
    environment = {"PATH": os.environ["PATH"], **of_environment(configuration, tmp_path)}
    if option != CONSTRAINT:
        del environment["PIP_CONSTRAINT"]
    install = ["download", "-q", "--retries=0", "--no-deps", f"-d{tmp_path}/got", "six"]
    run = subprocess.run([PYTHON, "-m", "pip", *install], env=environment, capture_output=True)
    assert run.returncode or "six-999.0-py3-none-any.whl" in os.listdir(tmp_path / "got")


def test_installs_into_an_empty_cache_once(installed: Installed, ready: Clone) -> None:
    assert "installing Pants 2.17.1" in installed.said
    second = ready.run("--version", PANTS_PYTHON="/not/asked/again")
    assert second.stdout.strip() == "2.17.1"
    assert "installing" not in second.stderr
    assert f"file://{installed.home}/pex" in (installed.home / "env").read_text()


def test_what_it_installs_has_hashes(installed: Installed) -> None:
    lines = (installed.home / "requirements.txt").read_text().splitlines()
    assert len(lines) > 20 and all(" --hash=sha256:" in line for line in lines)
    (pex,) = (line for line in lines if line.startswith("pex=="))
    assert (installed.home / "pex.txt").read_text() == f"{pex}\n"


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    """Whoever serves the index: it may be a mirror, or someone between."""
    clone = Clone(tmp_path / "clone", usual_environment(tmp_path)).configure()
    page = tmp_path / "simple/ansicolors/index.html"
    page.parent.mkdir(parents=True)
    wheel = "ansicolors-1.1.8-py2.py3-none-any.whl"
    page.write_text(f'<a href="{wheel}">{wheel}</a>')
    with zipfile.ZipFile(page.with_name(wheel), "w") as archive:
        archive.writestr(
            "ansicolors-1.1.8.dist-info/METADATA", "Name: ansicolors\nVersion: 1.1.8\n"
        )
    run = clone.run("--version", PANTS_LAUNCHER_INDEX=f"file://{tmp_path}/simple")
    assert run.returncode == 1
    assert "DO NOT MATCH THE HASHES" in run.stderr


def test_a_release_without_hashes_is_named(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", usual_environment(tmp_path)).configure()
    settings = clone.root / "pants.toml"
    settings.write_text(settings.read_text().replace("2.17.1", "2.18.0a0"))
    run = clone.run("--version", PANTS_LAUNCHER_INDEX="http://127.0.0.1:9/simple")
    assert "this script has no hashes for Pants 2.18.0a0" in run.stderr


def test_the_certificates_that_pip_trusts_are_exported(installed: Installed) -> None:
    """To Pants, by the name that Pex and what it runs know; those of the user go first."""
    show = ["bash", "-c", f'source "{installed.home}/env"; echo "$REQUESTS_CA_BUNDLE"']
    none: Dict[str, str] = {}
    shown = subprocess.check_output(show, text=True, env=none)
    assert shown.endswith("/home/who's trusted here.pem\n")
    own = {"REQUESTS_CA_BUNDLE": "/own.pem"}
    assert subprocess.check_output(show, text=True, env=own) == "/own.pem\n"


def test_search_paths_of_the_user_stay(installed: Installed) -> None:
    name = "PANTS_PYTHON_BOOTSTRAP_SEARCH_PATH"
    show = ["bash", "-c", f'source "{installed.home}/env"; echo "${name}"']
    none: Dict[str, str] = {}
    assert "/venv/bin" in subprocess.check_output(show, text=True, env=none)
    assert subprocess.check_output(show, text=True, env={name: "['/mine']"}) == "['/mine']\n"


def refused(command: Sequence[str], folder: Path, environment: Dict[str, str]) -> str:
    """Returns the error of the script about a missing Python. The script has found its repository
    and its cache by then."""
    named = {**environment, "PANTS_PYTHON": "/nonexistent/python3.9"}
    run = subprocess.run(command, cwd=folder, env=named, capture_output=True, text=True)
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    return line


def test_ways_to_call_it(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(clone.root / "pants")
    (tmp_path / "above").symlink_to("link")
    (tmp_path / "elsewhere/clone").mkdir(parents=True)
    environment = {**clone.environment, "PATH": f"{clone.environment['PATH']}:/bin:/usr/bin"}
    ways: List[Tuple[Sequence[str], Dict[str, str]]] = [
        (["clone/pants"], {"CDPATH": f"{tmp_path}/elsewhere:{tmp_path}"}),
        (["./link"], {}),
        (["./above"], {}),
        (["sh", "clone/pants"], {}),
        (["bash", "clone/pants"], {}),
    ]
    for command, more in ways:
        line = refused([*command, "--version"], tmp_path, {**environment, **more})
        assert "PANTS_PYTHON=/nonexistent/python3.9 is not a CPython 3.9" in line
    del environment["HOME"]
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    assert "is not a CPython 3.9" in refused(["clone/pants"], tmp_path, environment)


def test_a_link_beside_other_settings_is_the_script_of_these(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/pants").symlink_to(clone.root / "pants")
    (tmp_path / "other/pants.toml").write_text('pants_version = "2.18.0a0"\n')
    assert "Pants 2.18.0a0 needs one" in refused(
        ["other/pants"], tmp_path, {**clone.environment, "HOME": str(tmp_path)}
    )


@pytest.mark.parametrize("name", ["with space", "it's", "a#b", "{a}", "a:b", "50%", "é"])
def test_a_cache_that_pants_cannot_use(name: str, clone: Clone, tmp_path: Path) -> None:
    result = clone.run("--version", PANTS_LAUNCHER_CACHE=str(tmp_path / name))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert f"{name}/2.17.1-2': set PANTS_LAUNCHER_CACHE to a folder whose path has no" in line


@pytest.mark.parametrize(
    "variables, cache",
    [
        ({"XDG_CACHE_HOME": "relative"}, "home/.cache/pants-from-index"),
        ({"PANTS_LAUNCHER_CACHE": "relative"}, "clone/below/relative"),
    ],
    ids=["XDG", "own"],
)
def test_relative_caches(
    variables: Dict[str, str], cache: str, clone: Clone, tmp_path: Path
) -> None:
    """Wherever the script is called from."""
    (clone.root / "below").mkdir()
    environment = {**clone.environment, "PATH": f"{clone.environment['PATH']}:/bin:/usr/bin"}
    environment.update(PANTS_PYTHON=PYTHON, PANTS_LAUNCHER_INDEX="http://127.0.0.1:9/simple")
    run = subprocess.run(
        ["../pants", "--version"],
        cwd=clone.root / "below",
        env={**environment, **variables},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert f"installing Pants 2.17.1 into {tmp_path}/{cache}/2.17.1-2\n" in run.stderr


def test_an_index_that_cannot_be_reached(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", usual_environment(tmp_path)).configure()
    run = clone.run("--version", PANTS_LAUNCHER_INDEX="http://127.0.0.1:9/simple")
    assert run.returncode == 1
    assert "could not install pantsbuild.pants==2.17.1 from the package index" in run.stderr
    assert "set PANTS_LAUNCHER_INDEX" in run.stderr


def test_a_daemon_is_asked_without_a_python(installed: Installed, ready: Clone) -> None:
    (daemon,) = ready.daemons()
    python = installed.home / "venv/bin/pants"
    hidden = python.rename(python.with_name("hidden"))
    try:
        run = ready.run("--version")
    finally:
        hidden.rename(python)
    assert (run.returncode, run.stdout, run.stderr) == (0, "2.17.1\n", "")
    assert ready.daemons() == [daemon]
