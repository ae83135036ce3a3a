"""The wheel, installed by Pants from a package index into a repository that has nothing else."""

from __future__ import annotations

import email.parser
import hashlib
import re
import shutil
import zipfile
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from support.base_image import BaseImage
from support.literate import blocks
from support.monorepo import read_tree
from support.stranger import Stranger, wheel

WHEEL = wheel()
INSTALL = Path("docs/install.md").resolve()
VERSION = WHEEL.name.split("-")[1]
PANTS_TOML = """\
[GLOBAL]
pants_version = "2.17.1"
plugins = ["pants-truss=={version}"]
backend_packages.add = [{backends}]

[python]
interpreter_constraints = ["CPython==3.11.*"]

[python-infer]
use_rust_parser = true

[python-repos]
indexes.add = ["file://{index}/simple/"]

[anonymous-telemetry]
enabled = false
"""
CONFIG = "python_version: py311\nexternal_package_dirs: [../../shared/kit]\n"
MODEL = "import kit\n\n\nclass Model:\n    def predict(self, x):\n        return kit.NAME\n"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package index like that of PEP 503."""
    folder = tmp_path_factory.mktemp("index")
    project = folder / "simple/pants-truss"
    project.mkdir(parents=True)
    shutil.copy(WHEEL, project)
    digest = hashlib.sha256(WHEEL.read_bytes()).hexdigest()
    (project / "index.html").write_text(
        f'<!DOCTYPE html><a href="{WHEEL.name}#sha256={digest}">{WHEEL.name}</a>'
    )
    return folder


def make(base: Path, index: Path, *backends: str) -> Stranger:
    repo = Stranger(base / "repo", base / "machine")
    names = ", ".join(f'"{name}"' for name in ("pants.backend.python", *backends))
    repo.write("pants.toml", PANTS_TOML.format(version=VERSION, backends=names, index=index))
    repo.write("src/t/config.yaml", CONFIG)
    repo.write("src/t/model/model.py", MODEL)
    repo.write("shared/kit/kit.py", 'NAME = "kit"\n')
    return repo


@pytest.fixture
def repo(tmp_path: Path, index: Path) -> Iterator[Stranger]:
    made = make(tmp_path, index, "pants_truss", "pants_truss.image")
    yield made
    made.stop_daemon()


def test_from_nothing_to_an_image(repo: Stranger) -> None:
    repo.pants("tailor", "::").assert_success()
    assert "truss(" in (repo.root / "src/t/BUILD").read_text()
    assert "truss_external_package(" in (repo.root / "shared/kit/BUILD").read_text()
    repo.pants("package", "src/t:t").assert_success()
    tree = read_tree(repo.dist("src.t/t"))
    assert tree["packages/kit.py"][0] == b'NAME = "kit"\n'
    repo.pants("lint", "--only=truss", "::").assert_success()
    BaseImage(repo.root / "images/base").write()
    image = 'truss_image(name="image", truss="src/t:t", builder="oci", base="images/base")\n'
    repo.write("BUILD", image)
    repo.pants("package", "//:image").assert_success()
    assert (repo.root / "dist/image/index.json").exists()
    repo.pants("test", "src/t:t").assert_success()


@pytest.mark.parametrize("backends", [(), ("pants_truss",)], ids=str)
def test_images_are_a_backend_of_their_own(
    backends: Tuple[str, ...], tmp_path: Path, index: Path
) -> None:
    """`plugins` alone is enough for trusses, and to name the backend as well does no harm."""
    repo = make(tmp_path, index, *backends)
    try:
        repo.write("src/t/BUILD", "truss()\n")
        repo.write("shared/kit/BUILD", "truss_external_package()\n")
        repo.pants("package", "src/t:t").assert_success()
        assert "packages/kit.py" in read_tree(repo.dist("src.t/t"))
        targets = repo.pants("help", "targets").assert_success().stdout
        assert re.search(r"^truss_external_package\b", targets, re.MULTILINE)
        assert "truss_image" not in targets
    finally:
        repo.stop_daemon()


@pytest.mark.parametrize("way", ["wheel", "sources"])
def test_the_settings_that_the_install_page_names(way: str, tmp_path: Path) -> None:
    settings, in_place = (block.body for block in blocks(INSTALL) if block.language == "toml")
    repo = Stranger(tmp_path / "repo", tmp_path / "machine")
    repo.environment = {"PANTS_ANONYMOUS_TELEMETRY_ENABLED": "false"}
    if way == "wheel":
        repo.write(f"wheels/{WHEEL.name}", WHEEL.read_bytes())
    else:
        with zipfile.ZipFile(WHEEL) as file:
            file.extractall(repo.root / "pants-plugins")
        repo.write("pants-plugins/BUILD", "of_the_other_repository(\n")
        of_the_wheel = re.compile(r"^plugins = .*\n|^\[python-repos\]\nfind_links = .*\n", re.M)
        settings = of_the_wheel.sub("", settings).replace("[GLOBAL]\n", in_place, 1)
    repo.write("pants.toml", settings)
    repo.write("src/trusses/t/config.yaml", CONFIG)
    repo.write("src/trusses/t/model/model.py", MODEL)
    repo.write("src/shared/kit/kit.py", 'NAME = "kit"\n')
    try:
        repo.pants("tailor", "::").assert_success()
        repo.pants("lint", "package", "src/trusses::").assert_success()
        assert "packages/kit.py" in read_tree(repo.dist("src.trusses.t/t"))
    finally:
        repo.stop_daemon()


def names() -> List[str]:
    with zipfile.ZipFile(WHEEL) as file:
        return file.namelist()


def test_what_is_in_the_wheel() -> None:
    """All that the plugin has at run time, and nothing of its tests."""
    assert WHEEL.name == f"pants_truss-{VERSION}-py3-none-any.whl"
    found = names()
    assert not [name for name in found if name.endswith(("_test.py", "conftest.py", "BUILD"))]
    assert "pants_truss/py.typed" in found
    for name in (
        "script_tool/script_tool.lock.metadata",
        "requirements/truss_server.lock.metadata",
        "truss_cli/truss_cli.lock",
        "truss_cli/truss_cli.lock.metadata",
        "truss_cli/truss_cli_pip24.lock",
        "truss_cli/truss_cli_pip24.lock.metadata",
        "image/scripts/push_layout.sh",
        "serving/scripts/serve.py",
    ):
        assert f"pants_truss/{name}" in found


def test_its_metadata() -> None:
    with zipfile.ZipFile(WHEEL) as file:
        (path,) = (name for name in names() if name.endswith(".dist-info/METADATA"))
        metadata = email.parser.Parser().parsestr(file.read(path).decode())
    assert metadata["Name"] == "pants-truss"
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL") or [])
    assert urls["Changelog"].endswith("/CHANGELOG.md")
    # Pants' own Python is 3.9, 3.11 or 3.14, by its release.
    assert metadata["Requires-Python"] == ">=3.9"
    assert metadata.get_all("Requires-Dist") is None
