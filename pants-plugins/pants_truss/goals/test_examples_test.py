"""The process that a test runs, and the report about its result. In place of the Python of the
environment, a script writes down what it is given, and the result that a case has for it."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from typing import Any, Dict, List, Optional

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
)
from pants.core.goals import test as pants_test
from pants.core.goals.test import TestResult
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.goals import test as goal
from pants_truss.goals.test import TrussTestFieldSet, TrussTestRequest
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import NO_METADATA, texts
from pants_truss.testutil.stand_in_pex import install, with_stand_in_pex
from pants_truss.testutil.stand_in_truss import install_truss

OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/*/t', '/*/lib']",
    "--truss-lint-disable=['model-class', 'missing-requirement', 'unowned-python']",
]
# The truss says what is to happen: its file `model/case.json` lies there as in an image.
PYTHON = """\
#!{python} -I
import json, os, sys
with open("app/model/case.json") as file:
    case = json.load(file)
with open("local/truss.json") as file:
    facts = json.load(file)
files = sorted(os.path.join(d, n)[2:] for d, _, names in os.walk(".") for n in names)
seen = {{"argv": sys.argv, "environment": dict(os.environ), "facts": facts, "files": files}}
print(json.dumps(seen))
print(case["stderr"], file=sys.stderr)
if case["result"] is not None:
    with open(sys.argv[-1], "w") as file:
        json.dump(case["result"], file)
