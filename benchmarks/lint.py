"""What `pants lint` of many trusses costs, next to `pants list` of the same repository.

    ./pants run benchmarks/lint.py -- --trusses 500 --runs 5

A repository with that many trusses is made, which share ten folders of code. `pants list ::` and
`pants lint --only=truss ::` run in turn, daemon warm, with nothing changed and with one config
changed. Printed are medians, their difference (at most 1.5 s is wanted with nothing changed), and
how many trusses were linted, and how often Truss ran, after one change (one is wanted).

Before that, the first lint of all trusses, in which Truss validates each config: in batches, with a
process for each config, and not at all. A truss that is not counted makes the environment of Truss
before. After it, one config changes. Printed are seconds, and the ratio of what validation adds.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Dict, List

from pants_truss.lint.findings import BATCH
from side_by_side import main, measure
from support.monorepo import PLUGIN_PATH, PYTHON_TOML, Monorepo

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


def first_lint(folder: Path, trusses: int, batch: int, validate: str) -> List[float]:
    """Returns the seconds of the first lint, and of one after an edit."""
    plugin = folder / "plugin"
    shutil.copytree(PLUGIN_PATH, plugin)
    code = plugin / "pants_truss/lint/findings.py"
    text = code.read_text()
    assert f"BATCH = {BATCH}\n" in text
    code.write_text(text.replace(f"BATCH = {BATCH}\n", f"BATCH = {batch}\n"))
    repo = Monorepo(folder / "repo", folder / "machine")
    make_repo(repo, trusses)
    settings = (repo.root / "pants.toml").read_text().replace(str(PLUGIN_PATH), str(plugin))
    section = f'[truss-lint]\nvalidate_with_truss = "{validate}"'
    repo.write("pants.toml", settings.replace("[truss-lint]", section))
    repo.write("other/BUILD", "truss()\n")
    repo.write("other/config.yaml", "model_name: Other\n")
    repo.write(
        "other/model/model.py", "class Model:\n    def predict(self, x):\n        return x\n"
    )
    repo.pants("lint", "--only=truss", "other::").assert_success()
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        repo.pants("lint", "--only=truss", "trusses::").assert_success()
        seconds.append(time.perf_counter() - start)
        repo.write("trusses/t_7/config.yaml", CONFIG.format(number="other", kit=7))
        time.sleep(0.5)  # Let the daemon notice.
    repo.stop_daemon()
    return seconds


def compare_batches(folder: Path, trusses: int) -> None:
    batches = first_lint(folder / "batches", trusses, BATCH, "check")
    single = first_lint(folder / "single", trusses, 1, "check")
    without = first_lint(folder / "without", trusses, BATCH, "off")
    for name, one, other, no in zip(("first", "one config changed"), batches, single, without):
        print(
            f"{name:32} in batches {one:6.1f} s   one by one {other:6.1f} s   not at all "
            f"{no:6.1f} s   ratio of what it adds {(other - no) / max(one - no, 0.1):.1f}",
            flush=True,
        )


def benchmark(folder: Path, trusses: int, runs: int) -> None:
    compare_batches(folder / "batches", trusses)
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
