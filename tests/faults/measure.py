"""Measures the number of faults in `faults.py` that the tests catch.

    ./pants package tests:tools
    ./pants run tests/faults/measure.py -- [--tier=change] [--only=WORDS] [--jobs=2]

puts each fault into a copy of the repository and runs the tests of the touched part there until one
fails: first those beside the file, and where these pass, the end-to-end tests of its folder. With
`--tier=release` those are all that there are, and with `--tier=unit` none.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from faults.fault import Fault
from faults.faults import FAULTS
from support.repository import copy_repository

PACKAGE = Path("pants-plugins/pants_truss")
COPIED = ("pants-plugins", "src", "tests", "3rdparty", "docs", "README.md", "pants", "pants.toml")
TOOLS = Path("dist/tests/tools.tar")

# The end-to-end tests of what lies in a folder, those of the tier `change` first.
_GATHER = "parity hermetic incremental path_order imports explain bad_input ignore output_format"
CHANGE: Dict[str, str] = {
    "core/lint": "lint",
    "core/oci": "image_oci image_base",
    "core": f"{_GATHER} lint push",
    "dependency_inference": "imports incremental graph",
    "gather": f"{_GATHER} lint absent_content",
    "goals": "bad_input explain output_format tailor model_test push serve training image_base",
    "image": "image_oci image_base",
    "imports": "imports import_closure explain",
    "lint": "lint",
    "pants_api": "incremental image_base",
    "publish": "push push_remote push_secrets",
    "requirements": "imports lint uv",
    "script_tool": "output_format image_oci",
    "serving": "model_test serve training",
    "sources": f"{_GATHER} absent_content",
    "subsystems": "lint output_format",
    "target_types": "bad_input output_format",
    "training": "training",
    "truss_cli": "lint model_test",
}
RELEASE: Dict[str, str] = {
    "core/lint": "lint_server",
    "core/oci": "image_platform",
    "core": "defects image_platform push_faults lint_server",
    "gather": "concurrency defects",
    "goals": "push_faults python_versions snippets",
    "image": "image_platform",
    "lint": "lint_server",
    "pants_api": "snippets",
    "publish": "push_faults",
    "serving": "serve_example python_versions",
    "sources": "concurrency defects",
    "truss_cli": "lint_server python_versions",
}
TIERS: Dict[str, List[Dict[str, str]]] = {
    "unit": [],
    "change": [CHANGE],
    "release": [CHANGE, RELEASE],
}


@dataclass(frozen=True)
class Result:
    fault: Fault
    # The test file that failed, or nothing.
    caught_by: str
    seconds: float


def unit_tests(fault: Fault) -> List[List[str]]:
    """The tests beside the file, its own first."""
    folder = (PACKAGE / fault.path).parent
    stem = Path(fault.path).stem
    files = sorted(map(str, folder.glob("*_test.py")))
    own = [file for file in files if Path(file).name.startswith(f"{stem.lstrip('_')}_")]
    others = [file for file in files if file not in own]
    return [group for group in (own, others) if group]


def end_to_end_tests(fault: Fault, tier: str) -> List[List[str]]:
    names = [name for table in TIERS[tier] for name in _of_folder(table, fault.path).split()]
    return [[f"tests/{name}_test.py"] for name in names]


def _of_folder(table: Dict[str, str], path: str) -> str:
    for folder in sorted(table, key=len, reverse=True):
        if path.startswith(f"{folder}/"):
            return table[folder]
    return ""


def apply(fault: Fault, root: Path) -> None:
    file = root / PACKAGE / fault.path
    text = file.read_text(encoding="utf-8")
    assert text.count(fault.before) == 1, f"{fault.path}: {fault.name}: does not apply"
    file.write_text(text.replace(fault.before, fault.after), encoding="utf-8")


def fails(files: Sequence[str], root: Path) -> bool:
    """Returns True if a test of these files fails. All pass without the fault."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files]
    process = subprocess.run(
        command, cwd=root, env=environment(root), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return process.returncode != 0


def environment(root: Path) -> Dict[str, str]:
    """Where the copy's sources come before those that this script was started with."""
    roots = [str(root / name) for name in ("pants-plugins", "tests", "tests/truss_tool")]
    here = str(Path().resolve())
    others = [path for path in sys.path if path and not path.startswith(here)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*roots, *others])}


def measure(fault: Fault, tier: str) -> Result:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fault-") as folder:
        root = copy_repository(Path(folder), COPIED)
        if TOOLS.exists():
            shutil.copy(TOOLS, root / "tests/tools.tar")
        apply(fault, root)
        for files in [*unit_tests(fault), *end_to_end_tests(fault, tier)]:
            if fails(files, root):
                name = files[0] if len(files) == 1 else str(Path(files[0]).parent)
                return Result(fault, name, time.monotonic() - start)
    return Result(fault, "", time.monotonic() - start)


def report(results: Sequence[Result]) -> str:
    rows = [
        f"| `{x.fault.path}` | {x.fault.name} | {x.caught_by or '**nothing**'} |" for x in results
    ]
    caught = sum(bool(result.caught_by) for result in results)
    by_unit = sum(result.caught_by.startswith("pants-plugins") for result in results)
    head = ["| file | fault | caught by |", "|---|---|---|"]
    total = f"{caught} of {len(results)} caught, {by_unit} of them by the tests beside the file"
    return "\n".join([*head, *rows, "", total])


def parse() -> Tuple[str, str, int]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tier", choices=list(TIERS), default="change")
    parser.add_argument("--only", default="", help="faults whose path or name has these words")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    return arguments.tier, arguments.only, arguments.jobs


def main() -> None:
    tier, only, jobs = parse()
    chosen = [fault for fault in FAULTS if only in f"{fault.path} {fault.name}"]

    def run(fault: Fault) -> Result:
        result = measure(fault, tier)
        print(f"{fault.path}: {fault.name}: {result.caught_by or 'nothing'}", flush=True)
        return result

    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(run, chosen))
    print(report(results))


if __name__ == "__main__":
    main()
