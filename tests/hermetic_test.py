"""The same inputs give the same bytes: other machine, other place, other time, no shared cache."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Dict, List, Tuple, Union

from support.monorepo import PYTHON_TOML, Monorepo, Tree, read_tree

INPUTS: Dict[str, Union[str, bytes]] = {
    "trusses/a/BUILD": 'truss()\ntruss(name="prod", config="prod.yaml")\n',
    "trusses/a/config.yaml": "external_package_dirs:\n  - ../../shared/one  # first\n  - ../../shared/two\n",
    "trusses/a/prod.yaml": "external_package_dirs: [../../shared/two]\n",
    "trusses/a/model/model.py": "class Model: pass\n",
    "trusses/a/data/weights.bin": bytes(700_000),
    "trusses/a/.truss_ignore": "scratch/\n",
    "trusses/a/scratch/x": "x",
    "shared/one/BUILD": "truss_external_package()\n",
    "shared/one/pkg/__init__.py": "",
    "shared/one/pkg/Ärger.py": "A = 1\n",
    "shared/one/pkg/run.sh": "#!/bin/sh\n",
    "shared/one/lib/code.py": "L = 1\n",
    "shared/two/BUILD": "truss_external_package()\n",
    "shared/two/two.py": "T = 2\n",
    "trusses/b/BUILD": "truss(requirements='lockfile')\npython_sources(name='src', sources=['**/*.py'])\n",
    "trusses/b/config.yaml": "python_version: py311\nrequirements: [b-direct]\n",
    "trusses/b/model/model.py": "import chain.one\nimport a_dist\n",
    "imported/BUILD": "python_sources(sources=['**/*.py'])\n",
    "imported/chain/__init__.py": "",
    "imported/chain/one.py": "import chain.two\n",
    "imported/chain/two.py": "import chain.one\n",
    "imported/chain/run.sh": "#!/bin/sh\n",
    "3rdparty/BUILD": "python_requirement(name='a', requirements=['a-dist'])\n",
    "3rdparty/python.lock": "a-dist==1\n    # via -r x\nb-direct==2\n    # via -r x\nc==3\n    # via a-dist\n",
}
TOML = PYTHON_TOML.format(roots='"/imported", "/trusses/*"').replace(
    "[python]",
    '[python]\nenable_resolves = true\nresolves = {python-default = "3rdparty/python.lock"}',
)
LINKS = {"shared/two/alias.py": "two.py", "trusses/a/model/linked": "../../../shared/two"}

DECOYS = {
    "../packages/decoy.py": "",
    "packages/decoy.py": "",
    "shared/decoy.py": "",
    "shared/three/decoy.py": "",
    "trusses/config.yaml": "external_package_dirs: [nowhere]\n",
    "trusses/a/.cache/decoy.py": "",
    "trusses/a/model/__pycache__/model.cpython-311.pyc": "",
    "shared/one/pkg/.DS_Store": "",
    "dist/trusses.a/a/packages/stale.py": "",
    "../machine-b/home/.truss/config": "",
    "../machine-b/home/.truss_ignore": "*.py\n",
    ".truss_ignore": "*.py\n",
}


def configure(repo: Monorepo) -> None:
    repo.configure("pants.backend.python", toml=TOML)


def make(repo: Monorepo, seed: int) -> None:
    order: List[str] = sorted(INPUTS)
    random.Random(seed).shuffle(order)
    for path in order:
        file = repo.write(path, INPUTS[path], executable=path.endswith(".sh"))
        os.utime(file, (seed * 10**8, seed * 10**8))
    for path, target in LINKS.items():
        (repo.root / path).symlink_to(target)


def package(repo: Monorepo, umask: int) -> Tuple[Tree, List[str]]:
    run = repo.pants("package", "trusses/::", umask=umask).assert_success()
    digests = sorted(line for line in run.stderr.splitlines() if "sha256:" in line)
    assert len(digests) == 3
    return read_tree(repo.root / "dist"), digests


def test_two_machines_give_identical_trees(tmp_path: Path) -> None:
    first = Monorepo(tmp_path / "a", tmp_path / "machine-a", daemon=False)
    configure(first)
    make(first, 3)
    first.environment = {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0"}

    far = tmp_path / "a much longer path" / ("deep/" * 20) / "clone"
    second = Monorepo(far, tmp_path / "machine-b", daemon=True)
    configure(second)
    second.environment = {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4242"}
    make(second, 11)
    for path, content in DECOYS.items():
        second.write(path, content)

    tree, digests = package(first, 0o022)
    try:
        assert package(second, 0o077) == (tree, digests)
    finally:
        second.stop_daemon()
    assert "trusses.a/a/packages/pkg/Ärger.py" in tree
    assert "trusses.a/a/model/linked/two.py" in tree
    assert {"trusses.b/b/packages/chain/two.py", "trusses.b/b.truss-manifest.json"} <= set(tree)
    assert b'"c==3"' in tree["trusses.b/b/config.yaml"][0]
    assert not any("decoy" in path or "scratch" in path for path in tree)


def test_a_git_clone_gives_the_same_tree(tmp_path: Path) -> None:
    first = Monorepo(tmp_path / "first", tmp_path / "machine-a", daemon=False)
    configure(first)
    make(first, 7)
    first.commit()
    second = Monorepo(tmp_path / "a clone" / "second", tmp_path / "machine-b", daemon=False)
    first.git("clone", "--quiet", ".", str(second.root))
    assert package(second, 0o022) == package(first, 0o022)


def test_the_printed_digest_is_the_documented_one(tmp_path: Path) -> None:
    repo = Monorepo(tmp_path / "repo", tmp_path / "machine", daemon=False)
    configure(repo)
    make(repo, 5)
    run = repo.pants("package", "trusses/a:a").assert_success()
    # The command of docs/tree-digest.md.
    document = Path("docs/tree-digest.md").read_text()
    script = document.partition("```python\n")[2].partition("```")[0]
    variables: Dict[str, object] = {}
    exec(script, variables)
    digest = variables["tree_digest"](repo.dist("trusses.a/a"))  # type: ignore[operator]
    assert digest in run.stderr
