"""Imports of a package that the truss bundles, whose module the truss does not have."""

from __future__ import annotations

import ast
import posixpath
from typing import Collection, FrozenSet, Iterator, List, Mapping, NamedTuple, Set, Tuple

from pants_truss.core.lint.finding import Finding
from pants_truss.core.paths import join
from pants_truss.core.python_syntax import parse


class PythonFile(NamedTuple):
    """`path` is that in the gathered truss, `source` that in the repository."""

    path: str
    source: str
    content: bytes


class _Import(NamedTuple):
    """`names` are what `from module import` takes; `level` counts the dots before the module."""

    module: str
    names: Tuple[str, ...]
    level: int
    line: int


def check_imports(
    files: Collection[PythonFile],
    paths: Collection[str],
    folders: Mapping[str, str],
    provided: Collection[str],
    reported: Collection[Tuple[str, str]] = (),
) -> Iterator[Finding]:
    """`files` are those that a server runs, `paths` all of the gathered truss. `folders` has the
    folder that imports of a top-level name begin in, and under the empty name the one for all other
    names; `provided` are top-level names that something else may have, too. `reported` has the
    source and the module of imports that another rule reports.

    Only what is certain counts: no import under a condition or in a `try`, no package that changes
    its own path, and no name that may be an attribute.
    """
    known = _Modules(paths, {file.path: file.content for file in files})
    for file in files:
        for found in _imports(file.content):
            missing = _missing(file, found, known, folders, provided)
            if missing and not _is_reported(file.source, missing, reported):
                yield Finding(
                    "unresolved-import",
                    file.source,
                    f"it imports `{missing}`, and neither the truss nor the repository has this "
                    f"module. Correct the import, or add the file and run `pants tailor`.",
                    line=found.line,
                )


def imported_when_loaded(content: bytes) -> FrozenSet[str]:
    """The modules that a file imports in any case as soon as it is loaded: `a.b` for
    `import a.b` and for `from a.b import c`. Empty if the file cannot be parsed."""
    return frozenset(
        found.module for found in _imports(content, in_functions=False) if not found.level
    )


def _is_reported(source: str, missing: str, reported: Collection[Tuple[str, str]]) -> bool:
    name = missing.lstrip(".")
    return any(
        importer == source and (module == name or module.endswith(f".{name}"))
        for importer, module in reported
    )


class _Modules:
    def __init__(self, paths: Collection[str], contents: Mapping[str, bytes]) -> None:
        self._folders: Set[str] = set()
        self._stems: Set[str] = set()
        self._paths, self._contents = set(paths), contents
        for path in paths:
            folder, _, name = path.rpartition("/")
            self._stems.add(join(folder, name.partition(".")[0]))
            while folder:
                self._folders.add(folder)
                folder = posixpath.dirname(folder)

    def is_package(self, path: str) -> bool:
        return path in self._folders and f"{path}.py" not in self._paths

    def has(self, path: str) -> bool:
        """A module of any kind: source, byte code, or native."""
        return path in self._folders or path in self._stems

    def is_plain(self, package: str) -> bool:
        """Returns True if the `__init__.py` is known and does not change where modules are found.

        A package may also have a native `__init__`, which nobody can read here.
        """
        init = f"{package}/__init__.py"
        if init not in self._paths:
            return f"{package}/__init__" not in self._stems
        content = self._contents.get(init)
        return content is not None and not any(
            word in content for word in (b"__path__", b"sys.modules", b"__getattr__")
        )

    def is_empty(self, package: str) -> bool:
        init = f"{package}/__init__.py"
        if init not in self._paths:
            return f"{package}/__init__" not in self._stems
        return not self._contents.get(init, b"x").strip()


def _missing(
    file: PythonFile,
    found: _Import,
    known: _Modules,
    folders: Mapping[str, str],
    provided: Collection[str],
) -> str:
    """The name of the module that is missing, or nothing."""
    if found.level:
        package = posixpath.dirname(file.path)
        for _ in range(found.level - 1):
            package = posixpath.dirname(package)
        top = package
        dots = "." * found.level
    else:
        name = found.module.partition(".")[0]
        if name in provided:
            return ""
        package = folders.get(name, folders[""])
        top = join(package, name)
        dots = ""
    if not known.is_package(top):
        return ""
    parts = found.module.split(".") if found.module else []
    for length in range(1, len(parts) + 1):
        path = join(package, *parts[:length])
        if not known.has(path):
            parent = posixpath.dirname(path)
            is_sure = known.is_package(parent) and known.is_plain(parent)
            return dots + ".".join(parts[:length]) if is_sure else ""
    target = join(package, *parts)
    if known.is_package(target) and known.is_empty(target) and known.is_plain(target):
        for name in found.names:
            if name != "*" and not known.has(join(target, name)):
                return f"{dots}{found.module}{'.' if found.module else ''}{name}"
    return ""


def _imports(content: bytes, in_functions: bool = True) -> List[_Import]:
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: List[_Import] = []
    pending: List[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Try, ast.If, ast.With, ast.AsyncWith, ast.IfExp)):
            continue
        if isinstance(node, ast.Import):
            found += [_Import(alias.name, (), 0, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            found.append(_Import(node.module or "", names, node.level, node.lineno))
        elif isinstance(node, (ast.Module, ast.ClassDef)):
            pending += reversed(node.body)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and in_functions:
            pending += reversed(node.body)
    return sorted(found, key=lambda each: each.line)
