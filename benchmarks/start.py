"""What the plugin adds to the time that Pants takes to start: with a daemon once, without one in
each run.

    ./pants run benchmarks/start.py -- --runs=5

`pants roots` runs without a daemon in an empty repository, in turn with Pants' Python backend
alone, with Docker's beside it, and with this plugin beside either. Printed are medians, and what
each is of the first. Nearly all of it is solving the graph of rules, by types: up to Pants 2.29
that grows with all that a rule could be asked with (`goals/explain.py`).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Dict, List

from side_by_side import measure
from support.monorepo import Monorepo

PYTHON = "pants.backend.python"
DOCKER = "pants.backend.docker"
PLUGIN = ("pants_truss", "pants_truss.image")
BACKENDS: Dict[str, List[str]] = {
    "Python": [PYTHON],
    "Python, truss, no images": [PYTHON, PLUGIN[0]],
    "Python, truss": [PYTHON, *PLUGIN],
    "Python, Docker": [PYTHON, DOCKER],
    "Python, Docker, truss": [PYTHON, DOCKER, *PLUGIN],
}


def command(backends: List[str]) -> List[str]:
    # Sections of backends that are not there are no errors then.
    return [f"--backend-packages={backends!r}", "--no-verify-config", "roots"]


def benchmark(folder: Path, runs: int) -> None:
    repo = Monorepo(folder / "repo", folder / "machine", daemon=False).configure()
    toml = (repo.root / "pants.toml").read_text()
    repo.write("pants.toml", toml.replace('"pants_truss"', ""))
    medians = measure(repo, {name: command(names) for name, names in BACKENDS.items()}, runs)
    for name, seconds in medians.items():
        print(f"{name:24} {seconds:6.2f} s   {seconds / medians['Python']:.2f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    with tempfile.TemporaryDirectory() as temporary:
        benchmark(Path(temporary), parser.parse_args().runs)
