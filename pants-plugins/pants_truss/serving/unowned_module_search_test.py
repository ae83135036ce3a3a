"""Files that look like a module without an owner, in a repository of many small cases."""

from __future__ import annotations

from typing import Dict, Optional

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratorTarget,
)
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.internals.parametrize import Parametrize
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.serving import unowned_module_search
from pants_truss.serving.unowned_module_search import UnownedModule, UnownedModuleRequest

SOURCES = "python_sources()\n"
RESOLVES = ["--python-enable-resolves", "--python-resolves={'one': '1.lock', 'two': '2.lock'}"]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *unowned_module_search.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            QueryRule(UnownedModule, [UnownedModuleRequest]),
        ],
        target_types=[
            FilesGeneratorTarget,
            PythonSourcesGeneratorTarget,
            PythonTestsGeneratorTarget,
        ],
        objects={"parametrize": Parametrize},
    )


def look(
    rule_runner: RuleRunner,
    module: str,
    files: Dict[str, str],
    *args: str,
    folder: str = "trusses/t",
    resolve: Optional[str] = None,
) -> str:
    rule_runner.write_files(files)
    roots = "--source-root-patterns=['/lib', '/trusses/t', '/*/roots']"
    rule_runner.set_options([roots, *args], env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    request = UnownedModuleRequest(module, resolve, folder)
    return rule_runner.request(UnownedModule, [request]).text


@pytest.mark.parametrize("module", ["none_such", "none_such.a.b", "größe", "a[b]", "*"])
def test_nothing_looks_like_it(rule_runner: RuleRunner, module: str) -> None:
    # The names of these files only begin or end like it, or the files are not Python.
    files = ("none_such_2.py", "my_none_such.py", "none_such.txt", "none_such/x.txt", "a/b.py")
    assert look(rule_runner, module, {f"lib/n/{path}": "" for path in files}) == ""


@pytest.mark.parametrize(
    "module, file",
    [
        ("plain_a", "plain_a.py"),
        ("plain_b", "plain_b/__init__.py"),
        ("plain_c", "plain_c/any.py"),
        ("plain_d.e", "plain_d/e.py"),
        ("plain_f.g.h", "plain_f/g/h/__init__.py"),
        ("plain_i.j", "plain_i/j/any.py"),
        # A name of something in a module, and a module that a package lacks.
        ("plain_k.Class", "plain_k.py"),
        ("plain_l.gone.too", "plain_l/__init__.py"),
        ("plain_m.gone", "plain_m/other.py"),
    ],
)
def test_shapes_of_a_module(rule_runner: RuleRunner, module: str, file: str) -> None:
    path = f"no_target/deep/{file}"
    folder = path.rpartition("/")[0]
    assert look(rule_runner, module, {path: ""}) == (
        f"It looks like {path}, which no target owns: `pants tailor {folder}::` adds one."
    )


def test_a_file_at_the_root_of_the_repository(rule_runner: RuleRunner) -> None:
    assert look(rule_runner, "at_root", {"at_root.py": ""}) == (
        "It looks like at_root.py, which no target owns: `pants tailor ::` adds one."
    )


def test_the_shape_that_says_more_comes_first(rule_runner: RuleRunner) -> None:
    files = {
        "trusses/t/shape_a/other.py": "",
        "trusses/t/shape_a/__init__.py": "",
        "far/away/shape_a/b.py": "",
    }
    assert look(rule_runner, "shape_a.b", files).startswith("It looks like far/away/shape_a/b.py,")
    # Not the file whose name comes first.
    assert look(rule_runner, "shape_a", files).startswith(
        "It looks like trusses/t/shape_a/__init__.py,"
    )


@pytest.mark.parametrize(
    "folder, nearest",
    [
        ("trusses/t", "trusses/near.py"),
        ("trusses", "trusses/near.py"),
        ("lib/x", "lib/x/y/near.py"),
        # Two that are as near: by their names.
        ("other", "trusses/near.py"),
        ("", "trusses/near.py"),
    ],
)
def test_of_several_the_nearest(rule_runner: RuleRunner, folder: str, nearest: str) -> None:
    paths = ("zoo/near.py", "trusses/near.py", "lib/x/y/near.py")
    files = {path: "" for path in paths}
    found = look(rule_runner, "near", files, folder=folder)
    assert found.startswith(f"It looks like {nearest}, which no target owns")


def test_tests_are_nothing_that_can_be_imported(rule_runner: RuleRunner) -> None:
    files = {"lib/tested/BUILD": "python_tests()\n", "lib/tested/helper_test.py": ""}
    assert look(rule_runner, "helper_test", files) == ""
    # A module that lies further away, but is one.
    files["far/away/from/helper_test.py"] = ""
    assert look(rule_runner, "helper_test", files).startswith(
        "It looks like far/away/from/helper_test.py, which no target owns"
    )


def test_files_that_are_owned_by_other_kinds_of_targets(rule_runner: RuleRunner) -> None:
    files = {"lib/kinds/BUILD": "files(sources=['*.py'])\n", "lib/kinds/kind.py": ""}
    assert look(rule_runner, "kind", files) == (
        "It looks like lib/kinds/kind.py, which no target owns: `pants tailor lib/kinds::` adds "
        "one."
    )


# --- Where it is imported from.


def test_a_source_root_above(rule_runner: RuleRunner) -> None:
    files = {
        "lib/more/BUILD": SOURCES,
        "lib/more/above_a/BUILD": SOURCES,
        "lib/more/above_a/__init__.py": "",
        "lib/more/above_b.py": "",
    }
    assert look(rule_runner, "above_b", files) == (
        "It looks like lib/more/above_b.py. Its source root is 'lib', so it is imported as "
        '`more.above_b`; to import it as `above_b`, add "/lib/more" to `[source].root_patterns`.'
    )
    assert look(rule_runner, "above_a", files) == (
        "It looks like lib/more/above_a/__init__.py. Its source root is 'lib', so it is imported "
        'as `more.above_a`; to import it as `above_a`, add "/lib/more" to '
        "`[source].root_patterns`."
    )


def test_a_target_with_a_name_of_its_own(rule_runner: RuleRunner) -> None:
    files = {"lib/names/BUILD": "python_sources(name='é')\n", "lib/names/named.py": ""}
    assert look(rule_runner, "named", files).startswith(
        "It looks like lib/names/named.py (lib/names/named.py:é). Its source root is 'lib', so"
    )


def test_a_name_that_comes_twice_in_the_path(rule_runner: RuleRunner) -> None:
    """The last of them is the module."""
    files = {"lib/twice/x/twice/BUILD": SOURCES, "lib/twice/x/twice/y.py": ""}
    assert look(rule_runner, "twice.y", files).endswith(
        'to import it as `twice.y`, add "/lib/twice/x" to `[source].root_patterns`.'
    )


def test_a_source_root_that_is_right_already(rule_runner: RuleRunner) -> None:
    files = {"lib/right/BUILD": SOURCES, "lib/right/__init__.py": "", "lib/right/a.py": ""}
    assert look(rule_runner, "right.gone", files) == (
        "It looks like lib/right/__init__.py, which is imported as `right`."
    )
    assert look(rule_runner, "right.a.Class", files) == (
        "It looks like lib/right/a.py, which is imported as `right.a`."
    )


def test_a_file_of_the_truss_itself(rule_runner: RuleRunner) -> None:
    """The server looks in its source root, so another source root does not help."""
    files = {"trusses/t/model/BUILD": SOURCES, "trusses/t/model/inside.py": ""}
    assert look(rule_runner, "inside", files) == (
        "It looks like trusses/t/model/inside.py, which is imported as `model.inside`."
    )
    assert "`[source].root_patterns`" in look(rule_runner, "inside", files, folder="trusses/u")


def test_the_build_root_is_a_source_root(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"top/deep/BUILD": SOURCES, "top/deep/low.py": ""})
    rule_runner.set_options(["--source-root-patterns=['/']"], env_inherit={"PATH", "HOME"})
    request = UnownedModuleRequest("low", None, "trusses/t")
    assert rule_runner.request(UnownedModule, [request]).text == (
        "It looks like top/deep/low.py. Its source root is the build root, so it is imported as "
        '`top.deep.low`; to import it as `low`, add "/top/deep" to `[source].root_patterns`.'
    )


