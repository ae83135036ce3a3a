"""What a run of `./pants test` came to, from the JUnit reports that it leaves.

    python3 tests/support/junit_report.py REPORTS LOG [--slowest=20]

prints the slowest test files, in seconds of their tests, and ends with `N passed, N failed`. A test
process that left no report, of which LOG tells, is one failure. Several folders of reports may be
given before LOG.
"""

from __future__ import annotations

import argparse
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Counter as Counted
from typing import Dict, Iterable, List, Tuple

_NO_REPORT = "Failed to generate JUnit XML data"
_FAILED = {"error", "failure"}


@dataclass
class Totals:
    """`seconds` are of each test file, with its fixtures and without what starting it took."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: Dict[str, float] = field(default_factory=dict)
    tests: Counted[str] = field(default_factory=Counter)

    def add(self, case: ElementTree.Element) -> None:
        kinds = {child.tag for child in case}
        if kinds & _FAILED:
            self.failed += 1
        elif "skipped" in kinds:
            self.skipped += 1
        else:
            self.passed += 1
        file = _file_of(case)
        self.tests[file] += 1
        self.seconds[file] = self.seconds.get(file, 0) + float(case.get("time") or 0)

    def slowest(self, count: int) -> List[Tuple[str, float]]:
        order = sorted(self.seconds.items(), key=lambda item: (-item[1], item[0]))
        return order[:count]

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def _file_of(case: ElementTree.Element) -> str:
    """pytest names the module, and for what it could not import nothing but that in `name`."""
    return (case.get("classname") or case.get("name") or "").replace(".", "/") + ".py"


def read_reports(folders: Iterable[Path], log: str) -> Totals:
    """The totals of all reports in `folders`, with the processes that `log` says left none."""
    totals = Totals()
    for folder in folders:
        for report in sorted(folder.glob("*.xml")):
            for case in ElementTree.parse(report).getroot().iter("testcase"):
                totals.add(case)
    totals.failed += log.count(_NO_REPORT)
    return totals


def table(totals: Totals, count: int) -> str:
    """Rows for a page in Markdown."""
    rows = [
        f"| `{file}` | {totals.tests[file]} | {seconds:.0f} |"
        for file, seconds in totals.slowest(count)
    ]
    return "\n".join(["| test file | tests | seconds |", "|---|---|---|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=Path, nargs="+")
    parser.add_argument("log", type=Path)
    parser.add_argument("--slowest", type=int, default=20, help="how many test files to print")
    parser.add_argument("--exit-code", type=int, default=0, help="of the run")
    arguments = parser.parse_args()
    log = arguments.log.read_text(encoding="utf-8", errors="replace")
    totals = read_reports(arguments.reports, log)
    if arguments.exit_code and not totals.failed:
        totals.failed = 1
    print(table(totals, arguments.slowest))
    total = sum(totals.seconds.values())
    print(f"\n{len(totals.seconds)} test files, {total:.0f} seconds of tests\n")
    print(totals)


if __name__ == "__main__":
    main()
