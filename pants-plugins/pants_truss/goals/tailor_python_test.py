from __future__ import annotations

from typing import Dict, List, Set, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonSourceTarget,
    PythonTestsGeneratorTarget,
    PythonTestUtilsGeneratorTarget,
)
from pants.core.goals import tailor as pants_tailor
from pants.core.target_types import FilesGeneratorTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.internals.parametrize import Parametrize
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from pants_truss.gather import gather
from pants_truss.goals import tailor_python
from pants_truss.goals.tailor_python import (
    PythonTargets,
    PythonTargetsRequest,
    files_of,
    is_target_name,
)
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget

KINDS = ["python_sources", "python_tests", "python_test_utils"]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *gather.rules(),
            *pants_tailor.rules(),
            *python_inference.rules(),
            *tailor_python.rules(),
            *target_types_rules.rules(),
            QueryRule(PythonTargets, [PythonTargetsRequest]),
        ],
        target_types=[
            FilesGeneratorTarget,
            PythonSourceTarget,
            PythonSourcesGeneratorTarget,
            PythonTestUtilsGeneratorTarget,
            PythonTestsGeneratorTarget,
            TrussExternalPackageTarget,
            TrussTarget,
        ],
        objects={"parametrize": Parametrize},
    )


GLOBS = ("**/*.py", "!**/test_*.py", "!**/*_test.py", "!**/tests.py", "!**/conftest.py")

Found = List[Tuple[str, str, str, Tuple[str, ...]]]


def find(
    rule_runner: RuleRunner,
    root: str,
    folders: List[str],
    *options: str,
    new: Tuple[str, ...] = (),
    ignore_empty_init_files: bool = True,
) -> Found:
    """Folder, name, type and, if there are any, `sources` of each target."""
    rule_runner.set_options(options, env_inherit={"PATH", "PYENV_ROOT", "HOME"})
    request = PythonTargetsRequest(
        tuple(f"{root}/{folder}" for folder in folders),
        tuple(f"{root}/{folder}" for folder in new),
        (),
        ignore_empty_init_files,
    )
    found = rule_runner.request(PythonTargets, [request]).targets
    result: Found = []
    for target in found:
        sources = target.kwargs.get("sources", ())
        assert isinstance(sources, tuple) and set(target.kwargs) <= {"sources"}
        result.append((target.path[len(root) + 1 :], target.name, target.type_alias, sources))
    return result


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> None:
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})


# --- Kinds of files.


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("model.py", "python_sources"),
        ("__init__.py", "python_sources"),
        ("model_test.py", "python_tests"),
        ("test_model.py", "python_tests"),
        ("tests.py", "python_tests"),
        ("conftest.py", "python_test_utils"),
        ("test_utils.pyi", "python_test_utils"),
        ("_test.py", "python_tests"),
        ("test.py", "python_sources"),
        ("my_tests.py", "python_sources"),
        ("my_conftest.py", "python_sources"),
        ("Test_model.py", "python_sources"),
    ],
)
def test_the_kind_of_a_file_goes_by_its_name(name: str, kind: str) -> None:
    path = f"a b/test_x/{name}"
    assert [k for k in KINDS if files_of(k, [path])] == [kind]
    assert files_of(kind, [path, "other.txt", path]) - {"other.txt"} == {path}


paths = st.sets(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "a/", "test_a/", "é x/"]),
        st.text("ab_é[]*", max_size=4),
        st.sampled_from(["x.py", "_test.py", "conftest.py", "tests.py", "test_x.py"]),
    )
)


@given(paths)
def test_each_file_has_one_kind(found: Set[str]) -> None:
    parts = [files_of(kind, found) for kind in KINDS]
    assert set().union(*parts) == found
    assert sum(map(len, parts)) == len(found)


# --- Targets.

TRUSS = {"t/BUILD": "truss()", "t/config.yaml": ""}


