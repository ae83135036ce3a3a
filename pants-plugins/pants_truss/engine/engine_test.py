from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import List, Set

import pytest

from pants_truss.engine import _by_type

FOLDER = Path(__file__).parent


def parse(name: str) -> ast.Module:
    return ast.parse((FOLDER / name).read_text())


def exported(module: ast.Module) -> List[str]:
    (names,) = [
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return list(names)


def defined(module: ast.Module) -> Set[str]:
    names: Set[str] = set()
    tried = [child for node in module.body if isinstance(node, ast.Try) for child in node.body]
    for node in [*module.body, *tried]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {ast.unparse(target) for target in node.targets}
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
    return names


def test_both_adapters_export_the_same_names() -> None:
    # Only one of them can be imported on any one Pants.
    by_type, by_name = parse("_by_type.py"), parse("_by_name.py")
    assert exported(by_type) == exported(by_name) == sorted(exported(by_name))


@pytest.mark.parametrize("name", ["_by_type.py", "_by_name.py"])
def test_what_is_exported_is_there(name: str) -> None:
    module = parse(name)
    assert set(exported(module)) <= defined(module)


def test_only_the_adapter_knows_the_old_rule_api() -> None:
    old = {"Get", "MultiGet", "Effect"}
    for path in FOLDER.parent.rglob("*.py"):
        names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        assert path.name == "_by_type.py" or not names & old, path


def test_core_knows_no_pants() -> None:
    paths = list((FOLDER.parent / "core").glob("*.py"))
    assert paths
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [m for m in modules if m.partition(".")[0] == "pants"], path


def test_the_request_of_a_rule_is_its_first_parameter_in_each_release() -> None:
    """From Pants 2.20 on they have names."""
    assert _by_type._request_type(SimpleNamespace(input_selectors=(int, str))) is int
    assert _by_type._request_type(SimpleNamespace(parameters={"b": int, "a": str})) is int
