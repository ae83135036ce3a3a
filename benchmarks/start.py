"""What the plugin adds to the start of Pants, without a daemon, as in CI.

    ./pants run benchmarks/start.py -- --runs=7
    TRUSS_TEST_PANTS_COMMAND=/path/of/pants ./pants run benchmarks/start.py

`pants list` and `pants dependencies` of one Python file run in turn with the python backend alone,
with `pants_truss`, and with `pants_truss.image` as well. Printed are medians, and what each is of
the first.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Tuple

from support import pants_release
from support.monorepo import IMAGES, PLUGIN_PATH, PYTHON_TOML, Monorepo

BACKENDS: Dict[str, Tuple[str, ...]] = {
    "python": ("pants.backend.python",),
    "python, pants_truss": ("pants.backend.python", "pants_truss"),
    "python, pants_truss, pants_truss.image": ("pants.backend.python", "pants_truss", IMAGES),
}
TOML = """\
[GLOBAL]
backend_packages = {backends}
pythonpath = ["{plugin}"]

[anonymous-telemetry]
enabled = false
"""


def make(folder: Path, backends: Tuple[str, ...]) -> Monorepo:
    repo = Monorepo(folder, folder.parent / "machine", daemon=False)
    toml = TOML.format(backends=list(backends), plugin=PLUGIN_PATH)
    repo.write("pants.toml", toml + PYTHON_TOML.format(roots='"/"'))
    repo.write("a/BUILD", "python_sources()\n")
    repo.write("a/a.py", "import json\n")
    return repo


def seconds(repo: Monorepo, goal: str) -> float:
    start = time.perf_counter()
    repo.pants(goal, "a:").assert_success()
    return time.perf_counter() - start


def benchmark(base: Path, runs: int) -> None:
    repos = {
        name: make(base / str(number) / "repo", backends)
        for number, (name, backends) in enumerate(BACKENDS.items())
    }
    print(f"Pants {pants_release.VERSION}")
    for goal in ("list", "dependencies"):
        times: Dict[str, List[float]] = {name: [] for name in repos}
        for run in range(runs + 1):
            for name, repo in repos.items():
                taken = seconds(repo, goal)
                # The first run fills caches.
                if run:
                    times[name].append(taken)
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name, median in medians.items():
            ratio = median / medians["python"]
            print(f"{goal:12}  {name:40} {median:6.2f} s   {ratio:.2f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    with tempfile.TemporaryDirectory() as temporary:
        benchmark(Path(temporary), parser.parse_args().runs)
