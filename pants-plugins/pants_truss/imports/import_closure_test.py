"""Gathering by import, with Pants' own import inference, in a repository of many small cases."""

from __future__ import annotations

import itertools
from typing import Dict, List, Set

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pants.engine.fs import DigestContents
from pants.testutil.rule_runner import RuleRunner, engine_error

from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.rule_runners import bundled, gather_truss, new_rule_runner, write

TWO_RESOLVES = [
    "--python-enable-resolves",
    "--python-resolves={'one': 'one.lock', 'two': 'two.lock'}",
    "--python-default-resolve=one",
]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return new_rule_runner()


def test_reasons(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "reasons",
        {
            "truss/model/model.py": "import lib.a",
            "truss/packages/own/__init__.py": "import lib.b",
            "shared/lib/__init__.py": "",
            "shared/lib/a.py": "import lib.c",
            "shared/lib/b.py": "",
            "shared/lib/c.py": "",
            "shared/lib/d.py": "",
        },
        "truss(dependencies=['reasons/shared/lib/d.py:../shared'])",
    )
    gathered = gather_truss(rule_runner, folder)
    assert bundled(gathered) == {
        "own/__init__.py": "truss",
        "lib/__init__.py": "imported by reasons/shared/lib/a.py",
        "lib/a.py": "imported by reasons/truss/model/model.py",
        "lib/b.py": "imported by reasons/truss/packages/own/__init__.py",
        "lib/c.py": "imported by reasons/shared/lib/a.py",
        "lib/d.py": "explicit dependency",
    }


def test_explicit_dependencies_on_generators(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "generators",
        {
            "truss/model/model.py": "",
            "truss/config.yaml": "external_package_dirs: [../ext]",
            "shared/gen_a/BUILD": "python_sources(dependencies=[':tables'])\nfiles(name='tables', sources=['*.csv'])",
            "shared/gen_a/__init__.py": "",
            "shared/gen_a/one.py": "import gen_b",
            "shared/gen_a/t.csv": "",
            "shared/gen_b.py": "",
            "shared/BUILD": "python_sources()",
            "shared/gen_c/BUILD": "python_sources()",
            "shared/gen_c/c.py": "",
            "ext/BUILD": "truss_external_package(dependencies=['generators/shared/gen_c'])",
            "ext/data.txt": "",
        },
        "truss(dependencies=['generators/shared/gen_a'])",
    )
    assert bundled(gather_truss(rule_runner, folder)) == {
        "data.txt": "external_package_dirs",
        "gen_a/__init__.py": "explicit dependency",
        "gen_a/one.py": "explicit dependency",
        "gen_a/t.csv": "explicit dependency",
        "gen_b.py": "imported by generators/shared/gen_a/one.py",
        "gen_c/c.py": "explicit dependency",
    }


def test_an_explicit_dependency_brings_the_init_files_above_it(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "above",
        {
            "truss/model/model.py": "",
            "shared/above_lib/__init__.py": "",
            "shared/above_lib/a.py": "",
        },
        "truss(dependencies=['above/shared/above_lib/a.py:../shared'])",
    )
    assert set(bundled(gather_truss(rule_runner, folder))) == {
        "above_lib/__init__.py",
        "above_lib/a.py",
    }


def test_nothing_is_followed_when_turned_off(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "off",
        {
            "truss/model/model.py": "import off_a\nimport off_x",
            "truss/config.yaml": "external_package_dirs: [../ext]",
            "ext/BUILD": "truss_external_package()\npython_sources(name='src')",
            "ext/off_x.py": "import off_b",
            "shared/off_a.py": "",
            "shared/off_b.py": "",
            "shared/off_c.py": "import off_d",
            "shared/off_d.py": "",
        },
        "truss(bundle_imports=False, dependencies=['off/shared/off_c.py'])",
    )
    assert bundled(gather_truss(rule_runner, folder)) == {
        "off_x.py": "external_package_dirs",
        "off_c.py": "explicit dependency",
        "off_d.py": "imported by off/shared/off_c.py",
    }


