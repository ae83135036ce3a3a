from __future__ import annotations

import logging
from typing import Dict, List, Optional

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.core.goals import test as pants_test
from pants.core.goals.test import ShowOutput, TestResult
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.engine.process import FallibleProcessResult, Process
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.examples import Example
from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.goals import test as goal
from pants_truss.goals.test import TrussTestFieldSet, TrussTestRequest
from pants_truss.pants_api.environments import EnvironmentNameRequest
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import NO_METADATA, texts

MODEL = "class Model:\n    def predict(self, x):\n        return x\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *gather.rules(),
            *goal.rules(),
            *inference.rules(),
            *pants_test.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            QueryRule(FallibleProcessResult, [Process]),
            QueryRule(TestResult, [TrussTestRequest.Batch]),
        ],
        target_types=[FilesGeneratorTarget, TrussExternalPackageTarget, TrussTarget],
    )


def write(rule_runner: RuleRunner, folder: str, files: Dict[str, str]) -> None:
    defaults = {"BUILD": "truss()", "config.yaml": "", "model/model.py": MODEL}
    rule_runner.write_files({f"{folder}/{p}": text for p, text in {**defaults, **files}.items()})


def field_set(rule_runner: RuleRunner, folder: str) -> TrussTestFieldSet:
    return TrussTestFieldSet.create(rule_runner.get_target(Address(folder)))


def run_test(rule_runner: RuleRunner, folder: str, *options: str) -> TestResult:
    rule_runner.set_options(options, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    elements = (field_set(rule_runner, folder),)
    batch = TrussTestRequest.Batch("truss", elements, NO_METADATA)
    result = rule_runner.request(TestResult, [batch])
    assert result.addresses == (elements[0].address,)
    return result


def untested(rule_runner: RuleRunner, folder: str, *options: str) -> str:
    """Why the truss could not be tested at all. Nothing of it was run for that."""
    result = run_test(rule_runner, folder, *options)
    shown, errors = texts(result)
    assert (result.exit_code, errors) == (1, "")
    # Without it, Pants would not list the failure in its summary.
    assert result.result_metadata is not None
    start, _, problem = shown.partition("\n")
    assert start == "✕ load (0.00s)"
    lines = problem.rstrip("\n").splitlines()
    assert all(line.startswith("    ") for line in lines if line)
    return "\n".join(line[4:] for line in lines)


# --- Trusses that are left out.


@pytest.mark.parametrize(
    ("case", "config", "options", "needs"),
    [
        (
            "server",
            "docker_server: {server_port: 1}\n",
            [],
            "an image (`docker_server` in its config)",
        ),
        ("trt", "trt_llm: {build: {}}\n", [], "an image (`trt_llm` in its config)"),
        (
            "gpu",
            "resources: {accelerator: 'H100:2'}\n",
            [],
            "H100:2 (`[truss-test].gpu` is `skip`)",
        ),
        ("use_gpu", "resources: {use_gpu: true}\n", [], "a GPU (`[truss-test].gpu` is `skip`)"),
        (
            "both",
            "resources: {accelerator: L4}\ndocker_server: {server_port: 1}\n",
            ["--truss-test-gpu=run"],
            "an image (`docker_server` in its config)",
        ),
    ],
)
def test_what_cannot_run_here_is_reported_and_not_tested(
    rule_runner: RuleRunner,
    caplog: pytest.LogCaptureFixture,
    case: str,
    config: str,
    options: List[str],
    needs: str,
) -> None:
    folder = f"left_out/{case}"
    # Nor are its examples looked at, and the environment of the test.
    write(rule_runner, folder, {"config.yaml": config, "examples.yaml": "no list\n"})
    caplog.set_level(logging.INFO)
    secret = "--test-extra-env-vars=['TRUSS_SECRET_X=1']"
    result = run_test(rule_runner, folder, secret, *options)
    assert result == TestResult.no_tests_found(Address(folder), ShowOutput.FAILED)
    assert [r.getMessage() for r in caplog.records if r.name == goal.__name__] == [
        f"Not tested: {folder}:{case} needs {needs}."
    ]


def test_a_gpu_that_is_there_is_used(rule_runner: RuleRunner) -> None:
    config = "resources: {accelerator: L4}\n"
    write(rule_runner, "gpu/t", {"config.yaml": config, "examples.yaml": "1"})
    text = untested(rule_runner, "gpu/t", "--truss-test-gpu=run")
    assert text.startswith("gpu/t/examples.yaml must be a list of examples")


def test_fields_and_options_leave_trusses_out(rule_runner: RuleRunner) -> None:
    build = "truss()\ntruss(name='out', skip_truss_test=True)\nfiles(name='f', sources=['*'])"
    write(rule_runner, "fields", {"BUILD": build})
    found = [
        rule_runner.get_target(Address("fields", target_name=n)) for n in ("fields", "out", "f")
    ]
    assert [TrussTestFieldSet.is_applicable(target) for target in found] == [True, False, False]


# --- Errors before anything is run.


def test_a_truss_is_tested_in_the_environment_that_it_names() -> None:
    def environment(**fields: str) -> str:
        target = TrussTarget(fields, Address("src/t"))
        field_set = TrussTestFieldSet.create(target)
        return EnvironmentNameRequest.from_field_set(field_set).raw_value

    assert environment(environment="gpu") == "gpu"
    assert environment() == "__local__"


def test_a_truss_without_its_config_is_a_failed_test(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"no_config/t/BUILD": "truss()"})
    assert untested(rule_runner, "no_config/t") == (
        "its config no_config/t/config.yaml does not exist. A truss needs one next to its BUILD "
        "file; `truss init` makes it."
    )


