"""What the import closure of a truss costs, next to Pants' own transitive dependencies.

    ./pants run benchmarks/import_closure.py -- --modules 5000 --runs 5

A repository with that many modules is made, each of which imports a few others, and a truss whose
closure is about a tenth of them. `pants truss-explain`, which gathers the truss and reads all that
it bundles, and `pants dependencies --transitive` of the same target run in turn, on the same
machine, in three situations. Printed are the medians and, what counts, the ratio of the medians:
at most 1.3 is wanted.
"""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path
from typing import Dict, List

from side_by_side import main, measure
from support.monorepo import PYTHON_TOML, Monorepo

TRUSS = "trusses/a:a"
COMMANDS: Dict[str, List[str]] = {
    "dependencies": ["dependencies", "--transitive", TRUSS],
    "closure": ["truss-explain", "--format=json", TRUSS],
}


def make_repo(repo: Monorepo, modules: int) -> None:
    """`lib/pkg_i/mod_j.py`: a module imports some of its own tenth of the packages."""
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/shared", "/trusses/*"'))
    choose = random.Random(0)
    packages = [f"pkg_{number}" for number in range(modules // 50)]
    for index, package in enumerate(packages):
        repo.write(f"shared/{package}/BUILD", "python_sources()\n")
        repo.write(f"shared/{package}/__init__.py", "")
        tenth = [p for p in packages[index % 10 :: 10]]
        for number in range(49):
            imported = [f"{choose.choice(tenth)}.mod_{choose.randrange(49)}" for _ in range(4)]
            lines = [f"import {name}\n" for name in sorted(set(imported))]
            lines += [f"def function_{i}(x):\n    return x + {i}\n" for i in range(40)]
            repo.write(f"shared/{package}/mod_{number}.py", "".join(lines))
    repo.truss("trusses/a")
    repo.write("trusses/a/BUILD", "truss()\npython_sources(name='sources', sources=['**/*.py'])\n")
    repo.write("trusses/a/model/model.py", "import pkg_0.mod_0\n")
    repo.write("trusses/a/model/__init__.py", "")


def report(situation: str, medians: Dict[str, float]) -> None:
    ratio = medians["closure"] / medians["dependencies"]
    print(
        f"{situation:32} dependencies {medians['dependencies']:6.2f} s   "
        f"closure {medians['closure']:6.2f} s   ratio {ratio:.2f}",
        flush=True,
    )


def benchmark(folder: Path, modules: int, runs: int) -> None:
    repo = Monorepo(folder / "repo", folder / "machine", fresh=True)
    make_repo(repo, modules)
    size = len(repo.pants(*COMMANDS["dependencies"]).assert_success().stdout.splitlines())
    repo.stop_daemon()
    print(f"{modules} modules, of which the truss needs {size}; medians of {runs} runs", flush=True)

    def forget() -> None:
        shutil.rmtree(folder / "machine/cache", ignore_errors=True)

    cold = Monorepo(repo.root, repo.machine, daemon=False, fresh=True)
    report("cold: no daemon, no cache", measure(cold, COMMANDS, runs, forget))

    for command in COMMANDS.values():
        repo.pants(*command)
    report("warm: nothing changed", measure(repo, COMMANDS, runs))

    changes = iter(range(1000))

    def edit() -> None:
        path = repo.root / "shared/pkg_0/mod_0.py"
        path.write_text(path.read_text() + f"# {next(changes)}\n")
        time.sleep(0.5)  # Let the daemon notice.

    report("warm: one module changed", measure(repo, COMMANDS, runs, edit))
    repo.stop_daemon()


if __name__ == "__main__":
    main(__doc__, "modules", 5000, benchmark)
