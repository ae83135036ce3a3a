"""The example monorepo, served as README says, and asked by a real HTTP client."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import yaml

from support.monorepo import Monorepo
from support.repository import settings
from support.server import PREDICT, Server, ask

TRUSSES = {
    "keywords": "src/trusses/keywords",
    "langid": "src/trusses/langid",
    "readtime": "src/trusses/readtime",
    "sentiment": "src/trusses/sentiment:sentiment",
    "sentiment-prod": "src/trusses/sentiment:prod",
    # These folders have tests too, which Pants could run as well.
    "spam": "src/trusses/spam:spam",
    "topics": "src/trusses/topics:topics",
}
IN_FLIGHT = 50
REQUESTS = 2000


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("example")
    repo = Monorepo(base / "repo", base / "machine", shares_store=True)
    for folder in ("3rdparty/models", "pants-plugins/pants_truss", "src"):
        shutil.copytree(folder, repo.root / folder)
    repo.write("pants.toml", settings())
    yield repo
    repo.stop_daemon()


def examples(repo: Monorepo, name: str) -> List[Dict[str, Any]]:
    path = repo.root / TRUSSES[name].partition(":")[0] / "examples.yaml"
    return list(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("name", TRUSSES)
def test_it_answers_each_example(name: str, repo: Monorepo) -> None:
    with Server(repo, TRUSSES[name]) as server:
        assert server.request("GET", "/v1/models/model").status == 200
        for example in examples(repo, name):
            assert server.predict(example["input"]) == example["output"]


def test_two_thousand_requests_with_fifty_in_flight(repo: Monorepo) -> None:
    """Each has an answer of its own, so that a lost or swapped one shows."""
    waiting, most, lock = 0, 0, threading.Lock()
    local = threading.local()

    with Server(repo, TRUSSES["readtime"]) as server:

        def predict(number: int) -> Tuple[int, Any]:
            nonlocal waiting, most
            with lock:
                waiting += 1
                most = max(most, waiting)
            if not hasattr(local, "connection"):
                local.connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
            body = json.dumps({"text": "word " * number}).encode()
            answer = ask(local.connection, "POST", PREDICT, body)
            with lock:
                waiting -= 1
            assert answer.status == 200, answer
            return number, json.loads(answer.body)["words"]

        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            answers = list(pool.map(predict, range(REQUESTS)))
    assert answers == [(number, number) for number in range(REQUESTS)]
    assert most == IN_FLIGHT


def test_the_trained_model_is_the_one_that_is_served(repo: Monorepo) -> None:
    """`training` writes what the server loads, and both use the shared packages."""
    path = repo.root / "src/trusses/spam/data/counts.json"
    committed = path.read_text()
    path.write_text('{"ham": {"hello": 1}, "spam": {"goodbye": 1}}')
    repo.pants("run", "src/trusses/spam:train", "--", f"--out={path.parent}").assert_success()
    assert path.read_text() == committed
    with open(repo.root / "src/trusses/spam/training/messages.tsv", "a") as file:
        file.write("spam\tquixotic\n" * 50)
    repo.pants("run", "src/trusses/spam:train", "--", "--out=src/trusses/spam/data")
    with Server(repo, TRUSSES["spam"]) as server:
        assert server.predict({"text": "quixotic"})["spam"]


def test_pants_test_passes_and_is_cached(repo: Monorepo) -> None:
    run = repo.pants("test", "src/trusses/sentiment::").assert_success()
    assert "✓ src/trusses/sentiment:sentiment succeeded" in run.stderr
    assert "✓ src/trusses/sentiment:prod succeeded" in run.stderr
    report = repo.root / "dist/test/reports/src.trusses.sentiment.truss.xml"
    assert 'name="Favourable"' in report.read_text()
    again = repo.pants("test", "src/trusses/sentiment::").assert_success()
    assert again.stderr.count("(memoized)") + again.stderr.count("(cached locally)") == 2


def test_the_truss_folder_is_as_it_was(repo: Monorepo) -> None:
    """Neither serving nor testing writes into it."""
    ours: List[Path] = [
        *(repo.root / "src").rglob("__pycache__"),
        *(repo.root / "src").rglob("*.pyc"),
    ]
    assert not ours
