"""What an explicit dependency on a target of each type brings into a truss."""

from __future__ import annotations

import itertools
from typing import Dict, Set

import pytest
from pants.backend.experimental.adhoc import register as adhoc
from pants.backend.python import register as python
from pants.backend.python.macros.python_artifact import PythonArtifact
from pants.backend.shell import register as shell
from pants.backend.shell.target_types import ShellCommandTestTarget
from pants.core import register as core
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import blocking_findings
from pants_truss.gather.plan import PlannedTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import raised

OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--no-shell-setup-dependency-inference",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/own', '/*/src']",
]

FILES = {
    "a.txt": "a",
    "lib.py": "",
    "lib.pyi": "",
    "lib_test.py": "",
    "reqs.txt": "requests==2\n",
    "run.sh": "",
    "run_test.sh": "",
}

ARTIFACT = "provides=python_artifact(name='x', version='1')"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    backends = (core, python, shell, adhoc)
    return RuleRunner(
        rules=[
            *(rule for backend in backends for rule in backend.rules()),
            *blocking_findings.rules(),
            *inference.rules(),
            QueryRule(PlannedTruss, [TrussFieldSet]),
        ],
        target_types=[
            *(target for backend in backends for target in backend.target_types()),
            TrussExternalPackageTarget,
            TrussTarget,
        ],
        objects={"python_artifact": PythonArtifact},
    )


_folders = map("d{}".format, itertools.count())


def plan(
    rule_runner: RuleRunner, target: str, *, name: str = "x", config: str = ""
) -> PlannedTruss:
    """The plan of a truss with one explicit dependency, on `target` in `src`."""
    folder = next(_folders)
    files: Dict[str, str] = {f"{folder}/src/{path}": text for path, text in FILES.items()}
    files[f"{folder}/src/BUILD"] = target.replace("{}", folder)
    files[f"{folder}/t/config.yaml"] = config
    files[f"{folder}/t/BUILD"] = f"truss(name='t', dependencies=['{folder}/src:{name}'])"
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    rule_runner.write_files(files)
    found = rule_runner.get_target(Address(f"{folder}/t", target_name="t"))
    return rule_runner.request(PlannedTruss, [TrussFieldSet.create(found)])


def error(rule_runner: RuleRunner, target: str) -> str:
    with pytest.raises(ExecutionError) as caught:
        plan(rule_runner, target)
    text = str(raised(caught))
    assert ": these explicit dependencies bring nothing into it:\n  * " in text
    return text.partition("\n  * ")[2]


def bundled(planned: PlannedTruss) -> Set[str]:
    paths = {file.path for file in planned.plan.files}
    return {path[len("packages/") :] for path in paths if path.startswith("packages/")}


