"""The Python targets of a truss's files, and the resolve that they decide on."""

from __future__ import annotations

import itertools
from typing import List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pants.backend.python import target_types_rules
from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratorTarget,
)
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.parametrize import Parametrize
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.imports import import_graph, python_owners
from pants_truss.imports.import_graph import ImportNode
from pants_truss.imports.python_owners import (
    OwnModules,
    OwnModulesRequest,
    PythonModules,
    PythonModulesRequest,
    in_resolve,
)
from pants_truss.sources import config_file, target_files, workspace_scan
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.truss import (
    TrussConfigField,
    TrussResolveField,
    TrussSourcesField,
    TrussTarget,
)
from pants_truss.testutil.results import raised

RESOLVES = [
    "--python-enable-resolves",
    "--python-resolves={'one': 'one.lock', 'two': 'two.lock', 'three': '3.lock'}",
    "--python-default-resolve=one",
]


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *target_types_rules.rules(),
            *import_graph.rules(),
            *python_owners.rules(),
            *config_file.rules(),
            *target_files.rules(),
            *workspace_scan.rules(),
            QueryRule(OwnModules, [OwnModulesRequest]),
            QueryRule(PythonModules, [PythonModulesRequest]),
        ],
        target_types=[
            PythonSourcesGeneratorTarget,
            PythonTestsGeneratorTarget,
            TrussTarget,
        ],
        objects={"parametrize": Parametrize},
    )


def modules(rule_runner: RuleRunner, folder: str) -> PythonModules:
    rule_runner.set_options([])
    target = rule_runner.get_target(Address(folder, target_name="t"))
    return rule_runner.request(PythonModules, [PythonModulesRequest(target[TrussSourcesField])])


def own(rule_runner: RuleRunner, folder: str, *options: str) -> OwnModules:
    rule_runner.set_options(options)
    target = rule_runner.get_target(Address(folder, target_name="t"))
    request = OwnModulesRequest(
        target[TrussSourcesField], target[TrussResolveField], target[TrussConfigField]
    )
    return rule_runner.request(OwnModules, [request])


def error(rule_runner: RuleRunner, folder: str) -> str:
    with pytest.raises(ExecutionError) as caught:
        own(rule_runner, folder, *RESOLVES)
    found = raised(caught)
    assert isinstance(found, InvalidTruss)
    return str(found)


# --- Modules.


def test_files_with_owners_and_without(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "mixed/BUILD": (
                "truss(name='t', sources=['**/*', '!left/**'])\n"
                "python_sources(name='py', sources=['model/*.py', '!model/free.py', 'left/*.py'])\n"
                "python_tests(name='tests', sources=['model/*_check.py'])\n"
            ),
            "mixed/model/model.py": "",
            "mixed/model/free.py": "",
            "mixed/model/é x.py": "",
            "mixed/model/only_check.py": "",
            "mixed/model/data.txt": "",
            "mixed/packages/a/b.py": "",
            "mixed/left/l.py": "",
            "mixed/x.pyi": "",
            "mixed/top.py": "",
            "mixed/conftest.py": "",
        }
    )
    found = modules(rule_runner, "mixed")
    assert [node.file for node in found.nodes] == [
        "mixed/model/model.py",
        "mixed/model/only_check.py",
        "mixed/model/é x.py",
    ]
    assert found.unowned == (
        "mixed/conftest.py",
        "mixed/model/free.py",
        "mixed/packages/a/b.py",
        "mixed/top.py",
    )


def test_a_file_that_only_a_test_owns_is_neither(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "tested/BUILD": "truss(name='t')\npython_tests(name='tests')",
            "tested/a_test.py": "",
            "tested/b.py": "",
        }
    )
    found = modules(rule_runner, "tested")
    assert (found.nodes, found.unowned) == ((), ("tested/b.py",))


def test_a_truss_without_python(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"plain/BUILD": "truss(name='t')", "plain/config.yaml": ""})
    assert modules(rule_runner, "plain") == PythonModules((), ())


# --- The resolve.


def truss(rule_runner: RuleRunner, folder: str, fields: str, *resolves: str) -> None:
    """A truss with a file for each of `resolves`, which has that as it is written."""
    sources = [
        f"python_sources(name='p{number}', sources=['model/m{number}.py'], resolve={resolve})\n"
        for number, resolve in enumerate(resolves)
    ]
    files = {f"{folder}/model/m{number}.py": "" for number in range(len(resolves))}
    build = f"truss(name='t'{fields})\n" + "".join(sources)
    files[f"{folder}/config.yaml"] = ""
    rule_runner.write_files({f"{folder}/BUILD": build, **files})


@pytest.mark.parametrize(
    ("folder", "fields", "resolves", "expected"),
    [
        ("of_one", "", ["'two'"], "two"),
        ("of_none", "", [], None),
        ("named", ", resolve='three'", ["'two'"], "three"),
        ("named_of_none", ", resolve='two'", [], "two"),
        ("default_of_several", "", ["'two'", "'one'"], "one"),
        ("parametrized", "", ["parametrize('one', 'two')"], "one"),
        ("not_given", "", ["None"], "one"),
    ],
)
def test_the_resolve_of_a_truss(
    rule_runner: RuleRunner,
    folder: str,
    fields: str,
    resolves: List[str],
    expected: Optional[str],
) -> None:
    truss(rule_runner, folder, fields, *resolves)
    assert own(rule_runner, folder, *RESOLVES).resolve == expected


