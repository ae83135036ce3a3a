"""What Pants' inference finds and no server runs stays out of a gathered truss, in a whole
repository: requirement targets, scripts, packages around trusses, other trusses, type stubs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Iterator, Set, Tuple

import pytest

from support.monorepo import PYTHON_TOML, Monorepo, Run

LOCK = "".join(
    f"{pin}\n    # via -r requirements.in\n"
    for pin in ("funcy==2.0", "more-itertools==10.1.0", "toolz==1.0.0")
)
RESOLVES = """\
[python.resolves]
python-default = "3rdparty/python.lock"
"""
NATIVE = "_core.cpython-311-x86_64-linux-gnu.so"
SOURCES = "python_sources(name='sources', sources=['**/*.py', '**/*.pyi'])\n"

# By the name of a truss: its files, and the paths below its bundled packages.
TRUSSES: Dict[str, Tuple[Dict[str, str], Set[str]]] = {
    # As Pants' own tailor writes it.
    "lists": (
        {
            "BUILD": f"truss()\n{SOURCES}python_requirements(name='reqs')\n",
            "requirements.txt": "funcy==2.0\n",
            "config.yaml": "requirements_file: requirements.txt\n",
            "model/model.py": "import funcy\n",
        },
        set(),
    ),
    "uses_listed": (
        {"config.yaml": "requirements: [funcy==2.0]\n", "model/model.py": "import funcy\n"},
        set(),
    ),
    "uses_a_list_in_a_package": (
        {
            "model/model.py": "import more_itertools\n",
            "config.yaml": "requirements: [more-itertools]",
        },
        set(),
    ),
    "pinned": (
        {
            "BUILD": f"truss(requirements='lockfile')\n{SOURCES}",
            "client.py": "import toolz\nimport textkit.clean\n",
            "scripts/export.py": "import textkit.clean\n",
            "model/model.py": "import funcy\n",
        },
        set(),
    ),
    "vendors": (
        {"packages/kit/core.py": "import textkit.clean\n", "model/model.py": "import kit.core\n"},
        {"kit/core.py", "textkit/__init__.py", "textkit/clean.py"},
    ),
    "installs": (
        {
            "config.yaml": "requirements: ['git+https://host.test/me/kit.git']\n",
            "model/model.py": "import kit.core\n",
        },
        set(),
    ),
    "lacks": ({"model/model.py": "import kit.core\n"}, set()),
    "fast": (
        {"model/model.py": "import fastkit.api\n"},
        {"fastkit/__init__.py", "fastkit/api.py", f"fastkit/{NATIVE}"},
    ),
}
SHARED = {
    "3rdparty/BUILD": "python_requirement(name='toolz', requirements=['toolz==1.0.0'])\n",
    "3rdparty/python.lock": LOCK,
    "shared/textkit/BUILD": "python_sources()\n",
    "shared/textkit/__init__.py": "",
    "shared/textkit/clean.py": "",
    "shared/listed/BUILD": "python_sources()\npython_requirements(name='reqs')\n",
    "shared/listed/__init__.py": "import listed.heavy\n",
    "shared/listed/heavy.py": "",
    "shared/listed/requirements.txt": "more-itertools\n",
    "shared/fastkit/BUILD": "python_sources(sources=['*.py', '*.pyi'])\n",
    "shared/fastkit/__init__.py": "",
    "shared/fastkit/_core.pyi": "",
    f"shared/fastkit/{NATIVE}": "ELF",
    "shared/fastkit/api.py": "from fastkit import _core\n",
    "co/BUILD": "python_sources(sources=['*.py'])\n",
    "co/__init__.py": "import co.everything\n",
    "co/everything.py": "",
    "co/serving/BUILD": "python_sources()\n",
    "co/serving/__init__.py": "import co.everything\n",
    "co/serving/inside/BUILD": f"truss()\n{SOURCES}",
    "co/serving/inside/__init__.py": "import co.everything\n",
    "co/serving/inside/config.yaml": "",
    "co/serving/inside/model/__init__.py": "",
    "co/serving/inside/model/model.py": "",
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("import_closure")
    toml = PYTHON_TOML.format(
        roots='"/", "/shared", "/trusses/*", "/trusses/*/packages", "/co/serving/*"'
    ).replace("[python]", "[python]\nenable_resolves = true")
    repo = Monorepo(base / "repo", base / "machine", daemon=False)
    repo.configure("pants.backend.python", toml=toml + RESOLVES)
    repo.write_all(SHARED)
    for name, (files, _) in TRUSSES.items():
        defaults = {"BUILD": f"truss()\n{SOURCES}", "config.yaml": "", "model/__init__.py": ""}
        repo.write_all({f"trusses/{name}/{p}": t for p, t in {**defaults, **files}.items()})
    yield repo


@pytest.fixture(scope="module")
def run(repo: Monorepo) -> Run:
    return repo.pants("package", "trusses::", "co::").assert_success()


def bundled(folder: Path) -> Set[str]:
    packages = folder / "packages"
    return {str(p.relative_to(packages)) for p in packages.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", TRUSSES)
def test_a_truss_has_what_its_server_imports(name: str, repo: Monorepo, run: Run) -> None:
    assert bundled(repo.dist(f"trusses.{name}/{name}")) == TRUSSES[name][1]


def test_a_truss_in_a_package_has_nothing_of_it(repo: Monorepo, run: Run) -> None:
    assert not bundled(repo.dist("co.serving.inside/inside"))


def test_scripts_pin_nothing(repo: Monorepo, run: Run) -> None:
    path = repo.dist("trusses.pinned/pinned.truss-manifest.json")
    listed = json.loads(path.read_text())["requirements"]
    assert [entry["requirement"] for entry in listed] == ["funcy==2.0"]


def test_the_one_warning_is_of_the_module_that_nothing_brings(run: Run) -> None:
    (warning,) = [line for line in run.stderr.splitlines() if "Warning: " in line]
    assert "Warning: trusses/lacks/model/model.py: it imports `kit.core`, which only" in warning
    assert "trusses/vendors/packages/kit/core.py of trusses/vendors:vendors has." in warning
