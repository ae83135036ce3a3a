"""How the time grows with the number of trusses, and with the files of one.

    ./pants run benchmarks/growth.py -- --runs=5 --svg=docs/pictures/growth.svg

The benchmark makes one monorepo for each size, all with the same shared code. It runs
`pants package ::` with a warm daemon, with nothing changed and with one file of one truss changed.
`pants list ::` shows the time that Pants itself takes. The report has medians for the format `tar`,
and the slope of each line on logarithmic scales: 1 means proportional to the size, 0 means
independent of it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

from chart import Line, Panel, to_svg
from generator import Spec
from scale import SHARED_MODULES, Bench, nothing, settle

TRUSSES = (100, 300, 1000)
FILES = (100, 1000, 10000)
TAR = "--truss-gather-output-format=tar"


def measure(bench: Bench, runs: int) -> Dict[str, float]:
    """Median seconds of each command."""
    own = f"{bench.made.trusses[0]}/model/model.py"
    commands: Sequence[Tuple[str, Callable[[], None], List[str]]] = (
        ("list, nothing changed", nothing, ["list", "::"]),
        ("package, nothing changed", nothing, [TAR, "package", "trusses::"]),
        ("package, one file changed", lambda: bench.append(own), [TAR, "package", "trusses::"]),
    )
    bench.pants(TAR, "package", "trusses::")
    found: Dict[str, List[float]] = {}
    for _ in range(runs):
        for name, prepare, arguments in commands:
            prepare()
            settle()
            found.setdefault(name, []).append(bench.pants(*arguments))
    return {name: statistics.median(values) for name, values in found.items()}


def panel(
    title: str, unit: str, sizes: Sequence[int], spec: Callable[[int], Spec], runs: int
) -> Panel:
    found: Dict[str, List[Tuple[float, float]]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder), spec(size))
            try:
                for name, seconds in measure(bench, runs).items():
                    found.setdefault(name, []).append((size, seconds))
                    print(f"{size:6} {unit:18} {name:28} {seconds:7.2f} s", flush=True)
            finally:
                bench.repo.stop_daemon()
    lines = tuple(Line(name, tuple(points)) for name, points in found.items())
    for line in lines:
        more = f"{line.per_unit * 1000:7.3f} ms for each one more"
        print(f"{line.name:28} slope {line.slope:5.2f}, {more}", flush=True)
    return Panel(title, unit, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--svg", type=Path)
    arguments = parser.parse_args()
    panels = [
        panel(
            "Trusses over 5,000 shared modules",
            "trusses",
            TRUSSES,
            lambda size: Spec(size, SHARED_MODULES),
            arguments.runs,
        ),
        panel(
            "One truss of many files",
            "files of the truss",
            FILES,
            lambda size: Spec(1, 25, own_files=size, popular=1),
            arguments.runs,
        ),
    ]
    if arguments.svg:
        arguments.svg.write_text(to_svg(panels))


if __name__ == "__main__":
    main()