def test_each_kind_of_files_has_one_target_in_a_truss(rule_runner: RuleRunner) -> None:
    files = ["t/b.py", "t/model/b.py", "t/model/b_test.py", "t/model/conftest.py", "t/model/x.txt"]
    write(rule_runner, "kinds", {**TRUSS, **{path: "" for path in files}})
    assert find(rule_runner, "kinds", ["t/model", "t"]) == [
        ("t", "sources", "python_sources", GLOBS),
        ("t", "tests", "python_tests", ("**/*_test.py",)),
        ("t", "test_utils", "python_test_utils", ("**/conftest.py",)),
    ]


def test_the_next_tailor_adds_nothing(rule_runner: RuleRunner) -> None:
    build = f"""truss()
python_sources(name="sources", sources={list(GLOBS)})
python_tests(name="tests", sources=["**/*_test.py"])
"""
    files = ["t/b.py", "t/model/b.py", "t/model/b_test.py", "t/new/c.py", "t/new/c_test.py"]
    write(rule_runner, "again", {**TRUSS, "t/BUILD": build, **{path: "" for path in files}})
    assert find(rule_runner, "again", ["t", "t/model", "t/new"]) == []


def test_folders_with_python_targets_keep_their_own(rule_runner: RuleRunner) -> None:
    files = ["t/model/b.py", "t/packages/p/c.py", "t/packages/p/c_test.py"]
    builds = {"t/model/BUILD": "python_sources()"}
    write(rule_runner, "kept", {**TRUSS, **builds, **{path: "" for path in files}})
    assert find(rule_runner, "kept", ["t", "t/model", "t/packages/p"]) == [
        ("t/packages/p", "p", "python_sources", ()),
        ("t/packages/p", "tests", "python_tests", ()),
    ]


def test_a_truss_leaves_the_files_of_another_below_it(rule_runner: RuleRunner) -> None:
    inner = {"t/packages/kit/BUILD": "truss_external_package()", "t/packages/kit/c.py": ""}
    write(rule_runner, "inner", {**TRUSS, **inner, "t/model/b.py": ""})
    folders = ["t", "t/model", "t/packages/kit"]
    assert find(rule_runner, "inner", folders) == [
        ("t", "sources", "python_sources", (*GLOBS, "!packages/kit/**")),
        ("t/packages/kit", "sources", "python_sources", GLOBS),
    ]


def test_stubs_belong_to_the_sources_beside_them(rule_runner: RuleRunner) -> None:
    write(rule_runner, "stubs_too", {**TRUSS, "t/a.py": "", "t/b.pyi": ""})
    ((_, _, _, globs),) = find(rule_runner, "stubs_too", ["t"])
    assert globs[:2] == ("**/*.py", "**/*.pyi")
    assert "!**/test_*.pyi" in globs


