"""The last lines of `.ci/run`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import List

from support.junit_report import read_reports, table

SCRIPT = Path("tests/support/junit_report.py")
# As pytest 7 writes it: a batch of two files, one of which fails and skips, and one that cannot be
# imported.
REPORT = """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="p" errors="1" failures="1" skipped="1" tests="5" time="9">
<testcase classname="tests.a_test" name="test_one" time="1.5" />
<testcase classname="tests.a_test" name="test_two[x.y]" time="2.25" />
<testcase classname="tests.b_test" name="test_bad" time="0.5"><failure message="m">t</failure></testcase>
<testcase classname="tests.b_test" name="test_not" time="0.0"><skipped message="m">t</skipped></testcase>
<testcase classname="" name="tests.c_test" time="0.0"><error message="m">t</error></testcase>
</testsuite></testsuites>
"""


def write(folder: Path, *reports: str) -> Path:
    folder.mkdir()
    for number, report in enumerate(reports):
        (folder / f"{number}.xml").write_text(report)
    return folder


def test_totals(tmp_path: Path) -> None:
    totals = read_reports([write(tmp_path / "r", REPORT)], "")
    assert str(totals) == "2 passed, 2 failed, 1 skipped"
    assert totals.slowest(9) == [
        ("tests/a_test.py", 3.75),
        ("tests/b_test.py", 0.5),
        ("tests/c_test.py", 0.0),
    ]
    assert table(totals, 1).splitlines()[2:] == ["| `tests/a_test.py` | 2 | 4 |"]


def test_several_folders_and_what_left_no_report(tmp_path: Path) -> None:
    folders = [write(tmp_path / "a", REPORT), write(tmp_path / "b", REPORT, REPORT)]
    log = "x [WARN] Failed to generate JUnit XML data for b:b\n" * 2
    assert str(read_reports(folders, log)) == "6 passed, 8 failed, 3 skipped"


def run(tmp_path: Path, *arguments: str) -> List[str]:
    log = tmp_path / "log"
    log.write_text("")
    reports = write(tmp_path / "r", re.sub(r"(</?)(failure|error)\b", r"\1system-out", REPORT))
    command = [sys.executable, str(SCRIPT), str(reports), str(log), *arguments]
    return subprocess.check_output(command, text=True).splitlines()


def test_the_last_line(tmp_path: Path) -> None:
    assert run(tmp_path)[-1] == "4 passed, 0 failed, 1 skipped"


def test_a_run_that_failed_without_a_failed_test_is_a_failure(tmp_path: Path) -> None:
    assert run(tmp_path, "--exit-code=1")[-1] == "4 passed, 1 failed, 1 skipped"
