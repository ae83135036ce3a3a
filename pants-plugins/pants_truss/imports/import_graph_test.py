"""One target or folder in the graph of imports, with Pants' own inference of Python."""

from __future__ import annotations

from typing import Dict, List, Optional

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.dependency_inference import rules as python_inference
from pants.backend.python.target_types import (
    PythonRequirementTarget,
    PythonSourceField,
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratorTarget,
    PythonTestUtilsGeneratorTarget,
)
from pants.backend.python.util_rules import pex_requirements
from pants.core.target_types import FilesGeneratorTarget, GenericTarget, ResourceTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.internals.parametrize import Parametrize
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.imports import import_graph
from pants_truss.imports.import_graph import (
    DescribeTargetRequest,
    FindImportsRequest,
    ImportNode,
    Imports,
    PackageInit,
    PackageInitRequest,
    PythonOwners,
    PythonOwnersRequest,
    inits_above,
)
from pants_truss.target_types.truss import TrussTarget

OPTIONS = [
    "--python-interpreter-constraints=['CPython==3.11.*']",
    "--python-infer-use-rust-parser",
    "--source-root-patterns=['/', '/*/src']",
]
RESOLVES = [
    "--python-enable-resolves",
    "--python-resolves={'one': 'one.lock', 'two': 'two.lock'}",
    "--python-default-resolve=one",
]


@pytest.fixture(scope="module")
def shared_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *pex_requirements.rules(),
            *python_inference.rules(),
            *target_types_rules.rules(),
            *import_graph.rules(),
            QueryRule(ImportNode, [DescribeTargetRequest]),
            QueryRule(Imports, [FindImportsRequest]),
            QueryRule(PackageInit, [PackageInitRequest]),
            QueryRule(PythonOwners, [PythonOwnersRequest]),
        ],
        target_types=[
            FilesGeneratorTarget,
            GenericTarget,
            PythonRequirementTarget,
            PythonSourcesGeneratorTarget,
            PythonTestUtilsGeneratorTarget,
            PythonTestsGeneratorTarget,
            ResourceTarget,
            TrussTarget,
        ],
        objects={"parametrize": Parametrize},
    )


@pytest.fixture
def rule_runner(shared_runner: RuleRunner) -> RuleRunner:
    use(shared_runner)
    return shared_runner


def use(rule_runner: RuleRunner, *options: str) -> None:
    rule_runner.set_options([*OPTIONS, *options], env_inherit={"PATH", "PYENV_ROOT", "HOME"})


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> None:
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})


def node(
    rule_runner: RuleRunner,
    folder: str,
    name: Optional[str] = None,
    file: Optional[str] = None,
) -> ImportNode:
    address = Address(folder, target_name=name, relative_file_path=file)
    target = rule_runner.get_target(address)
    return rule_runner.request(ImportNode, [DescribeTargetRequest(target)])


def imports(rule_runner: RuleRunner, of: ImportNode) -> Imports:
    return rule_runner.request(Imports, [FindImportsRequest(of)])


def keys(nodes: object) -> List[str]:
    assert isinstance(nodes, tuple)
    return sorted(node.key for node in nodes)


# --- Nodes.


@pytest.mark.parametrize(
    ("file", "root", "path"),
    [
        ("a/b.py", "", "a/b.py"),
        ("src/py/a/b.py", "src/py", "a/b.py"),
        ("src/b.py", "src", "b.py"),
        (None, "src", None),
        (None, "", None),
    ],
)
def test_the_path_of_a_module_is_that_below_its_source_root(
    file: Optional[str], root: str, path: Optional[str]
) -> None:
    assert ImportNode(None, file=file, source_root=root).module_path == path


def test_a_file_without_a_target_is_python_and_named_by_its_path() -> None:
    found = ImportNode(None, file="a/__init__.py")
    assert (found.key, found.is_python) == ("a/__init__.py", True)
    address = Address("a", relative_file_path="b.py")
    assert ImportNode(address).key == "a/b.py"
    assert not ImportNode(address).is_python


