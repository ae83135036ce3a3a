from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple, Union

import pytest

FOLDER = Path(__file__).parent
Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


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


def functions(module: ast.Module) -> Dict[str, Function]:
    return {
        node.name: node
        for node in module.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def calls_of(names: Set[str]) -> Iterator[Tuple[Path, ast.Call]]:
    """Each call, in the plugin, of one of these names of the package `engine`."""
    for path in FOLDER.parent.rglob("*.py"):
        if path.name.endswith("_test.py"):
            continue
        tree = ast.parse(path.read_text())
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "pants_truss.engine"
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id in names & imported:
                    yield path, node


def takes(function: Function, call: ast.Call) -> bool:
    parameters = function.args
    names = {parameter.arg for parameter in (*parameters.args, *parameters.kwonlyargs)}
    given = [keyword.arg for keyword in call.keywords]
    return len(call.args) <= len(parameters.args) and all(
        parameters.kwarg is not None if name is None else name in names for name in given
    )


@pytest.mark.parametrize("name", ["_by_type.py", "_by_name.py"])
def test_wrappers_take_what_rules_pass(name: str) -> None:
    """Pants 2.30 and later run `f(request, **implicitly())` as it is written."""
    wrappers = functions(parse(name))
    found = [
        f"{path}:{call.lineno}: {ast.unparse(call.func)}"
        for path, call in calls_of(set(wrappers) - {"rule"})
        if not takes(wrappers[ast.unparse(call.func)], call)
    ]
    assert not found


def test_a_call_has_one_request_and_no_keywords() -> None:
    """What Pants' own rules take, whose other parameters have other names in each release."""
    plain = {"concurrently", "implicitly", "make_test_result", "rule"}
    names = set(exported(parse("_by_name.py"))) - plain
    calls = list(calls_of(names))
    assert len(calls) > 50
    for path, call in calls:
        given = [ast.unparse(keyword.value) for keyword in call.keywords]
        named = [keyword.arg for keyword in call.keywords if keyword.arg]
        assert len(call.args) == 1 and not named, f"{path}:{call.lineno}"
        assert given in ([], ["implicitly()"]), f"{path}:{call.lineno}"


def test_wrappers_make_what_the_other_adapter_gets() -> None:
    by_type = {
        ast.unparse(node.targets[0]): [ast.unparse(type_) for type_ in node.value.args]
        for node in parse("_by_type.py").body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    }
    signatures = {
        name: [ast.unparse(x) for x in (node.returns, node.args.args[0].annotation) if x]
        for name, node in functions(parse("_by_name.py")).items()
    }
    both = {name: signature for name, signature in signatures.items() if name in by_type}
    assert both == {name: by_type[name] for name in both}
    assert len(both) >= 5
    others = functions(parse("_by_type.py"))
    for name in set(signatures) - set(both):
        assert ast.unparse(functions(parse("_by_name.py"))[name].args) == ast.unparse(
            others[name].args
        )


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