def test_an_own_file_is_not_bundled_twice(rule_runner: RuleRunner) -> None:
    # `packages` is a source root here: the shared code imports what the truss holds.
    folder = write(
        rule_runner,
        "twice",
        {
            "truss/model/model.py": "import twice_own\nimport twice_a",
            "truss/packages/twice_own.py": "",
            "shared/twice_a.py": "import twice_own",
        },
    )
    assert bundled(gather_truss(rule_runner, folder)) == {
        "twice_own.py": "truss",
        "twice_a.py": "imported by twice/truss/model/model.py",
    }


def test_an_own_package_comes_before_one_of_the_same_name(rule_runner: RuleRunner) -> None:
    # No target owns the truss's own, so Pants takes the import for the shared one.
    folder = write(
        rule_runner,
        "first",
        {
            "truss/BUILD": "truss()\npython_sources(name='src', sources=['model/*.py'])",
            "truss/model/model.py": "import first_util.a\nimport first_other",
            "truss/packages/first_util/a.py": "own = 1",
            "truss/packages/first_other.py": "own = 1",
            "shared/first_util/a.py": "import first_util.b",
            "shared/first_util/b.py": "",
            "shared/first_other/__init__.py": "",
        },
    )
    assert bundled(gather_truss(rule_runner, folder)) == {
        "first_util/a.py": "truss",
        "first_other.py": "truss",
    }


def test_a_collision_is_one_whatever_brought_the_file(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "collision",
        {
            "truss/BUILD": "truss()\npython_sources(name='src', sources=['model/*.py'])",
            "truss/model/model.py": "import between",
            "truss/packages/clash.py": "own = 1",
            "shared/between.py": "import clash",
            "shared/clash.py": "shared = 1",
        },
    )
    with engine_error(InvalidTruss, contains="packages/clash.py comes from more than one"):
        gather_truss(rule_runner, folder)


def test_an_external_package_with_another_source_root(rule_runner: RuleRunner) -> None:
    # Pants knows its modules as `textual.clean`; the contents of the folder land as `clean`.
    folder = write(
        rule_runner,
        "other_root",
        {
            "truss/model/model.py": "import tokens",
            "truss/config.yaml": "external_package_dirs: [../shared/textual]",
            "shared/textual/BUILD": "truss_external_package()",
            "shared/textual/tokens.py": "from .clean import x",
            "shared/textual/clean.py": "import outside_of_it",
            "shared/outside_of_it.py": "",
        },
    )
    assert bundled(gather_truss(rule_runner, folder)) == {
        "tokens.py": "external_package_dirs",
        "clean.py": "external_package_dirs",
        "outside_of_it.py": "imported by other_root/shared/textual/clean.py",
    }


def test_an_import_by_the_name_that_pants_knows_is_bundled_under_it(
    rule_runner: RuleRunner,
) -> None:
    folder = write(
        rule_runner,
        "both_names",
        {
            "truss/model/model.py": "import named.clean\nimport clean",
            "truss/config.yaml": "external_package_dirs: [../shared/named]",
            "shared/named/BUILD": "truss_external_package()",
            "shared/named/__init__.py": "",
            "shared/named/clean.py": "",
        },
    )
    assert set(bundled(gather_truss(rule_runner, folder))) == {
        "__init__.py",
        "clean.py",
        "named/__init__.py",
        "named/clean.py",
    }


def test_tests_and_type_stubs_stay_behind(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "stubs",
        {
            "truss/BUILD": (
                "truss()\npython_sources(name='src', sources=['model/model.py', '**/conftest.py'])\n"
                "python_tests(name='tests', sources=['model/*_test.py'])"
            ),
            "truss/model/model.py": "import stubbed",
            "truss/model/model_test.py": "import only_for_tests",
            "truss/model/conftest.py": "import only_for_tests",
            "shared/BUILD": "python_sources(sources=['**/*.py', '**/*.pyi'])",
            "shared/stubbed.py": "",
            "shared/stubbed.pyi": "import only_for_types",
            "shared/only_for_tests.py": "",
            "shared/only_for_types.py": "",
        },
    )
    gathered = gather_truss(rule_runner, folder)
    assert set(bundled(gathered)) == {"stubbed.py"}
    assert not gathered.notes


