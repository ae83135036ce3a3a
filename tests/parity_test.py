"""Where Truss's own gather is sound, the result here is the same, file for file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple

import pytest

from support.cases import CASES, Case, Files
from support.monorepo import Monorepo, Tree, read_tree
from support.truss_library import TrussLibrary

MODEL = "class Model:\n    def predict(self, model_input):\n        return model_input\n"


class Gathered(NamedTuple):
    here: Path
    there: Path
    config_here: Dict[str, Any]
    config_there: Dict[str, Any]


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dict[str, Gathered]]:
    """Every case, gathered by one run of Pants and by one process of the library."""
    base = tmp_path_factory.mktemp("parity")
    repo = Monorepo(base / "repo", base / "machine", daemon=False).configure()
    library = TrussLibrary(base / "truss-home")
    for case in CASES:
        write_case(base / "plain" / case.name, case)
        write_case(repo.root / case.name, case)
        repo.write(f"{case.name}/truss/BUILD", "truss()\n")
        for package in case.packages:
            repo.write(f"{case.name}/{package}/BUILD", "truss_external_package()\n")
    repo.pants("package", "::").assert_success()
    answers = library.values([("gather", str(base / "plain" / c.name / "truss")) for c in CASES])
    there = {case.name: Path(answer) for case, answer in zip(CASES, answers)}
    here = {case.name: repo.dist(f"{case.name}.truss/truss") for case in CASES}
    folders = [folders[case.name] for case in CASES for folders in (here, there)]
    configs = library.values([("config", str(folder / "config.yaml")) for folder in folders])
    yield {
        case.name: Gathered(
            here[case.name],
            there[case.name],
            configs[2 * index],
            configs[2 * index + 1],
        )
        for index, case in enumerate(CASES)
    }


def write_case(folder: Path, case: Case) -> None:
    config = case.config.replace("{root}", str(folder))
    files: Files = {"truss/model/model.py": MODEL, **case.files, "truss/config.yaml": config}
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if path in case.executables:
            file.chmod(0o755)
    for path, target in case.links.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(target)


def without(tree: Tree, *paths: str) -> Tree:
    return {path: content for path, content in tree.items() if path not in paths}


def test_there_are_forty_cases() -> None:
    assert len({case.name for case in CASES}) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_tree(case: Case, gathered: Dict[str, Gathered]) -> None:
    result = gathered[case.name]
    # `.truss_ignore` is this project's addition; config.yaml keeps its bytes here.
    here = without(read_tree(result.here), ".truss_ignore", "config.yaml")
    assert here == without(read_tree(result.there), "config.yaml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_config(case: Case, gathered: Dict[str, Gathered]) -> None:
    result = gathered[case.name]
    assert result.config_here == result.config_there
    if not case.packages:
        assert (result.here / "config.yaml").read_bytes() == case.config.encode()
