"""The example monorepo, packaged as README says, and then used with Truss's own tools alone."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import yaml

from support.monorepo import Monorepo, read_tree
from support.repository import settings
from support.truss_library import TrussLibrary

TRUSSES = {
    "keywords": "src.trusses.keywords/keywords",
    "readtime": "src.trusses.readtime/readtime",
    "langid": "src.trusses.langid/langid",
    "sentiment": "src.trusses.sentiment/sentiment",
    "sentiment-prod": "src.trusses.sentiment/prod",
    "spam": "src.trusses.spam/spam",
}

# What each example of the truss's examples file must at least give.
ANSWERS: Dict[str, List[Dict[str, Any]]] = {
    "keywords": [{"keywords": ["cat", "flap"]}],
    "readtime": [{"words": 6, "seconds": 2}],
    "langid": [{"language": "en"}, {"language": "de"}],
    "sentiment": [{"sentiment": "positive"}, {"sentiment": "negative"}],
    "sentiment-prod": [{"sentiment": "positive"}, {"sentiment": "negative"}],
    "spam": [{"spam": False, "reasons": []}, {"spam": True}],
}


@pytest.fixture(scope="module")
def trusses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The gathered trusses, moved away, with the monorepo deleted."""
    base = tmp_path_factory.mktemp("example")
    repo = Monorepo(base / "repo", base / "machine", daemon=False, shares_store=True)
    for folder in ("3rdparty/models", "pants-plugins/pants_truss", "src"):
        shutil.copytree(folder, repo.root / folder)
    repo.write("pants.toml", settings())
    run = repo.pants("package", "src/trusses::").assert_success()
    assert run.stderr.count("3 from src/shared/textkit, 4 from src/shared/features") == 2
    assert "Warning" not in run.stderr and "[WARN]" not in run.stderr
    lint = repo.pants("lint", "--only=truss", "src::").assert_success()
    assert "Nothing found in 7 trusses." in lint.stderr
    # By import alone, and by both ways.
    assert "  11 files, 5 imported, " in run.stderr
    assert "4 from src/shared/features, 3 imported" in run.stderr
    moved = base / "moved"
    shutil.move(str(repo.root / "dist"), moved)
    shutil.rmtree(repo.root)
    yield moved


@pytest.mark.parametrize("name", TRUSSES)
def test_the_library_predicts(name: str, trusses: Path, truss: TrussLibrary) -> None:
    folder = trusses / TRUSSES[name]
    examples = yaml.safe_load((folder / "examples.yaml").read_text())
    assert len(examples) == len(ANSWERS[name])
    for example, answer in zip(examples, ANSWERS[name]):
        prediction = truss.call("predict", str(folder), example["input"])
        assert {key: prediction[key] for key in answer} == answer


@pytest.mark.parametrize("name", TRUSSES)
def test_the_library_makes_an_image_context(
    name: str, trusses: Path, truss: TrussLibrary, tmp_path: Path
) -> None:
    folder = trusses / TRUSSES[name]
    truss.call("build_context", str(folder), str(tmp_path / "context"))
    context, gathered = read_tree(tmp_path / "context"), read_tree(folder)
    assert {path for path in gathered if path not in context} == set()
    changed = {path for path in gathered if gathered[path] != context[path]}
    assert changed <= {"config.yaml"}
    assert "Dockerfile" in context


@pytest.mark.parametrize("name", TRUSSES)
def test_a_push_would_upload_the_gathered_tree(
    name: str, trusses: Path, truss: TrussLibrary
) -> None:
    folder = trusses / TRUSSES[name]
    archive = truss.call("archive", str(folder))
    assert archive == {
        path: [hashlib.sha256(content).hexdigest(), executable]
        for path, (content, executable) in read_tree(folder).items()
    }


def test_the_production_config_is_the_one_that_is_deployed(
    trusses: Path, truss: TrussLibrary
) -> None:
    folder = trusses / TRUSSES["sentiment-prod"]
    config = truss.call("config", str(folder / "config.yaml"))
    assert config["model_name"] == "Sentiment (production)"
    assert not (folder / "prod.yaml").exists()
