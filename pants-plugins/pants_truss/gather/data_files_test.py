"""Data beside code: it is reported, and the advice brings it in at the first try."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Dict, List, Set

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.macros.python_artifact import PythonArtifact
from pants.backend.python.target_types import (
    PythonDistribution,
    PythonSourcesGeneratorTarget,
)
from pants.backend.python.util_rules import pex_requirements
from pants.core.target_types import FilesGeneratorTarget, ResourcesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.lint.finding import Finding
from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import blocking_findings
from pants_truss.gather.blocking_findings import BlockingFindings
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/*/t', '/*/shared']",
    "--truss-lint-disable=['config-schema', 'model-class', 'unowned-python']",
]

OPENS = "open(f'{here}/lexicon.json')\n"
PYTHON = "python_sources(name='py', sources=['**/*.py'])\n"


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *pex_requirements.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *blocking_findings.rules(),
            *inference.rules(),
            QueryRule(BlockingFindings, [TrussFieldSet]),
        ],
        target_types=[
            FilesGeneratorTarget,
            PythonDistribution,
            PythonSourcesGeneratorTarget,
            ResourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
        objects={"python_artifact": PythonArtifact},
    )


_folders = map("d{}".format, itertools.count())


def write(rule_runner: RuleRunner, files: Dict[str, str]) -> str:
    """Files in a folder of their own, `{}` in them for it; a module of a name of its own, `kit{}`,
    is shared."""
    folder = next(_folders)
    defaults = {
        "t/BUILD": "truss(name='t')\npython_sources(name='py', sources=['**/*.py'])",
        "t/config.yaml": "",
        "t/model/model.py": "import kit{}.x",
    }
    rule_runner.write_files(
        {
            f"{folder}/{path.replace('{}', folder)}": text.replace("{}", folder)
            for path, text in {**defaults, **files}.items()
        }
    )
    return folder


def find(rule_runner: RuleRunner, folder: str, *options: str) -> BlockingFindings:
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    target = rule_runner.get_target(Address(f"{folder}/t", target_name="t"))
    return rule_runner.request(BlockingFindings, [TrussFieldSet.create(target)])


def told(found: BlockingFindings) -> List[Finding]:
    return [finding for finding in found.findings if finding.rule == "dropped-file"]


def held(found: BlockingFindings) -> Set[str]:
    return {file.path for file in found.planned.plan.files}


def take_advice(rule_runner: RuleRunner, text: str) -> None:
    """Writes into BUILD files what the message says."""
    root = Path(rule_runner.build_root)
    new = re.search(r"Add `(resources\(.*?\))` to (\S+)/BUILD\.", text)
    if new:
        build = f"{new.group(2)}/BUILD"
        before = (root / build).read_text() if (root / build).exists() else ""
        rule_runner.write_files({build: f"{before}\n{new.group(1)}\n"})
    field = re.search(r"Add `(dependencies=\[[^`]*)` to the target ([^\s:]+):(\w+)", text)
    assert field, text
    build = f"{field.group(2)}/BUILD"
    name = f"name='{field.group(3)}'"
    before = (root / build).read_text()
    assert before.count(name) == 1
    rule_runner.write_files({build: before.replace(name, f"{name}, {field.group(1)}")})


@pytest.mark.parametrize(
    ("files", "place"),
    [
        pytest.param(
            {
                "shared/kit{}/BUILD": PYTHON,
                "shared/kit{}/x.py": OPENS,
                "shared/kit{}/lexicon.json": "",
            },
            "lexicon.json",
            id="beside shared code",
        ),
        pytest.param(
            {
                "shared/BUILD": PYTHON + "files(name='data', sources=['no'])",
                "shared/no": "",
                "shared/kit{}/x.py": OPENS,
                "shared/kit{}/words/lexicon.json": "",
            },
            "words/lexicon.json",
            id="below code whose BUILD file lies above",
        ),
        pytest.param(
            {
                "shared/kit{}/BUILD": PYTHON,
                "shared/kit{}/x.py": "import y\nopen(y.join('words', 'lexicon.json'))\n",
                "shared/kit{}/words/__init__.py": "",
                "shared/kit{}/words/lexicon.json": "",
            },
            "words/lexicon.json",
            id="below code in a package of its own",
        ),
        pytest.param(
            {
                "shared/kit{}/BUILD": PYTHON,
                "shared/kit{}/x.py": "import y\nopen(y.join('words', 'en/us', 'lexicon.json'))\n",
                "shared/kit{}/words/en/us/lexicon.json": "",
            },
            "words/en/us/lexicon.json",
            id="far below the code",
        ),
        pytest.param(
            {
                "shared/kit{}/BUILD": PYTHON,
                "shared/kit{}/x.py": "from kit{}.core import y\n",
                "shared/kit{}/core/y.py": "p = here.parent.parent / 'words' / 'lexicon.json'\n",
                "shared/kit{}/words/lexicon.json": "",
            },
            "words/lexicon.json",
            id="below the folder above the code",
        ),
        pytest.param(
            {
                "shared/kit{}/core/BUILD": PYTHON,
                "shared/kit{}/x.py": "",
                "shared/kit{}/BUILD": "python_sources(name='top', sources=['x.py'],"
                " dependencies=['{}/shared/kit{}/core:py'])",
                "shared/kit{}/core/y.py": "open('../words/lexicon.json')\n",
                "shared/kit{}/words/lexicon.json": "",
            },
            "words/lexicon.json",
            id="outside the folder of the BUILD file",
        ),
        pytest.param(
            {
                "shared/kit{}/BUILD": PYTHON,
                "shared/kit{}/x.py": "open(f'{here}/lexicon_{language}.txt')\n",
                "shared/kit{}/lexicon_de.txt": "",
            },
            "lexicon_de.txt",
            id="by a formatted name",
        ),
        pytest.param(
            {
                "shared/kit{}/BUILD": PYTHON,
                "shared/kit{}/x.py": "files = here.glob('*.json')\n",
                "shared/kit{}/lexicon.json": "",
            },
            "lexicon.json",
            id="by a pattern",
        ),
        pytest.param(
            {
                "shared/kit{}/BUILD": PYTHON + "resources(name='res', sources=['*.json'])",
                "shared/kit{}/x.py": OPENS,
                "shared/kit{}/lexicon.json": "",
            },
            "lexicon.json",
            id="owned by a target that nothing depends on",
        ),
        pytest.param(
            {
                "shared/kit{}/BUILD": PYTHON
                + "resources(name='res', sources=['*.json'])\n"
                + "python_distribution(name='dist', dependencies=[':py', ':res'],"
                + " provides=python_artifact(name='x{}', version='1'))",
                "shared/kit{}/x.py": OPENS,
                "shared/kit{}/lexicon.json": "",
            },
            "lexicon.json",
            id="in a package of a distribution",
        ),
        pytest.param(
            {
                "shared/BUILD": "python_sources(name='py', sources=['kit{}/x.py'])",
                "shared/kit{}/__init__.py": OPENS,
                "shared/kit{}/x.py": "",
                "shared/kit{}/BUILD": "",
                "shared/kit{}/lexicon.json": "",
            },
            "lexicon.json",
            id="beside code without a target",
        ),
    ],
)
def test_advice_works_at_the_first_try(
    rule_runner: RuleRunner, files: Dict[str, str], place: str
) -> None:
    folder = write(rule_runner, files)
    (found,) = told(find(rule_runner, folder))
    assert found.path == f"{folder}/shared/kit{folder}/{place}"
    assert found.severity.value == "warning"
    take_advice(rule_runner, found.message)
    after = find(rule_runner, folder)
    assert told(after) == []
    assert f"packages/kit{folder}/{place}" in held(after)


def test_a_file_in_a_folder_that_pants_ignores(rule_runner: RuleRunner) -> None:
    files = {
        "shared/kit{}/BUILD": PYTHON,
        "shared/kit{}/x.py": "open(y.join('words', 'lexicon.json'))\n",
        "shared/kit{}/words/lexicon.json": "",
    }
    folder = write(rule_runner, files)
    words = f"/{folder}/shared/kit{folder}/words/"
    (found,) = told(find(rule_runner, folder, f"--pants-ignore=['{words}']"))
    assert f'`pants_ignore.add = ["!{words}"]`' in found.message


def test_names_that_are_globs_or_end_a_text(rule_runner: RuleRunner) -> None:
    files = {
        "shared/kit{}/BUILD": PYTHON,
        "shared/kit{}/x.py": "open('we ird [1].json')\nopen('quo\"te.json')\n",
        "shared/kit{}/we ird [1].json": "",
        'shared/kit{}/quo"te.json': "",
    }
    quoted, globbed = told(find(rule_runner, write(rule_runner, files)))
    assert "sources=['quo\"te.json'])" in quoted.message
    assert 'sources=["we ird [[]1].json"])' in globbed.message


def test_the_message_names_module_target_and_field(rule_runner: RuleRunner) -> None:
    files = {
        "shared/kit{}/BUILD": PYTHON,
        "shared/kit{}/x.py": OPENS,
        "shared/kit{}/lexicon.json": "",
    }
    folder = write(rule_runner, files)
    (found,) = told(find(rule_runner, folder))
    kit = f"{folder}/shared/kit{folder}"
    assert found.message == (
        f"{kit}/x.py names it, but the truss does not have it. No target owns it. Add "
        f'`resources(name="data", sources=["lexicon.json"])` to {kit}/BUILD. Add '
        f'`dependencies=[":data"]` to the target {kit}:py, whose code opens it.'
    )


def test_an_own_file_that_sources_leave_out(rule_runner: RuleRunner) -> None:
    files = {
        "t/BUILD": "truss(name='t', sources=['*.yaml', '**/*.py'])",
        "t/model/model.py": OPENS,
        "t/model/lexicon.json": "",
        "t/model/other.json": "",
        "t/packages/p{}/__init__.py": OPENS,
        "t/packages/p{}/lexicon.json": "",
    }
    folder = write(rule_runner, files)
    own, package = told(find(rule_runner, folder))
    assert own.message == (
        f"{folder}/t/model/model.py names it, but the truss does not have it. Add it to `sources` "
        f"of {folder}/t:t, or take it back with a `!` line in `.truss_ignore` of the truss."
    )
    assert package.path == f"{folder}/t/packages/p{folder}/lexicon.json"


def test_a_file_of_an_external_package_that_sources_leave_out(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "t/config.yaml": "external_package_dirs: [../ext]",
        "ext/BUILD": "truss_external_package(name='e', sources=['**/*.py'])",
        "ext/lib.py": OPENS,
        "ext/lexicon.json": "",
        "t/model/model.py": "",
    }
    folder = write(rule_runner, files)
    (found,) = told(find(rule_runner, folder))
    assert f"Add it to `sources` of {folder}/ext:e" in found.message


def test_a_folder_above_counts_only_for_code_that_names_it(rule_runner: RuleRunner) -> None:
    files = {
        "shared/kit{}/BUILD": PYTHON,
        "shared/kit{}/x.py": "from kit{}.core import y\nfrom kit{}.far import z",
        # It opens its own file, which the truss has.
        "shared/kit{}/core/y.py": "open(here.parent / 'lexicon.json')\n'words'",
        "shared/kit{}/far/z.py": "open(here.parent.parent / 'lexicon.json')\n",
        "shared/kit{}/words/lexicon.json": "",
    }
    folder = write(rule_runner, files)
    (found,) = told(find(rule_runner, folder))
    # It lies below the folder of `x.py`.
    assert found.severity.value == "note"


def test_data_that_no_module_names_is_a_note(rule_runner: RuleRunner) -> None:
    files = {
        "shared/kit{}/BUILD": PYTHON,
        "shared/kit{}/x.py": "",
        **{
            f"shared/kit{{}}/{name}": ""
            for name in (
                "README.md",
                "de.json",
                "en.json",
                "py.typed",
                "tests/case.json",
            )
        },
    }
    folder = write(rule_runner, files)
    (found,) = told(find(rule_runner, folder))
    assert (found.path, found.severity.value) == (
        f"{folder}/shared/kit{folder}/de.json",
        "note",
    )
    assert " and 1 more, but the truss does not have it" in found.message


def test_what_a_target_owns_and_no_module_names_is_left_to_the_target(
    rule_runner: RuleRunner,
) -> None:
    files = {
        "shared/kit{}/BUILD": PYTHON + "resources(name='for_tests', sources=['*.json'])",
        "shared/kit{}/x.py": "",
        "shared/kit{}/de.json": "",
    }
    assert told(find(rule_runner, write(rule_runner, files))) == []


def test_data_that_the_code_depends_on_is_not_missed(rule_runner: RuleRunner) -> None:
    files = {
        "shared/kit{}/BUILD": "python_sources(name='py', dependencies=[':data'])\n"
        "files(name='data', sources=['**/*.json'])",
        "shared/kit{}/x.py": OPENS,
        "shared/kit{}/lexicon.json": "",
        "shared/kit{}/deep/de.json": "",
    }
    assert told(find(rule_runner, write(rule_runner, files))) == []


def test_data_below_other_code_is_left_to_that_code(rule_runner: RuleRunner) -> None:
    """A large tree of code is not looked through from each of its folders."""
    files = {
        "shared/kit{}/BUILD": PYTHON,
        "shared/kit{}/x.py": "open(y.join('core', 'words', 'lexicon.json'))\n",
        "shared/kit{}/core/y.py": "",
        "shared/kit{}/core/words/lexicon.json": "",
    }
    assert told(find(rule_runner, write(rule_runner, files))) == []
