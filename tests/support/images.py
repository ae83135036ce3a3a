"""A small repository with two trusses that share code, and an image of each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict, List

from support.base_image import BaseImage
from support.image_layout import Layout
from support.monorepo import IMAGES, PYTHON_TOML, Monorepo, Run

CONFIG = "python_version: py311\nexternal_package_dirs: [../shared/one, ../shared/two]\n"
MODEL = """\
import one
import two
from common.text import clean


class Model:
    def predict(self, request):
        return clean([one.NAME, two.NAME])
"""
FILES: Dict[str, str] = {
    "src/a/config.yaml": CONFIG,
    "src/a/model/model.py": MODEL,
    "src/a/data/words.txt": "a b\n",
    "src/a/packages/own.py": "",
    "src/a/BUILD": """\
truss()
python_sources(name="sources", sources=["model/*.py", "packages/*.py"])
truss_image(name="image", truss=":a", builder="oci", base="images/base")
""",
    "src/b/config.yaml": CONFIG,
    "src/b/model/model.py": MODEL + "# another\n",
    "src/b/BUILD": """\
truss()
python_sources(name="sources", sources=["model/*.py"])
truss_image(name="image", truss=":b", builder="oci", base="images/base")
""",
    "src/shared/one/BUILD": "truss_external_package()\npython_sources(name='sources')\n",
    "src/shared/one/one.py": "NAME = 'one'\n",
    "src/shared/two/BUILD": "truss_external_package()\npython_sources(name='sources')\n",
    "src/shared/two/two.py": "NAME = 'two'\n",
    "src/lib/common/BUILD": "python_sources()\n",
    "src/lib/common/__init__.py": "",
    "src/lib/common/text.py": "def clean(words):\n    return words\n",
}
ROOTS = '"/src/lib", "/src/a", "/src/b", "/src/shared/*"'
LAYERS = [
    "requirements of the Truss server",
    "Python's .pth file",
    "the Truss server",
    "data",
    "src/lib",
    "src/shared/one",
    "src/shared/two",
    "model",
]


def make(root: Path, machine: Path, **options: Any) -> Monorepo:
    repo = Monorepo(root, machine, **options)
    repo.configure("pants.backend.python", IMAGES, toml=PYTHON_TOML.format(roots=ROOTS))
    repo.write_all(FILES)
    BaseImage(repo.root / "images/base").write()
    return repo


def restore(repo: Monorepo) -> None:
    """As it was when it was made; the caches stay."""
    repo.environment.clear()
    repo.git("checkout", "--quiet", ".")
    repo.git("clean", "--quiet", "--force", "-d")
    shutil.rmtree(repo.root / "dist", ignore_errors=True)


def package(repo: Monorepo, truss: str = "a", *options: str) -> Layout:
    repo.pants(*options, "package", f"src/{truss}:image").assert_success()
    return Layout(repo.dist(f"src.{truss}/image"))


def refused(repo: Monorepo, *options: str) -> str:
    run: Run = repo.pants(*options, "package", "src/a:image").assert_failure()
    assert "Traceback" not in run.stderr
    assert not repo.dist("src.a/image/index.json").exists()
    return run.stderr


def image(name: str, **fields: Any) -> str:
    given = {"name": "image", "truss": f":{name}", "builder": "oci", "base": "images/base"}
    written = ", ".join(f"{key}={value!r}" for key, value in {**given, **fields}.items())
    return f"truss()\ntruss_image({written})\n"


def changed(before: Layout, after: Layout) -> List[str]:
    assert before.digests.keys() == after.digests.keys()
    return [name for name, digest in after.digests.items() if digest != before.digests[name]]
