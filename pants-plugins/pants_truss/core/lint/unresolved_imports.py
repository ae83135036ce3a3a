"""Imports whose module an image of the truss does not have under this name.

Paths here are those in an image, as `server_layout` places them: the server finds modules below
`app` and then below `packages`.
"""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Collection, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.module_names import module_name, module_stem
from pants_truss.core.paths import join
from pants_truss.core.python_syntax import parse
from pants_truss.core.server_layout import APP, MODEL, PACKAGES

# The server takes the file of the model class out of its package from the first release to the
# second, and from then on unless it is `model/model.py` (`_load_impl` in `model_wrapper.py`).
_LOADED_ALONE, _LOADED_AS_PACKAGE = (0, 9, 36), (0, 18, 35)

# Code with one of these words finds modules in other places, or makes them.
_CHANGES_MODULES = (b"sys.path", b"addsitedir", b"sys.modules", b"__path__")
# It may make modules of any name, which other files import.
_MAKES_MODULES = (
    *(b"sys.modules", b"meta_path", b"path_hooks", b"ModuleType", b"module_from_spec"),
    *(b"spec_from_file_location", b"load_source", b"protoc", b"zipimport", b"cppimport"),
)


class PythonFile(NamedTuple):
    """`path` is that in an image, `source` that in the repository. `leads_to` are files of the
    truss that its imports mean, by their paths in the repository."""

    path: str
    source: str
    content: bytes
    leads_to: Tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageModules:
    """What an import can find. `paths` has the path in the repository of each file in an image, and
    `in_truss` that of each module of the truss, by its path in the truss without suffix.
    `provided` are top-level names that the server or a requirement may have, and `distributions`
    the names of the requirements; there may be others if not `is_complete`. `model_file` is that of
    the model class, for a server of `release`; `packages_dir` is where the truss has bundled
    packages."""

    paths: Mapping[str, str]
    in_truss: Mapping[str, str]
    provided: Collection[str]
    distributions: Collection[str]
    is_complete: bool
    model_file: str
    release: Tuple[int, ...]
    packages_dir: str

    def may_be_provided(self, top: str) -> bool:
        """If a distribution may have the module: `openai-whisper` has `whisper`, `sam-2` `sam2`."""
        name = _letters(top)
        return any(
            name == other or (len(name) > 2 and name in other) or (len(other) > 2 and other in name)
            for other in self._letters_of_distributions
        )

    @cached_property
    def _letters_of_distributions(self) -> Tuple[str, ...]:
        return tuple(map(_letters, self.distributions))


