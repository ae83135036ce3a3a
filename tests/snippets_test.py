"""Each command and snippet of README and docs/ is done here, or by the test that is named below. The
tutorial has a test of its own."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import toml  # pants: no-infer-dep
import yaml

from support.literate import Block, assert_printed, blocks
from support.monorepo import PLUGIN_PATH, Monorepo
from support.repository import settings

PAGES = [
    page
    for page in sorted([*Path().glob("*.md"), *Path("docs").glob("*.md")])
    if page.name != "tutorial.md"
]

# Commands that take a server, a registry, a container or a day -> another file that runs them, and
# some words of it.
ELSEWHERE: Dict[str, Tuple[str, str]] = {
    "pants run src/trusses/sentiment:sentiment": ("tests/serve_example_test.py", "sentiment"),
    "pants run src/trusses/sentiment:sentiment -- --port=9000": ("tests/serve_test.py", "--port="),
    "pants run src/trusses/spam:train -- --out=src/trusses/spam/data": (
        "tests/training_test.py",
        '"--out=',
    ),
    "pants run src/trusses/sentiment:image": ("tests/image_container_test.py", '"run"'),
    "pants run src/trusses/sentiment:oci -- --port=9000": (
        "tests/image_container_test.py",
        "--port=",
    ),
    "pants publish src/trusses/sentiment": ("tests/push_test.py", '"publish"'),
    "pants publish src/trusses::": ("tests/push_test.py", '"publish"'),
    "pants --truss-publish-dry-run publish src/trusses::": (
        "tests/push_test.py",
        "--truss-publish-dry-run",
    ),
    "skopeo copy oci:dist/src.trusses.sentiment/oci:latest "
    "docker://registry.example.com/sentiment:1": ("tests/image_registry_test.py", "skopeo"),
    "skopeo copy docker://baseten/truss-server-base:3.11-v0.13.0 oci:images/truss-3.11:base": (
        "tests/image_registry_test.py",
        "skopeo",
    ),
    "TRUSS_TEST_PANTS_COMMAND=/path/of/pants TRUSS_TEST_PANTS_PYTHON=/path/of/its/python "
    "tests/on_pants.sh": ("tests/on_pants.sh", "TRUSS_TEST_PANTS_COMMAND"),
}

# Commands that CI runs, or runs a part of.
OF_CI = {
    "./pants test src/::",
    "./pants test pants-plugins::",
    "./pants test tests/parity_test.py -- -k crlf",
    "TRUSS_TEST_PANTS=2.18.0a0 ./pants test tests:tests",
    "TRUSS_TEST_PANTS=2.33.0 ./pants test tests:tests",
    "TRUSS_TEST_PANTS_COMMAND=/path/of/pants ./pants test tests:tests",
    "./pants fmt lint check ::",
}

# Measurements are made by hand: they would say nothing on a machine that tests at the same time.
BY_HAND = "./pants run benchmarks/"


def found(*languages: str) -> List[Block]:
    return [
        block
        for page in PAGES
        for block in blocks(page)
        if block.language in languages and not block.is_heading
    ]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    """The example monorepo, with the images' backend and Docker's."""
    base = tmp_path_factory.mktemp("snippets")
    repo = Monorepo(base / "repo", base / "machine", shares_store=True)
    for folder in ("3rdparty/models", "src"):
        shutil.copytree(folder, repo.root / folder)
    text = settings().replace("%(buildroot)s/pants-plugins", str(PLUGIN_PATH))
    repo.write(
        "pants.toml", text.replace('"pants_truss",', '"pants_truss", "pants.backend.docker",')
    )
    repo.commit()
    yield repo
    repo.stop_daemon()


def commands(block: Block) -> List[Tuple[str, str]]:
    """Each with what it is to print."""
    if block.language == "console":
        parts = re.split(r"^\$ (.+)\n?", block.body, flags=re.MULTILINE)
        pairs = list(zip(parts[1::2], parts[2::2]))
    else:
        pairs = [(line, "") for line in block.body.splitlines()]
    return [(re.sub(r"\s*# .*", "", line).strip(), text) for line, text in pairs if line.strip()]


@pytest.mark.parametrize("block", found("sh", "console"), ids=str)
def test_commands(block: Block, repo: Monorepo) -> None:
    for command, expected in commands(block):
        if command in ELSEWHERE:
            path, words = ELSEWHERE[command]
            assert words in Path(path).read_text(), f"{block}: {path} has no {words!r}"
            continue
        if command in OF_CI or command.startswith(BY_HAND):
            continue
        arguments, _, output = command.partition(" > ")
        program, *rest = shlex.split(arguments)
        assert program in ("pants", "./pants"), f"{block}: no test runs {command!r}"
        run = repo.pants(*rest).assert_success()
        if output:
            repo.write(output, run.stdout)
        assert_printed(expected, run.stdout + run.stderr, block)


def test_no_command_is_excused_in_vain() -> None:
    there = {command for block in found("sh") for command, _ in commands(block)}
    assert not set(ELSEWHERE) - there


def is_build(block: Block, names: List[str]) -> bool:
    first = re.search(r"^[^#\s].*$", block.body, re.MULTILINE)
    return bool(first) and first[0].partition("(")[0] in names  # type: ignore[index]


@pytest.fixture(scope="module")
def help_all(repo: Monorepo) -> Dict[str, Any]:
    answer: Dict[str, Any] = json.loads(repo.pants("help-all").assert_success().stdout)
    return answer


# Pages with Python that is not a BUILD file -> the test that runs it.
OTHER_PYTHON = {
    "docs/tree-digest.md": "tests/hermetic_test.py",
    "docs/imports.md": "tests/imports_test.py",
    "docs/training.md": "tests/training_test.py",
}


def test_build_files(repo: Monorepo, help_all: Dict[str, Any]) -> None:
    """Targets and fields exist, and values are of their types."""
    names = list(help_all["name_to_target_type_info"])
    count = 0
    for block in found("python"):
        if not is_build(block, names):
            assert str(block.page) in OTHER_PYTHON or block.page.name == "reference.md", str(block)
            continue
        # Each target by itself: some are alternatives, and have one name.
        for statement in ast.parse(
            block.body.partition("\n# src/trusses/sentiment/Docker")[0]
        ).body:
            count += 1
            repo.write(f"snippets/{count}/BUILD", f"{ast.unparse(statement)}\n")
    assert count > 60
    repo.pants("list", "snippets::").assert_success()
    shutil.rmtree(repo.root / "snippets")


# Options of later releases of Pants: the page names the release.
LATER = {"remote_provider": "Pants 2.20"}


@pytest.mark.parametrize("block", found("toml"), ids=str)
def test_settings(block: Block, help_all: Dict[str, Any]) -> None:
    """Sections and options exist; a value has the type of its option."""
    scopes = help_all["scope_to_help_info"]
    for section, values in toml.loads(block.body).items():
        scope = scopes["" if section == "GLOBAL" else section]
        options = {
            option["config_key"]: option
            for kind in ("basic", "advanced", "deprecated")
            for option in scope[kind]
        }
        for name, value in values.items():
            if name in LATER:
                assert LATER[name] in block.page.read_text()
                continue
            assert name in options, f"{block}: [{section}].{name}"
            assert_type(options[name], value, f"{block}: [{section}].{name}")


def assert_type(option: Dict[str, Any], value: Any, where: str) -> None:
    if option["choices"]:
        assert value in option["choices"], where
    elif option["typ"] == "list":
        assert isinstance(value, (list, dict)), where
    else:
        types: Dict[str, Tuple[type, ...]] = {
            "bool": (bool,),
            "int": (int,),
            "float": (int, float),
            "dict": (dict,),
        }
        assert isinstance(value, types.get(option["typ"], (str, int))), where


def test_steps_of_a_workflow() -> None:
    """The pages have steps of the workflow that is there to be copied."""
    workflow = Path("docs/ci/github-workflow.yml").read_text()
    there = [step for job in yaml.safe_load(workflow)["jobs"].values() for step in job["steps"]]
    blocks = [x for x in found("yaml") if x.page.name in ("ci.md", "publishing.md")]
    assert len(blocks) == 4
    for block in blocks:
        for step in yaml.safe_load(block.body):
            assert step in there, f"{block}: {step}"


def test_files_of_the_example() -> None:
    (block,) = [x for x in found("yaml") if x.page.name == "testing.md"]
    assert block.path
    for case in yaml.safe_load(block.body):
        assert case in yaml.safe_load(Path(block.path).read_text())


def test_files_in_help_texts() -> None:
    blocks = [x for x in found("yaml") if x.page.name == "reference.md"]
    assert blocks
    for block in blocks:
        assert yaml.safe_load(block.body), str(block)


def test_yaml_is_looked_at() -> None:
    pages = {"ci.md", "publishing.md", "reference.md", "testing.md"}
    assert {x.page.name for x in found("yaml")} == pages
