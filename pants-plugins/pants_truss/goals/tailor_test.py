from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterable, List, Tuple

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.goals import tailor as python_tailor
from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratorTarget,
    PythonTestUtilsGeneratorTarget,
)
from pants.core.goals import tailor as pants_tailor
from pants.core.goals.tailor import PutativeTargets, TailorGoal
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from pants_truss.gather import gather
from pants_truss.goals import tailor
from pants_truss.goals.tailor import (
    PutativeTrussTargetsRequest,
    RepositoryTrusses,
    RepositoryTrussesRequest,
)
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

MODEL = "class Model:\n    pass\n"
GLOBS = ("**/*.py", "!**/test_*.py", "!**/*_test.py", "!**/tests.py", "!**/conftest.py")
# A server that needs no model class.
SERVER = "docker_server: {server_port: 8000}\n"
PYTHON = [PythonSourcesGeneratorTarget, PythonTestsGeneratorTarget, PythonTestUtilsGeneratorTarget]


def new_rule_runner(*, with_python: bool) -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *gather.rules(),
            *pants_tailor.rules(),
            *tailor.rules(),
            *(python_inference.rules() if with_python else ()),
            *(python_tailor.rules() if with_python else ()),
            *(target_types_rules.rules() if with_python else ()),
            QueryRule(PutativeTargets, [PutativeTrussTargetsRequest]),
            QueryRule(RepositoryTrusses, [RepositoryTrussesRequest]),
        ],
        target_types=[
            FilesGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
            *(PYTHON if with_python else ()),
        ],
    )


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_rule_runner(with_python=True)


@pytest.fixture(scope="module")
def without_python() -> RuleRunner:
    return new_rule_runner(with_python=False)


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> None:
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})


