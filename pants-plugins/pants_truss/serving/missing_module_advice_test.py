"""What to do about a module that a gathered truss lacks, in a repository of many small cases."""

from __future__ import annotations

from typing import Dict, Tuple

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
)
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.dependency_inference import truss as inference
from pants_truss.serving import local_truss, missing_module_advice
from pants_truss.serving.missing_module_advice import ModuleFix, ModuleFixRequest
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.rule_runners import OPTIONS

PYTHON = "python_sources(name='src', sources=['**/*.py'])\n"
ROOTS = "--source-root-patterns=['/*/t', '/*/shared', '/root/ext/src']"
RESOLVES = (
    "--python-enable-resolves",
    "--python-resolves={'mine': 'mine.lock', 'other': 'other.lock'}",
    "--python-default-resolve=mine",
)


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *inference.rules(),
            *local_truss.rules(),
            *missing_module_advice.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            QueryRule(ModuleFix, [ModuleFixRequest]),
        ],
        target_types=[
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
    )


def fix(
    rule_runner: RuleRunner,
    folder: str,
    module: str,
    files: Dict[str, str],
    truss: str = "truss()",
    options: Tuple[str, ...] = (),
) -> str:
    defaults = {
        "shared/BUILD": PYTHON,
        "shared/x.txt": "",
        "t/BUILD": f"{truss}\n{PYTHON}",
        "t/config.yaml": "",
        "t/model/model.py": "",
    }
    written = {f"{folder}/{path}": text for path, text in {**defaults, **files}.items()}
    rule_runner.write_files({**written, "mine.lock": "six==1.16.0\nfix-dist==1\n"})
    environment = {"PATH", "PYENV_ROOT", "HOME"}
    rule_runner.set_options([*OPTIONS, ROOTS, *options], env_inherit=environment)
    target = rule_runner.get_target(Address(f"{folder}/t"))
    request = ModuleFixRequest(TrussFieldSet.create(target), module)
    return rule_runner.request(ModuleFix, [request]).text


# --- No target has the module.


@pytest.mark.parametrize(
    "name, config, where",
    [
        ("list", "", "`requirements`"),
        ("file", "requirements_file: ./reqs.txt\n", "reqs.txt"),
    ],
)
def test_a_distribution_is_missing(
    rule_runner: RuleRunner, name: str, config: str, where: str
) -> None:
    files = {"t/config.yaml": config, "t/reqs.txt": ""}
    assert fix(rule_runner, f"unknown_{name}", "nowhere.at.all", files) == (
        f"Add the distribution that has it to {where} in unknown_{name}/t/config.yaml."
    )


def test_a_file_that_looks_like_it_is_not_a_distribution(rule_runner: RuleRunner) -> None:
    """Whoever publishes one of that name would be served."""
    said = fix(rule_runner, "looks", "looking", {"more/looking.py": ""})
    assert said == (
        "It looks like looks/more/looking.py, which no target owns: `pants tailor looks/more::` "
        "adds one."
    )


# --- A target has it.


def test_shared_code_that_is_not_imported(rule_runner: RuleRunner) -> None:
    files = {"shared/unseen_a.py": ""}
    assert fix(rule_runner, "unseen", "unseen_a", files) == (
        "It is unseen/shared/unseen_a.py (unseen/shared/unseen_a.py:src), which Pants does not see "
        'this truss import. Name it: `truss(dependencies=["unseen/shared/unseen_a.py:src"])`.'
    )


def test_a_type_stub_is_not_a_module(rule_runner: RuleRunner) -> None:
    build = "python_sources(name='src', sources=['**/*.py', '**/*.pyi'])\n"
    files = {"shared/BUILD": build, "shared/stub_a/x.py": "", "shared/stub_a/_c.pyi": ""}
    assert fix(rule_runner, "stub", "stub_a._c", files) == (
        "stub/shared/stub_a/_c.pyi is its type stub, and no module lies beside it. If an extension "
        "module has it, add a `resource` target for that file and name the target: "
        '`truss(dependencies=["TARGET"])`.'
    )


def test_a_file_of_another_truss_cannot_be_named(rule_runner: RuleRunner) -> None:
    files = {
        "shared/BUILD": f"truss(name='other')\n{PYTHON}",
        "shared/config.yaml": "",
        "shared/theirs_a.py": "",
    }
    assert fix(rule_runner, "theirs", "theirs_a", files) == (
        "theirs/shared/theirs_a.py of theirs/shared:other has it, but a truss cannot use files of "
        "another truss. Move the file to a folder outside all trusses, or add the distribution "
        "that has the module to `requirements` in theirs/t/config.yaml."
    )


def test_a_target_that_is_called_as_its_file_is_named_once(rule_runner: RuleRunner) -> None:
    files = {"shared/BUILD": "python_sources()\n", "shared/once_a.py": ""}
    assert fix(rule_runner, "once", "once_a", files) == (
        "It is once/shared/once_a.py, which Pants does not see this truss import. Name it: "
        '`truss(dependencies=["once/shared/once_a.py"])`.'
    )