# --- Resolves.


def test_a_file_of_another_resolve(rule_runner: RuleRunner) -> None:
    files = {"lib/res/BUILD": "python_sources(resolve='two')\n", "lib/res/res_a.py": ""}
    said = look(rule_runner, "res.res_a", files, *RESOLVES, resolve="one")
    assert said == (
        "It looks like lib/res/res_a.py, which is of the resolve two, and this truss is of one."
    )
    assert look(rule_runner, "res_a", files, *RESOLVES, resolve="two").startswith(
        "It looks like lib/res/res_a.py. Its source root is 'lib', so it is imported as `res.res_a`"
    )


def test_a_file_of_several_resolves(rule_runner: RuleRunner) -> None:
    build = "python_sources(resolve=parametrize('two', 'one'))\n"
    files = {"lib/par/BUILD": build, "lib/par/par_a.py": ""}
    said = look(rule_runner, "par_a", files, *RESOLVES, resolve="three")
    assert "which is of the resolve one, two, and this truss is of three." in said
    said = look(rule_runner, "par_a", files, *RESOLVES, resolve="two")
    assert said.startswith("It looks like lib/par/par_a.py (lib/par/par_a.py@resolve=two). Its ")


def test_a_truss_without_a_resolve(rule_runner: RuleRunner) -> None:
    """No target owns its files."""
    files = {"lib/none/BUILD": "python_sources(resolve='two')\n", "lib/none/none_a.py": ""}
    said = look(rule_runner, "none_a", files, *RESOLVES)
    assert said.startswith("It looks like lib/none/none_a.py. Its source root is 'lib', so it is")