def test_a_repository_without_resolves(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "no_resolves", ", resolve='nonsense'", "'two'")
    found = own(rule_runner, "no_resolves", "--no-python-enable-resolves")
    assert found.resolve is None
    assert [node.file for node in found.nodes] == ["no_resolves/model/m0.py"]


def test_of_a_parametrized_file_the_owner_in_the_resolve_counts(
    rule_runner: RuleRunner,
) -> None:
    truss(rule_runner, "chosen", ", resolve='two'", "parametrize('one', 'two')", "'one'")
    found = own(rule_runner, "chosen", *RESOLVES)
    assert [(node.file, node.resolve) for node in found.nodes] == [
        ("chosen/model/m0.py", "two"),
        ("chosen/model/m1.py", "one"),
    ]


def test_files_that_no_server_has_do_not_count(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "beside", "", "'two'")
    rule_runner.write_files(
        {
            "beside/config.yaml": "bundled_packages_dir: vendor/py\ndata_dir: weights\n",
            "beside/BUILD": (
                "truss(name='t')\n"
                "python_sources(name='p0', sources=['model/m0.py'], resolve='two')\n"
                "python_sources(name='rest', sources=['*.py', 'vendor/**/*.py', 'weights/*.py'],"
                " resolve='three')\n"
            ),
            "beside/client.py": "",
            "beside/scripts/export.py": "",
            "beside/packages/old.py": "",
            "beside/vendor/py/lib.py": "",
            "beside/vendor/make.py": "",
            "beside/weights/load.py": "",
            "beside/model/free.py": "",
        }
    )
    found = own(rule_runner, "beside", "--no-python-enable-resolves")
    assert [node.file for node in found.nodes] == [
        "beside/model/m0.py",
        "beside/vendor/py/lib.py",
        "beside/weights/load.py",
    ]
    assert found.unowned == ("beside/model/free.py",)


def test_a_script_in_another_resolve_makes_the_choice_no_harder(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "script", "", "'two'")
    rule_runner.write_files(
        {
            "script/client.py": "",
            "script/BUILD": (
                "truss(name='t')\n"
                "python_sources(name='p0', sources=['model/*.py'], resolve='two')\n"
                "python_sources(name='dev', sources=['client.py'], resolve='three')\n"
            ),
        }
    )
    assert own(rule_runner, "script", *RESOLVES).resolve == "two"


def test_scripts_choose_the_resolve_of_a_truss_without_a_model(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "scripts/config.yaml": "",
            "scripts/start.py": "",
            "scripts/BUILD": "truss(name='t')\npython_sources(name='py', resolve='two')\n",
        }
    )
    found = own(rule_runner, "scripts", *RESOLVES)
    assert (found.nodes, found.resolve) == ((), "two")


def test_several_resolves_without_the_default(rule_runner: RuleRunner) -> None:
    truss(rule_runner, "several", "", "'two'", "'three'")
    assert error(rule_runner, "several") == (
        "several:t: its files belong to several resolves: three, "
        'two. Choose one: `resolve="three"`.'
    )


@pytest.mark.parametrize("value", ["twoo", "", "é"])
def test_an_unknown_resolve(rule_runner: RuleRunner, value: str) -> None:
    truss(rule_runner, "unknown", f", resolve={value!r}", "'two'")
    assert error(rule_runner, "unknown") == (
        f"unknown:t: its `resolve` is {value!r}, which "
        "`[python].resolves` does not name. Use one of: one, three, two."
    )


# --- Several targets for one file.

owners = st.lists(
    st.tuples(
        st.sampled_from([None, "a.py", "b.py", "c.py"]),
        st.sampled_from([None, "one", "two"]),
    ),
    max_size=8,
)


def nodes(found: List[Tuple[Optional[str], Optional[str]]]) -> List[ImportNode]:
    return [
        ImportNode(Address("x", target_name=f"t{number}"), file=file, resolve=resolve)
        for number, (file, resolve) in enumerate(found)
    ]


@given(owners, st.sampled_from([None, "one", "two", "three"]))
def test_each_file_keeps_an_owner_and_no_worse_one(
    found: List[Tuple[Optional[str], Optional[str]]], resolve: Optional[str]
) -> None:
    all_nodes = nodes(found)
    kept = in_resolve(all_nodes, resolve)
    assert {node.file for node in kept} == {node.file for node in all_nodes}
    assert len(set(kept)) == len(kept)
    for file in {node.file for node in all_nodes}:
        before = [node for node in all_nodes if node.file == file]
        after = [node for node in kept if node.file == file]
        fitting = [node for node in before if node.resolve == resolve]
        # A node without a file is another target each time.
        assert after == (before if file is None or not fitting else fitting)


def test_the_order_of_owners_does_not_matter() -> None:
    found = nodes([("a.py", "one"), ("a.py", "two"), ("b.py", "one"), (None, "one")])
    for order in itertools.permutations(found):
        assert set(in_resolve(order, "two")) == {found[1], found[2], found[3]}