sys.stdout.flush()
sys.exit(case["code"])
"""


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(
                (
                    *core_target_types_rules(),
                    *inference.rules(),
                    *pants_test.rules(),
                    *python_inference.rules(),
                    *target_types_rules.rules(),
                    *goal.rules(),
                )
            ),
            QueryRule(TestResult, [TrussTestRequest.Batch]),
        ],
        target_types=[
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
    )
    script = PYTHON.format(python=sys.executable)
    install_truss(runner)
    install(runner, "truss_server", "fastapi==1", python=script)
    install(runner, "requirements", "six==1.16.0", python=script)
    return runner


def error(type_: str, message: str = "", **more: Any) -> Dict[str, Any]:
    """An exception as the script reports it."""
    return {
        "type": type_,
        "message": message,
        "traceback": "the traceback",
        "importer": "app/model/model.py",
        "line": 2,
        "missing": None,
        "wanted": None,
        "hidden": None,
        "via": None,
        **more,
    }


def missing(module: str) -> Dict[str, Any]:
    return error("ModuleNotFoundError", missing=module.partition(".")[0], wanted=module)


def result(
    *examples: Dict[str, Any], load: Optional[Dict[str, Any]] = None, **more: Any
) -> Dict[str, Any]:
    return {
        "python": "3.11.0",
        "load": {"seconds": 0.5, "error": load},
        "examples": list(examples),
        "shadowed": [],
        **more,
    }


def example(name: str, **more: Any) -> Dict[str, Any]:
    return {"name": name, "seconds": 0.25, "output": None, "error": None, "matches": True, **more}


def run_test(
    rule_runner: RuleRunner,
    root: str,
    found: Optional[Dict[str, Any]],
    *options: str,
    code: int = 0,
    stderr: str = "",
    files: Dict[str, str] = {},  # noqa: B006
) -> TestResult:
    case = {"result": found, "code": code, "stderr": stderr}
    written = {
        "t/BUILD": "truss()\npython_sources(name='src', sources=['**/*.py'])",
        "t/config.yaml": "",
        "t/model/model.py": "",
        "t/model/case.json": json.dumps(case),
        **files,
    }
    rule_runner.write_files({f"{root}/{path}": text for path, text in written.items()})
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    field_set = TrussTestFieldSet.create(rule_runner.get_target(Address(f"{root}/t")))
    batch = TrussTestRequest.Batch("truss", (field_set,), NO_METADATA)
    return rule_runner.request(TestResult, [batch])


def lines(tested: TestResult) -> List[str]:
    """Without what was printed."""
    return texts(tested)[0].partition("\n\nOutput:\n")[0].splitlines()


def seen(rule_runner: RuleRunner, root: str, *options: str, **more: Any) -> Any:
    """The input that the script was given."""
    tested = run_test(rule_runner, root, result(load=error("X")), *options, code=1, **more)
    printed = texts(tested)[0].partition("\n\nOutput:\n")[2]
    return json.loads(printed.splitlines()[0])


# --- The process that is run.


def test_the_script_runs_in_the_layout_of_an_image(rule_runner: RuleRunner) -> None:
    files = {
        "t/config.yaml": "requirements: [six==1.16.0]\nexternal_package_dirs: [../kit]\n",
        "t/README.md": "",
        "t/examples.yaml": "- {name: é, input: {a: [1]}, output: 2}\n- {name: b, input: null}\n",
        "kit/BUILD": "truss_external_package()",
        "kit/k.py": "",
    }
    given = seen(rule_runner, "layout", files=files)
    # The Python is that of the environment whose distributions come first, without the user's.
    assert given["argv"] == [
        *("./requirements_python_shim.sh", "-I", "local/run_examples.py", "result.json"),
    ]
    assert given["facts"] == {
        "examples": [{"name": "é", "input": {"a": [1]}, "output": 2}, {"name": "b", "input": None}],
        "venvs": [
            {"folder": "venvs/requirements", "shim": "requirements_pex_shim.sh"},
            {"folder": "venvs/truss_server", "shim": "truss_server_pex_shim.sh"},
        ],
    }
    assert [path for path in given["files"] if not path.startswith(".cache/")] == [
        "app/config.yaml",
        "app/model/case.json",
        "app/model/model.py",
        "app/requirements.txt",
        "app/shared/util.py",
        "app/truss_server.py",
        "local/asgi_client.py",
        "local/local_truss.py",
        "local/model_problems.py",
        "local/run_examples.py",
        "local/truss.json",
        "packages/k.py",
        "requirements_python_shim.sh",
        "truss_server_python_shim.sh",
    ]


def test_the_environment_is_what_was_asked_for_and_a_locale(rule_runner: RuleRunner) -> None:
    # Python and Pants add these.
    added = {"LC_CTYPE", "PATH"}
    given = seen(rule_runner, "plain")["environment"]
    assert {name: given[name] for name in given if name not in added} == {"LANG": "C.UTF-8"}
    assert not given.get("PATH")
    given = seen(rule_runner, "named", "--test-extra-env-vars=['A=é', 'LANG=C']")["environment"]
    assert {name: given[name] for name in given if name not in added} == {"A": "é", "LANG": "C"}


# --- The report.


def test_what_succeeds_is_a_line_each(rule_runner: RuleRunner) -> None:
    found = result(example("One"), example("Twoé", seconds=1.5))
    files = {"t/examples.yaml": "- {name: One, input: 1}\n- {name: Twoé, input: 1}\n"}
    tested = run_test(rule_runner, "good", found, stderr="printed", files=files)
    assert (tested.exit_code, texts(tested)[1]) == (0, "")
    # The output is of no interest then.
    assert texts(tested)[0] == "✓ load (0.50s)\n✓ One (0.25s)\n✓ Twoé (1.50s)\n"
    assert tested.addresses == (Address("good/t"),)
    assert tested.result_metadata is not None


def test_what_fails_is_reported_with_what_was_printed(rule_runner: RuleRunner) -> None:
    found = result(example("One"), example("Two", output={"a": 1}, matches=False))
    files = {
        "t/examples.yaml": "- {name: One, input: 1}\n- {name: Two, input: 1, output: {a: 2}}\n"
    }
    tested = run_test(rule_runner, "bad", found, code=1, stderr="printed\n  é", files=files)
    assert tested.exit_code == 1
    assert lines(tested) == [
        "✓ load (0.50s)",
        "✓ One (0.25s)",
        "✕ Two (0.25s)",
        '    expected {"a": 2}',
        '         got {"a": 1}',
    ]
    assert texts(tested)[0].endswith("\n    printed\n      é\n")


def test_the_report_has_a_case_for_each(rule_runner: RuleRunner) -> None:
    found = result(example("One"), example("Two", output=1, matches=False))
    files = {"t/examples.yaml": "- {name: One, input: 1}\n- {name: Two, input: 1, output: 2}\n"}
    snapshot = run_test(rule_runner, "report", found, code=1, files=files).xml_results
    assert snapshot is not None
    (report,) = rule_runner.request(DigestContents, [snapshot.digest])
    assert report.path == "report.t.truss.xml"
    (suite,) = ET.fromstring(report.content)
    assert (suite.attrib["name"], suite.attrib["tests"]) == ("report/t:t", "3")
    assert [
        (case.attrib["name"], case.find("failure") is not None) for case in suite.iter("testcase")
    ] == [("load", False), ("One", False), ("Two", True)]


def test_places_are_those_of_the_repository(rule_runner: RuleRunner) -> None:
    problem = error("OSError", "see app/model/model.py", importer="packages/k.py")
    files = {
        "t/config.yaml": "external_package_dirs: [../kit]\n",
        "kit/BUILD": "truss_external_package()",
        "kit/k.py": "",
    }
    tested = run_test(rule_runner, "places", result(load=problem), code=1, files=files)
    assert lines(tested) == [
        "✕ load (0.50s)",
        "    places/kit/k.py:2: OSError: see places/t/model/model.py",
        "",
        "    the traceback",
    ]


# --- Modules that are not there.


@pytest.mark.parametrize(
    ("case", "module", "files", "fix"),
    [
        (
            "nobody",
            "nobody.has",
            {},
            "Add the distribution that has it to `requirements` in nobody/t/config.yaml.",
        ),
        (
            "file",
            "nobody.has",
            {"t/config.yaml": "requirements_file: r.txt\n", "t/r.txt": "six==1.16.0\n"},
            "Add the distribution that has it to r.txt in file/t/config.yaml.",
        ),
        (
            "required",
            "tomlish.parts",
            {"3rdparty/BUILD": "python_requirement(name='x', requirements=['tomlish==1'])"},
            "Add 'tomlish==1' (required/3rdparty:x) to `requirements` in required/t/config.yaml.",
        ),
        (
            "unseen",
            "lib_of_unseen",
            {"lib/BUILD": "python_sources()", "lib/lib_of_unseen.py": ""},
            "It is unseen/lib/lib_of_unseen.py, which Pants does not see this truss import. Name "
            'it: `truss(dependencies=["unseen/lib/lib_of_unseen.py"])`.',
        ),
        (
            "unowned",
            "lib_of_unowned",
            {"lib/BUILD": "python_sources()", "lib/lib_of_unowned.py": "", "t/BUILD": "truss()"},
            "It is unowned/lib/lib_of_unowned.py. Pants does not see what unowned/t/model/model.py "
            "imports, which no target owns: `pants tailor unowned/t/model::` adds one.",
        ),
        (
            "part",
            "kit_of_part.rate",
            {
                "lib/BUILD": "python_sources(sources=['**/*.py'])",
                "lib/kit_of_part/__init__.py": "",
                "t/model/model.py": "import kit_of_part",
            },
            "`kit_of_part` is there (part/lib/kit_of_part/__init__.py), but has no `rate`.",
        ),
    ],
)
def test_what_to_do_about_a_module(
    rule_runner: RuleRunner, case: str, module: str, files: Dict[str, str], fix: str
) -> None:
    tested = run_test(rule_runner, case, result(load=missing(module)), code=1, files=files)
    assert lines(tested) == [
        "✕ load (0.50s)",
        f"    {case}/t/model/model.py:2 imports `{module}`, which is not there. {fix}",
    ]


def test_each_example_may_lack_another_module(rule_runner: RuleRunner) -> None:
    found = result(
        example("One", error=missing("no_a")),
        example("Two", error=missing("no_b.c")),
        example("Three", error=missing("no_a")),
    )
    names = "".join(f"- {{name: {name}, input: 1}}\n" for name in ("One", "Two", "Three"))
    tested = run_test(rule_runner, "each", found, code=1, files={"t/examples.yaml": names})
    told = [line.strip() for line in lines(tested) if "imports" in line]
    assert told == [
        f"each/t/model/model.py:2 imports `{module}`, which is not there. Add the distribution "
        f"that has it to `requirements` in each/t/config.yaml."
        for module in ("no_a", "no_b.c", "no_a")
    ]


# --- Processes that end before they have a result.


def test_a_process_without_a_result_has_failed(rule_runner: RuleRunner) -> None:
    tested = run_test(rule_runner, "ended", None, code=7, stderr="last words")
    assert tested.exit_code == 7
    assert lines(tested) == [
        "✕ load (0.00s)",
        "    the process that loaded the model ended with exit code 7 before it had a result.",
    ]
    assert "    last words\n" in texts(tested)[0]


def test_a_process_that_ends_as_if_all_were_well_has_failed(rule_runner: RuleRunner) -> None:
    tested = run_test(rule_runner, "zero", None, code=0)
    assert tested.exit_code == 1
    assert "ended with exit code 0 before it had a result." in "\n".join(lines(tested))
