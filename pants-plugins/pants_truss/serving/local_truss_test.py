"""Tests the properties and the layout of a truss before it is started."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Optional, Tuple

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourcesGeneratorTarget,
)
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.examples import parse
from pants_truss.dependency_inference import truss as inference
from pants_truss.serving import local_truss
from pants_truss.serving.environment import TrussVenvsRequest
from pants_truss.serving.local_truss import (
    DescribedTruss,
    ListedRequirements,
    ListRequirementsRequest,
    LocalTruss,
    environment_of,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.results import raised
from pants_truss.testutil.rule_runners import OPTIONS as COMMON_OPTIONS
from pants_truss.testutil.stand_in_pex import FOLDER, installed, with_stand_in_pex
from pants_truss.testutil.stand_in_truss import install_truss

PYTHON = "python_sources(name='src', sources=['**/*.py'])\n"
OPTIONS = [*COMMON_OPTIONS, "--source-root-patterns=['/d/*', '/l/*', '/r/*']"]
RESOLVES = ["--python-enable-resolves", "--python-resolves={'mine': 'mine.lock'}"]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *with_stand_in_pex(
                (
                    *core_target_types_rules(),
                    *inference.rules(),
                    *python_inference.rules(),
                    *target_types_rules.rules(),
                    *local_truss.rules(),
                )
            ),
            QueryRule(DescribedTruss, [TrussFieldSet]),
            QueryRule(ListedRequirements, [ListRequirementsRequest]),
            QueryRule(LocalTruss, [TrussFieldSet]),
        ],
        target_types=[
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
    )
    install_truss(runner)
    for name in ("requirements", "truss_server"):
        runner.write_files({f"{FOLDER}/{name}/info.jsonl": installed("six==1.16.0")})
    return runner


def write(
    rule_runner: RuleRunner,
    folder: str,
    config: str,
    files: Optional[Dict[str, str]] = None,
    truss: str = "truss()",
    options: Tuple[str, ...] = (),
) -> TrussFieldSet:
    written = {"BUILD": f"{truss}\n{PYTHON}", "config.yaml": config, "model/model.py": ""}
    written.update(files or {})
    rule_runner.write_files({f"{folder}/{path}": text for path, text in written.items()})
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    return TrussFieldSet.create(rule_runner.get_target(Address(folder)))


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(ExecutionError) as caught:
        ask()
    error = raised(caught)
    assert isinstance(error, InvalidTruss)
    return str(error)


# --- Properties.


def describe(rule_runner: RuleRunner, truss: TrussFieldSet) -> DescribedTruss:
    return rule_runner.request(DescribedTruss, [truss])


def test_an_empty_config(rule_runner: RuleRunner) -> None:
    found = describe(rule_runner, write(rule_runner, "d/nothing", ""))
    assert (found.config_path, found.config.data_dir) == ("d/nothing/config.yaml", "data")
    assert (found.needs_image, found.accelerator, found.left_out) == (None, None, ())
    assert found.examples_path == "d/nothing/examples.yaml"
    assert (found.examples, found.names_examples) == (None, False)
    assert dict(found.environment_variables) == {}


def test_keys_without_effect(rule_runner: RuleRunner) -> None:
    config = (
        "resources: {accelerator: 'A10G:2'}\n"
        "system_packages: [ffmpeg]\n"
        "base_image: {image: 'python:3.11'}\n"
        "build_commands: []\n"
        "environment_variables: {B: 'x', A: true}\n"
    )
    found = describe(rule_runner, write(rule_runner, "d/images", config))
    # In the order of Truss. Empty values have no effect anywhere.
    assert found.left_out == ("base_image", "system_packages")
    assert (found.needs_image, found.accelerator) == (None, "A10G:2")
    assert dict(found.environment_variables) == {"B": "x", "A": "true"}


def test_a_truss_that_needs_an_image(rule_runner: RuleRunner) -> None:
    config = "docker_server: {start_command: x, server_port: 1}\n"
    truss = write(rule_runner, "d/docker", config)
    assert describe(rule_runner, truss).needs_image == "docker_server"


@pytest.mark.parametrize(
    "folder, config, path, names",
    [
        ("default", "", "examples.yaml", False),
        ("named", "examples_filename: more/é.yaml\n", "more/é.yaml", True),
        # The default path, but now the file must exist.
        ("same", "examples_filename: examples.yaml\n", "examples.yaml", True),
    ],
)
def test_the_examples_file(
    rule_runner: RuleRunner, folder: str, config: str, path: str, names: bool
) -> None:
    truss = write(rule_runner, f"d/examples_{folder}", config, {path: "- {name: Ä}\n"})
    found = describe(rule_runner, truss)
    assert found.examples_path == f"d/examples_{folder}/{path}"
    assert found.examples == "- {name: Ä}\n".encode() and found.names_examples == names


def test_the_example_in_the_metadata(rule_runner: RuleRunner) -> None:
    config = "model_metadata: {example_model_input: {text: ä, n: [1, true]}}\n"
    found = describe(rule_runner, write(rule_runner, "d/metadata", config))
    assert found.examples_path == "d/metadata/config.yaml" and not found.names_examples
    (example,) = parse(found.examples_path, found.examples or b"")
    assert (example.name, example.output) == ("example_model_input", None)
    assert json.loads(example.input) == {"text": "ä", "n": [1, True]}
    # An examples file says more.
    found = describe(rule_runner, write(rule_runner, "d/both", config, {"examples.yaml": "[]"}))
    assert (found.examples_path, found.examples) == ("d/both/examples.yaml", b"[]")
    # A file that the config names and that is gone is not replaced.
    named = f"{config}examples_filename: gone.yaml\n"
    found = describe(rule_runner, write(rule_runner, "d/gone", named))
    assert (found.examples, found.names_examples) == (None, True)


def test_an_examples_file_is_not_a_pattern(rule_runner: RuleRunner) -> None:
    config = "examples_filename: '*.yaml'\n"
    found = describe(rule_runner, write(rule_runner, "d/pattern", config, {"a.yaml": "- 1\n"}))
    assert (found.examples_path, found.examples) == ("d/pattern/*.yaml", None)


def test_an_examples_file_that_the_truss_leaves_out(rule_runner: RuleRunner) -> None:
    """A test may read files that the model must not see."""
    truss = write(
        rule_runner,
        "d/left",
        "",
        {"examples.yaml": "[]\n"},
        "truss(sources=['**/*', '!examples.yaml'])",
    )
    assert describe(rule_runner, truss).examples == b"[]\n"


def test_the_config_of_the_target(rule_runner: RuleRunner) -> None:
    prod = {"prod.yaml": "data_dir: big\nexternal_package_dirs: []\n"}
    truss = write(rule_runner, "d/prod", "data_dir: [\n", prod, "truss(config='prod.yaml')")
    found = describe(rule_runner, truss)
    assert (found.config_path, found.config.data_dir) == ("d/prod/prod.yaml", "big")


# --- Requirements.


def listed(
    rule_runner: RuleRunner, truss: TrussFieldSet, more: Tuple[str, ...] = ()
) -> ListedRequirements:
    return rule_runner.request(ListedRequirements, [ListRequirementsRequest(truss, more)])


def test_requirements_of_the_config(rule_runner: RuleRunner) -> None:
    config = "python_version: py310\nrequirements:\n  - six\n  - |\n    b==1\n    # why\n    a\n"
    assert listed(rule_runner, write(rule_runner, "r/config", config)) == ListedRequirements(
        (3, 10), ("six", "b==1", "# why", "a"), "`requirements` in r/config/config.yaml", None
    )


def test_a_requirements_file(rule_runner: RuleRunner) -> None:
    files = {"deps/reqs.txt": "b==1 \\\n --hash=sha256:00\n# why\nc\n", "pyproject.toml": "["}
    config = "requirements_file: ./deps/reqs.txt\nrequirements: [six]\n"
    found = listed(rule_runner, write(rule_runner, "r/file", config, files))
    assert found.requirements == ("six", "b==1  --hash=sha256:00", "c")
    assert (found.origin, found.is_bounded) == ("r/file/deps/reqs.txt", True)


def test_a_project_with_static_dependencies(rule_runner: RuleRunner) -> None:
    files = {"pyproject.toml": "[project]\ndependencies = ['b>=1']\n"}
    truss = write(rule_runner, "r/project", "requirements_file: pyproject.toml\n", files)
    found = listed(rule_runner, truss)
    assert (found.requirements, found.is_bounded) == (("b>=1",), False)
    assert found.origin == "r/project/pyproject.toml"


@pytest.mark.parametrize(
    "folder, config, files, end",
    [
        (
            "gone",
            "requirements_file: reqs.txt\n",
            {"reqs.txt.in": ""},
            "`requirements_file` names r/bad_gone/reqs.txt, which does not exist.",
        ),
        (
            "pattern",
            "requirements_file: 'reqs*.txt'\n",
            {"reqs1.txt": ""},
            "`requirements_file` names r/bad_pattern/reqs*.txt, which does not exist.",
        ),
        (
            "alone",
            "requirements_file: uv.lock\n",
            {"uv.lock": "version = 1\n"},
            "r/bad_alone/uv.lock has no pyproject.toml beside it, and uv reads both.",
        ),
        (
            "included",
            "requirements_file: reqs.txt\n",
            {"reqs.txt": "-r more.txt\n", "more.txt": "six\n"},
            "'-r more.txt' reads 'more.txt', which is not in the image: an image build has no other "
            "file of the truss when it installs, so it fails. Write the lines of more.txt into "
            "r/bad_included/reqs.txt.",
        ),
    ],
)
def test_invalid_requirements_files(
    rule_runner: RuleRunner, folder: str, config: str, files: Dict[str, str], end: str
) -> None:
    folder = f"r/bad_{folder}"
    truss = write(rule_runner, folder, config, files)
    name = folder.rpartition("/")[2]
    assert refusal(lambda: listed(rule_runner, truss)) == (
        f"{folder}:{name} ({folder}/config.yaml): {end}"
    )


def test_requirements_of_training_are_added(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "r/3rdparty/BUILD": (
                "python_requirement(name='one', requirements=['r-one==1'], modules=['r_one'])\n"
                "python_requirement(name='two', requirements=['r-two'], modules=['r_two'])\n"
            )
        }
    )
    truss = write(
        rule_runner,
        "r/more",
        "requirements: [six]\nrequirements_file: reqs.txt\n",
        {"reqs.txt": "d\n", "model/model.py": "import r_one\nimport r_two"},
    )
    assert listed(rule_runner, truss).requirements == ("six", "d")
    assert listed(rule_runner, truss, ("r/3rdparty:two",)).requirements == ("six", "r-two", "d")
    # Only requirements that the truss itself needs are among them.
    assert listed(rule_runner, truss, ("r/3rdparty:none",)).requirements == ("six", "d")


def test_pins_know_their_resolve(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"mine.lock": "six==1.16.0\n"})
    truss = write(
        rule_runner,
        "r/pins",
        "python_version: py311\nrequirements: [six]\n",
        truss="truss(requirements='lockfile', resolve='mine')",
        options=(*RESOLVES, "--python-default-resolve=mine"),
    )
    found = listed(rule_runner, truss)
    assert found.requirements == ("six==1.16.0",) and found.resolve == "mine"
    assert environment_of(Address("x"), found, server=False) == TrussVenvsRequest(
        Address("x"),
        (3, 11),
        ("six==1.16.0",),
        "`requirements` in r/pins/config.yaml",
        "mine",
        False,
    )


# --- Layout.


def place_in_image(rule_runner: RuleRunner, truss: TrussFieldSet) -> Tuple[LocalTruss, Any]:
    found = rule_runner.request(LocalTruss, [truss])
    contents = rule_runner.request(DigestContents, [found.digest])
    return found, {file.path: file.content.decode() for file in contents}


def test_a_truss_has_the_layout_of_an_image(rule_runner: RuleRunner) -> None:
    files = {
        "ext/BUILD": "truss_external_package()",
        "ext/external.py": "",
        "t/BUILD": f"truss()\n{PYTHON}",
        "t/config.yaml": (
            "model_module_dir: src\nexternal_package_dirs: [../ext]\ndata_dir: files\n"
            "requirements: [six]\n"
        ),
        "t/README.md": "not in an image",
        "t/files/words.txt": "é",
        "t/packages/bundled.py": "",
        "t/src/model.py": "",
    }
    rule_runner.write_files({f"l/{path}": text for path, text in files.items()})
    rule_runner.set_options(OPTIONS, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    truss = TrussFieldSet.create(rule_runner.get_target(Address("l/t")))
    found, contents = place_in_image(rule_runner, truss)
    assert set(contents) == {
        "app/config.yaml",
        "app/data/words.txt",
        "app/model/model.py",
        "app/requirements.txt",
        "app/shared/util.py",
        "app/truss_server.py",
        "packages/bundled.py",
        "packages/external.py",
    }
    # A traceback shows the path in the repository.
    assert dict(found.sources) == {
        "app/data/words.txt": "l/t/files/words.txt",
        "app/model/model.py": "l/t/src/model.py",
        "packages/bundled.py": "l/t/packages/bundled.py",
        "packages/external.py": "l/ext/external.py",
    }
    assert "secrets: {}\n" in contents["app/config.yaml"]
    assert "external_package_dirs: []\n" in contents["app/config.yaml"]
    assert [pex.output_filename for pex in found.environment.pexes] == [
        "requirements.pex",
        "truss_server.pex",
    ]


def test_a_folder_with_two_roles_lies_there_twice(rule_runner: RuleRunner) -> None:
    config = "data_dir: model\n"
    truss = write(rule_runner, "l/roles", config, {"model/w.txt": "w"})
    found, contents = place_in_image(rule_runner, truss)
    assert contents["app/data/w.txt"] == contents["app/model/w.txt"] == "w"
    assert found.sources["app/data/w.txt"] == found.sources["app/model/w.txt"]
    assert [pex.output_filename for pex in found.environment.pexes] == ["truss_server.pex"]