@pytest.mark.parametrize("module", ["part_a.b.c", "part_a.gone", "part_a.b.Class.more"])
def test_a_part_of_shared_code(rule_runner: RuleRunner, module: str) -> None:
    """`a.b.c` may be missing because `a` is."""
    files = {"shared/part_a/__init__.py": "", "shared/part_a/b.py": ""}
    there = "part_a/b.py" if ".b" in module else "part_a/__init__.py"
    assert fix(rule_runner, "part", module, files).startswith(f"It is part/shared/{there} (part/")


def test_a_distribution_that_a_target_names(rule_runner: RuleRunner) -> None:
    build = "python_requirement(name='r', requirements=['fix-dist>=1'], modules=['fix_dist'])\n"
    assert fix(rule_runner, "listed", "fix_dist.sub", {"lib/BUILD": build}) == (
        "Add 'fix-dist>=1' (listed/lib:r) to `requirements` in listed/t/config.yaml."
    )


def test_where_all_is_pinned_the_target_is_named(rule_runner: RuleRunner) -> None:
    build = "python_requirement(name='r', requirements=['fix-dist'], modules=['fix_pinned'])\n"
    files = {"lib/BUILD": build, "t/config.yaml": "python_version: py311\n"}
    truss = "truss(requirements='lockfile')"
    assert fix(rule_runner, "pinned", "fix_pinned", files, truss, RESOLVES) == (
        "It is of 'fix-dist', which Pants does not see this truss import. Name it: "
        '`truss(dependencies=["pinned/lib:r"])`.'
    )


def test_credentials_in_a_requirement_are_not_shown(rule_runner: RuleRunner) -> None:
    build = (
        "python_requirement(name='r', modules=['fix_secret'],"
        " requirements=['fix-secret @ https://me:planted@host/x.whl'])\n"
    )
    said = fix(rule_runner, "secret", "fix_secret", {"lib/BUILD": build})
    assert said.startswith("Add 'fix-secret@ https://***@host/x.whl' (secret/lib:r) to ")


def test_only_what_the_trusss_resolve_has(rule_runner: RuleRunner) -> None:
    files = {
        "lib/BUILD": (
            "python_requirement(name='r', requirements=['fix-other'], modules=['fix_other'],"
            " resolve='other')\n"
        )
    }
    assert fix(rule_runner, "resolves", "fix_other", files, options=RESOLVES) == (
        "Add the distribution that has it to `requirements` in resolves/t/config.yaml."
    )


# --- The truss has it already.


def test_a_package_that_lacks_it(rule_runner: RuleRunner) -> None:
    files = {"shared/lack_a/__init__.py": "", "t/model/model.py": "import lack_a"}
    assert fix(rule_runner, "lack", "lack_a.b.c", files) == (
        "`lack_a` is there (lack/shared/lack_a/__init__.py), but has no `b.c`."
    )


def test_a_package_of_a_package_that_lacks_it(rule_runner: RuleRunner) -> None:
    files = {
        "shared/deep_a/__init__.py": "",
        "shared/deep_a/b/__init__.py": "",
        "t/model/model.py": "import deep_a.b",
    }
    assert fix(rule_runner, "deep", "deep_a.b.c", files) == (
        "`deep_a.b` is there (deep/shared/deep_a/b/__init__.py), but has no `c`."
    )


def test_a_file_that_lies_where_it_is_not_imported_from(rule_runner: RuleRunner) -> None:
    """An external package is laid out by its folder, whatever its source root."""
    files = {
        "ext/BUILD": f"truss_external_package(name='ext')\n{PYTHON}",
        "ext/src/root_a.py": "",
        "t/config.yaml": "external_package_dirs: [../ext]\n",
    }
    assert fix(rule_runner, "root", "root_a", files) == (
        "root/ext/src/root_a.py is in the truss, but not where it is imported from: its source "
        "root is another than the folder it comes from."
    )


# --- Files that no target owns.


@pytest.mark.parametrize(
    "name, files, unowned",
    [
        ("model", {"t/a.py": "", "t/model/a.py": ""}, "t/model/model.py"),
        (
            "config",
            {"t/config.yaml": "model_class_filename: sub/m.py\n", "t/model/sub/m.py": ""},
            "t/model/sub/m.py",
        ),
        (
            "other",
            {"t/packages/z/BUILD": "", "t/packages/z/b.py": "", "t/packages/z/a.py": ""},
            "t/packages/z/a.py",
        ),
    ],
)
def test_what_imports_it_may_be_what_pants_does_not_see(
    rule_runner: RuleRunner, name: str, files: Dict[str, str], unowned: str
) -> None:
    folder = f"unowned_{name}"
    sources = "" if name != "other" else "python_sources(name='src', sources=['model/*.py'])\n"
    build = {"t/BUILD": f"truss()\n{sources}", f"shared/{folder}.py": ""}
    unowned = f"{folder}/{unowned}"
    where = unowned.rpartition("/")[0]
    assert fix(rule_runner, folder, folder, {**build, **files}) == (
        f"It is {folder}/shared/{folder}.py ({folder}/shared/{folder}.py:src). Pants does not see "
        f"what {unowned} imports, which no target owns: `pants tailor {where}::` adds one."
    )
