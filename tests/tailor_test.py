"""`pants tailor` on real repositories."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

from support.monorepo import PYTHON_TOML, Monorepo

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"
PYTHON = PYTHON_TOML.format(roots='"/shared/*", "/trusses/*"')


# The target of a truss or shared folder without tests.
SOURCES = """\
python_sources(
    name="sources",
    sources=[
        "**/*.py",
        "!**/test_*.py",
        "!**/*_test.py",
        "!**/tests.py",
        "!**/conftest.py",
    ],
)
"""
TESTS = """\
python_tests(
    name="tests",
    sources=[
        "**/*_test.py",
    ],
)
"""
TEST_UTILS = """\
python_test_utils(
    name="test_utils",
    sources=[
        "**/conftest.py",
    ],
)
"""


def truss_files(folder: str, config: str = "model_name: x\n") -> Dict[str, str]:
    return {
        f"{folder}/config.yaml": config,
        f"{folder}/model/__init__.py": "",
        f"{folder}/model/model.py": MODEL,
    }


def builds(repo: Monorepo) -> Dict[str, str]:
    return {
        path.parent.relative_to(repo.root).as_posix(): path.read_text()
        for path in repo.root.glob("**/BUILD")
    }


def test_a_repository_without_targets(repo: Monorepo) -> None:
    repo.configure("pants.backend.python", toml=PYTHON)
    repo.write_all(
        {
            **truss_files("trusses/a", "external_package_dirs: [../../shared/textkit]\n"),
            **truss_files("trusses/b", "external_package_dirs: [../../shared/textkit, ../no]\n"),
            "trusses/b/b_test.py": "",
            "trusses/b/helpers.py": "",
            "shared/textkit/textkit/clean.py": "",
            "shared/flat.txt": "",
            "shared/unused/x.py": "",
        }
    )
    assert repo.pants("tailor", "--check", "::").assert_failure()
    assert not builds(repo)
    repo.pants("tailor", "::").assert_success()
    assert builds(repo) == {
        "trusses/a": f"truss()\n\n{SOURCES}",
        "trusses/b": f"truss()\n\n{SOURCES}\n{TESTS}",
        "shared/textkit": f"{SOURCES}\ntruss_external_package()\n",
        "shared/unused": "python_sources()\n",
    }
    run = repo.pants("tailor", "--check", "::").assert_success()
    assert "Add" not in run.stdout
    repo.pants("package", "trusses/a").assert_success()


def test_files_that_only_a_truss_owns(repo: Monorepo) -> None:
    repo.configure("pants.backend.python", toml=PYTHON)
    repo.write_all(
        {
            **truss_files("trusses/a", "external_package_dirs: [../../shared/kit]\n"),
            "trusses/a/BUILD": "truss()\n",
            "trusses/a/model/conftest.py": "",
            "trusses/a/model/model_test.py": "",
            "trusses/a/setup.py": "",
            "trusses/a/packages/p/__init__.py": "",
            "trusses/a/packages/q/__init__.py": "x = 1\n",
            "shared/kit/BUILD": "truss_external_package()\npython_sources(name='x', sources=['a.py'])",
            "shared/kit/a.py": "",
            "shared/kit/b.py": "",
        }
    )
    repo.pants("tailor", "::").assert_success()
    made = builds(repo)
    assert made["trusses/a"] == f"truss()\n\n{SOURCES}\n{TEST_UTILS}\n{TESTS}"
    assert sorted(made) == ["shared/kit", "trusses/a"]
    assert made["shared/kit"].endswith(
        '\n\npython_sources(\n    name="sources",\n    sources=[\n        "b.py",\n    ],\n)\n'
    )
    assert repo.pants("tailor", "--check", "::").assert_success()
    lint = repo.pants("--truss-lint-validate-with-truss=off", "lint", "::").assert_success()
    assert "unowned-python" not in lint.stderr
    repo.pants("dependencies", "trusses/a").assert_success()


def test_only_where_it_is_asked_to(repo: Monorepo) -> None:
    repo.write_all(
        {
            **truss_files("trusses/a", "external_package_dirs: [../../shared/kit]\n"),
            **truss_files("trusses/b"),
            "shared/kit/a.py": "",
        }
    )
    repo.pants("tailor", "trusses/b::").assert_success()
    assert builds(repo) == {"trusses/b": "truss()\n"}
    repo.pants("--no-truss-gather-tailor", "tailor", "::").assert_success()
    assert list(builds(repo)) == ["trusses/b"]
    # As the error of `package` says.
    repo.pants("tailor", "shared/kit:").assert_success()
    assert builds(repo)["shared/kit"] == "truss_external_package()\n"


def test_other_configs_of_a_target_count(repo: Monorepo) -> None:
    repo.write_all(
        {
            **truss_files("trusses/a"),
            "trusses/a/prod.yaml": "external_package_dirs: [../../shared/kit]\n",
            "trusses/a/BUILD": 'truss()\ntruss(name="prod", config="prod.yaml")\n',
            "shared/kit/a.txt": "",
        }
    )
    repo.pants("tailor", "::").assert_success()
    assert builds(repo)["shared/kit"] == "truss_external_package()\n"
    assert repo.pants("tailor", "--check", "::").assert_success()


def test_trusses_within_trusses_and_broken_ones(repo: Monorepo) -> None:
    """Lint reports the faults of a truss, and lint needs a target."""
    repo.write_all(
        {
            **truss_files("trusses/a"),
            **truss_files("trusses/a/data/nested"),
            **truss_files("trusses/broken", "model_name: [\n"),
            **truss_files("trusses/invalid", "model_name: x\nrequirements: numpy\n"),
            **truss_files("trusses/misspelt", "model_nmae: x\npython_version: py311\n"),
            **truss_files("trusses/renamed"),
            "trusses/renamed/model/model.py": MODEL.replace("Model", "Sentiment"),
            "trusses/server/config.yaml": "docker_server: {start_command: x, server_port: 8000, "
            "predict_endpoint: /p, readiness_endpoint: /r, liveness_endpoint: /l}\n",
        }
    )
    repo.pants("tailor", "::").assert_success()
    names = ["a", "broken", "invalid", "misspelt", "renamed", "server"]
    assert sorted(builds(repo)) == [f"trusses/{name}" for name in names]
    lint = repo.pants("--truss-lint-disable=[]", "lint", "::").assert_failure()
    for name in ("broken", "invalid", "renamed"):
        assert f"trusses/{name}:{name}\n" in lint.stderr


def test_names_that_are_no_python(repo: Monorepo) -> None:
    """Pants writes values into BUILD files as they are."""
    repo.configure("pants.backend.python", toml=PYTHON)
    name = 'z"], description=str(open("made", "w").write("1")), tags=["q.py'
    repo.write_all(
        {
            **truss_files("trusses/a"),
            "trusses/a/BUILD": "truss()\n",
            "trusses/a/model/BUILD": 'python_sources(sources=["model.py", "__init__.py"])\n',
            f"trusses/a/model/{name}": "",
        }
    )
    run = repo.pants("tailor", "::").assert_success()
    assert "a BUILD file cannot hold its name" in run.stderr
    repo.pants("list", "::").assert_success()
    assert "description" not in builds(repo)["trusses/a/model"]
    assert not (repo.root / "made").exists()


def test_the_example_needs_nothing(repo: Monorepo) -> None:
    """This repository's own example, as its BUILD files have it."""
    for path in Path("src").glob("**/*"):
        if path.is_file():
            repo.write(path.as_posix(), path.read_bytes())
    toml = PYTHON_TOML.format(roots='"/src/shared/*", "/src/trusses/*", "/src/trusses/*/packages"')
    repo.configure("pants.backend.python", "pants.backend.python.typecheck.mypy", toml=toml)
    run = repo.pants("tailor", "--check", "src::")
    assert "truss" not in run.stdout, run.stdout
