"""What the `./pants` script takes to ask a running daemon, with Pants' native client and without.

    ./pants run benchmarks/launcher.py -- --runs=15

`./pants list src::` of this repository runs in turn by the script as it is and by the script
without the client: a Python asks the daemon then, as each run did before. Printed are medians, and
what each is of the first.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Tuple

from support.processes import daemon_pids
from support.repository import copy_repository

COPIED = ("pants", "pants.toml", "BUILD", "3rdparty", "pants-plugins", "src")
SCRIPT, WITHOUT = "./pants", "./pants, no native client"
COMMANDS: Dict[str, Tuple[List[str], Dict[str, str]]] = {
    SCRIPT: (["./pants", "list", "src::"], {}),
    WITHOUT: (["./pants", "list", "src::"], {"PANTS_NO_NATIVE_CLIENT": "1"}),
}


def seconds(name: str, folder: Path) -> float:
    command, variables = COMMANDS[name]
    start = time.perf_counter()
    environment = {**os.environ, **variables}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def benchmark(folder: Path, runs: int) -> None:
    copy_repository(folder, COPIED)
    times: Dict[str, List[float]] = {name: [] for name in COMMANDS}
    try:
        # The daemon starts, and what the commands need is remembered.
        for name in COMMANDS:
            seconds(name, folder)
        for _ in range(runs):
            for name in COMMANDS:
                times[name].append(seconds(name, folder))
    finally:
        for pid in daemon_pids(folder):
            os.kill(pid, signal.SIGTERM)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:28} {median:6.3f} s   {median / medians[SCRIPT]:.1f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    with tempfile.TemporaryDirectory() as temporary:
        benchmark(Path(temporary), parser.parse_args().runs)
