"""The findings of a test of a truss, as text and as JUnit XML.

The input is what `serving/scripts/run_examples.py` writes. Paths in it are those in an image,
such as `app/model/model.py`; `sources` leads from them to the repository.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pants_truss.core.examples import Example
from pants_truss.core.terminal import visible_line, visible_output

_ILLEGAL_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_OUTPUT = 2000
_MAX_TRACEBACK = 20
_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True)
class Case:
    """One line of the report. `problem` is None for what succeeded."""

    name: str
    seconds: float
    problem: Optional[str] = None


@dataclass(frozen=True)
class ModelReport:
    """The results of one truss."""

    cases: Tuple[Case, ...]

    @property
    def failed(self) -> bool:
        return any(case.problem for case in self.cases)


def missing_modules(result: Mapping[str, Any]) -> Tuple[str, ...]:
    """What imports did not find, by its full name, for the caller to look for."""
    errors = [result["load"]["error"], *(example["error"] for example in result["examples"])]
    return tuple(sorted({e["wanted"] for e in errors if e and e["missing"] and not e["hidden"]}))


def absent_files(result: Mapping[str, Any]) -> Tuple[Tuple[str, Optional[str]], ...]:
    """The files that could not be opened, by their place in the image, each with the file whose
    code opened it."""
    errors = [result["load"]["error"], *(example["error"] for example in result["examples"])]
    found = {(e["absent"], e["importer"]) for e in errors if e and e.get("absent")}
    return tuple(sorted(found, key=lambda each: (each[0], each[1] or "")))


def report(
    result: Mapping[str, Any],
    expected: Mapping[str, Any],
    sources: Mapping[str, str],
    fixes: Mapping[str, str],
) -> ModelReport:
    """`expected` are the outputs that examples state, by name; `fixes` says for each missing module
    and each absent file what to do."""
    place = _Places(sources)
    load = result["load"]
    cases = [Case("load", load["seconds"], _error(load["error"], place, fixes))]
    for entry in result["shadowed"]:
        cases.append(Case(f"import {entry['module']}", 0.0, _shadowed(entry, place)))
    for example in result["examples"]:
        problem = _error(example["error"], place, fixes)
        if not problem and not example["matches"]:
            problem = _mismatch(example["output"], expected[example["name"]])
        cases.append(Case(example["name"], example["seconds"], problem))
    return ModelReport(tuple(cases))


class _Places:
    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def of(self, path: str, line: Optional[int] = None) -> str:
        found = self._sources.get(path, path)
        return f"{found}:{line}" if line else found

    def within(self, text: str) -> str:
        """Text in which paths of an image are those of the repository."""
        return re.sub(r"\b(?:app|packages)/[\w./-]+", lambda m: self.of(m.group(0)), text)


def _error(
    error: Optional[Mapping[str, Any]], place: _Places, fixes: Mapping[str, str]
) -> Optional[str]:
    if not error:
        return None
    where = place.of(error["importer"], error["line"]) if error["importer"] else "the server"
    if error["missing"] and error["hidden"]:
        found = {"module": error["missing"], "importer": error["importer"] or "", **error["hidden"]}
        return _shadowed({**found, "line": error["line"]}, place)
    if error["missing"]:
        module = error["wanted"]
        if error["via"]:
            where = f"{error['via']}, which {where} imports,"
        return f"{where} imports `{module}`, which is not there. {fixes.get(module, '')}".rstrip()
    if error["type"] == "SecretNotFound":
        return (
            f"{where} reads a secret. Tests get no secrets, which would become part of a cache "
            f"key: read it later than on load, with a default, or leave the truss out with "
            f"`skip_truss_test=True`.\n\n{place.within(error['message']).strip()}"
        )
    if error.get("advice"):
        return f"{where}: {error['advice']}"
    text = place.within(error["message"])
    described = f"{error['type']}: {text}" if text else error["type"]
    fix = fixes.get(error.get("absent") or "")
    if fix:
        described = f"{described}. {fix}"
    return f"{where}: {described}\n\n{place.within(error['traceback']).rstrip()}"


def _shadowed(entry: Mapping[str, Any], place: _Places) -> str:
    used = place.of(entry["used"])
    installed = re.match(r"site-packages/([^/]+)", used)
    fix = "Rename the package."
    if installed:
        used = f"an installed distribution ({installed.group(1)})"
        fix = "Rename the package, or take the distribution out of the requirements."
    elif used.startswith("stdlib/"):
        used = "the standard library"
    return (
        f"{place.of(entry['importer'], entry['line'])} imports `{entry['module']}` and gets "
        f"{used}, not {place.of(entry['unused'])}: bundled packages come last. {fix}"
    )


def _mismatch(output: Any, expected: Any) -> str:
    return f"expected {_json(expected)}\n     got {_json(output)}"


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return text if len(text) <= _MAX_OUTPUT else f"{text[:_MAX_OUTPUT]}…"


def render(found: ModelReport, output: str) -> str:
    """For the terminal: a line for each case, what is wrong below it, and what was printed."""
    lines: List[str] = []
    for case in found.cases:
        lines.append(
            f"{'✕' if case.problem else '✓'} {visible_line(case.name)} ({case.seconds:.2f}s)"
        )
        if case.problem:
            lines += [f"    {line}".rstrip() for line in visible_output(case.problem)]
    if found.failed and output.strip():
        shown = without_long_tracebacks(output)
        lines += ["", "Output:", *(f"    {line}".rstrip() for line in visible_output(shown))]
    return "\n".join(lines) + "\n"


def without_long_tracebacks(output: str) -> str:
    """Shortens tracebacks of more than a few lines. The frames before the first one in the truss
    are left out, or all but the last one if none is in the truss: they are the server's."""
    lines: List[str] = []
    traceback: List[str] = []
    for line in output.splitlines():
        if traceback:
            traceback.append(line)
            if line.strip(" |+-") and not re.match(r"[\s|+-]", line):
                lines += _shortened(traceback)
                traceback = []
        elif _TRACEBACK in line:
            traceback = [line]
        else:
            lines.append(line)
    return "\n".join([*lines, *_shortened(traceback)])