def test_resources_files_and_code_behind_other_targets(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "assets",
        {
            "truss/model/model.py": "import assets_a",
            "shared/BUILD": (
                "python_sources(sources=['assets_a.py'], dependencies=[':data', ':group'])\n"
                "resource(name='data', source='data.bin')\n"
                "target(name='group', dependencies=[':tables', ':dist'])\n"
                "files(name='tables', sources=['tables/*.csv'])\n"
                "python_distribution(name='dist', dependencies=[':wheeled'],"
                " provides=python_artifact(name='x', version='1'))\n"
                "python_sources(name='wheeled', sources=['wheeled.py'])\n"
            ),
            "shared/assets_a.py": "",
            "shared/data.bin": "\0",
            "shared/tables/t.csv": "",
            "shared/wheeled.py": "",
        },
    )
    assert bundled(gather_truss(rule_runner, folder)) == {
        "assets_a.py": "imported by assets/truss/model/model.py",
        "data.bin": "explicit dependency",
        "tables/t.csv": "explicit dependency",
        "wheeled.py": "explicit dependency",
    }


def test_an_init_file_that_no_target_owns(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "unowned",
        {
            "truss/model/model.py": "import unowned_lib.a",
            "shared/BUILD": "python_sources(sources=['unowned_lib/a.py'])",
            "shared/unowned_lib/__init__.py": "x = 1",
            "shared/unowned_lib/a.py": "",
        },
    )
    gathered = gather_truss(rule_runner, folder)
    (init,) = [f for f in gathered.files if f.path == "packages/unowned_lib/__init__.py"]
    assert (init.target, init.source) == (None, "unowned/shared/unowned_lib/__init__.py")
    assert init.reason == "imported by unowned/shared/unowned_lib/a.py"
    (note,) = gathered.notes
    assert note.startswith(
        "Warning: unowned/shared/unowned_lib/__init__.py: no target owns unowned/shared/unowned_lib/__init__.py, so what it imports is not"
    )


def test_own_files_that_no_target_owns_are_reported(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "untold",
        {
            "truss/BUILD": "truss()",
            "truss/model/__init__.py": "",
            "truss/model/model.py": "import untold_lib",
            "truss/packages/p/q.py": "import untold_lib",
            "truss/setup.py": "1",
            "shared/untold_lib.py": "",
        },
    )
    (note,) = gather_truss(rule_runner, folder).notes
    assert note == (
        "Warning: untold/truss/model/model.py: no target owns untold/truss/model/model.py, untold/truss/packages/p/q.py, "
        "so what they import is not bundled. Write "
        '`python_sources(name="sources", sources=["model/**/*.py", "packages/**/*.py"])` '
        "into the BUILD file in untold/truss, or run `pants tailor`. "
        "[unowned-python]"
    )


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            "shared/model/beside.py",
            "unimportable/shared/model/beside.py: imported by unimportable/truss/model/model.py. "
            "Inside a truss, 'model' is the truss's own folder.",
        ),
        (
            "truss/model/left_out.py",
            "unimportable/truss/model/left_out.py: imported by unimportable/truss/model/model.py. "
            "The truss's `sources` leave it out.",
        ),
    ],
)
def test_what_could_not_be_imported_where_it_lands(
    rule_runner: RuleRunner, module: str, message: str
) -> None:
    name = module.rpartition("/")[2][: -len(".py")]
    files = {module: "", "truss/model/model.py": f"import model.{name}"}
    truss = "truss(sources=['**/*', '!model/left_out.py'])"
    folder = write(rule_runner, "unimportable", files, truss)
    with engine_error(InvalidTruss, contains=message):
        gather_truss(rule_runner, folder)


