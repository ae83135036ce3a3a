from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple, Union

import pytest

FOLDER = Path(__file__).parent
# The package from which rules import these calls, and the adapters behind it.
ADAPTERS = {
    "pants_truss.pants_api": (FOLDER / "_by_type.py", FOLDER / "_by_name.py"),
    "pants_truss.image.docker_api": (
        FOLDER.parent / "image/_docker_by_type.py",
        FOLDER.parent / "image/_docker_by_name.py",
    ),
}
EACH = pytest.mark.parametrize("package", ADAPTERS)
EACH_FILE = pytest.mark.parametrize(
    ("package", "path"),
    [(package, path) for package, paths in ADAPTERS.items() for path in paths],
    ids=lambda value: Path(value).name,
)
Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


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


@EACH
def test_both_adapters_export_the_same_names(package: str) -> None:
    # Any one Pants can import only one of them.
    by_type, by_name = map(parse, ADAPTERS[package])
    assert exported(by_type) == exported(by_name) == sorted(exported(by_name))


@EACH_FILE
def test_exported_names_exist(package: str, path: Path) -> None:
    module = parse(path)
    assert set(exported(module)) <= defined(module)


def functions(module: ast.Module) -> Dict[str, Function]:
    return {
        node.name: node
        for node in module.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def calls_of(package: str, names: Set[str]) -> Iterator[Tuple[Path, ast.Call]]:
    """Yields each call in the plugin of one of these names."""
    for path in FOLDER.parent.rglob("*.py"):
        if path.name.endswith(("_test.py", "_by_name.py")):
            continue
        tree = ast.parse(path.read_text())
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == package
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


@EACH_FILE
def test_wrappers_accept_the_arguments_of_rules(package: str, path: Path) -> None:
    """Pants 2.30 and later require `f(request, **implicitly())` exactly."""
    wrappers = functions(parse(path))
    found = [
        f"{caller}:{call.lineno}: {ast.unparse(call.func)}"
        for caller, call in calls_of(package, set(wrappers) - {"rule"})
        if not takes(wrappers[ast.unparse(call.func)], call)
    ]
    assert not found


def test_a_call_has_one_request_and_no_keywords() -> None:
    """Compares inputs of Pants' own rules; their other parameters differ between releases."""
    plain = {"concurrently", "implicitly", "make_test_result", "rule"}
    calls = [
        call
        for package, (_, by_name) in ADAPTERS.items()
        for call in calls_of(package, set(exported(parse(by_name))) - plain)
    ]
    assert len(calls) > 50
    for path, call in calls:
        given = [ast.unparse(keyword.value) for keyword in call.keywords]
        named = [keyword.arg for keyword in call.keywords if keyword.arg]
        assert len(call.args) == 1 and not named, f"{path}:{call.lineno}"
        assert given in ([], ["implicitly()"]), f"{path}:{call.lineno}"


@EACH
def test_wrappers_have_the_types_of_the_other_adapter(package: str) -> None:
    type_file, name_file = map(parse, ADAPTERS[package])
    by_type = {
        ast.unparse(node.targets[0]): [ast.unparse(type_) for type_ in node.value.args]
        for node in type_file.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    }
    signatures = {
        name: [ast.unparse(x) for x in (node.returns, node.args.args[0].annotation) if x]
        for name, node in functions(name_file).items()
    }
    both = {name: signature for name, signature in signatures.items() if name in by_type}
    assert both == {name: by_type[name] for name in both}
    assert both
    others = functions(type_file)
    for name in set(signatures) - set(both):
        ours = functions(name_file)[name]
        assert ast.unparse(ours.args) == ast.unparse(others[name].args)


def test_only_the_adapter_knows_the_old_rule_api() -> None:
    old = {"Get", "MultiGet", "Effect"}
    for path in FOLDER.parent.rglob("*.py"):
        names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        assert path.name.endswith("_by_type.py") or not names & old, path


def test_core_knows_no_pants() -> None:
    paths = list((FOLDER.parent / "core").rglob("*.py"))
    assert paths
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [m for m in modules if m.partition(".")[0] == "pants"], path