@pytest.mark.parametrize(
    "name", ['z"], description=open("x", "w"), tags=["q.py', "a\\b.py", "a\nb.py", "a\x1bb.py"]
)
def test_names_that_a_build_file_cannot_hold_are_reported(
    rule_runner: RuleRunner, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    root = f"unsafe_{sum(name.encode())}"
    build = "python_sources(name='x', sources=['m.py'])"
    write(rule_runner, root, {**TRUSS, "t/model/BUILD": build, "t/model/m.py": ""})
    write(rule_runner, root, {f"t/model/{name}": "", "t/model/good.py": ""})
    assert find(rule_runner, root, ["t/model"]) == [
        ("t/model", "model", "python_sources", ("good.py",))
    ]
    assert "a BUILD file cannot hold its name" in caplog.text


def test_names_with_glob_characters_are_escaped(rule_runner: RuleRunner) -> None:
    build = "python_sources(name='x', sources=['m.py'])"
    files = {"t/model/BUILD": build, "t/model/m.py": "", "t/model/a[1].py": ""}
    write(rule_runner, "glob_names", {**TRUSS, **files})
    assert find(rule_runner, "glob_names", ["t/model"]) == [
        ("t/model", "model", "python_sources", ("a[[]1].py",))
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a b", True), ("m-1.5", True), ("é", True), ("", False)]
    + [(f"a{char}b", False) for char in '"!#/:=?@\\\n'],
)
def test_names_that_pants_takes_for_targets(name: str, expected: bool) -> None:
    assert is_target_name(name) is expected


def test_only_in_the_folders_that_are_asked_about(rule_runner: RuleRunner) -> None:
    write(rule_runner, "asked", {**TRUSS, "t/a.py": "", "t/b/b.py": "", "t/bc/c.py": ""})
    assert find(rule_runner, "asked", ["t/b", "t/gone"]) == [("t/b", "b", "python_sources", ())]
    assert find(rule_runner, "asked", []) == []


def test_files_that_no_truss_has_are_left_to_others(rule_runner: RuleRunner) -> None:
    build = "truss(sources=['config.yaml', 'model/*', '!model/left_out.py'])\n"
    files = ["t/a.py", "t/model/model.py", "t/model/left_out.py", "t/model/deep/x.py", "x/y.py"]
    write(rule_runner, "others", {**TRUSS, "t/BUILD": build, **{path: "" for path in files}})
    folders = ["t", "t/model", "t/model/deep", "x"]
    # No truss has `left_out.py`, so the default sources may take it.
    assert find(rule_runner, "others", folders) == [("t/model", "model", "python_sources", ())]


def test_shared_folders_count_as_trusses_do(rule_runner: RuleRunner) -> None:
    build = "truss_external_package(sources=['**/*.py'])"
    write(rule_runner, "shared", {"kit/BUILD": build, "kit/p/x.py": "", "kit/p/x_test.py": ""})
    expected = [
        ("kit", "sources", "python_sources", GLOBS),
        ("kit", "tests", "python_tests", ("**/*_test.py",)),
    ]
    # It has no Python file of its own, so its folders count for it.
    assert find(rule_runner, "shared", ["kit/p"]) == expected
    assert find(rule_runner, "shared", ["kit", "kit/p"]) == expected


@pytest.mark.parametrize(
    ("case", "build", "expected"),
    [
        ("all", "python_sources()", []),
        ("one", "python_source(name='one', source='a.py')", ["b.py", "c.py"]),
        ("two", "python_sources(sources=['a.py', 'c.py'])", ["b.py"]),
        (
            "several",
            "python_source(name='a', source='a.py')\npython_sources(sources=['[bc].py'])",
            [],
        ),
        ("as_tests", "python_tests(sources=['b.py'])", ["a.py", "c.py"]),
        ("as_utils", "python_test_utils(sources=['a.py', 'b.py'])", ["c.py"]),
        # Not by a target of Python's.
        ("as_files", "files(sources=['*.py'])", ["a.py", "b.py", "c.py"]),
    ],
)
def test_sources_are_named_only_where_others_own_some(
    rule_runner: RuleRunner, case: str, build: str, expected: List[str]
) -> None:
    files = {f"t/model/{name}.py": "" for name in "cab"}
    write(rule_runner, f"some_{case}", {**TRUSS, "t/model/BUILD": build, **files})
    sources = () if len(expected) == 3 else tuple(expected)
    assert find(rule_runner, f"some_{case}", ["t/model"]) == (
        [("t/model", "model", "python_sources", sources)] if expected else []
    )


def test_each_kind_names_its_sources_for_itself(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "each",
        {
            **TRUSS,
            "t/BUILD": "truss()\npython_tests(name='x', sources=['a_test.py'])",
            "t/a_test.py": "",
            "t/b_test.py": "",
            "t/model.py": "",
        },
    )
    assert find(rule_runner, "each", ["t"]) == [
        ("t", "sources", "python_sources", GLOBS),
        ("t", "tests", "python_tests", ("b_test.py",)),
    ]


def test_a_target_in_a_folder_above_owns_files_too(rule_runner: RuleRunner) -> None:
    build = "truss()\npython_sources(name='src', sources=['**/*.py', '!model/deep/*'])"
    files = {"t/model/model.py": "", "t/model/deep/x.py": ""}
    write(rule_runner, "above", {**TRUSS, "t/BUILD": build, **files})
    assert find(rule_runner, "above", ["t", "t/model", "t/model/deep"]) == [
        ("t/model/deep", "deep", "python_sources", ())
    ]


def test_a_file_of_two_trusses_is_one_file(rule_runner: RuleRunner) -> None:
    write(rule_runner, "twice", {**TRUSS, "t/BUILD": "truss()\ntruss(name='u')", "t/a.py": ""})
    assert find(rule_runner, "twice", ["t"]) == [("t", "sources", "python_sources", GLOBS)]


def test_a_parametrized_target_owns_its_files(rule_runner: RuleRunner) -> None:
    build = "truss()\npython_sources(name='src', resolve=parametrize('one', 'two'))"
    write(rule_runner, "resolves", {**TRUSS, "t/BUILD": build, "t/a.py": ""})
    resolves = "--python-resolves={'one': 'one.lock', 'two': 'two.lock'}"
    options = ["--python-enable-resolves", resolves, "--python-default-resolve=one"]
    assert find(rule_runner, "resolves", ["t"], *options) == []
    build = "truss()\npython_sources(name='src')"
    write(rule_runner, "resolves", {"t/BUILD": build})


def test_stubs_and_other_files_are_no_reason_for_a_target(rule_runner: RuleRunner) -> None:
    files = ["t/model/a.pyi", "t/model/b.pyc", "t/model/py", "t/model/c.PY", "t/model/d.py.txt"]
    write(rule_runner, "stubs", {**TRUSS, **{path: "" for path in files}})
    assert find(rule_runner, "stubs", ["t/model"]) == []


def test_strange_names(rule_runner: RuleRunner) -> None:
    files = {"t/m x/é ü.py": "", "t/m x/b c.py": "", "t/m x/Ω.py": "", "t/[x]/a.py": ""}
    build = "truss()\npython_sources(name='x', sources=['m x/é*.py'])"
    write(rule_runner, "strange", {**TRUSS, "t/BUILD": build, **files})
    # Pants fails on a target that generates others in `t/[x]`.
    assert find(rule_runner, "strange", ["t/m x", "t/[x]"]) == [
        ("t/m x", "m x", "python_sources", ("b c.py", "Ω.py")),
    ]


# --- Empty `__init__.py` files.


@pytest.mark.parametrize(
    ("case", "files", "expected"),
    [
        ("empty", {"__init__.py": ""}, False),
        ("blank", {"__init__.py": " \n\t\n"}, False),
        ("comment", {"__init__.py": "# x\n"}, True),
        ("with_module", {"__init__.py": "", "m.py": ""}, True),
        ("two_tests", {"__init__.py": "", "m_test.py": ""}, True),
        ("other", {"init.py": ""}, True),
        # A file that has a target already says nothing about it.
        (
            "beside_owned",
            {"__init__.py": "", "m.py": "", "BUILD": "python_sources(sources=['m.py'])"},
            False,
        ),
    ],
)
def test_an_empty_init_file_alone_is_nothing_as_for_pants(
    rule_runner: RuleRunner, case: str, files: Dict[str, str], expected: bool
) -> None:
    root = f"init_{case}"
    write(rule_runner, root, {**TRUSS, **{f"t/p/{path}": text for path, text in files.items()}})
    found = find(rule_runner, root, ["t/p"])
    assert bool(found) is expected
    everything = find(rule_runner, root, ["t/p"], ignore_empty_init_files=False)
    # Where one is left out, no target has to name its sources for that.
    assert everything and set(found) <= set(everything)


def test_a_lone_init_file_by_a_strange_path(rule_runner: RuleRunner) -> None:
    """A glob would have read the full one."""
    files = {"t/[p]/__init__.py": "", "t/p/__init__.py": "x = 1\n"}
    write(rule_runner, "init_glob", {**TRUSS, **files})
    assert find(rule_runner, "init_glob", ["t/[p]", "t/p"]) == [("t/p", "p", "python_sources", ())]


# --- Folders that become trusses.


def test_in_new_folders_all_python_files_count(
    rule_runner: RuleRunner,
) -> None:
    write(
        rule_runner,
        "new",
        {
            "BUILD": "files(name='all', sources=['a/*.py', 'ab/*.py'])",
            "a/x.py": "",
            "a/deep/y.py": "",
            "ab/z.py": "",
        },
    )
    folders = ["a", "a/deep", "ab"]
    assert find(rule_runner, "new", folders) == []
    assert find(rule_runner, "new", folders, new=("a",)) == [
        ("a", "sources", "python_sources", GLOBS)
    ]
