"""The manifest beside a gathered truss, and `pants truss-explain`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List

import jsonschema  # type: ignore[import]
import pytest

from support.monorepo import PYTHON_TOML, Monorepo, read_tree

RESOLVES = """\
[python.resolves]
python-default = "3rdparty/python.lock"
"""
LOCKFILE = """\
numpy==1.26.4
    # via scipy
scipy==1.11.0
    # via -r requirements.in
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    """A truss that uses everything at once, and a plain one."""
    base = tmp_path_factory.mktemp("explain")
    toml = PYTHON_TOML.format(roots='"/shared", "/ext", "/trusses/*"').replace(
        "[python]", "[python]\nenable_resolves = true"
    )
    repo = Monorepo(base / "repo", base / "machine").configure(
        "pants.backend.python", toml=toml + RESOLVES
    )
    repo.truss("trusses/plain")
    repo.truss("trusses/full", "external_package_dirs: [../../ext]\npython_version: py311\n")
    repo.write(
        "trusses/full/BUILD",
        "truss(requirements='lockfile', dependencies=['shared/named.py'])\n"
        "python_sources(name='sources', sources=['model/*.py'])\n",
    )
    repo.write("trusses/full/model/model.py", "from textkit.tokens import words\nimport extlib\n")
    repo.write("ext/BUILD", "truss_external_package()\n")
    repo.write("ext/extlib.py", "")
    repo.write("shared/BUILD", "python_sources(sources=['**/*.py'])\n")
    repo.write("shared/named.py", "")
    repo.write("shared/textkit/__init__.py", "")
    repo.write("shared/textkit/tokens.py", "from textkit import clean\n", executable=True)
    repo.write("shared/textkit/clean.py", "import scipy.linalg\n")
    repo.write("shared/textkit/unused.py", "")
    repo.write("3rdparty/BUILD", "python_requirement(name='scipy', requirements=['scipy'])\n")
    repo.write("3rdparty/python.lock", LOCKFILE)
    repo.pants("package", "::").assert_success()
    yield repo
    repo.stop_daemon()


def manifest(repo: Monorepo, name: str) -> Dict[str, Any]:
    path = repo.dist(f"trusses.{name}/{name}.truss-manifest.json")
    return dict(json.loads(path.read_text()))


@pytest.mark.parametrize("name", ["plain", "full"])
def test_the_manifest_is_valid_and_says_what_is_there(repo: Monorepo, name: str) -> None:
    data = manifest(repo, name)
    schema = json.loads(Path("docs/truss-manifest.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(data)
    tree = read_tree(repo.dist(f"trusses.{name}/{name}"))
    assert {f["path"]: (f["sha256"], f["size"], f["executable"]) for f in data["files"]} == {
        path: (hashlib.sha256(content).hexdigest(), len(content), executable)
        for path, (content, executable) in tree.items()
    }
    for file in data["files"]:
        if file["reason"] != "generated":
            assert (repo.root / file["source"]).read_bytes() == tree[file["path"]][0]


def test_the_schema_rejects_what_is_not_a_manifest(repo: Monorepo) -> None:
    schema = json.loads(Path("docs/truss-manifest.schema.json").read_text())
    data = manifest(repo, "plain")
    changes: List[Dict[str, Any]] = [
        {"tree_digest": "x"},
        {"version": 2},
        {"extra": 1},
        {"files": [{}]},
    ]
    for change in changes:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**data, **change}, schema)


