"""Which file an import finds: the same in `pants run`, in `pants test`, and in the real server laid
out as in an image."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import Any, Dict, Tuple

import pytest

from support.monorepo import PYTHON_TOML, Monorepo
from support.server import Server
from support.truss_library import TrussLibrary

MARK = "MARK = {!r}\n"

# Module that the model imports -> files that could be meant, and the one that is found. `site` is
# an installed distribution, from the truss's requirements or the server's.
CASES: Dict[str, Tuple[Dict[str, str], str]] = {
    "only_bundled": ({"truss/packages/only_bundled.py": "bundled"}, "bundled"),
    "only_external": ({"ext1/only_external.py": "external"}, "external"),
    "only_imported": ({"lib/only_imported.py": "imported"}, "imported"),
    "package_or_module": (
        {
            "truss/packages/package_or_module/__init__.py": "bundled",
            "ext1/package_or_module.py": "x",
        },
        "bundled",
    ),
    "split.one": ({"ext1/split/one.py": "first", "ext2/split/two.py": "second"}, "first"),
    "split.two": ({}, "second"),
    "nested.deep.leaf": ({"ext2/nested/deep/leaf.py": "external"}, "external"),
    # A requirement of the truss.
    "six": ({"truss/packages/six.py": "bundled"}, "site six.py"),
    "dateutil": ({"ext1/dateutil/__init__.py": "external"}, "site dateutil/__init__.py"),
    "dateutil.mine": ({"ext1/dateutil/mine.py": "external"}, "nothing"),
    # A requirement of the server.
    "yaml": ({"ext1/yaml.py": "external"}, "site yaml/__init__.py"),
    "fastapi": ({"truss/packages/fastapi/__init__.py": "bundled"}, "site fastapi/__init__.py"),
    # Namespace packages are made of all their parts.
    "google.mine": ({"ext1/google/mine.py": "external"}, "external"),
    # The server itself, and the truss, lie in /app.
    "truss_server": ({"ext1/truss_server.py": "external"}, "app truss_server.py"),
    "main": ({"truss/packages/main.py": "bundled"}, "app main.py"),
    "model.helper": ({"truss/model/helper.py": "truss"}, "truss"),
    "helper": ({}, "nothing"),
    "data.values": ({"truss/data/values.py": "truss"}, "truss"),
    # The standard library.
    "secrets": ({"truss/packages/secrets.py": "bundled"}, "standard secrets.py"),
    "json.mine": ({"ext2/json/mine.py": "external"}, "nothing"),
    "email": ({"ext1/email/__init__.py": "external"}, "standard email/__init__.py"),
    "examples": ({"truss/examples.py": "truss"}, "nothing"),
}

MODEL = """\
import importlib
import os
import sysconfig

try:
    import only_imported
except ImportError:
    pass


class Model:
    def predict(self, names):
        return [find(name) for name in names]


def find(name):
    try:
        module = importlib.import_module(name)
    except ImportError:
        return "nothing"
    if hasattr(module, "MARK"):
        return module.MARK
    path = module.__file__
    for kind, folder in places():
        if path.startswith(folder + os.sep):
            return kind + " " + os.path.relpath(path, folder)
    return path


def places():
    import sys

    for entry in sys.path:
        if entry.endswith("site-packages"):
            yield "site", entry
    yield "app", os.getcwd()
    yield "standard", sysconfig.get_path("stdlib")
"""

CONFIG = """\
python_version: py311
external_package_dirs: [../ext1, ../ext2]
requirements: [six, python-dateutil]
"""

NAMES = list(CASES)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Dict[str, str]]:
    """What each way of running finds, by name."""
    base = tmp_path_factory.mktemp("order")
    repo = Monorepo(base / "repo", base / "machine")
    repo.configure(
        "pants.backend.python",
        toml=PYTHON_TOML.format(roots='"/truss", "/lib"') + "\n[test]\nreport = true\n",
        silent_rules=("config-schema", "model-class", "shadowed-by-server"),
    )
    repo.write("truss/BUILD", "truss()\npython_sources(name='sources', sources=['model/*.py'])\n")
    repo.write("truss/config.yaml", CONFIG)
    repo.write("truss/model/__init__.py")
    repo.write("truss/model/model.py", MODEL)
    repo.write("lib/BUILD", "python_sources()\n")
    for folder in ("ext1", "ext2"):
        repo.write(f"{folder}/BUILD", "truss_external_package()\n")
    for files, _ in CASES.values():
        repo.write_all({path: MARK.format(mark) for path, mark in files.items()})
    # No model gives this output, so the failure of the test prints the real output.
    examples = [{"name": "All", "input": NAMES, "output": None}]
    repo.write("truss/examples.yaml", json.dumps(examples))
    try:
        with Server(repo, "truss:truss") as server:
            served = server.predict(NAMES)
        repo.pants("test", "truss:truss")
        report = (repo.root / "dist/test/reports/truss.truss.xml").read_text()
        repo.pants("package", "truss:truss").assert_success()
    finally:
        repo.stop_daemon()
    library = TrussLibrary(base / "home")
    (image,) = library.call("serve", str(repo.dist("truss/truss")), NAMES)
    lists: Dict[str, Any] = {"run": served, "test": _got(report), "image": image}
    return {way: dict(zip(NAMES, found)) for way, found in lists.items()}


def _got(report: str) -> Any:
    for failure in ET.fromstring(report).iter("failure"):
        found = re.search(r"^ +got (.+)$", failure.text or "", re.MULTILINE)
        if found:
            return json.loads(found.group(1))
    raise AssertionError(report)


@pytest.mark.parametrize("way", ["run", "test", "image"])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_file_is_found(name: str, way: str, answers: Dict[str, Dict[str, str]]) -> None:
    assert answers[way][name] == CASES[name][1]