def test_targets_are_described(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "kinds",
        {
            "src/BUILD": (
                "python_sources(name='py')\n"
                "resource(name='res', source='r.txt')\n"
                "files(name='fs', sources=['*.csv'])\n"
                "target(name='group')\n"
                "python_requirement(name='req', requirements=['PyYAML>=6'])\n"
            ),
            "src/m.py": "",
            "src/r.txt": "",
            "src/f.csv": "",
        },
    )
    python = node(rule_runner, "kinds/src", "py", "m.py")
    assert python.file == "kinds/src/m.py"
    assert (python.source_root, python.module_path) == ("kinds/src", "m.py")
    assert python.is_python and isinstance(python.sources, PythonSourceField)
    resource = node(rule_runner, "kinds/src", "res")
    assert (resource.file, resource.is_python) == ("kinds/src/r.txt", False)
    group = node(rule_runner, "kinds/src", "group")
    assert (group.file, group.sources, group.source_root) == (None, None, "")
    assert group.dependencies is not None
    required = node(rule_runner, "kinds/src", "req")
    assert (required.requirements, required.modules) == (("PyYAML>=6",), ("yaml",))
    assert (required.file, required.resolve) == (None, None)


def test_the_resolve_counts_only_where_there_are_resolves(
    rule_runner: RuleRunner,
) -> None:
    build = "python_sources(name='py')\npython_sources(name='two', resolve='two')\n"
    write(rule_runner, "resolve", {"BUILD": build, "m.py": ""})
    assert node(rule_runner, "resolve", "two", "m.py").resolve is None
    use(rule_runner, *RESOLVES)
    assert node(rule_runner, "resolve", "py", "m.py").resolve == "one"
    assert node(rule_runner, "resolve", "two", "m.py").resolve == "two"


# --- Owners.


def owners(rule_runner: RuleRunner, folder: str) -> PythonOwners:
    return rule_runner.request(PythonOwners, [PythonOwnersRequest(folder)])


def test_the_owners_of_the_files_of_a_folder(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "owners",
        {
            "BUILD": "python_sources(sources=['a.py', 'sub/*.py'])",
            "a.py": "",
            "sub/BUILD": (
                "python_sources(sources=['b.py', 'c.pyi', 'deep/*.py'])\n"
                "python_tests(name='tests')\n"
                "python_test_utils(name='utils')\n"
                "resource(name='d', source='d.py')\n"
            ),
            "sub/b.py": "",
            "sub/b_test.py": "",
            "sub/c.pyi": "",
            "sub/conftest.py": "",
            "sub/d.py": "",
            "sub/deep/e.py": "",
        },
    )
    found = owners(rule_runner, "owners/sub")
    assert {file: keys(nodes) for file, nodes in found.by_file.items()} == {
        "owners/sub/b.py": ["owners/sub/b.py", "owners/sub/b.py:../owners"],
        "owners/sub/b_test.py": ["owners/sub/b_test.py:../owners"],
        "owners/sub/d.py": ["owners/sub/d.py:../owners"],
    }
    assert found.tests == {"owners/sub/b_test.py", "owners/sub/conftest.py"}
    assert list(owners(rule_runner, "owners/sub/deep").by_file) == ["owners/sub/deep/e.py"]
    assert list(owners(rule_runner, "owners").by_file) == ["owners/a.py"]


def test_a_folder_without_targets_or_without_itself(rule_runner: RuleRunner) -> None:
    write(rule_runner, "ownerless", {"x.py": ""})
    for folder in ("ownerless", "ownerless/nowhere"):
        found = owners(rule_runner, folder)
        assert (dict(found.by_file), found.tests) == ({}, frozenset())


def test_the_owner_of_a_file_in_a_folder_with_brackets(rule_runner: RuleRunner) -> None:
    build = "python_sources(sources=['**/*.py'])"
    write(rule_runner, "brackets", {"BUILD": build, "[x]/a.py": ""})
    assert [*owners(rule_runner, "brackets/[x]").by_file] == ["brackets/[x]/a.py"]


def test_a_parametrized_file_has_an_owner_in_each_resolve(
    rule_runner: RuleRunner,
) -> None:
    use(rule_runner, *RESOLVES)
    build = "python_sources(resolve=parametrize('two', 'one'))"
    write(rule_runner, "both", {"BUILD": build, "m.py": ""})
    found = owners(rule_runner, "both").by_file["both/m.py"]
    assert [(node.key, node.resolve) for node in found] == [
        ("both/m.py@resolve=one", "one"),
        ("both/m.py@resolve=two", "two"),
    ]


# --- `__init__.py` files.


@pytest.mark.parametrize(
    ("file", "root", "expected"),
    [
        ("src/a/b/c.py", "src", ["src/a/b/__init__.py", "src/a/__init__.py"]),
        ("src/c.py", "src", []),
        ("a/c.py", "", ["a/__init__.py"]),
        ("c.py", "", []),
        # Not of itself, but of those above.
        ("src/a/b/__init__.py", "src", ["src/a/__init__.py"]),
        ("src/__init__.py", "src", []),
        # The name of the root is the beginning of another.
        ("src2/a/c.py", "src", []),
    ],
)
def test_the_packages_that_hold_a_module(file: str, root: str, expected: List[str]) -> None:
    assert inits_above(file, root) == expected