@pytest.mark.parametrize("written", ["model/", "./model", "model"])
def test_a_model_folder_in_any_spelling(rule_runner: RuleRunner, written: str) -> None:
    root = f"spelling_{len(written)}"
    files = {
        "truss/config.yaml": f"model_module_dir: {written}\n",
        "truss/model/model.py": "import model.spelled",
        "truss/model/spelled.py": "",
        "truss_b/BUILD": "truss()\npython_sources(name='src', sources=['**/*.py'])",
        "truss_b/config.yaml": "",
        "truss_b/model/spelled.py": "",
    }
    folder = write(rule_runner, root, files)
    assert not bundled(gather_truss(rule_runner, folder))


OTHER = {
    "truss/model/model.py": "import model.only_here",
    "truss_b/BUILD": "truss()\npython_sources(name='src', sources=['**/*.py'])",
    "truss_b/config.yaml": "",
}


def test_a_named_file_of_another_truss_is_refused(rule_runner: RuleRunner) -> None:
    files = {**OTHER, "truss/model/model.py": "", "truss_b/model/only_here.py": ""}
    named = "other/truss_b/model/only_here.py:../src"
    folder = write(rule_runner, "other", files, f"truss(dependencies=['{named}'])")
    with engine_error(
        InvalidTruss,
        contains=(
            "other/truss:truss: it needs files that belong to "
            "another truss:\n"
            "  * other/truss_b/model/only_here.py of other/truss_b:truss_b: explicit dependency\n"
            "Move the code that both use to a folder of its own"
        ),
    ):
        gather_truss(rule_runner, folder)


def test_another_truss_as_a_dependency(rule_runner: RuleRunner) -> None:
    files = {**OTHER, "truss/model/model.py": ""}
    folder = write(rule_runner, "depends", files, "truss(dependencies=['depends/truss_b'])")
    with engine_error(InvalidTruss, contains="name depends/truss_b:truss_b, which is a truss"):
        gather_truss(rule_runner, folder)


def test_what_lies_beside_another_truss_is_not_its_own(rule_runner: RuleRunner) -> None:
    folder = write(
        rule_runner,
        "beside",
        {
            "truss/model/model.py": "import beside_lib",
            "shared/BUILD": (
                "truss(sources=['config.yaml', 'model/**'])\n"
                "python_sources(name='lib', sources=['*.py'])"
            ),
            "shared/config.yaml": "",
            "shared/beside_lib.py": "",
        },
    )
    assert set(bundled(gather_truss(rule_runner, folder))) == {"beside_lib.py"}


@pytest.mark.parametrize("resolution", ["none", "by_source_root"])
def test_model_means_that_truss(rule_runner: RuleRunner, resolution: str) -> None:
    root = f"ambiguous_{resolution}"
    files = {"shared/deep.py": "import model.helper"}
    for name in ("truss_a", "truss_b"):
        files[f"{name}/BUILD"] = "truss()\npython_sources(name='src', sources=['**/*.py'])"
        files[f"{name}/config.yaml"] = ""
        files[f"{name}/model/model.py"] = "import deep\nfrom model import helper"
        files[f"{name}/model/helper.py"] = f"NAME = '{name}'"
    write(rule_runner, root, files)
    for name in ("truss_a", "truss_b"):
        gathered = gather_truss(
            rule_runner, f"{root}/{name}", f"--python-infer-ambiguity-resolution={resolution}"
        )
        assert set(bundled(gathered)) == {"deep.py"}
        contents = rule_runner.request(DigestContents, [gathered.digest])
        (helper,) = [file for file in contents if file.path == "model/helper.py"]
        assert helper.content.decode() == f"NAME = '{name}'"


def test_an_unowned_import_can_be_made_an_error(rule_runner: RuleRunner) -> None:
    files = {"truss/model/model.py": "\nimport nobody.owns.this", "shared/nobody/x.py": ""}
    folder = write(rule_runner, "nobody", files)
    gather_truss(rule_runner, folder)
    with engine_error(contains="nobody.owns.this (line: 2)"):
        gather_truss(rule_runner, folder, "--python-infer-unowned-dependency-behavior=error")


