"""The import statements of a Python file, and whether they run as soon as it is loaded."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import FrozenSet, Iterator, List, NamedTuple, Tuple

from pants_truss.core.python_syntax import parse


class ImportStatement(NamedTuple):
    """`names` are what `from module import` takes; `level` counts the dots before the module. A
    statement that `is_joined` imports several modules: `import a, b`."""

    module: str
    names: Tuple[str, ...]
    level: int
    line: int
    in_function: bool = False
    is_joined: bool = False

    @property
    def text(self) -> str:
        return "." * self.level + self.module

    def package_of(self, path: str) -> str:
        """The folder that the dots of a relative import in the file `path` mean."""
        package = posixpath.dirname(path)
        for _ in range(self.level - 1):
            package = posixpath.dirname(package)
        return package


def imported_when_loaded(content: bytes) -> FrozenSet[str]:
    """The modules that a file imports in any case as soon as it is loaded: `a.b` for
    `import a.b` and for `from a.b import c`. Empty if the file cannot be parsed."""
    return frozenset(
        found.module for found in imports_of(content) if not (found.level or found.in_function)
    )


def imports_of(content: bytes) -> List[ImportStatement]:
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: List[ImportStatement] = []
    pending: List[Tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, inside = pending.pop()
        if isinstance(node, (ast.Try, ast.If, ast.With, ast.AsyncWith, ast.IfExp)):
            continue
        if isinstance(node, ast.Import):
            found += [
                ImportStatement(alias.name, (), 0, node.lineno, inside, len(node.names) > 1)
                for alias in node.names
            ]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            found.append(ImportStatement(node.module or "", names, node.level, node.lineno, inside))
        elif isinstance(node, (ast.Module, ast.ClassDef)):
            pending += ((each, inside) for each in reversed(node.body))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            pending += ((each, True) for each in reversed(node.body))
        elif isinstance(node, (ast.Expr, ast.Assign, ast.Return)):
            found += _imports_by_name(node)
    return sorted(found, key=lambda each: each.line)


def _imports_by_name(statement: ast.AST) -> Iterator[ImportStatement]:
    """`importlib.import_module("a.b")`, which Pants does not follow. Like an import in a function,
    it may never run."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and len(node.args) == 1:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            called = node.func.id if isinstance(node.func, ast.Name) else called
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if called in ("import_module", "__import__") and isinstance(name, str):
                if re.fullmatch(r"\w+(\.\w+)*", name):
                    yield ImportStatement(name, (), 0, node.lineno, True)