def test_a_package_with_an_owner_without_one_and_none(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "inits",
        {
            "src/owned/BUILD": "python_sources()",
            "src/owned/__init__.py": "",
            "src/unowned/__init__.py": "",
            "src/namespace/x.py": "",
        },
    )

    def init(folder: str) -> PackageInit:
        file = f"inits/src/{folder}/__init__.py"
        return rule_runner.request(PackageInit, [PackageInitRequest(file, "inits/src")])

    assert keys(init("owned").nodes) == ["inits/src/owned/__init__.py"]
    (unowned,) = init("unowned").nodes
    assert unowned == ImportNode(
        None, file="inits/src/unowned/__init__.py", source_root="inits/src"
    )
    assert unowned.module_path == "unowned/__init__.py"
    assert init("namespace").nodes == init("nowhere").nodes == ()


# --- Imports.


def test_what_a_module_imports_and_what_it_is_in(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "module",
        {
            "src/BUILD": (
                "python_sources(sources=['**/*.py', '**/*.pyi'],"
                " overrides={'pkg/a.py': {'dependencies': [':data', ':t', ':types']}})\n"
                "resource(name='data', source='data.txt')\n"
                "truss(name='t')\n"
                "python_requirement(name='types', requirements=['types-own-lib'])\n"
                "python_requirement(name='lib', requirements=['own-lib'])\n"
            ),
            "src/config.yaml": "",
            "src/data.txt": "",
            "src/pkg/__init__.py": "",
            "src/pkg/a.py": "import b\nimport own_lib\n",
            "src/b.py": "",
            "src/b.pyi": "",
        },
    )
    module = node(rule_runner, "module/src", None, "pkg/a.py")
    found = imports(rule_runner, module)
    assert keys(found.nodes) == ["module/src/b.py", "module/src:data", "module/src:lib"]
    # All that the field names, whether it is followed or not.
    assert found.explicit == ("module/src:data", "module/src:t", "module/src:types")
    assert found.trusses == ("module/src:t",)
    assert keys(found.inits) == ["module/src/pkg/__init__.py:../src"]


def test_what_is_named_by_its_generator_is_explicit(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "generator",
        {
            "BUILD": (
                "target(name='group', dependencies=[':tables', ':one'])\n"
                "files(name='tables', sources=['*.csv'])\n"
                "target(name='one')\n"
            ),
            "a.csv": "",
            "b.csv": "",
        },
    )
    found = imports(rule_runner, node(rule_runner, "generator", "group"))
    assert found.explicit == (
        "generator/a.csv:tables",
        "generator/b.csv:tables",
        "generator:one",
    )
    assert keys(found.nodes) == list(found.explicit)
    assert (found.inits, found.trusses) == ((), ())


def test_resources_run_nothing(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "data",
        {"p/BUILD": "resource(name='r', source='r')", "p/__init__.py": "", "p/r": ""},
    )
    found = imports(rule_runner, node(rule_runner, "data/p", "r"))
    assert (found.nodes, found.inits, found.explicit) == ((), (), ())


def test_a_file_without_a_target_leads_to_nothing_but_what_it_is_in(
    rule_runner: RuleRunner,
) -> None:
    write(rule_runner, "bare", {"p/__init__.py": "", "p/q/__init__.py": "import p.x"})
    bare = ImportNode(None, file="bare/p/q/__init__.py", source_root="bare")
    found = imports(rule_runner, bare)
    assert (found.nodes, keys(found.inits)) == ((), ["bare/p/__init__.py"])


def test_the_package_is_that_of_the_modules_resolve(rule_runner: RuleRunner) -> None:
    use(rule_runner, *RESOLVES)
    build = "python_sources(resolve=parametrize('one', 'two'))"
    write(rule_runner, "res/p", {"BUILD": build, "__init__.py": "", "m.py": ""})
    for resolve in ("one", "two"):
        address = Address("res/p", relative_file_path="m.py", parameters={"resolve": resolve})
        target = rule_runner.get_target(address)
        module = rule_runner.request(ImportNode, [DescribeTargetRequest(target)])
        found = imports(rule_runner, module)
        assert [init.resolve for init in found.inits if "res/p/" in init.key] == [resolve]
