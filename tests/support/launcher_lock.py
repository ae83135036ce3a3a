"""Writes what `./pants` installs, with hashes, to the end of that script.

    python3.11 tests/support/launcher_lock.py UV

`UV` is the executable of uv. Wheels are those for CPython 3.9 on Linux and macOS, which Pants runs
on; a source distribution is for machines that no wheel is for.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = "\n# --- locked for Pants "
PYTHON = re.compile(r"-(cp39-cp39|cp3\d-abi3|py3-none|py2\.py3-none)-")
MACHINE = re.compile(
    r"(any|manylinux\w*_(x86_64|aarch64)|macosx\w*_(x86_64|arm64|universal2))\.whl$"
)


def requirements(version: str) -> List[str]:
    # The pyparsing is that of Pants' own releases: under a newer one, parsing requirements warns.
    return [f"pantsbuild.pants=={version}", "pyparsing==3.0.9"]


def resolve(uv: str, wanted: Iterable[str]) -> List[Dict[str, Any]]:
    """The packages of uv's lockfile."""
    listed = ", ".join(f'"{each}"' for each in wanted)
    project = (
        f'[project]\nname = "x"\nversion = "0"\nrequires-python = ">=3.9"\n'
        f"dependencies = [{listed}]\n"
        f"[tool.uv]\nenvironments = [\"python_version == '3.9'\"]\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(project)
        subprocess.run([uv, "lock", "-q"], cwd=folder, check=True)
        text = Path(folder, "uv.lock").read_text()
    tomllib: Any = importlib.import_module("tomllib")
    return [package for package in tomllib.loads(text)["package"] if package["name"] != "x"]


def hashes(package: Dict[str, Any]) -> Iterator[str]:
    wheels = [wheel for wheel in package.get("wheels", ()) if fits(wheel["url"])]
    sources = [package["sdist"]] if "sdist" in package else []
    for file in (*wheels, *sources):
        yield f"--hash={file['hash']}"


def fits(url: str) -> bool:
    name = url.rpartition("/")[2]
    return bool(PYTHON.search(name) and MACHINE.search(name))


def lines(packages: Iterable[Dict[str, Any]]) -> Iterator[str]:
    for package in packages:
        found = sorted(hashes(package))
        assert found, package
        yield f"{package['name']}=={package['version']} {' '.join(found)}"


def main(uv: str) -> None:
    script = ROOT / "pants"
    text = script.read_text().partition(MARK)[0]
    version = re.search(r'pants_version = "(.*)"', (ROOT / "pants.toml").read_text())
    assert version
    locked = lines(resolve(uv, requirements(version[1])))
    end = "".join(f"# {line}\n" for line in locked)
    script.write_text(f"{text}{MARK}{version[1]} by tests/support/launcher_lock.py\n{end}")


if __name__ == "__main__":
    main(sys.argv[1])