def test_the_failure_is_a_case_of_the_report(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"report/é/BUILD": "truss(name='<t>')"})
    rule_runner.set_options([], env_inherit={"PATH"})
    target = rule_runner.get_target(Address("report/é", target_name="<t>"))
    batch = TrussTestRequest.Batch("truss", (TrussTestFieldSet.create(target),), NO_METADATA)
    snapshot = rule_runner.request(TestResult, [batch]).xml_results
    assert snapshot is not None
    (report,) = rule_runner.request(DigestContents, [snapshot.digest])
    what = (
        "its config report/é/config.yaml does not exist. A truss needs one next to its BUILD file; "
        "`truss init` makes it."
    )
    assert report.path == "report.é.<t>.truss.xml"
    assert report.content.decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        f'<testsuites><testsuite name="report/é:&lt;t&gt;" tests="1" failures="1" errors="0" '
        f'skipped="0" time="0.000"><testcase classname="report/é:&lt;t&gt;" name="load" '
        f'time="0.000"><failure message="{what}">{what}</failure></testcase></testsuite>'
        f"</testsuites>"
    )


def test_several_findings_are_all_told(rule_runner: RuleRunner) -> None:
    config = "model_name: 3\nexternal_package_dirs: 3\n"
    write(rule_runner, "findings/t", {"config.yaml": config})
    text = untested(rule_runner, "findings/t")
    *lines, how = filter(None, text.splitlines())
    assert sorted(line.partition(" ")[0] for line in lines) == [
        "findings/t/config.yaml:1:",
        "findings/t/config.yaml:2:",
    ]
    assert how == "To silence a rule, add it to `[truss-lint].disable`."


@pytest.mark.parametrize(
    ("case", "examples", "problem"),
    [
        (
            "yaml",
            "- [\n",
            "{0}:2 is not valid YAML: expected the node content, but found '<stream end>'.",
        ),
        (
            "mapping",
            "a: 1\n",
            "{0} must be a list of examples, but is a dict. Write, for example, "
            "`- name: Short` and `  input: {{}}`.",
        ),
        ("no_input", "- name: x\n", "example 1 of {0} has no `input`. Add it."),
        (
            "twice",
            "- {name: x, input: 1}\n- {name: x, input: 2}\n",
            "{0} has two examples with the name 'x'. Rename one.",
        ),
    ],
)
def test_examples_that_cannot_be_used(
    rule_runner: RuleRunner, case: str, examples: str, problem: str
) -> None:
    folder = f"examples/{case}"
    write(rule_runner, folder, {"examples.yaml": examples})
    assert untested(rule_runner, folder) == problem.format(f"{folder}/examples.yaml")


@pytest.mark.parametrize(
    ("case", "name"),
    [("typo", "exmples.yaml"), ("hidden", ".hidden/e x.yaml"), ("glob", "examples.*")],
)
def test_examples_that_the_config_names_must_be_there(
    rule_runner: RuleRunner, case: str, name: str
) -> None:
    folder = f"named/{case}"
    files = {"config.yaml": f"examples_filename: '{name}'\n", "examples.yaml": "- [\n"}
    write(rule_runner, folder, {**files, ".hidden/e x.yaml": "- {name: x, input: 1}\n"})
    assert untested(rule_runner, folder) == (
        f"{folder}/config.yaml: `examples_filename` is {name!r}, but there is no {folder}/{name}, "
        f"or Pants ignores it (`[GLOBAL].pants_ignore` or git)."
    )