def _letters(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()


class _Import(NamedTuple):
    """`names` are what `from module import` takes; `level` counts the dots before the module."""

    module: str
    names: Tuple[str, ...]
    level: int
    line: int
    in_function: bool = False

    @property
    def text(self) -> str:
        return "." * self.level + self.module


def check_imports(
    files: Collection[PythonFile],
    image: ImageModules,
    reported: Collection[Tuple[str, str]] = (),
) -> Iterator[Finding]:
    """`files` are those that a server runs. `reported` has the source and the module of imports
    that another rule reports.

    Only what is certain counts: no import under a condition or in a `try`, no package that changes
    its own path, and no name that may be an attribute. It is a warning in a function, which may
    never be called, and where a requirement or the code itself may bring the module.
    """
    known = _Modules(image.paths, {file.path: file.content for file in files})
    for file in files:
        if _changes_modules(file.content):
            continue
        for found in _imports(file.content):
            missing = _describe(file, found, known, image)
            if missing and not _is_reported(file.source, missing[0], reported):
                name, why, severity = missing
                text = f"it imports `{name}`, {why}"
                yield Finding("unresolved-import", file.source, text, severity, found.line)


def _changes_modules(content: bytes) -> bool:
    return any(word in content for word in _CHANGES_MODULES)


def _describe(
    file: PythonFile, found: _Import, known: _Modules, image: ImageModules
) -> Optional[Tuple[str, str, Severity]]:
    """The name of a module that is missing, what to do, and how certain that is."""
    certain = Severity.WARNING if found.in_function else Severity.ERROR
    sure = Severity.WARNING if known.has_makers else certain
    if found.level:
        missing = _describe_relative(file, found, image)
        if missing:
            return (*missing, certain)
        missing = _describe_missing(_package(file, found), found, known)
        return (*missing, sure) if missing else None
    top = found.module.partition(".")[0]
    folder = known.top(top)
    # The server's folder comes before the distributions.
    if top in image.provided or (folder != APP and image.may_be_provided(top)):
        return None
    if folder:
        missing = _describe_missing(folder, found, known)
        # A namespace package may have more in a requirement.
        is_open = folder == PACKAGES and not known.is_regular(join(folder, top))
    else:
        missing = None if known.changes_path else _describe_elsewhere(file, found, image)
        is_open = False
    if (is_open and image.distributions) or not image.is_complete:
        sure = Severity.WARNING
    return (*missing, sure) if missing else None


def _describe_relative(
    file: PythonFile, found: _Import, image: ImageModules
) -> Optional[Tuple[str, str]]:
    """An import that Python refuses, whatever there is: the name, and why."""
    name = found.text if found.module else found.text + (found.names or ("",))[0]
    package = _package(file, found)
    if package in ("", APP, PACKAGES):
        return name, (
            "which lies above the top-level package of this file. Import it by its name in an "
            "image, which begins below the truss's folder or that of its bundled packages."
        )
    if file.path == image.model_file and _is_loaded_alone(file.path, image.release):
        absolute = join(package.partition("/")[2], name.lstrip(".")).replace("/", ".")
        return name, (
            f"and Truss loads the file of the model class by itself, outside of any package. "
            f"Import `{absolute}`."
        )
    return None


def _is_loaded_alone(path: str, release: Tuple[int, ...]) -> bool:
    if release >= _LOADED_AS_PACKAGE:
        return path != f"{MODEL}/model.py"
    return release >= _LOADED_ALONE


def _package(file: PythonFile, found: _Import) -> str:
    package = posixpath.dirname(file.path)
    for _ in range(found.level - 1):
        package = posixpath.dirname(package)
    return package


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
            if not name.endswith(".pyi"):
                self._stems.add(join(folder, name.partition(".")[0]))
            while folder:
                self._folders.add(folder)
                folder = posixpath.dirname(folder)

    def top(self, module: str) -> str:
        """The folder in which the server finds the first part of the name, or nothing."""
        name = module.partition(".")[0]
        return next((each for each in (APP, PACKAGES) if self.has(join(each, name))), "")

    @cached_property
    def changes_path(self) -> bool:
        """True if a file adds folders in which modules are found."""
        return any(map(_changes_modules, self._contents.values()))

    @cached_property
    def has_makers(self) -> bool:
        """True if a file may make modules when it runs."""
        return any(word in each for each in self._contents.values() for word in _MAKES_MODULES)

    def is_regular(self, package: str) -> bool:
        return f"{package}/__init__" in self._stems

    def is_package(self, path: str) -> bool:
        return path in self._folders and f"{path}.py" not in self._paths

    def has(self, path: str) -> bool:
        """A module of any kind: source, byte code, or native."""
        return path in self._folders or path in self._stems

    def is_plain(self, package: str) -> bool:
        """Returns True if the `__init__.py` is known and does not change where modules are found.

        A package may also have a native `__init__`, which lint cannot read.
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


def _describe_missing(folder: str, found: _Import, known: _Modules) -> Optional[Tuple[str, str]]:
    """A module that a package of the truss lacks. `folder` is where the name begins."""
    package = folder if found.level else join(folder, found.module.partition(".")[0])
    missing = _missing_in(folder, found, known) if known.is_package(package) else ""
    if not missing:
        return None
    return missing, (
        "and the gathered truss does not have this module. Correct the import, or add the file and "
        "run `pants tailor`. If it is there, name its target in `dependencies`, or see whether "
        "`sources` or `.truss_ignore` leave it out."
    )


def _missing_in(folder: str, found: _Import, known: _Modules) -> str:
    """The name of the module that `folder` lacks, or nothing."""
    dots = "." * found.level
    parts = found.module.split(".") if found.module else []
    for length in range(1, len(parts) + 1):
        path = join(folder, *parts[:length])
        if not known.has(path):
            parent = posixpath.dirname(path)
            is_sure = known.is_package(parent) and known.is_plain(parent)
            return dots + ".".join(parts[:length]) if is_sure else ""
    target = join(folder, *parts)
    if known.is_package(target) and known.is_empty(target) and known.is_plain(target):
        for name in found.names:
            if name != "*" and not known.has(join(target, name)):
                return f"{dots}{found.module}{'.' if found.module else ''}{name}"
    return ""


def _describe_elsewhere(
    file: PythonFile, found: _Import, image: ImageModules
) -> Optional[Tuple[str, str]]:
    """An import of a file that the truss has, and that an image has under another name or not at
    all."""
    # The longest names first: they mean a file, and not the folder around it.
    modules = [*(f"{found.module}.{name}" for name in found.names), found.module]
    for module in modules:
        stem = module.replace(".", "/")
        own = [each for each in file.leads_to if f"/{module_stem(each)}".endswith(f"/{stem}")]
        own += [image.in_truss[stem]] if stem in image.in_truss else []
        if own:
            return module, _describe_own(own[0], stem, image)
    return None


def _describe_own(source: str, stem: str, image: ImageModules) -> str:
    for path, origin in image.paths.items():
        if origin == source:
            name = module_name(path.partition("/")[2])
            return f"which is {source}, and the server has it as `{name}`. Import it by this name."
    return (
        f"which is {source}, and an image does not have it: it has the folders of the model, the "
        f"data and the bundled packages only. Move it to {join(image.packages_dir, stem)}.py, "
        f"which has this name there."
    )


def _imports(content: bytes, in_functions: bool = True) -> List[_Import]:
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: List[_Import] = []
    pending: List[Tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, inside = pending.pop()
        if isinstance(node, (ast.Try, ast.If, ast.With, ast.AsyncWith, ast.IfExp)):
            continue
        if isinstance(node, ast.Import):
            found += [_Import(alias.name, (), 0, node.lineno, inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            found.append(_Import(node.module or "", names, node.level, node.lineno, inside))
        elif isinstance(node, (ast.Module, ast.ClassDef)):
            pending += ((each, inside) for each in reversed(node.body))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and in_functions:
            pending += ((each, True) for each in reversed(node.body))
        elif in_functions and isinstance(node, (ast.Expr, ast.Assign, ast.Return)):
            found += _imports_by_name(node)
    return sorted(found, key=lambda each: each.line)


def _imports_by_name(statement: ast.AST) -> Iterator[_Import]:
    """`importlib.import_module("a.b")`, which Pants does not follow. Like an import in a function,
    it may never run."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and len(node.args) == 1:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            called = node.func.id if isinstance(node.func, ast.Name) else called
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if called in ("import_module", "__import__") and isinstance(name, str):
                if re.fullmatch(r"\w+(\.\w+)*", name):
                    yield _Import(name, (), 0, node.lineno, True)
