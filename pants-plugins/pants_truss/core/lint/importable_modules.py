"""The modules that an image of a truss has, and what Python finds by a name there.

Paths here are those in an image, as `server_layout` places them: the server finds modules below
`app` and then below `packages`.
"""

from __future__ import annotations

import posixpath
from functools import cached_property
from typing import Collection, Dict, Iterator, List, Mapping, Set

from pants_truss.core.lint.import_statements import ImportStatement, imports_of
from pants_truss.core.paths import join
from pants_truss.core.server_layout import APP, PACKAGES

# Code with one of these words finds modules in other places, or makes them.
_CHANGES_MODULES = (b"sys.path", b"addsitedir", b"sys.modules", b"__path__")
# It may make modules of any name, which other files import.
_MAKES_MODULES = (
    *(b"sys.modules", b"meta_path", b"path_hooks", b"ModuleType", b"module_from_spec"),
    *(b"spec_from_file_location", b"load_source", b"protoc", b"zipimport", b"cppimport"),
)


def changes_modules(content: bytes) -> bool:
    return any(word in content for word in _CHANGES_MODULES)


class ImportableModules:
    def __init__(self, paths: Collection[str], contents: Mapping[str, bytes]) -> None:
        self._folders: Set[str] = set()
        self._stems: Set[str] = set()
        self._paths, self._contents = set(paths), contents
        self._imports: Dict[str, List[ImportStatement]] = {}
        for path in paths:
            folder, _, name = path.rpartition("/")
            if not name.endswith(".pyi"):
                self._stems.add(join(folder, name.partition(".")[0]))
            while folder:
                self._folders.add(folder)
                folder = posixpath.dirname(folder)

    def imports_of(self, path: str) -> List[ImportStatement]:
        if path not in self._imports:
            self._imports[path] = imports_of(self._contents.get(path, b""))
        return self._imports[path]

    def loaded_with(self, *files: str) -> Set[str]:
        """The files that Python runs in any case if it loads these."""
        found: Set[str] = set()
        pending = list(files)
        while pending:
            path = pending.pop()
            if path in self._paths and path not in found:
                found.add(path)
                for statement in self.imports_of(path):
                    if not statement.in_function:
                        pending += self._files_of(path, statement)
        return found

    def _files_of(self, path: str, found: ImportStatement) -> Iterator[str]:
        """Files that a statement of the file `path` may load."""
        parts = found.module.split(".") if found.module else []
        folders = [found.package_of(path)] if found.level else self.tops(parts[0])
        for folder in folders:
            modules = [join(folder, *parts[:length]) for length in range(1, len(parts) + 1)]
            modules += [join(folder, *parts, name) for name in found.names]
            for module in modules:
                yield f"{module}.py"
                yield f"{module}/__init__.py"

    def tops(self, name: str) -> List[str]:
        """The folders in which the server finds a module without a package: one, or both if it is
        a namespace package. A module or a regular package in a later folder comes before it."""
        found = [each for each in (APP, PACKAGES) if self.has(join(each, name))]
        first = [each for each in found if self._is_whole(join(each, name))]
        return first[:1] or found

    def _is_whole(self, path: str) -> bool:
        return self.is_regular(path) or (path in self._stems and not self.is_package(path))

    @cached_property
    def changes_path(self) -> bool:
        """True if a file adds folders in which modules are found."""
        return any(map(changes_modules, self._contents.values()))

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
