from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.examples import Example
from pants_truss.core.model_report import (
    Case,
    ModelReport,
    absent_files,
    expected_outputs,
    failure,
    missing_modules,
    render,
    report,
    to_junit,
    without_long_tracebacks,
)

SOURCES = {"app/model/model.py": "t/model/model.py", "packages/kit.py": "shared/kit.py"}


def error(kind: str = "ValueError", message: str = "no", **others: Any) -> Dict[str, Any]:
    return {
        "type": kind,
        "message": message,
        "traceback": f'File "app/model/model.py", line 3\n{kind}: {message}\n',
        "missing": None,
        "wanted": others.get("missing"),
        "hidden": None,
        "via": None,
        "importer": "app/model/model.py",
        "line": 3,
        **others,
    }


def result(load: Optional[Dict[str, Any]] = None, **others: Any) -> Dict[str, Any]:
    return {
        "load": {"seconds": 0.5, "error": load},
        "examples": [],
        "shadowed": [],
        **others,
    }


def example(**others: Any) -> Dict[str, Any]:
    return {"name": "One", "seconds": 0.1, "output": 1, "error": None, "matches": True, **others}


def test_what_succeeds() -> None:
    found = report(result(examples=[example()]), {}, SOURCES, {})
    assert found == ModelReport((Case("load", 0.5), Case("One", 0.1)))
    assert not found.failed
    assert render(found, "noise") == "✓ load (0.50s)\n✓ One (0.10s)\n"


def test_places_are_those_of_the_repository() -> None:
    found = report(result(error(message="in packages/kit.py")), {}, SOURCES, {})
    problem = found.cases[0].problem or ""
    assert problem.splitlines()[0] == "t/model/model.py:3: ValueError: in shared/kit.py"
    assert 'File "t/model/model.py", line 3' in problem
    assert "Output:\n    printed" in render(found, "printed\n")


def test_a_missing_module_and_its_fix() -> None:
    missing = error("ModuleNotFoundError", "No module named 'x'", missing="x")
    found = result(examples=[example(error=missing), example(name="Two", error=missing)])
    assert missing_modules(found) == ("x",)
    cases = report(found, {}, SOURCES, {"x": "Add it."}).cases
    assert cases[1].problem == "t/model/model.py:3 imports `x`, which is not there. Add it."


def test_an_absent_file_and_its_fix() -> None:
    absent = error("FileNotFoundError", "packages/w.json", absent="packages/w.json")
    found = result(absent, examples=[example(error=absent), example(error=error())])
    assert absent_files(found) == (("packages/w.json", "app/model/model.py"),)
    cases = report(found, {}, SOURCES, {"packages/w.json": "Add it."}).cases
    first = "t/model/model.py:3: FileNotFoundError: packages/w.json. Add it."
    assert (cases[0].problem or "").splitlines()[0] == first
    cases = report(found, {}, SOURCES, {"packages/w.json": ""}).cases
    assert (cases[0].problem or "").splitlines()[0] == first[: -len(". Add it.")]


def test_the_full_name_of_a_missing_module() -> None:
    found = result(error("ModuleNotFoundError", missing="x", wanted="x.y"))
    assert missing_modules(found) == ("x.y",)
    problem = report(found, {}, SOURCES, {"x.y": "Add it."}).cases[0].problem
    assert problem == "t/model/model.py:3 imports `x.y`, which is not there. Add it."


def test_a_distribution_that_lacks_another() -> None:
    missing = error("ModuleNotFoundError", missing="x", via="site-packages/big/a.py")
    problem = report(result(missing), {}, SOURCES, {"x": "Add it."}).cases[0].problem
    assert problem == (
        "site-packages/big/a.py, which t/model/model.py:3 imports, imports `x`, which is not "
        "there. Add it."
    )


def test_a_module_that_is_hidden() -> None:
    hidden = {"used": "site-packages/kit/__init__.py", "unused": "packages/kit.py"}
    found = result(error("ModuleNotFoundError", missing="kit.x", hidden=hidden))
    assert missing_modules(found) == ()
    assert report(found, {}, SOURCES, {}).cases[0].problem == (
        "t/model/model.py:3 imports `kit.x` and gets an installed distribution (kit), not "
        "shared/kit.py: bundled packages come last. Rename the package, or take the distribution "
        "out of the requirements."
    )


def test_an_error_of_the_server() -> None:
    found = report(result(error(importer=None, message="")), {}, SOURCES, {})
    assert (found.cases[0].problem or "").startswith("the server: ValueError\n")


