"""Imported code is bundled: the gathered truss loads in the real Truss server's layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from support.monorepo import CODEGEN_PATH, PYTHON_TOML, Monorepo, read_tree
from support.truss_library import TrussLibrary

# Each case is a truss whose model answers with `answer()` of what it imports. Shared code lies in
# shared/, a source root; `packages` are the files that must be bundled, and no others may be.
CASES: Dict[str, Dict[str, Any]] = {
    "deep": {
        "import": "from deep.a.b.c import answer",
        "files": {
            "deep/__init__.py": "",
            "deep/a/__init__.py": "",
            "deep/a/b/__init__.py": "",
            "deep/a/b/c.py": "from deep.x import one\ndef answer(): return one() + 1\n",
            "deep/x.py": "from deep.y import zero\ndef one(): return zero() + 1\n",
            "deep/y.py": "def zero(): return 0\n",
            "deep/unused.py": "",
            "deep/a/unused.py": "",
        },
        "unused": ["deep/unused.py", "deep/a/unused.py"],
        "answer": 2,
    },
    "cyclic": {
        "import": "from cyclic.one import answer",
        "files": {
            "cyclic/__init__.py": "",
            "cyclic/one.py": "import cyclic.two\ndef answer(): return cyclic.two.back()\nX = 5\n",
            "cyclic/two.py": "import cyclic.one\ndef back(): return cyclic.one.X\n",
        },
        "answer": 5,
    },
    "type_checking": {
        "import": "from typed.main import answer",
        "files": {
            "typed/main.py": (
                "from __future__ import annotations\n"
                "from typing import TYPE_CHECKING\n"
                "if TYPE_CHECKING:\n"
                "    from typed.types import Thing\n"
                "def answer(thing: Thing | None = None): return 3\n"
            ),
            "typed/types.py": "from typed.main import answer\nclass Thing: pass\n",
        },
        "answer": 3,
    },
    "relative": {
        "import": "from relative.sub.leaf import answer",
        "files": {
            "relative/__init__.py": "",
            "relative/sub/__init__.py": "",
            "relative/sub/leaf.py": (
                "from . import sibling\nfrom ..top import seven\n"
                "def answer(): return seven() * sibling.TWO\n"
            ),
            "relative/sub/sibling.py": "TWO = 2\n",
            "relative/top.py": "def seven(): return 7\n",
        },
        "answer": 14,
    },
    "namespace": {
        "import": "from company.alpha.x import answer",
        "files": {
            "company/alpha/x.py": "from company.beta.y import Y\ndef answer(): return Y\n",
            "company/beta/y.py": "Y = 'namespace'\n",
            "company/gamma/z.py": "",
        },
        "unused": ["company/gamma/z.py"],
        "answer": "namespace",
    },
    "conditional": {
        "import": "from conditional.main import answer",
        "files": {
            "conditional/__init__.py": "",
            "conditional/main.py": (
                "try:\n    from conditional.fast_not_built import answer\n"
                "except ImportError:\n    from conditional.slow import answer\n"
            ),
            "conditional/slow.py": "def answer(): return 'slow'\n",
        },
        "answer": "slow",
    },
    "init_reexport": {
        "import": "from reexport import answer",
        "files": {
            "reexport/__init__.py": "from reexport._impl import answer\n",
            "reexport/_impl.py": "from reexport.base import BASE\ndef answer(): return BASE\n",
            "reexport/base.py": "BASE = 11\n",
        },
        "answer": 11,
    },
    "init_that_nobody_imports": {
        # Python runs every __init__.py on the way, and what that imports.
        "import": "from registered.plugins.one import answer",
        "files": {
            "registered/__init__.py": "from registered.registry import REGISTRY\n",
            "registered/registry.py": "REGISTRY = {'one': 1}\n",
            "registered/plugins/__init__.py": "",
            "registered/plugins/one.py": (
                "import registered\ndef answer(): return registered.REGISTRY['one']\n"
            ),
        },
        "answer": 1,
    },
    "data_file": {
        "import": "from withdata.reader import answer",
        "files": {
            "withdata/__init__.py": "",
            "withdata/reader.py": (
                "from importlib.resources import files\n"
                "def answer(): return files('withdata').joinpath('table.json').read_text()\n"
            ),
            "withdata/table.json": "[1, 2]",
            "withdata/BUILD": (
                "python_sources(dependencies=[':table'])\n"
                "resource(name='table', source='table.json')\n"
            ),
        },
        "answer": "[1, 2]",
    },
    "dynamic": {
        "import": "import importlib\nanswer = importlib.import_module('dynamic.plugin').answer",
        "truss": "truss(dependencies=['shared/dynamic/plugin.py'])\n",
        "files": {
            "dynamic/__init__.py": "",
            "dynamic/plugin.py": "from dynamic.base import answer\n",
            "dynamic/base.py": "def answer(): return 'found'\n",
        },
        "answer": "found",
    },
    "generated_code": {
        "import": "from generates.main import answer",
        "files": {
            "generates/main.py": (
                "from generates.sub.text import TEXT  # pants: no-infer-dep\n"
                "def answer(): return TEXT\n"
            ),
            "generates/sub/__init__.py": "",
            "generates/sub/text.txt": "hello",
            "generates/sub/BUILD": (
                "python_sources()\ntext_module(name='text', source='text.txt')\n"
            ),
            "generates/BUILD": "python_sources(dependencies=['shared/generates/sub:text'])\n",
        },
        "bundled": ["generates/main.py", "generates/sub/__init__.py", "generates/sub/text.py"],
        "answer": "hello",
    },
    "cycle_with_the_truss": {
        "import": "from roundtrip.core import answer\nSETTING = 8",
        "files": {
            "roundtrip/core.py": (
                "def answer():\n"
                "    from model.settings_of_roundtrip import SETTING\n"
                "    return SETTING\n"
            ),
        },
        "own": {"model/settings_of_roundtrip.py": "import roundtrip.core\nSETTING = 8\n"},
        "answer": 8,
    },
    "own_helper": {
        "import": "from model.helper import answer",
        "files": {},
        "own": {"model/helper.py": "def answer(): return 'own'\n"},
        "answer": "own",
    },
    "own_helper_of_another": {
        "import": "from model.helper import answer",
        "files": {},
        "own": {"model/helper.py": "def answer(): return 'another'\n"},
        "answer": "another",
    },
    "beside_external_packages": {
        "import": "from extlib.a import answer",
        "config": "external_package_dirs: [../../external]\n",
        "files": {"fromext/z.py": "Z = 'brought along'\n", "fromext/unused.py": ""},
        "external": {"extlib/a.py": "from fromext.z import Z\ndef answer(): return Z\n"},
        "unused": ["fromext/unused.py"],
        "answer": "brought along",
    },
    "vendored": {
        "import": "from vendored.v import answer",
        "config": "bundled_packages_dir: vendor/py\n",
        "files": {"vendored/v.py": "def answer(): return 'v'\n"},
        "answer": "v",
        # Truss's image has this folder at /packages too.
        "packages_dir": "vendor/py",
    },
}

MODEL = """\
{imports}