def test_an_ambiguous_import_is_pants_own_warning(
    rule_runner: RuleRunner, caplog: pytest.LogCaptureFixture
) -> None:
    files = {
        "truss/model/model.py": "import twofold",
        "shared/twofold.py": "",
        "ext/BUILD": "python_sources()",
        "ext/twofold.py": "",
    }
    folder = write(rule_runner, "two", files)
    assert not bundled(gather_truss(rule_runner, folder))
    assert "two/truss/model/model.py:../src imports `twofold`, but Pants cannot" in caplog.text


def test_of_a_parametrized_module_the_one_in_the_resolve_counts(rule_runner: RuleRunner) -> None:
    files = {
        "truss/config.yaml": "external_package_dirs: [../ext]",
        "truss/model/model.py": "import para",
        "ext/BUILD": (
            "truss_external_package()\n"
            "python_sources(name='src', resolve=parametrize('one', 'two'))"
        ),
        "ext/para.py": "import third",
        "shared/BUILD": (
            "python_requirement(name='r1', resolve='one', requirements=['third==1'])\n"
            "python_requirement(name='r2', resolve='two', requirements=['third==2'])\n"
        ),
    }
    truss = "truss()\n__defaults__({python_sources: dict(resolve='two')})"
    folder = write(rule_runner, "resolves", files, truss)
    gathered = gather_truss(rule_runner, folder, *TWO_RESOLVES)
    assert [r.requirement for r in gathered.imports.requirements] == ["third==2"]
    rule_runner.write_files(
        {
            "resolves/truss/BUILD": (
                "truss(resolve='one')\n"
                "python_sources(name='src', sources=['**/*.py'],"
                " resolve=parametrize('one', 'two'))"
            )
        }
    )
    gathered = gather_truss(rule_runner, folder, *TWO_RESOLVES)
    assert [r.requirement for r in gathered.imports.requirements] == ["third==1"]


def test_a_resolve_that_does_not_exist(rule_runner: RuleRunner) -> None:
    folder = write(rule_runner, "noresolve", {}, "truss(resolve='onne')")
    with engine_error(InvalidTruss, contains="its `resolve` is 'onne', which `[python].resolves`"):
        gather_truss(rule_runner, folder, *TWO_RESOLVES)


# --- Random import graphs, in real files, with Pants' own inference.

NAMES = ["alpha", "beta", "gamma", "delta", "eps", "zeta"]
graphs = st.fixed_dictionaries({n: st.sets(st.sampled_from(NAMES), max_size=3) for n in NAMES})
counter = itertools.count()


def reachable(graph: Dict[str, Set[str]], roots: Set[str]) -> Set[str]:
    found: Set[str] = set()
    pending: List[str] = [*roots]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += graph[name]
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graph=graphs, roots=st.sets(st.sampled_from(NAMES), max_size=2), packages=st.booleans())
def test_random_graphs(
    rule_runner: RuleRunner, graph: Dict[str, Set[str]], roots: Set[str], packages: bool
) -> None:
    """Each reachable module is bundled once, at its path; no other is."""
    number = next(counter)
    prefix = f"g{number}_"

    def path(name: str) -> str:
        return f"{prefix}{name}/__init__.py" if packages else f"{prefix}{name}.py"

    files = {
        f"shared/{path(name)}": "".join(f"import {prefix}{other}\n" for other in sorted(imports))
        for name, imports in graph.items()
    }
    files["truss/model/model.py"] = "".join(f"import {prefix}{name}\n" for name in sorted(roots))
    folder = write(rule_runner, f"graph{number}", files)
    gathered = gather_truss(rule_runner, folder)
    assert sorted(bundled(gathered)) == sorted(path(name) for name in reachable(graph, roots))
    contents = rule_runner.request(DigestContents, [gathered.digest])
    below = [file.path for file in contents if file.path.startswith("packages/")]
    assert sorted(below) == sorted(f"packages/{path(name)}" for name in reachable(graph, roots))