def test_reasons(repo: Monorepo) -> None:
    data = manifest(repo, "full")
    assert data["target"] == "trusses/full:full"
    assert {f["path"]: (f["target"], f["reason"]) for f in data["files"]} == {
        ".truss_ignore": (None, "generated"),
        "config.yaml": ("trusses/full:full", "generated"),
        "model/model.py": ("trusses/full:full", "truss"),
        "packages/extlib.py": ("ext:ext", "external_package_dirs"),
        "packages/named.py": ("shared/named.py", "explicit dependency"),
        "packages/textkit/__init__.py": (
            "shared/textkit/__init__.py:../shared",
            "imported by shared/textkit/tokens.py",
        ),
        "packages/textkit/clean.py": (
            "shared/textkit/clean.py:../shared",
            "imported by shared/textkit/tokens.py",
        ),
        "packages/textkit/tokens.py": (
            "shared/textkit/tokens.py:../shared",
            "imported by trusses/full/model/model.py",
        ),
    }
    assert data["requirements"] == [
        {
            "requirement": "numpy==1.26.4",
            "origin": "3rdparty/python.lock",
            "reason": "required by scipy",
        },
        {
            "requirement": "scipy==1.11.0",
            "origin": "3rdparty/python.lock",
            "reason": "imported by shared/textkit/clean.py",
        },
    ]


def test_json_is_the_manifests(repo: Monorepo) -> None:
    run = repo.pants("truss-explain", "--format=json", "trusses::").assert_success()
    assert json.loads(run.stdout) == [manifest(repo, "full"), manifest(repo, "plain")]


def test_text(repo: Monorepo) -> None:
    run = repo.pants("truss-explain", "trusses/full").assert_success()
    assert run.stdout.startswith("trusses/full:full: 8 files, ")
    for line in (
        "  truss (trusses/full:full): 1 file, ",
        "  external_package_dirs (ext:ext): 1 file, 0 B",
        "  imported: 3 files, ",
        "    packages/textkit/tokens.py*       26 B  imported by trusses/full/model/model.py",
        "    scipy==1.11.0  3rdparty/python.lock (imported by shared/textkit/clean.py)",
    ):
        assert f"\n{line}" in run.stdout


def test_the_chain_of_imports_to_a_file(repo: Monorepo) -> None:
    run = repo.pants("truss-explain", "--path=packages/textkit/clean.py", "trusses/full")
    everywhere = repo.pants("truss-explain", "--path=./packages/textkit/clean.py", "::")
    assert everywhere.assert_success().stdout == run.stdout
    assert run.assert_success().stdout == (
        "trusses/full:full: packages/textkit/clean.py\n"
        "  from shared/textkit/clean.py (shared/textkit/clean.py:../shared)\n"
        "  trusses/full/model/model.py\n"
        "  -> shared/textkit/tokens.py\n"
        "    -> shared/textkit/clean.py\n"
    )


def test_the_graph(repo: Monorepo) -> None:
    run = repo.pants("truss-explain", "--format=dot", "trusses::").assert_success()
    assert run.stdout.startswith("digraph trusses {\n")
    assert '  "trusses/full:full" -> "shared/textkit";\n' in run.stdout
    assert '  "trusses/full:full" -> "ext:ext";\n' in run.stdout
    assert '  "shared/textkit" -> "pip:scipy";\n' in run.stdout
    assert '  "pip:scipy" -> "pip:numpy";\n' in run.stdout


def test_output_to_a_file(repo: Monorepo) -> None:
    repo.pants("truss-explain", "--output-file=out.dot", "--format=dot", "::").assert_success()
    assert (repo.root / "out.dot").read_text().startswith("digraph")
    (repo.root / "out.dot").unlink()


def test_a_path_that_is_not_there(repo: Monorepo) -> None:
    run = repo.pants("truss-explain", "--path=textkit/clean.py", "trusses/full").assert_failure()
    assert "has no file 'textkit/clean.py'. Did you mean packages/textkit/clean.py?" in run.stderr


def test_no_truss(repo: Monorepo) -> None:
    run = repo.pants("truss-explain", "shared::").assert_failure()
    assert "No truss target was named." in run.stderr


def test_graph_goals_see_the_imports(repo: Monorepo) -> None:
    dependents = repo.pants("dependents", "--transitive", "shared/textkit/clean.py")
    assert "trusses/full:full" in dependents.assert_success().stdout.splitlines()
    dependents = repo.pants("dependents", "--transitive", "shared/textkit/unused.py")
    assert "trusses/full:full" not in dependents.assert_success().stdout.splitlines()
