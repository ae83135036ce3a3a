from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Dict, Optional

from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.examples import Example
from pants_truss.core.model_report import (
    Case,
    ModelReport,
    expected_outputs,
    failure,
    missing_modules,
    render,
    report,
    to_junit,
)

SOURCES = {"app/model/model.py": "t/model/model.py", "packages/kit.py": "shared/kit.py"}


def error(kind: str = "ValueError", message: str = "no", **others: Any) -> Dict[str, Any]:
    return {
        "type": kind,
        "message": message,
        "traceback": f'File "app/model/model.py", line 3\n{kind}: {message}\n',
        "missing": None,
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
