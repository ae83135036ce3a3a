"""Pins are those that uv resolves to, when all there is to choose from is what the lockfile has.

For each locked distribution a wheel is made that has its name, version and requirements, as Pex
recorded them, and nothing else: uv reads no more of a wheel than that to resolve.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, List

import pytest

from pants_truss.core import lockfile
from pants_truss.core.pins import RequirementOf, pin_requirements
from pants_truss.core.requirement import applies, marker_environments, parse_line
from pants_truss.core.uv_project import EXPORT, as_requirements, compile_arguments
from support.tools import find_tool

UV = "tests.uv_tool/uv_tool.pex"
LOCKFILE = Path("3rdparty/truss/truss.lock").resolve()

ROOTS: Dict[str, List[str]] = {
    "all": ["truss"],
    "one": ["boto3"],
    "several": ["google-cloud-storage", "rich>=10", "httpx"],
    "extras": [
        "fsspec[github,tqdm]",
        "google-auth[urllib3]",
        "httpx2[cli,ws]",
        "proto-plus[testing]",
    ],
    "markers": ["click; sys_platform == 'win32'", "PyYAML; python_version >= '3.8'", "keyring"],
    "servers": ["fastapi", "opentelemetry-exporter-otlp-proto-http", "uvloop"],
}


def locked_requirements() -> List[Dict[str, Any]]:
    lines = LOCKFILE.read_text().splitlines()
    data = json.loads("\n".join(line for line in lines if not line.startswith("//")))
    return list(data["locked_resolves"][0]["locked_requirements"])


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for locked in locked_requirements():
        name = locked["project_name"].replace("-", "_")
        write_wheel(folder, name, locked["version"], locked["requires_dists"])
    return folder


def write_wheel(folder: Path, name: str, version: str, requires: Iterable[str]) -> None:
    info = f"{name}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def uv_pins(wheels: Path, roots: List[str], python: str, tmp_path: Path) -> List[str]:
    wanted = tmp_path / "requirements.in"
    wanted.write_text("\n".join(roots))
    process = subprocess.run(
        [str(find_tool(UV)), "pip", "compile", str(wanted), "--no-config", "--no-index"]
        + [f"--find-links={wheels}", f"--python-version={python}", "--no-header", "--no-annotate"]
        + [
            f"--python={sys.executable}",
            "--python-platform=x86_64-manylinux_2_28",
            "--no-emit-find-links",
            "--prerelease=allow",
        ],
        env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


def uv_lock(wheels: Path, roots: List[str], tmp_path: Path) -> bytes:
    """What uv locks for a project that requires these."""
    project = tmp_path / "project"
    project.mkdir()
    dependencies = json.dumps(roots)
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "own"\nversion = "0"\nrequires-python = "==3.11.*"\n'
        f"dependencies = {dependencies}\n"
        # The wheels are those that a lockfile for Linux has.
        "[tool.uv]\nenvironments = [\"sys_platform == 'linux' and platform_machine == 'x86_64'\"]\n"
    )
    process = subprocess.run(
        [str(find_tool(UV)), "lock", "--no-config", "--no-index", f"--find-links={wheels}"]
        + ["--prerelease=allow", "--no-python-downloads"],
        cwd=project,
        env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    return (project / "uv.lock").read_bytes()


PROJECT = """\
[project]
name = "own"
version = "0"
requires-python = ">=3.11"
dependencies = [
    "rich>=10; python_version < '3.13'",
    "forked==2; python_version >= '3.12'",
    "forked==1; python_version < '3.12'",
    "httpx2[cli]",
]

[dependency-groups]
dev = ["keyring"]

