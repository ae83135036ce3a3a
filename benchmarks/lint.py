"""What `pants lint` of many trusses costs, next to `pants list` of the same repository.

    ./pants run benchmarks/lint.py -- --trusses 500 --runs 5

A repository with that many trusses is made, which share ten folders of code. `pants list ::` and
`pants lint --only=truss ::` run in turn, daemon warm, with nothing changed and with one config
changed. Printed are medians, their difference (at most 1.5 s is wanted with nothing changed), and
how many trusses were linted and validated by Truss after one change (one is wanted).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Dict, List

from side_by_side import main, measure
from support.monorepo import PYTHON_TOML, Monorepo

COMMANDS: Dict[str, List[str]] = {"list": ["list", "::"], "lint": ["lint", "--only=truss", "::"]}

MODEL = """\
from kit_{kit}.tool_0 import work


class Model:
    def __init__(self, **kwargs):
        self._config = kwargs["config"]

    def predict(self, model_input):
        return work(model_input)
"""
CONFIG = """\
model_name: Truss {number}
python_version: py311
external_package_dirs: [../../shared/kit_{kit}]
requirements: []
resources: {{cpu: "1", memory: 512Mi}}
"""


def make_repo(repo: Monorepo, trusses: int) -> None:
    """Each truss has ten files of its own, and ten of shared code."""
    roots = '"/shared/*", "/trusses/*"'
    repo.log_work_units("pants.backend.python", toml=PYTHON_TOML.format(roots=roots))
    for kit in range(10):
        folder = f"shared/kit_{kit}"
        repo.write(f"{folder}/BUILD", "truss_external_package()\n")
        repo.write(f"{folder}/kit_{kit}/BUILD", "python_sources()\n")
        repo.write(f"{folder}/kit_{kit}/__init__.py", "")
        for number in range(9):
            body = f"def work(x):\n    return x + {number}\n" * 20
            repo.write(f"{folder}/kit_{kit}/tool_{number}.py", body)
    for number in range(trusses):
        folder, kit = f"trusses/t_{number}", number % 10
        repo.write(f"{folder}/BUILD", "truss()\npython_sources(name='src', sources=['**/*.py'])\n")
        repo.write(f"{folder}/config.yaml", CONFIG.format(number=number, kit=kit))
        repo.write(f"{folder}/model/__init__.py", "")
        repo.write(f"{folder}/model/model.py", MODEL.format(kit=kit))
        for data in range(6):
            repo.write(f"{folder}/data/table_{data}.csv", f"{number},{data}\n" * 50)


def report(situation: str, medians: Dict[str, float]) -> None:
    listed, linted = medians["list"], medians["lint"]
    print(
        f"{situation:32} list {listed:6.2f} s   lint {linted:6.2f} s   "
        f"difference {linted - listed:5.2f} s   ratio {linted / listed:.2f}",
        flush=True,
    )


def benchmark(folder: Path, trusses: int, runs: int) -> None:
    repo = Monorepo(folder / "repo", folder / "machine", fresh=True)
    make_repo(repo, trusses)
    print(f"{trusses} trusses; medians of {runs} runs", flush=True)
    for name in ("first", "second"):
        start = time.perf_counter()
        repo.pants(*COMMANDS["lint"]).assert_success()
        print(f"{name} lint {time.perf_counter() - start:.1f} s", flush=True)
    report("warm: nothing changed", measure(repo, COMMANDS, runs))
    changes = iter(range(1000))

    def edit() -> None:
        repo.write("trusses/t_7/config.yaml", CONFIG.format(number=f"x{next(changes)}", kit=7))
        time.sleep(0.5)  # Let the daemon notice.

    report("warm: one config changed", measure(repo, COMMANDS, runs, edit))
    edit()
    _, units = repo.pants_with_work_units(*COMMANDS["lint"])
    checked, validated = units["find_blocking_findings"], units["run_local_process"]
    print(f"after one change: {checked} checked, {validated} validated")
    repo.stop_daemon()


if __name__ == "__main__":
    main(__doc__, "trusses", 500, benchmark)