def test_an_output_that_differs() -> None:
    examples = [Example("One", "1", '{"b": 1, "a": "é"}'), Example("Two", "1")]
    expected = expected_outputs(examples)
    assert expected == {"One": {"b": 1, "a": "é"}}
    found = report(
        result(examples=[example(matches=False, output=[1] * 5000)]), expected, SOURCES, {}
    )
    wanted, got = (found.cases[1].problem or "").splitlines()
    assert wanted == 'expected {"a": "é", "b": 1}'
    assert got.endswith("…") and len(got) < 2100


def test_junit() -> None:
    found = ModelReport((Case("load", 0.25), Case('<"One">', 1.5, "a\x00b\nmore & more")))
    suite = ET.fromstring(to_junit("t:t", found, "out\x1b[0m")).find("testsuite")
    assert suite is not None
    assert suite.attrib["tests"] == "2" and suite.attrib["failures"] == "1"
    assert suite.attrib["name"] == "t:t" and suite.attrib["time"] == "1.750"
    first, second = suite.findall("testcase")
    assert first.attrib == {"classname": "t:t", "name": "load", "time": "0.250"}
    assert second.attrib["name"] == '<"One">'
    problem = second.find("failure")
    assert problem is not None and problem.attrib["message"] == "a�b"
    assert suite.findtext("system-out") == "out�[0m"


@given(st.text(), st.text(), st.text())
def test_junit_of_anything_is_xml(name: str, problem: str, output: str) -> None:
    found = ModelReport((Case(name, 0.0, problem),))
    ET.fromstring(to_junit("t:t", found, output))
    render(found, output)


def test_a_truss_that_could_not_be_tested() -> None:
    assert failure("why").failed
    assert "✕ load (0.00s)\n    why\n" in render(failure("why"), "")


def problem_of(load: Dict[str, Any], **fixes: str) -> str:
    return report(result(load), {}, SOURCES, fixes).cases[0].problem or ""


def test_a_secret_that_is_read_on_load() -> None:
    problem = problem_of(error("SecretNotFound", "no secret 'x', see app/model/model.py:3\n"))
    first, _, rest = problem.partition("\n\n")
    assert first.startswith("t/model/model.py:3 reads a secret. Tests get no secrets,")
    assert "`skip_truss_test=True`" in first
    # Its traceback says nothing more.
    assert rest == "no secret 'x', see t/model/model.py:3"


@pytest.mark.parametrize(
    ("importer", "line", "fixes", "problem"),
    [
        (None, None, {}, "the server imports `x`, which is not there."),
        ("packages/kit.py", None, {}, "shared/kit.py imports `x`, which is not there."),
        (
            "app/model/new.py",
            7,
            {"y": "No."},
            "app/model/new.py:7 imports `x`, which is not there.",
        ),
    ],
)
def test_a_missing_module_without_a_fix(
    importer: Optional[str], line: Optional[int], fixes: Dict[str, str], problem: str
) -> None:
    missing = error("ModuleNotFoundError", missing="x", importer=importer, line=line)
    assert problem_of(missing, **fixes) == problem


def test_modules_that_are_missing_are_reported_once() -> None:
    hidden = {"used": "stdlib/a.py", "unused": "packages/a.py"}
    errors: List[Optional[Dict[str, Any]]] = [
        error(missing="b"),
        error(missing="a.x"),
        None,
        error(),
        error(missing="a", hidden=hidden),
        error(missing="b"),
    ]
    examples = [example(error=found) for found in errors]
    assert missing_modules(result(error(missing="c"), examples=examples)) == ("a.x", "b", "c")
    assert missing_modules(result()) == ()


@pytest.mark.parametrize(
    ("used", "described", "fix"),
    [
        ("stdlib/json/__init__.py", "the standard library", "Rename the package."),
        ("app/model/kit.py", "app/model/kit.py", "Rename the package."),
        (
            "site-packages/kit.py",
            "an installed distribution (kit.py)",
            "Rename the package, or take the distribution out of the requirements.",
        ),
    ],
)
def test_a_package_that_another_stands_in_front_of(used: str, described: str, fix: str) -> None:
    entry = {
        "module": "kit",
        "used": used,
        "unused": "packages/kit.py",
        "importer": "app/model/model.py",
        "line": 2,
    }
    found = report(result(shadowed=[entry], examples=[example()]), {}, SOURCES, {})
    assert [case.name for case in found.cases] == ["load", "import kit", "One"]
    assert found.cases[1].problem == (
        f"t/model/model.py:2 imports `kit` and gets {described}, not shared/kit.py: bundled "
        f"packages come last. {fix}"
    )