[tool.uv]
environments = ["sys_platform == 'linux' and platform_machine == 'x86_64'"]
"""


@pytest.fixture
def more_wheels(tmp_path: Path) -> Path:
    """Two versions of a distribution, for two Pythons."""
    folder = tmp_path / "more"
    folder.mkdir()
    for version in ("1", "2"):
        write_wheel(folder, "forked", version, ())
    return folder


def run_uv(project: Path, *arguments: str) -> str:
    process = subprocess.run(
        [str(find_tool(UV)), *arguments],
        cwd=project,
        env={**os.environ, "UV_CACHE_DIR": str(project.parent / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def as_lines(text: str, registries: Dict[str, str]) -> List[str]:
    return list(as_requirements(text.encode(), registries, (), "uv.lock"))


def test_a_lock_is_exported_as_in_an_image(wheels: Path, more_wheels: Path, tmp_path: Path) -> None:
    """With groups and markers. The Dockerfile of Truss runs the second command."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    links = (f"--find-links={wheels}", f"--find-links={more_wheels}")
    run_uv(project, "lock", "--prerelease=allow", "--no-index", *links, "--no-python-downloads")
    ours = as_lines(run_uv(project, *EXPORT), {})
    theirs = as_lines(run_uv(project, "export", "--frozen", "--format", "requirements-txt"), {})
    assert ours == [line for line in theirs if line != "-e ."]
    assert [line.partition("==")[0] for line in ours if line.startswith("keyring")] == ["keyring"]
    pins = [line.partition(" ;")[0] for line in ours]
    # The Python that installs them decides by the markers.
    assert {"forked==1", "forked==2"} <= set(pins)


def test_a_project_is_resolved_as_in_an_image(
    wheels: Path, more_wheels: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    links = [str(wheels), str(more_wheels)]
    arguments = compile_arguments("3.11", [], links, is_linux=True)
    ours = as_lines(run_uv(project, *arguments, "--prerelease=allow", "--offline"), {})
    names = {line.name for line in map(parse_line, ours) if line}
    # Only what `[project].dependencies` brings.
    assert {"rich", "forked", "httpx2"} <= names and "keyring" not in names
    dry = ["--dry-run", "--no-index", "--prerelease=allow"]
    dry += [f"--find-links={link}" for link in links]
    dry += [f"--python={sys.executable}", "--target=empty", "--python-version=3.11"]
    process = subprocess.run(
        [str(find_tool(UV)), "pip", "install", "-r", "pyproject.toml", *dry],
        cwd=project,
        env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    installed = {line[3:] for line in process.stderr.splitlines() if line.startswith(" + ")}
    environments = marker_environments("3.11")
    applying = [line for line in map(parse_line, ours) if line and line.parsed]
    assert {
        line.text.partition(";")[0].strip()
        for line in applying
        if line.parsed and applies(line.parsed, (), environments[:1])
    } == installed


def test_the_lockfile_is_one_to_learn_from() -> None:
    requirements = [r for locked in locked_requirements() for r in locked["requires_dists"]]
    platforms = ("sys_platform", "platform_system", "python_version", "python_full_version")
    assert len(locked_requirements()) >= 60
    assert len([r for r in requirements if any(p in r for p in platforms)]) >= 60


# On 3.13 one distribution requires another that the lockfile, made for 3.11, does not have.
CASES = [
    (roots, python)
    for roots in ROOTS
    for python in ("3.11", "3.12", "3.13")
    if (roots, python) != ("all", "3.13")
]


@pytest.mark.parametrize(("roots", "python"), CASES)
def test_pins_are_those_of_uv(roots: str, python: str, wheels: Path, tmp_path: Path) -> None:
    environments = marker_environments(python)
    locked = lockfile.parse(LOCKFILE.read_bytes(), environments)
    # Made for 3.11; the others show that markers are evaluated for the Python that is asked for.
    locked = replace(locked, python_versions=())
    wanted = [RequirementOf(text, "test") for text in ROOTS[roots]]
    pins = pin_requirements(wanted, locked, "truss.lock", environments)
    assert [pin.text for pin in pins] == uv_pins(wheels, ROOTS[roots], python, tmp_path)


@pytest.mark.parametrize("roots", ["one", "several", "extras", "markers", "servers"])
def test_pins_of_a_uv_lock_are_those_of_uv(roots: str, wheels: Path, tmp_path: Path) -> None:
    environments = marker_environments("3.11")
    locked = lockfile.parse(uv_lock(wheels, ROOTS[roots], tmp_path), environments)
    wanted = [RequirementOf(text, "test") for text in ROOTS[roots]]
    pins = pin_requirements(wanted, locked, "uv.lock", environments)
    assert [pin.text for pin in pins] == uv_pins(wheels, ROOTS[roots], "3.11", tmp_path)