@pytest.mark.parametrize(
    ("target", "files"),
    [
        ("file(name='x', source='a.txt')", {"a.txt"}),
        ("files(name='x', sources=['*.txt'])", {"a.txt", "reqs.txt"}),
        ("resource(name='x', source='a.txt')", {"a.txt"}),
        ("resources(name='x', sources=['a.txt'])", {"a.txt"}),
        ("python_source(name='x', source='lib.py')", {"lib.py"}),
        ("python_sources(name='x')", {"lib.py"}),
        ("python_test(name='x', source='lib_test.py')", {"lib_test.py"}),
        ("python_tests(name='x')", {"lib_test.py"}),
        ("python_test_utils(name='x', sources=['lib.py'])", {"lib.py"}),
        (
            "files(name='f', sources=['a.txt'])\n"
            "relocated_files(name='x', files_targets=[':f'], src='{}/src',"
            " dest='{}/src/moved')",
            {"moved/a.txt"},
        ),
        (
            "shell_command(name='x', command='echo > made.txt', tools=['echo'],"
            " output_files=['made.txt'])",
            {"made.txt"},
        ),
        (
            "files(name='f', sources=['a.txt'])\ntarget(name='x', dependencies=[':f'])",
            {"a.txt"},
        ),
        (
            f"python_sources(name='s')\n"
            f"python_distribution(name='x', dependencies=[':s'], {ARTIFACT})",
            {"lib.py"},
        ),
        ("truss_external_package(name='x', sources=['a.txt'])", {"a.txt"}),
        ("python_requirement(name='x', requirements=['requests'])", set()),
        ("python_requirements(name='x', source='reqs.txt')", set()),
    ],
)
def test_targets_that_are_bundled(rule_runner: RuleRunner, target: str, files: Set[str]) -> None:
    planned = plan(rule_runner, target)
    assert not [f for f in planned.findings if "bundled" in f.message]
    assert bundled(planned) == files


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "shell_sources(name='x')",
            "`shell_sources` {}/src:x is not bundled: only Python code, `files`, `resources` and "
            'generated files are. Write `files(name="x_files", sources=["run.sh"])` into '
            '{}/src/BUILD, and name "{}/src:x_files" instead.',
        ),
        (
            "shell_source(name='x', source='run.sh')",
            '`files(name="x_files", sources=["run.sh"])`',
        ),
        ("shunit2_tests(name='x')", 'sources=["run_test.sh"]'),
        ("shunit2_test(name='x', source='run_test.sh')", 'sources=["run_test.sh"]'),
        ("run_shell_command(name='x', command='a')", "`run_shell_command` {}/src:x has no file"),
        (
            f"{ShellCommandTestTarget.alias}(name='x', command='true', tools=['true'])",
            "has no file",
        ),
        ("system_binary(name='x', binary_name='cat')", "`system_binary` {}/src:x has no file"),
        (
            "archive(name='x', format='zip')",
            "`archive` {}/src:x is a package, which `pants package` builds, and packages are not "
            "bundled. To bundle its code, name the targets of the code instead. To bundle what is "
            'built, name a `shell_command` with `execution_dependencies=["{}/src:x"]` and '
            "`output_files`.",
        ),
        (
            "python_sources(name='s')\npex_binary(name='x', entry_point='lib.py')",
            "`pex_binary` {}/src:x is a package",
        ),
        (
            "pex_binaries(name='x', entry_points=['lib.py'])",
            "`pex_binaries` {}/src:x is a package",
        ),
        ("local_environment(name='x')", "has no file or requirement"),
        (
            "target(name='x')",
            "`target` {}/src:x has no file or requirement to bundle. Remove it.",
        ),
        (
            "python_source(name='x', source='lib.pyi')",
            "`python_source` {}/src:x is not bundled",
        ),
        (
            "shell_sources(name='s')\ntarget(name='x', dependencies=[':s'])",
            "`target` {}/src:x has no file or requirement to bundle.",
        ),
    ],
)
def test_targets_that_are_refused(rule_runner: RuleRunner, target: str, message: str) -> None:
    found = error(rule_runner, target)
    folder = found.partition("/src:x")[0].rpartition("`")[2].rpartition(" ")[2]
    assert message.replace("{}", folder) in found


def test_what_a_group_brings_besides_others_is_a_warning(
    rule_runner: RuleRunner,
) -> None:
    target = (
        "shell_sources(name='s')\nfiles(name='f', sources=['a.txt'])\n"
        "target(name='x', dependencies=[':s', ':f'])"
    )
    planned = plan(rule_runner, target)
    assert bundled(planned) == {"a.txt"}
    (found,) = planned.findings
    assert (found.rule, found.severity.value) == ("dropped-file", "warning")
    assert "`shell_source` " in found.message and "run.sh" in found.message


def test_an_external_package_must_not_name_them_either(rule_runner: RuleRunner) -> None:
    target = (
        "shell_sources(name='s')\n"
        "truss_external_package(name='x', sources=['a.txt'], dependencies=[':s'])"
    )
    assert "`shell_sources` " in error(rule_runner, target)


def test_the_trusss_own_files_may_be_named(rule_runner: RuleRunner) -> None:
    files = {
        "own/config.yaml": "",
        "own/model/lib.py": "",
        "own/BUILD": "truss(name='t', dependencies=[':s'])\npython_sources(name='s', sources=['**/*.py'])",
    }
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    rule_runner.write_files(files)
    found = rule_runner.get_target(Address("own", target_name="t"))
    assert rule_runner.request(PlannedTruss, [TrussFieldSet.create(found)])
