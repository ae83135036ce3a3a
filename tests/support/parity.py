"""Repositories of the cases, gathered here and by releases of the Truss library."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, NamedTuple, Tuple, Union

from support.cases import CASES, Case, Files
from support.monorepo import Monorepo, Tree, read_tree
from support.truss_library import TrussLibrary

MODEL = "class Model:\n    def predict(self, model_input):\n        return model_input\n"


class Gathered(NamedTuple):
    """The same truss, gathered here and by one release of the library: `there` is its folder, or
    how the library fails. The configs are as that release reads them."""

    here: Path
    there: Union[Path, str]
    config_here: Any
    config_there: Any


def gather_with_pants(base: Path) -> Dict[str, Path]:
    """Every case, gathered by one run of Pants: name -> folder."""
    repo = Monorepo(base / "repo", base / "machine", daemon=False).configure()
    for case in CASES:
        write_case(repo.root / case.name, case)
        repo.write(f"{case.name}/truss/BUILD", "truss()\n")
        for package in case.packages:
            repo.write(f"{case.name}/{package}/BUILD", "truss_external_package()\n")
    repo.pants("package", "::").assert_success()
    return {case.name: repo.dist(f"{case.name}.truss/truss") for case in CASES}


def gather_with_library(release: str, here: Dict[str, Path], base: Path) -> Dict[str, Gathered]:
    library = TrussLibrary(base / "truss-home", release)
    for case in CASES:
        write_case(base / case.name, case)
    answers = library.run([("gather", str(base / case.name / "truss")) for case in CASES])
    there: Dict[str, Union[Path, str]] = {
        case.name: Path(answer["value"]) if "value" in answer else f"fails: {answer['error']}"
        for case, answer in zip(CASES, answers)
    }
    configs = iter(
        library.run(
            [
                ("config", str(folder / "config.yaml"))
                for case in CASES
                for folder in (here[case.name], there[case.name])
                if isinstance(folder, Path)
            ]
        )
    )
    return {
        case.name: Gathered(
            here[case.name],
            there[case.name],
            next(configs),
            next(configs) if isinstance(there[case.name], Path) else None,
        )
        for case in CASES
    }


def trees(result: Gathered) -> Tuple[Tree, Tree]:
    """`.truss_ignore` is this project's addition; config.yaml keeps its bytes here."""
    assert isinstance(result.there, Path), result.there
    here = without(read_tree(result.here), ".truss_ignore", "config.yaml")
    return here, without(read_tree(result.there), "config.yaml")


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
