"""Commands of Pants timed against each other in one run: machines are shared and noisy."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from support.monorepo import Monorepo


def measure(
    repo: Monorepo,
    commands: Mapping[str, Sequence[str]],
    runs: int,
    prepare: Callable[[], None] = lambda: None,
) -> Dict[str, float]:
    """The median of each command in seconds; the commands take turns, and `prepare` runs before
    each."""
    times: Dict[str, List[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            prepare()
            start = time.perf_counter()
            repo.pants(*command).assert_success()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def main(
    doc: Optional[str], size: str, default: int, run: Callable[[Path, int, int], None]
) -> None:
    """The command line of a benchmark: `--<size>` and `--runs`. `run` gets an empty folder."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument(f"--{size}", type=int, default=default)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), getattr(arguments, size), arguments.runs)