def _shortened(traceback: List[str]) -> List[str]:
    if len(traceback) <= _MAX_TRACEBACK:
        return traceback
    frames = [n for n, line in enumerate(traceback) if re.match(r'[\s|+-]*File "', line)]
    own = [n for n in frames if re.search(r"/(app/model|packages)/", traceback[n])]
    start = own[0] if own else frames[-1] if frames else len(traceback) - 1
    left_out = sum(frame < start for frame in frames)
    if not left_out:
        return traceback
    return [traceback[0], f"  ... {left_out} frames of the server ...", *traceback[start:]]


def to_junit(name: str, found: ModelReport, output: str) -> bytes:
    """JUnit XML with one suite for the truss `name`, as pytest writes it. Without a time stamp: the
    same result is the same file."""
    failures = sum(case.problem is not None for case in found.cases)
    seconds = sum(case.seconds for case in found.cases)
    suites = ET.Element("testsuites")
    counts = {"tests": str(len(found.cases)), "failures": str(failures), "errors": "0"}
    suite = ET.SubElement(
        suites, "testsuite", {"name": name, **counts, "skipped": "0", "time": f"{seconds:.3f}"}
    )
    for case in found.cases:
        element = ET.SubElement(
            suite,
            "testcase",
            {"classname": name, "name": _text(case.name), "time": f"{case.seconds:.3f}"},
        )
        if case.problem is not None:
            problem = _text(case.problem)
            message = problem.splitlines()[0] if problem else ""
            ET.SubElement(element, "failure", {"message": message}).text = problem
    if found.failed and output.strip():
        ET.SubElement(suite, "system-out").text = _text(without_long_tracebacks(output))
    xml: bytes = ET.tostring(suites, encoding="utf-8")
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + xml


def _text(value: str) -> str:
    return _ILLEGAL_XML.sub("�", value)


def failure(problem: str) -> ModelReport:
    """The report of a truss that could not be tested at all."""
    return ModelReport((Case("load", 0.0, problem),))


def expected_outputs(examples: Sequence[Example]) -> Dict[str, Any]:
    return {example.name: json.loads(example.output) for example in examples if example.output}
