"""The bytes are the same on each release of Pants: those that `digests.json` records.

They change with what is gathered. A test that fails then prints what to write there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Dict

import pytest
from generator import Spec, generate

from support.image_layout import Layout
from support.images import make
from support.monorepo import PYTHON_TOML, Monorepo
from support.repository import copy_repository, settings

RECORDED = Path("tests/digests.json")
REPOSITORIES = 20
MANIFEST = ".truss-manifest.json"


def trees(repo: Monorepo) -> Dict[str, str]:
    """Target -> digest of the tree that is gathered from it."""
    manifests = [json.loads(path.read_text()) for path in repo.root.glob(f"dist/**/*{MANIFEST}")]
    return {manifest["target"]: manifest["tree_digest"] for manifest in manifests}


def tars(repo: Monorepo) -> Dict[str, str]:
    paths = sorted((repo.root / "dist").rglob("*.tar"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def recorded(name: str, found: Dict[str, str]) -> None:
    """One digest stands for all of them."""
    lines = "".join(f"{key} {found[key]}\n" for key in sorted(found))
    digest = hashlib.sha256(lines.encode()).hexdigest()
    assert found and json.loads(RECORDED.read_text())[name] == digest, f"{name}: {digest}\n{lines}"


def package(repo: Monorepo, *arguments: str) -> None:
    shutil.rmtree(repo.root / "dist", ignore_errors=True)
    repo.pants(*arguments).assert_success()


def test_the_example(tmp_path: Path) -> None:
    repo = Monorepo(tmp_path / "repo", tmp_path / "machine", daemon=False)
    copy_repository(repo.root, ("3rdparty/models", "pants-plugins/pants_truss", "src"))
    repo.write("pants.toml", settings())
    package(repo, "package", "src/trusses::")
    recorded("trees of the example", trees(repo))


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Monorepo:
    base = tmp_path_factory.mktemp("generated")
    repo = Monorepo(base / "repo", base / "machine", daemon=False)
    roots = '"/r*/shared/*", "/r*/trusses/*"'
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots=roots))
    for number in range(REPOSITORIES):
        spec = Spec(trusses=2, modules=275, own_files=3, popular=0.5, seed=number)
        generate(repo.root / f"r{number:02d}", spec)
    return repo


def test_generated_repositories(generated: Monorepo) -> None:
    package(generated, "package", "::")
    found = trees(generated)
    assert len(found) == 2 * REPOSITORIES
    recorded("trees of generated repositories", found)


def test_tars(generated: Monorepo) -> None:
    generated.pants("--truss-gather-output-format=tar", "package", "r00::").assert_success()
    recorded("tars of a generated repository", tars(generated))


def test_an_image(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", tmp_path / "machine", daemon=False, shares_store=True)
    repo.pants("package", "src/a:image").assert_success()
    recorded("an image", {"digest": Layout(repo.dist("src.a/image")).digest})
