"""What trusses and external packages depend on without saying so."""

from __future__ import annotations

from typing import Dict, List

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratorTarget,
)
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.parametrize import Parametrize
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    InferredDependencies,
    OptionalSingleSourceField,
    Target,
)
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.dependency_inference import truss as inference
from pants_truss.dependency_inference.truss import (
    ExternalPackageDependenciesInferenceFieldSet,
    InferExternalPackageDependenciesRequest,
    InferTrussDependenciesRequest,
)
from pants_truss.gather import gather
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget


class LockTarget(Target):
    """Like the target of Pants, which cannot be written in a BUILD file."""

    alias = "lock"
    core_fields = (*COMMON_TARGET_FIELDS, OptionalSingleSourceField)


RESOLVES = [
    "--python-enable-resolves",
    "--python-resolves={'one': 'locks/one.lock', 'two': './locks/../locks/two.lock'}",
    "--python-default-resolve=one",
]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *core_target_types_rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *gather.rules(),
            *inference.rules(),
            QueryRule(InferredDependencies, [InferTrussDependenciesRequest]),
            QueryRule(InferredDependencies, [InferExternalPackageDependenciesRequest]),
        ],
        target_types=[
            LockTarget,
            PythonSourcesGeneratorTarget,
            PythonTestsGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
        objects={"parametrize": Parametrize},
    )
    runner.write_files(
        {
            "locks/BUILD": "".join(
                f"lock(name='{n}', source='{n}.lock')\n" for n in ("one", "two")
            ),
            "locks/one.lock": "",
            "locks/two.lock": "",
        }
    )
    return runner


def inferred(rule_runner: RuleRunner, root: str, files: Dict[str, str], *options: str) -> List[str]:
    """What the truss `<root>:t` depends on."""
    rule_runner.set_options(options)
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})
    target = rule_runner.get_target(Address(root, target_name="t"))
    request = InferTrussDependenciesRequest(TrussFieldSet.create(target))
    found = rule_runner.request(InferredDependencies, [request])
    return [address.spec for address in found.include]


PYTHON = "python_sources(name='py', sources=['**/*.py'])\n"


def test_packages_of_the_config_and_targets_of_the_files(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "BUILD": f"truss(name='t', sources=['*', 'model/**'])\n{PYTHON}python_tests(name='tests')",
        "config.yaml": "external_package_dirs: [b, a]\n",
        "model/model.py": "import shared_module",
        "model/util.py": "",
        "model/model_test.py": "",
        "a/BUILD": "truss_external_package()",
        "b/BUILD": "truss_external_package()",
        "b/c.py": "",
    }
    assert sorted(inferred(rule_runner, "both", files)) == [
        "both/a:a",
        "both/b:b",
        "both/model/model.py:../py",
        "both/model/model_test.py:../py",
        "both/model/util.py:../py",
    ]


def test_without_bundling_imports_the_files_do_not_matter(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "BUILD": f"truss(name='t', bundle_imports=False)\n{PYTHON}",
        "config.yaml": "external_package_dirs: [a]\n",
        "model/model.py": "",
        "a/BUILD": "truss_external_package()",
    }
    assert inferred(rule_runner, "off", files) == ["off/a:a"]


def test_nothing_to_depend_on(rule_runner: RuleRunner) -> None:
    assert inferred(rule_runner, "none", {"BUILD": "truss(name='t')", "config.yaml": ""}) == []


# --- The lockfile.


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("by_default", "requirements='lockfile'", ["locks:one"]),
        ("named", "requirements='lockfile', resolve='two'", ["locks:two"]),
        ("configured", "requirements='config', resolve='two'", []),
    ],
)
def test_a_truss_with_pins_depends_on_the_lockfile(
    rule_runner: RuleRunner, name: str, fields: str, expected: List[str]
) -> None:
    files = {"BUILD": f"truss(name='t', {fields})", "config.yaml": ""}
    assert inferred(rule_runner, f"lock_{name}", files, *RESOLVES) == expected


def test_the_lockfile_is_that_of_the_files_resolve(rule_runner: RuleRunner) -> None:
    build = "truss(name='t', requirements='lockfile')\npython_sources(name='py', resolve='two')"
    files = {"BUILD": build, "config.yaml": "", "m.py": ""}
    assert inferred(rule_runner, "of_files", files, *RESOLVES) == ["locks:two"]


def test_a_truss_does_not_depend_on_what_its_scripts_import(rule_runner: RuleRunner) -> None:
    files = {
        "BUILD": f"truss(name='t')\n{PYTHON}",
        "config.yaml": "",
        "client.py": "",
        "model/model.py": "",
        "scripts/export.py": "",
    }
    assert inferred(rule_runner, "beside", files) == ["beside/model/model.py:../py"]


@pytest.mark.parametrize(
    "options",
    [
        ["--no-python-enable-resolves"],
        [
            "--python-enable-resolves",
            "--python-default-resolve=gone",
            "--python-resolves={'a': 'b'}",
        ],
        [*RESOLVES, "--python-resolves={'one': '/etc/one.lock'}"],
        [*RESOLVES, "--python-resolves={'one': '../one.lock'}"],
        [*RESOLVES, "--python-resolves={'one': 'locks/absent.lock'}"],
    ],
)
def test_an_unusable_lockfile_is_reported_by_gathering(
    rule_runner: RuleRunner, options: List[str]
) -> None:
    files = {"BUILD": "truss(name='t', requirements='lockfile')", "config.yaml": ""}
    assert inferred(rule_runner, "no_lock", files, *options) == []


# --- Errors.


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            "external_package_dirs: [x]\n",
            "`external_package_dirs` entry 'x' means the folder",
        ),
        (
            "external_package_dirs: x\n",
            "`external_package_dirs` must be a list of folders",
        ),
    ],
)
def test_a_config_that_is_wrong_is_reported(
    rule_runner: RuleRunner, config: str, message: str
) -> None:
    files = {"BUILD": "truss(name='t')", "config.yaml": config}
    with engine_error(
        InvalidTruss,
        contains=f"wrong:t (wrong/config.yaml:1): {message}",
    ):
        inferred(rule_runner, "wrong", files)


# --- External packages.


def test_a_package_depends_on_the_targets_of_its_files(rule_runner: RuleRunner) -> None:
    rule_runner.set_options(RESOLVES)
    rule_runner.write_files(
        {
            "package/BUILD": (
                "truss_external_package(name='p', sources=['**/*', '!left.py'])\n"
                "python_sources(name='py', sources=['**/*.py'],"
                " resolve=parametrize('one', 'two'))\n"
                "python_tests(name='tests', resolve='one')\n"
            ),
            "package/a.py": "import json",
            "package/left.py": "",
            "package/sub/b.py": "",
            "package/data.txt": "",
        }
    )
    target = rule_runner.get_target(Address("package", target_name="p"))
    field_set = ExternalPackageDependenciesInferenceFieldSet.create(target)
    found = rule_runner.request(
        InferredDependencies, [InferExternalPackageDependenciesRequest(field_set)]
    )
    # Which resolve counts is for each truss to say.
    assert [address.spec for address in found.include] == [
        "package/a.py:py@resolve=one",
        "package/a.py:py@resolve=two",
        "package/sub/b.py:../py@resolve=one",
        "package/sub/b.py:../py@resolve=two",
    ]