def test_an_error_counts_more_than_an_output_that_differs() -> None:
    raised = example(error=error(message="broken"), matches=False, output=None)
    found = report(result(examples=[raised]), {"One": 1}, SOURCES, {})
    assert (found.cases[1].problem or "").startswith("t/model/model.py:3: ValueError: broken")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(app/model/model.py:3)", "(t/model/model.py:3)"),
        ("app/model/other.py", "app/model/other.py"),
        ("myapp/model/model.py", "myapp/model/model.py"),
        ("a packages/kit.py, b packages/kit.py", "a shared/kit.py, b shared/kit.py"),
    ],
)
def test_paths_in_a_text(text: str, shown: str) -> None:
    assert problem_of(error(message=text)).splitlines()[0].endswith(f"ValueError: {shown}")


@pytest.mark.parametrize("output", ["null", "false", "0", '""', "[]", "{}"])
def test_an_output_that_is_nothing_is_expected_too(output: str) -> None:
    expected = expected_outputs([Example("One", "1", output)])
    assert list(expected) == ["One"]
    found = report(result(examples=[example(matches=False, output=7)]), expected, SOURCES, {})
    assert found.cases[1].problem == f"expected {output}\n     got 7"


def test_where_a_long_output_is_cut() -> None:
    def shown(length: int) -> str:
        differs = example(matches=False, output="é" * length)
        found = report(result(examples=[differs]), {"One": 1}, SOURCES, {})
        return (found.cases[1].problem or "").partition("got ")[2]

    assert shown(1998) == '"' + "é" * 1998 + '"'
    assert shown(1999) == '"' + "é" * 1999 + "…"


def test_a_problem_is_indented_and_has_no_space_at_ends_of_lines() -> None:
    found = ModelReport((Case("a", 1.25, "one\n\n  two  \n"), Case("b", 0.1)))
    assert render(found, " \n") == "✕ a (1.25s)\n    one\n\n      two\n✓ b (0.10s)\n"
    assert render(found, "x \n\ny").endswith("(0.10s)\n\nOutput:\n    x\n\n    y\n")


CASES = st.lists(
    st.builds(Case, st.text(), st.floats(0, 1000), st.none() | st.text(min_size=1)), max_size=4
)


@given(CASES, st.text())
def test_junit_has_what_the_report_has(cases: List[Case], output: str) -> None:
    found = ModelReport(tuple(cases))
    xml = to_junit("t:t", found, output)
    assert xml == to_junit("t:t", found, output)
    suite = ET.fromstring(xml)[0]
    elements = suite.findall("testcase")
    failed = [element.find("failure") is not None for element in elements]
    assert failed == [case.problem is not None for case in cases]
    assert suite.attrib["tests"] == str(len(cases))
    assert suite.attrib["failures"] == str(sum(failed))
    assert any(failed) is found.failed
    # The output of a truss is of interest, and kept in a file, only if something is wrong.
    shown = suite.find("system-out") is not None
    assert shown is bool(found.failed and output.strip())


def test_advice_stands_for_the_error() -> None:
    told = error("TypeError", "x" * 300, line=None, advice="`predict` returns a set.")
    (_, case) = report(result(examples=[example(error=told)]), {}, SOURCES, {}).cases
    assert case.problem == "t/model/model.py: `predict` returns a set."


def traceback_of(frames: int, *own: int) -> List[str]:
    lines = ["Traceback (most recent call last):"]
    for number in range(frames):
        folder = "/s/app/model" if number in own else "/s/site-packages/server"
        lines += [f'  File "{folder}/f{number}.py", line 1, in f', "    f()"]
    return [*lines, "ValueError: no"]


def test_tracebacks_of_the_server_are_short() -> None:
    long = traceback_of(50)
    shown = without_long_tracebacks("\n".join(["before", *long, "after", *long]))
    expected = [long[0], "  ... 49 frames of the server ...", *long[-3:]]
    assert shown.splitlines() == ["before", *expected, "after", *expected]


def test_the_frames_of_the_truss_are_kept() -> None:
    long = traceback_of(50, 47)
    shown = without_long_tracebacks("\n".join(long)).splitlines()
    assert shown == [long[0], "  ... 47 frames of the server ...", *long[-7:]]


def test_other_output_is_kept() -> None:
    for lines in (traceback_of(3), ["a", "  b"], traceback_of(50, 0), ["x: " + "y" * 5000]):
        assert without_long_tracebacks("\n".join(lines)).splitlines() == lines


def test_output_is_shown_as_no_terminal_obeys_it() -> None:
    found = ModelReport((Case("a\nb\x1b", 0.1, "no\x1b]0;x\x07\r\n::error::y"),))
    assert render(found, "\x1b[32mok\x1b[0m\tyes\n::set-env name=A::b\n##[group]\n") == (
        "✕ a\\nb\\x1b (0.10s)\n"
        "    no\\x1b]0;x\\x07\n"
        "    \\::error::y\n"
        "\n"
        "Output:\n"
        "    ok      yes\n"
        "    \\::set-env name=A::b\n"
        "    ##\\[group]\n"
    )
