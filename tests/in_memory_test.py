"""What Truss's own way to predict in memory gets wrong, or cannot do: it works here."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Tuple

import pytest

from support.monorepo import PYTHON_TOML, Monorepo
from support.truss_library import TrussLibrary

MODEL = "class Model:\n    def predict(self, x):\n        "
DATA_DIR = """\
class Model:
    def __init__(self, data_dir):
        self._data_dir = data_dir

    def predict(self, x):
        return (self._data_dir / "words.txt").read_text()
"""

# name -> config, files, and what the model is to give.
CASES: Dict[str, Tuple[str, Dict[str, str], Any]] = {
    "lazy_import": (
        "external_package_dirs: [../ext_lazy]\n",
        {
            "model/model.py": MODEL + "import lazy\n        return lazy.NAME\n",
            "../ext_lazy/lazy.py": "NAME = 'lazy'\n",
        },
        "lazy",
    ),
    "dotted_folder": (
        "external_package_dirs: [../ext_dotted]\n",
        {
            "model/model.py": "import dotted\n" + MODEL + "return dotted.NAME\n",
            "../ext_dotted/dotted.py": "NAME = 'dotted'\n",
            "../ext_dotted/dotted.dist-info/METADATA": "Name: dotted\n",
        },
        "dotted",
    ),
    "split_package": (
        "external_package_dirs: [../ext_one, ../ext_two]\n",
        {
            "model/model.py": "from split import one, two\n" + MODEL + "return one.X + two.X\n",
            "../ext_one/split/__init__.py": "",
            "../ext_one/split/one.py": "X = 1\n",
            "../ext_two/split/two.py": "X = 2\n",
        },
        3,
    ),
    "data_dir": (
        "data_dir: weights\n",
        {"model/model.py": DATA_DIR, "weights/words.txt": "words"},
        "words",
    ),
    "environment": (
        "environment_variables: {COLOUR: red}\n",
        {"model/model.py": "import os\n" + MODEL + "return os.environ['COLOUR']\n"},
        "red",
    ),
    "asynchronous": (
        "",
        {"model/model.py": MODEL.replace("    def", "    async def") + "return x\n"},
        1,
    ),
    "streaming": (
        "",
        {
            "model/model.py": MODEL.replace("    def", "    async def")
            + "yield 'a'\n        yield 'b'\n"
        },
        "ab",
    ),
    "own_requirements": (
        "requirements: [toml==0.10.2]\n",
        {"model/model.py": "import toml\n" + MODEL + "return toml.__version__\n"},
        "0.10.2",
    ),
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    """With the examples of all cases tested, and passed."""
    base = tmp_path_factory.mktemp("in_memory")
    repo = Monorepo(base / "repo", base / "machine", shares_store=True)
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/t/*"'))
    for name, (config, files, output) in CASES.items():
        repo.truss(f"t/{name}", f"python_version: py311\n{config}")
        for path, content in files.items():
            repo.write(f"t/{name}/{path}", content)
        example = {"name": "One", "input": 1, "output": output}
        repo.write(f"t/{name}/examples.yaml", json.dumps([example]))
    for folder in (repo.root / "t").glob("ext_*"):
        repo.write(f"t/{folder.name}/BUILD", "truss_external_package()\n")
    yield repo
    repo.stop_daemon()


def test_they_work_here(repo: Monorepo) -> None:
    run = repo.pants("test", "t::").assert_success()
    for name in CASES:
        assert f"✓ t/{name}:{name} succeeded" in run.stderr


@pytest.mark.parametrize("name", CASES)
def test_they_do_not_in_memory(name: str, repo: Monorepo, truss: TrussLibrary) -> None:
    (answer,) = truss.run([("predict", str(repo.root / "t" / name), 1)])
    assert "error" in answer or answer["value"] != CASES[name][2], answer