class Model:
    def __init__(self, **kwargs):
        self._answer = answer

    def predict(self, request):
        return self._answer()
"""


def write_cases(repo: Monorepo) -> None:
    for name, case in CASES.items():
        repo.write_all({f"shared/{path}": text for path, text in case["files"].items()})
        repo.write_all({f"external/{path}": t for path, t in case.get("external", {}).items()})
        folder = f"trusses/{name}"
        repo.write(f"{folder}/model/__init__.py")
        repo.write(f"{folder}/model/model.py", MODEL.format(imports=case["import"]))
        repo.write_all({f"{folder}/{path}": t for path, t in case.get("own", {}).items()})
        repo.write(f"{folder}/config.yaml", case.get("config", ""))
        build = case.get("truss", "truss()\n")
        repo.write(
            f"{folder}/BUILD", f"{build}python_sources(name='sources', sources=['model/*.py'])\n"
        )
    for path in {f"shared/{p.rpartition('/')[0]}" for c in CASES.values() for p in c["files"]}:
        if not (repo.root / path / "BUILD").exists():
            repo.write(f"{path}/BUILD", "python_sources()\n")
    repo.write(
        "external/BUILD",
        "truss_external_package()\npython_sources(name='src', sources=['**/*.py'])\n",
    )


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All cases, gathered by one run, with the repository gone."""
    base = tmp_path_factory.mktemp("imports")
    repo = Monorepo(base / "repo", base / "machine", daemon=False)
    repo.configure(
        "pants.backend.python",
        "text_module",
        toml=PYTHON_TOML.format(roots='"/shared", "/external", "/trusses/*"'),
        pythonpath=(CODEGEN_PATH,),
    )
    write_cases(repo)
    run = repo.pants("package", "trusses::").assert_success()
    assert "[WARN]" not in run.stderr
    repo.dist("").rename(base / "moved")
    yield base / "moved"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> TrussLibrary:
    return TrussLibrary(tmp_path_factory.mktemp("truss-home"))


@pytest.mark.parametrize("name", CASES)
def test_loads_in_the_server_with_nothing_else_on_the_path(
    name: str, gathered: Path, library: TrussLibrary
) -> None:
    assert library.call("serve", str(gathered / f"trusses.{name}/{name}"), {}) == [
        CASES[name]["answer"]
    ]


@pytest.mark.parametrize("name", CASES)
def test_holds_what_is_needed_and_nothing_else(name: str, gathered: Path) -> None:
    case = CASES[name]
    tree = read_tree(gathered / f"trusses.{name}/{name}")
    folder = case.get("packages_dir", "packages")
    bundled = {path[len(folder) + 1 :] for path in tree if path.startswith(f"{folder}/")}
    needed = {path for path in case["files"] if not path.endswith("BUILD")}
    needed |= set(case.get("external", {}))
    assert bundled == set(case.get("bundled", needed - set(case.get("unused", []))))
