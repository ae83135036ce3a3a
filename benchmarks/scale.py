"""Gathering at scale: the real Truss library and `pants package`, on the same trusses, in turn.

    ./pants run benchmarks/scale.py -- --workload=one --size=10000 --runs=5

Workloads, with what `--size` counts:

* `one`: a truss of that many files;
* `large`: a truss with a data file of that many MiB;
* `many`: that many trusses over 5,000 shared files;
* `graph`: as many; `list`, `dependencies` and `--changed-since`, without Truss, next to the same
  repository without targets of this plugin; and what gathering makes the daemon hold.

Each situation is measured `--runs` times, those that begin without a daemon `--cold-runs` times
(with 0, not at all), Truss and Pants taking turns; printed are medians. Truss is timed as a process
and, within it, without its imports; of Pants, `pants list` of the same target is what starting it
takes. `less start-up` compares what is left of both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Tuple

from generator import Generated, Spec, generate

from support import tools
from support.monorepo import PYTHON_TOML, Monorepo
from support.processes import daemon_pids
from support.truss_library import TrussLibrary

SHARED_MODULES = 5000
SHARED_FILE = "shared/popular/popular/mod_03.py"
FORMATS = ("directory", "tar")
# In seconds: a daemon learns of an edit a moment after it.
SETTLE = 0.7


@dataclass
class Bench:
    """One monorepo, on which Truss and Pants work; each has a home of its own."""

    base: Path
    spec: Spec
    repo: Monorepo = field(init=False)
    truss: TrussLibrary = field(init=False)
    made: Generated = field(init=False)
    edits: int = 0

    def __post_init__(self) -> None:
        self.repo = Monorepo(self.base / "repo", self.base / "machine", fresh=True)
        toml = 'pantsd_max_memory_usage = "16GiB"\n' + PYTHON_TOML.format(
            roots='"/shared/*", "/trusses/*"'
        )
        self.repo.configure("pants.backend.python", toml=toml)
        self.made = generate(self.repo.root, self.spec)
        self.truss = TrussLibrary(self.base / "truss-home")
        self.repo.commit()

    def append(self, path: str) -> None:
        self.edits += 1
        file = self.repo.root / path
        file.write_text(f"{file.read_text()}# {self.edits}\n")

    def forget(self) -> None:
        """As on a new machine."""
        self.repo.stop_daemon()
        for path in ("machine/cache", "repo/.pants.d", "repo/dist", "truss-home/.truss"):
            shutil.rmtree(self.base / path, ignore_errors=True)

    def pants(self, *arguments: str) -> float:
        start = time.perf_counter()
        self.repo.pants(*arguments).assert_success()
        return time.perf_counter() - start

    def gather_with_truss(self) -> Tuple[float, float, float]:
        """Seconds of the process, seconds of the gathering in it, and its peak in MiB."""
        folders = [str(self.repo.root / folder) for folder in self.made.trusses]
        start = time.perf_counter()
        answer = self.truss.call("gather_all", folders)
        return time.perf_counter() - start, answer["seconds"], answer["peak"] / 2**20

    def daemon_memory(self) -> float:
        """Returns the memory that the daemon holds now, in MiB, without the files that it maps."""
        for pid in daemon_pids(self.repo.root):
            status = Path("/proc", str(pid), "status")
            for line in status.read_text().splitlines() if status.exists() else []:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) / 1024
        return 0.0


@dataclass
class Figures:
    values: Dict[str, List[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return statistics.median(self.values[name])


@dataclass(frozen=True)
class Situation:
    """`prepare` runs before each measured command."""

    name: str
    prepare: Callable[[], None]
    is_cold: bool = False


def measure(bench: Bench, situation: Situation, targets: str, runs: int) -> Figures:
    """Truss takes turns with each format. From one format to the other would be a change too, of
    an option: so the first run in a format is not counted, unless it finds nothing anyway."""
    figures = Figures()
    for output in FORMATS:
        command = (f"--truss-gather-output-format={output}", "package", targets)
        if not situation.is_cold:
            bench.pants(*command)
        for _ in range(runs):
            # Cold runs of Truss take minutes, so they are measured with the first format only.
            if output == FORMATS[0] or not situation.is_cold:
                situation.prepare()
                settle()
                whole, inner, peak = bench.gather_with_truss()
                figures.add("truss", whole)
                figures.add("truss gather", inner)
                figures.add("truss peak", peak)
            situation.prepare()
            settle()
            figures.add(output, bench.pants(*command))
            figures.add("daemon", bench.daemon_memory())
            settle()
            figures.add("list", bench.pants("list", targets))
    return figures


HEADER = (
    f"{'situation':34}{'Truss':>8}{'gather':>8}{'list':>7}{'dir':>8}{'tar':>8}"
    f"{'whole':>8}{'less start-up':>15}{'Truss MiB':>11}{'daemon MiB':>12}"
)


def line(situation: Situation, figures: Figures) -> str:
    """Ratios are of Truss to the directory, and to the tar."""
    at = figures.median
    whole = "/".join(f"{at('truss') / at(output):.1f}" for output in FORMATS)
    rest = "/".join(
        f"{at('truss gather') / max(at(output) - at('list'), 0.01):.1f}" for output in FORMATS
    )
    return (
        f"{situation.name:34}{at('truss'):8.2f}{at('truss gather'):8.2f}{at('list'):7.2f}"
        f"{at('directory'):8.2f}{at('tar'):8.2f}{whole:>8}{rest:>15}"
        f"{at('truss peak'):11.0f}{at('daemon'):12.0f}"
    )


def settle() -> None:
    """A file system is busy for seconds with what the command before has written and deleted."""
    os.sync()
    time.sleep(SETTLE)


def nothing() -> None:
    pass


def situations(bench: Bench) -> Iterable[Situation]:
    own = f"{bench.made.trusses[0]}/model/model.py"
    yield Situation("first, nothing cached", bench.forget, is_cold=True)
    yield Situation("nothing changed", nothing)
    yield Situation("one line of one truss", lambda: bench.append(own))
    if len(bench.made.trusses) > 1:
        yield Situation("a shared file of 5 % of trusses", lambda: bench.append(SHARED_FILE))
        yield Situation("daemon cold, nothing changed", bench.repo.stop_daemon, is_cold=True)


def gather(bench: Bench, runs: int, cold_runs: int) -> None:
    files = sum(bench.made.files.values())
    print(
        f"{len(bench.made.trusses)} trusses, {files} gathered files; medians of {runs} runs, of "
        f"{cold_runs} without a daemon"
    )
    print(HEADER, flush=True)
    for situation in situations(bench):
        count = cold_runs if situation.is_cold else runs
        if not count:
            bench.pants("package", "trusses::")
            bench.pants("--truss-gather-output-format=tar", "package", "trusses::")
            continue
        print(line(situation, measure(bench, situation, "trusses::", count)), flush=True)


GRAPH: Dict[str, List[str]] = {
    "list": ["list", "::"],
    "dependencies": ["dependencies", "::"],
    "changed": ["--changed-since=HEAD", "--changed-dependents=transitive", "list"],
}


def graph(bench: Bench, plain: Bench, runs: int, cold_runs: int) -> None:
    for each in (bench, plain):
        each.append(SHARED_FILE)
    print(
        f"{len(bench.made.trusses)} trusses; medians of {runs} runs with the daemon warm, of "
        f"{cold_runs} that start it"
    )
    for name, command in GRAPH.items():
        compare(f"{name}, warm", command, (bench, plain), runs)
        compare(f"{name}, cold", command, (bench, plain), cold_runs, is_cold=True)
    memory(bench)


def compare(
    name: str, command: List[str], both: Tuple[Bench, Bench], runs: int, is_cold: bool = False
) -> None:
    """The same repository with targets of this plugin and without."""
    if not runs:
        return
    figures = Figures()
    for number in range(runs + 1):
        for label, each in zip(("with", "without"), both):
            if is_cold:
                each.repo.stop_daemon()
            seconds = each.pants(*command)
            # The first one makes what the others find.
            if number:
                figures.add(label, seconds)
    ratio = figures.median("with") / figures.median("without")
    print(
        f"{name:20} with the plugin's targets {figures.median('with'):6.2f} s   "
        f"without {figures.median('without'):6.2f} s   ratio {ratio:.2f}",
        flush=True,
    )


def memory(bench: Bench) -> None:
    """What gathering makes the daemon hold, beyond what Pants holds of all dependencies."""
    bench.repo.stop_daemon()
    bench.pants("dependencies", "::")
    before = settled_memory(bench)
    bench.pants("package", "trusses::")
    after = settled_memory(bench)
    files = sum(bench.made.files.values())
    print(
        f"daemon after `dependencies ::` {before:.0f} MiB, then after `package` {after:.0f} MiB: "
        f"{(after - before) * 2**20 / files:.0f} bytes for each of {files} gathered files"
    )


def settled_memory(bench: Bench) -> float:
    """Once the daemon has given back what is free, which it does as a run with a truss begins."""
    bench.pants("truss-explain", bench.made.trusses[0])
    return bench.daemon_memory()


def build_truss_tool() -> None:
    """Where `TrussLibrary` finds it."""
    command = [str(Path("pants").resolve()), "--no-pantsd", "package", "tests/truss_tool"]
    subprocess.run(command, check=True, capture_output=True)
    tools.FOLDER = Path("dist").resolve()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", choices=("one", "large", "many", "graph"), required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cold-runs", type=int, default=5)
    arguments = parser.parse_args()
    spec = {
        "one": Spec(1, 25, own_files=arguments.size, popular=1),
        "large": Spec(1, 25, large_file=arguments.size * 2**20, popular=1),
        "many": Spec(arguments.size, SHARED_MODULES),
        "graph": Spec(arguments.size, SHARED_MODULES),
    }[arguments.workload]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "with", spec)
        if arguments.workload == "graph":
            plain = Bench(
                Path(folder) / "without", Spec(spec.trusses, spec.modules, with_targets=False)
            )
            graph(bench, plain, arguments.runs, arguments.cold_runs)
            plain.repo.stop_daemon()
        else:
            build_truss_tool()
            gather(bench, arguments.runs, arguments.cold_runs)
        bench.repo.stop_daemon()


if __name__ == "__main__":
    main()