def trusses(rule_runner: RuleRunner, root: str) -> Tuple[List[str], List[str]]:
    """New ones and external packages below the folder, relative to it."""
    rule_runner.set_options([], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    found = rule_runner.request(RepositoryTrusses, [RepositoryTrussesRequest()])
    return below(root, found.new), below(root, found.external)


def below(root: str, folders: Iterable[str]) -> List[str]:
    return [folder[len(root) + 1 :] for folder in folders if f"{folder}/".startswith(f"{root}/")]


def proposed(
    rule_runner: RuleRunner, root: str, *options: str, only: Iterable[str] = ()
) -> List[str]:
    """As `folder:name type`, with its other fields if there are any. By default in all folders
    below `root`, as `tailor root::` has it."""
    base = Path(rule_runner.build_root, root)
    everywhere = sorted({path.parent for path in base.rglob("*") if path.is_file()})
    folders = [f"{root}/{path}" for path in only] or [
        path.relative_to(rule_runner.build_root).as_posix() for path in everywhere
    ]
    rule_runner.set_options(options, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    found = rule_runner.request(PutativeTargets, [PutativeTrussTargetsRequest(tuple(folders))])
    assert not any(target.owned_sources or target.triggering_sources for target in found)
    return [
        f"{target.path[len(root) + 1:]}:{target.name} {target.type_alias}"
        + "".join(f" {key}={value}" for key, value in target.kwargs.items())
        for target in found
    ]


# --- Which folders are trusses, and which do trusses share.


@pytest.mark.parametrize(
    ("case", "config", "model", "is_one"),
    [
        ("plain", "model_name: x\n", {"model/model.py": MODEL}, True),
        ("empty_config", "", {"model/model.py": MODEL}, True),
        ("no_model", "model_name: x\n", {}, False),
        ("other_class", "model_name: x\n", {"model/model.py": "class Other: pass\n"}, False),
        (
            "named_class",
            "model_class_name: Mine\nmodel_class_filename: m.py\nmodel_module_dir: code\n",
            {"code/m.py": "class Mine: pass\n", "model/model.py": MODEL},
            True,
        ),
        (
            "class_elsewhere",
            "model_module_dir: code\n",
            {"model/model.py": MODEL},
            False,
        ),
        ("server", SERVER, {}, True),
        ("imported_class", "", {"model/model.py": "from base import Model\n"}, True),
        ("foreign", "apiVersion: v1\nmodel_name: x\n", {"model/model.py": MODEL}, False),
        ("broken", "model_name: [\n", {"model/model.py": MODEL}, True),
        ("invalid", "requirements: numpy\n", {"model/model.py": MODEL}, True),
        (
            "predicting_class",
            "model_name: x\n",
            {"model/model.py": "class Mine:\n    def predict(self, x): ...\n"},
            True,
        ),
        ("glob_chars", "model_module_dir: '[m]*'\n", {"[m]*/model.py": MODEL}, True),
        # A file that a glob would have found.
        ("no_glob", "model_module_dir: '[m]odel'\n", {"model/model.py": MODEL}, False),
    ],
)
def test_a_folder_is_a_truss_by_its_config_and_its_model(
    rule_runner: RuleRunner, case: str, config: str, model: Dict[str, str], is_one: bool
) -> None:
    root = f"kinds_{case}"
    write(rule_runner, root, {"t/config.yaml": config, **{f"t/{p}": m for p, m in model.items()}})
    assert trusses(rule_runner, root) == (["t"] if is_one else [], [])


def test_only_config_yaml_makes_a_new_truss(rule_runner: RuleRunner) -> None:
    files = {"t/prod.yaml": SERVER, "u/config.yml": SERVER, "v/my_config.yaml": SERVER}
    write(rule_runner, "other_names", files)
    assert trusses(rule_runner, "other_names") == ([], [])


def test_strange_names_of_folders(rule_runner: RuleRunner) -> None:
    names = ["a b", "[x]", "é", "st*r", "{a,b}"]
    write(
        rule_runner,
        "strange",
        {
            **{f"{name}/config.yaml": "external_package_dirs: ['kit']\n" for name in names},
            **{f"{name}/model/model.py": MODEL for name in names},
            **{f"{name}/kit/x.txt": "" for name in names},
        },
    )
    assert trusses(rule_runner, "strange") == (
        sorted(names),
        [f"{name}/kit" for name in sorted(names)],
    )


def test_a_config_among_the_data_of_a_truss_is_part_of_it(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "nested",
        {
            "a/config.yaml": SERVER,
            "a/data/deep/config.yaml": SERVER,
            "a/model/config.yaml": SERVER,
            "b/config.yaml": SERVER + "bundled_packages_dir: vendor\n",
            "b/vendor/x/config.yaml": SERVER,
            "owned/config.yaml": SERVER,
            "owned/BUILD": "truss()",
            "owned/inner/config.yaml": SERVER,
            # No truss, so the one below it is.
            "none/config.yaml": "apiVersion: v1\n",
            "none/inner/config.yaml": SERVER,
            # Begins with the name of a truss, and lies beside it.
            "a2/config.yaml": SERVER,
        },
    )
    expected = ["a", "a2", "b", "none/inner", "owned/inner"]
    assert trusses(rule_runner, "nested") == (expected, [])


def test_a_truss_leaves_out_the_trusses_below_it(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "outer",
        {
            "config.yaml": SERVER,
            "[x]/config.yaml": SERVER,
            "sub/one/config.yaml": SERVER,
            "sub/one/deep/config.yaml": SERVER,
            "sub/two/config.yaml": "",
            "sub/two/BUILD": "truss()",
            "data/config.yaml": SERVER,
        },
    )
    folders = ("outer", "outer/[x]", "outer/sub/one", "outer/sub/one/deep", "outer/sub/two")
    found = rule_runner.request(PutativeTargets, [PutativeTrussTargetsRequest(folders)])
    assert {target.path: dict(target.kwargs) for target in found} == {
        "outer": {"sources": ("**/*", "![[]x]/**", "!sub/one/**", "!sub/two/**")},
        "outer/[x]": {},
        "outer/sub/one": {"sources": ("**/*", "!deep/**")},
        "outer/sub/one/deep": {},
    }


def test_external_packages_are_those_that_any_truss_names(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "named",
        {
            "new/config.yaml": SERVER + "external_package_dirs: [../one, ../one/, ../two]\n",
            "old/BUILD": "truss()\ntruss(name='prod', config='prod.yaml')",
            # By its target it is one, whatever it looks like.
            "old/config.yaml": "external_package_dirs: [../three]\n",
            "old/prod.yaml": "external_package_dirs: [../four/deep]\n",
            "none/config.yaml": "apiVersion: 1\nexternal_package_dirs: [../five]\n",
            # Named in a config that no target owns.
            "new/prod.yaml": "external_package_dirs: [../five]\n",
            **{f"{name}/x.txt": "" for name in ("one", "two", "three", "four/deep", "five")},
        },
    )
    assert trusses(rule_runner, "named") == (["new"], ["four/deep", "one", "three", "two"])


def test_folders_that_are_named_badly_or_not_there_are_left_out(rule_runner: RuleRunner) -> None:
    entries = ["../kit", "../gone", "../file", "~/x", ".", "..", "/usr", "../../../out"]
    write(
        rule_runner,
        "badly",
        {
            "t/config.yaml": f"{SERVER}external_package_dirs: {entries}\n",
            "kit/a.txt": "",
            "file": "",
        },
    )
    assert trusses(rule_runner, "badly") == (["t"], ["kit"])


def test_an_absolute_path_into_the_repository_is_one_of_its_folders(
    rule_runner: RuleRunner,
) -> None:
    config = f"{SERVER}external_package_dirs: ['{rule_runner.build_root}/absolute/kit']\n"
    write(rule_runner, "absolute", {"t/config.yaml": config, "kit/a.txt": ""})
    assert trusses(rule_runner, "absolute") == (["t"], ["kit"])


def test_a_linked_folder_is_the_one_that_it_leads_to(rule_runner: RuleRunner) -> None:
    config = f"{SERVER}external_package_dirs: [../link, ../real]\n"
    write(rule_runner, "linked", {"t/config.yaml": config, "real/a.txt": ""})
    Path(rule_runner.build_root, "linked/link").symlink_to("real")
    assert trusses(rule_runner, "linked") == (["t"], ["real"])


def test_a_config_in_a_folder_of_its_truss(rule_runner: RuleRunner) -> None:
    files = {
        "t/BUILD": "truss(config='configs/prod.yaml')",
        "t/configs/prod.yaml": f"{SERVER}external_package_dirs: [../kit]\n",
        "t/data/config.yaml": SERVER,
        "t/kit/x.txt": "",
        "kit/x.txt": "",
    }
    write(rule_runner, "deep_config", files)
    assert trusses(rule_runner, "deep_config") == ([], ["kit"])


def test_a_target_without_its_config_is_not_proposed_again(rule_runner: RuleRunner) -> None:
    write(rule_runner, "gone", {"t/BUILD": "truss(config='prod.yaml')", "t/x.txt": ""})
    assert trusses(rule_runner, "gone") == ([], [])
    write(rule_runner, "gone", {"t/config.yaml": SERVER})
    assert trusses(rule_runner, "gone") == (["t"], [])


# --- The proposed targets.


def test_a_new_truss_and_its_folders_get_targets(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "fresh",
        {
            "t/config.yaml": SERVER + "external_package_dirs: [../kit, ../has]\n",
            "t/model/model.py": MODEL,
            "kit/deep/x.py": "",
            "has/BUILD": "truss_external_package()",
            "has/x.txt": "",
        },
    )
    assert proposed(rule_runner, "fresh") == [
        "kit:kit truss_external_package",
        f"kit:sources python_sources sources={GLOBS}",
        f"t:sources python_sources sources={GLOBS}",
        "t:t truss",
    ]
    assert proposed(rule_runner, "fresh", "--no-truss-gather-tailor") == []


def test_a_truss_has_the_name_of_its_folder_unless_another_target_has_it(
    rule_runner: RuleRunner,
) -> None:
    write(
        rule_runner,
        "names",
        {
            **{f"{name}/config.yaml": SERVER for name in ("a", "b", "c", "d=1")},
            "d/config.yaml": SERVER + "external_package_dirs: [../kit, ../taken]\n",
            "a/setup.py": "",
            "b/a_test.py": "",
            "c/BUILD": "files(sources=['*.txt'])",
            "c/x.txt": "",
            "kit/x.py": "",
            "taken/BUILD": "files(sources=['*'])",
            "taken/x.txt": "",
        },
    )
    found = proposed(rule_runner, "names", "--no-python-tailor-source-targets")
    assert found == [
        "a:a truss",
        "b:b truss",
        "c:truss truss",
        "d:d truss",
        # Pants takes no target of that name.
        "d=1:truss truss",
        "kit:kit truss_external_package",
        "taken:truss_external_package truss_external_package",
    ]
    with_python = proposed(rule_runner, "names")
    assert [line for line in with_python if "python_" not in line] == found
    assert [line.partition(" sources=")[0] for line in with_python if line not in found] == [
        "a:sources python_sources",
        "b:tests python_tests",
        "kit:sources python_sources",
    ]


def test_files_that_only_a_truss_owns_get_python_targets(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "partly",
        {
            "t/config.yaml": SERVER,
            "t/BUILD": "truss()",
            "t/setup.py": "",
            "t/model/model.py": MODEL,
            "t/model/model_test.py": "",
        },
    )
    expected = [
        f"t:sources python_sources sources={GLOBS}",
        "t:tests python_tests sources=('**/*_test.py',)",
    ]
    assert proposed(rule_runner, "partly") == expected
    assert proposed(rule_runner, "partly", "--no-python-tailor-source-targets") == []


def test_pants_own_tailor_leaves_new_trusses_alone(rule_runner: RuleRunner) -> None:
    """In one run, of the real goal, with Pants' own proposals."""
    write(
        rule_runner,
        "both",
        {
            "t/config.yaml": SERVER + "external_package_dirs: [../kit]\n",
            "t/call.py": "",
            "t/model/model.py": MODEL,
            "t/model/model_test.py": "",
            "kit/kit/a.py": "",
            "other/b.py": "",
        },
    )
    result = rule_runner.run_goal_rule(TailorGoal, args=["both::"])
    assert (
        result.stdout
        == """\
Created both/kit/BUILD:
  - Add truss_external_package target kit
  - Add python_sources target sources
Created both/other/BUILD:
  - Add python_sources target other
Created both/t/BUILD:
  - Add python_sources target sources
  - Add truss target t
  - Add python_tests target tests
"""
    )
    again = rule_runner.run_goal_rule(TailorGoal, args=["--check", "both::"])
    assert (again.exit_code, again.stdout) == (0, "")


def test_an_external_package_with_a_truss_below_it(rule_runner: RuleRunner) -> None:
    files = {
        "t/config.yaml": SERVER + "external_package_dirs: [../kit]\n",
        "kit/x.txt": "",
        "kit/examples/one/config.yaml": SERVER,
    }
    write(rule_runner, "within", files)
    rule_runner.run_goal_rule(TailorGoal, args=["within::"])
    build = Path(rule_runner.build_root, "within/kit/BUILD").read_text(encoding="utf-8")
    assert build.replace("\n", "").replace(" ", "") == (
        'truss_external_package(sources=["**/*","!examples/one/**",],)'
    )


def test_only_folders_that_were_asked_for(rule_runner: RuleRunner) -> None:
    config = SERVER + "external_package_dirs: [../kit]\n"
    write(
        rule_runner,
        "asked",
        {"a/config.yaml": config, "b/config.yaml": config, "b/x/y.txt": "", "kit/p/m.py": ""},
    )
    assert proposed(rule_runner, "asked", only=["b"]) == ["b:b truss"]
    # A truss is named by the folder of its config alone.
    assert proposed(rule_runner, "asked", only=["b/x"]) == []
    # A folder of shared code often has no file of its own.
    expected = ["kit:kit truss_external_package"]
    expected.append(f"kit:sources python_sources sources={GLOBS}")
    assert proposed(rule_runner, "asked", only=["kit"]) == expected
    assert proposed(rule_runner, "asked", only=["kit/p"]) == expected
    assert proposed(rule_runner, "asked", only=["ki"]) == []


def test_without_the_python_backend_there_are_no_python_targets(
    without_python: RuleRunner,
) -> None:
    write(
        without_python,
        "no_python",
        {
            "t/config.yaml": SERVER + "external_package_dirs: [../kit]\n",
            "t/setup.py": "",
            "kit/x.py": "",
            "old/config.yaml": SERVER,
            "old/BUILD": "truss()",
            "old/x.py": "",
        },
    )
    assert proposed(without_python, "no_python") == [
        "kit:kit truss_external_package",
        "t:t truss",
    ]


def test_a_truss_at_the_root_of_the_repository(without_python: RuleRunner) -> None:
    """Pants has no name for a target there but one that is given."""
    config = SERVER + "external_package_dirs: [at_root/kit]\n"
    files = {"config.yaml": config, "at_root/kit/x.txt": "", "at_root/config.yaml": SERVER}
    without_python.write_files(files)
    result = without_python.run_goal_rule(TailorGoal, args=[":", "at_root::"])
    made = Path(without_python.build_root, "BUILD").read_text()
    start = 'truss(\n    name="root",\n    sources=[\n        "**/*",\n        "!at_root/**",\n'
    assert made.startswith(start)
    assert result.stdout == (
        "Created BUILD:\n  - Add truss target root\n"
        "Created at_root/BUILD:\n  - Add truss target at_root\n"
        "Created at_root/kit/BUILD:\n  - Add truss_external_package target kit\n"
    )
