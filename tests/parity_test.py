"""Where Truss's own gather is sound, the result here is the same, file for file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, NamedTuple, Tuple, Union

import pytest

from support.cases import CASES, Case, Files
from support.monorepo import Monorepo, Tree, read_tree
from support.truss_library import RELEASES, TrussLibrary

NEWEST = "0.18.35"
PAGE = Path("docs/compatibility.md")
MODEL = "class Model:\n    def predict(self, model_input):\n        return model_input\n"


class Gathered(NamedTuple):
    """The same truss, gathered here and by one release of the library: `there` is its folder, or
    how the library fails. The configs are as that release reads them."""

    here: Path
    there: Union[Path, str]
    config_here: Any
    config_there: Any


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """Every case, gathered by one run of Pants."""
    base = tmp_path_factory.mktemp("parity")
    repo = Monorepo(base / "repo", base / "machine", daemon=False).configure()
    for case in CASES:
        write_case(repo.root / case.name, case)
        repo.write(f"{case.name}/truss/BUILD", "truss()\n")
        for package in case.packages:
            repo.write(f"{case.name}/{package}/BUILD", "truss_external_package()\n")
    repo.pants("package", "::").assert_success()
    return {case.name: repo.dist(f"{case.name}.truss/truss") for case in CASES}


@pytest.fixture(scope="module")
def by_release(
    here: Dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Dict[str, Dict[str, Gathered]]:
    """By release and case; the cases of one release by one process of the library."""
    return {
        release: gather_with_library(release, here, tmp_path_factory.mktemp("library"))
        for release in RELEASES
    }


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


@pytest.fixture(scope="module")
def gathered(by_release: Dict[str, Dict[str, Gathered]]) -> Dict[str, Gathered]:
    return by_release[NEWEST]


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


def trees(result: Gathered) -> Tuple[Tree, Tree]:
    """`.truss_ignore` is this project's addition; config.yaml keeps its bytes here."""
    assert isinstance(result.there, Path), result.there
    here = without(read_tree(result.here), ".truss_ignore", "config.yaml")
    return here, without(read_tree(result.there), "config.yaml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_tree(case: Case, gathered: Dict[str, Gathered]) -> None:
    here, there = trees(gathered[case.name])
    assert here == there


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_config(case: Case, gathered: Dict[str, Gathered]) -> None:
    result = gathered[case.name]
    assert result.config_here["value"] == result.config_there["value"]
    if not case.packages:
        assert (result.here / "config.yaml").read_bytes() == case.config.encode()


def difference(result: Gathered) -> str:
    """In a few words; nothing if there is none."""
    if isinstance(result.there, str):
        return f"Truss {result.there}"
    here, there = trees(result)
    if here != there:
        paths = sorted(p for p in {*here, *there} if here.get(p) != there.get(p))
        return f"other files: {', '.join(f'`{path}`' for path in paths[:3])}"
    if "error" in result.config_here:
        return f"Truss does not read the config: {result.config_here['error']}"
    one, other = result.config_here["value"], result.config_there["value"]
    keys = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
    return f"other values: {', '.join(f'`{key}`' for key in keys)}" if keys else ""


def test_the_page_has_what_differs(by_release: Dict[str, Dict[str, Gathered]]) -> None:
    lines = ["| Truss | the same here | differs |", "|---|---|---|"]
    for release, results in by_release.items():
        found = {name: difference(result) for name, result in results.items()}
        differing = [f"{name}: {text}" for name, text in found.items() if text]
        same = len(found) - len(differing)
        lines.append(f"| {release} | {same} of {len(found)} cases | {'; '.join(differing)} |")
    assert "\n".join(lines) in PAGE.read_text(encoding="utf-8"), "\n" + "\n".join(lines)