def test_examples_lie_where_the_config_says(rule_runner: RuleRunner) -> None:
    files = {"config.yaml": "examples_filename: data/é.yaml\n", "data/é.yaml": "1\n"}
    write(rule_runner, "elsewhere/t", {**files, "examples.yaml": "- {name: x, input: 1}\n"})
    text = untested(rule_runner, "elsewhere/t")
    assert text.startswith("elsewhere/t/data/é.yaml must be a list of examples, but is a int.")


@pytest.mark.parametrize("variable", ["TRUSS_SECRET_key=x", "TRUSS_SECRET_=", "TRUSS_SECRET_A=b=c"])
def test_a_secret_must_not_become_part_of_a_cache_key(
    rule_runner: RuleRunner, variable: str
) -> None:
    folder = "secret/t"
    write(rule_runner, folder, {"examples.yaml": "no list"})
    text = untested(rule_runner, folder, f"--test-extra-env-vars=['A=1', '{variable}']")
    name = variable.partition("=")[0]
    assert text == (
        f"`[test].extra_env_vars` has {name}, and a secret must not become part of a cache key. "
        f"Take it out; `pants run {folder}:t` reads it from the environment."
    )


@pytest.mark.parametrize("variable", ["TRUSS_SECRETX=1", "truss_secret_x=1", "MY_TRUSS_SECRET_X=1"])
def test_other_variables_are_no_secrets(rule_runner: RuleRunner, variable: str) -> None:
    write(rule_runner, "no_secret/t", {"examples.yaml": "no list"})
    text = untested(rule_runner, "no_secret/t", f"--test-extra-env-vars=['{variable}']")
    assert text.startswith("no_secret/t/examples.yaml must be a list")


def test_a_failure_lasts_no_longer_than_its_cause(rule_runner: RuleRunner) -> None:
    folder = "fixed/t"
    rule_runner.write_files({f"{folder}/BUILD": "truss()"})
    assert "does not exist" in untested(rule_runner, folder)
    write(rule_runner, folder, {"config.yaml": "examples_filename: e.yaml\n"})
    assert "there is no fixed/t/e.yaml" in untested(rule_runner, folder)
    write(rule_runner, folder, {"config.yaml": "docker_server: {server_port: 1}\n"})
    assert run_test(rule_runner, folder).exit_code is None


# --- What the script of a test reads.


def test_the_facts_of_a_run_are_its_examples() -> None:
    examples = [
        Example("é", '{"a": [1, null]}', '"x"'),
        Example("no output", "1.5"),
        # Something else than no output.
        Example("null", "null", "null"),
    ]
    assert goal.examples_spec(examples) == {
        "examples": [
            {"name": "é", "input": {"a": [1, None]}, "output": "x"},
            {"name": "no output", "input": 1.5},
            {"name": "null", "input": None, "output": None},
        ]
    }
    assert goal.examples_spec([]) == {"examples": []}


# --- A process that ends before it has a result.


@pytest.mark.parametrize(
    ("script", "timeout", "said"),
    [
        ("exit 3", None, "ended with exit code 3"),
        ("exit 0", 60, "ended with exit code 0"),
        ("kill -9 $$", None, "was ended by signal 9"),
        ("kill -TERM $$", 60, "was ended by signal 15"),
        # Output of a model is not a timeout.
        ("echo Exceeded timeout; exit 4", 60, "ended with exit code 4"),
        ("echo Exceeded timeout >&2; exit 4", 60, "ended with exit code 4"),
        ("echo Exceeded timeout >&2; kill -9 $$", None, "was ended by signal 9"),
    ],
)
def test_how_a_process_ended(
    rule_runner: RuleRunner, script: str, timeout: Optional[int], said: str
) -> None:
    rule_runner.set_options([], env_inherit={"PATH"})
    process = Process(("/bin/sh", "-c", script), description=script, timeout_seconds=timeout)
    result = rule_runner.request(FallibleProcessResult, [process])
    assert goal.how_it_ended(result, timeout) == (
        f"the process that loaded the model {said} before it had a result."
    )


def test_a_process_that_took_too_long(rule_runner: RuleRunner) -> None:
    rule_runner.set_options([], env_inherit={"PATH"})
    process = Process(("/bin/sleep", "30"), description="sleep", timeout_seconds=1)
    result = rule_runner.request(FallibleProcessResult, [process])
    assert goal.how_it_ended(result, 1) == (
        "it took longer than 1 seconds. Give it more with the field `timeout`, or see why the "
        "model is slow."
    )
