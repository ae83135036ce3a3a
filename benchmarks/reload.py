"""From an edit of shared code to the answer that shows it, next to Truss itself in memory.

    ./pants run benchmarks/reload.py -- --files 20 --runs 5

One truss with external packages of that many files. `pants run` serves it, daemon warm: the time is
from the edit to the first answer over HTTP that shows it. Truss itself has no server that notices:
its time is that of a new Python that loads the truss in memory and predicts
(`TrussHandle(...).predict(..., use_docker=False)`). The two take turns. Printed are medians and
their ratio; at most 1.5 is wanted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any, List

from side_by_side import main
from support.monorepo import PYTHON_TOML, Monorepo
from support.server import PREDICT, Server

MODEL = """\
from kit.version import VERSION
from kit.tool_0 import work


class Model:
    def load(self):
        self._ready = True

    def predict(self, model_input):
        return {"version": VERSION, "work": work(model_input["x"])}
"""
IN_MEMORY = """\
import json, sys
from pathlib import Path
from truss.truss_handle.truss_handle import TrussHandle
print(json.dumps(TrussHandle(Path(sys.argv[1])).predict({"x": 1}, use_docker=False)))
"""


def make_repo(repo: Monorepo, files: int) -> None:
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/shared", "/truss"'))
    repo.write("shared/BUILD", "truss_external_package()\n")
    repo.write("shared/kit/BUILD", "python_sources()\n")
    repo.write("shared/kit/__init__.py", "")
    edit(repo, 0)
    for number in range(files):
        body = f"def work(x):\n    return x + {number}\n" * 20
        repo.write(f"shared/kit/tool_{number}.py", body)
    repo.write("truss/BUILD", "truss()\npython_sources(name='src', sources=['**/*.py'])\n")
    repo.write("truss/config.yaml", "python_version: py311\nexternal_package_dirs: [../shared]\n")
    repo.write("truss/model/__init__.py", "")
    repo.write("truss/model/model.py", MODEL)


def edit(repo: Monorepo, version: int) -> None:
    repo.write("shared/kit/version.py", f"VERSION = {version}\n")


def find_truss_python() -> str:
    """Returns the Python of the environment that the Truss tool of the tests runs in."""
    # The variables that Pants sets for this process must not reach another PEX.
    outer = {k: v for k, v in os.environ.items() if not k.startswith(("PEX_", "PYTHON"))}
    package = ["./pants", "--no-pantsd", "package", "tests/truss_tool"]
    environment = {**outer, "PANTS_CONCURRENT": "true"}
    subprocess.run(package, env=environment, check=True, capture_output=True)
    tool = "dist/tests.truss_tool/truss_tool.pex/__main__.py"
    script = "import sys; print(sys.prefix)"
    found = subprocess.run(
        [tool, "-c", script],
        env={**outer, "PEX_INTERPRETER": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    return f"{found.stdout.strip()}/bin/python"


def until_answered(server: Server, version: int) -> None:
    body = json.dumps({"x": 1}).encode()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer: Any = json.loads(server.request("POST", PREDICT, body).body)
            if answer.get("version") == version:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.01)
    raise AssertionError(f"no answer of version {version}")


def predict_in_memory(python: str, repo: Monorepo, version: int) -> None:
    answer = subprocess.run(
        [python, "-c", IN_MEMORY, str(repo.root / "truss")],
        env={**os.environ, "HOME": str(repo.machine)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(answer.stdout.splitlines()[-1])["version"] == version, answer.stdout


def benchmark(folder: Path, files: int, runs: int) -> None:
    repo = Monorepo(folder / "repo", folder / "machine", fresh=True)
    make_repo(repo, files)
    python = find_truss_python()
    predict_in_memory(python, repo, 0)
    served: List[float] = []
    in_memory: List[float] = []
    with Server(repo, "truss:truss", "--port=18931") as server:
        for version in range(1, runs + 1):
            start = time.perf_counter()
            edit(repo, version)
            until_answered(server, version)
            served.append(time.perf_counter() - start)
            start = time.perf_counter()
            predict_in_memory(python, repo, version)
            in_memory.append(time.perf_counter() - start)
    repo.stop_daemon()
    ours, theirs = statistics.median(served), statistics.median(in_memory)
    print(f"{files} shared files; medians of {runs} runs, from edit to answer")
    print(f"  pants run          {ours:5.2f} s")
    print(f"  Truss in memory    {theirs:5.2f} s")
    print(f"  ratio              {ours / theirs:5.2f}")


if __name__ == "__main__":
    main(__doc__, "files", 20, benchmark)
