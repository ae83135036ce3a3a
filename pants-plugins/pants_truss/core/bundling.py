"""Decides whether a module that a truss's code imports has to be bundled, or is there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Optional, Sequence, Tuple

from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.paths import is_within, join
from pants_truss.core.source_tree import SourceTree


@dataclass(frozen=True)
class HeldTree:
    """Files that the gathered truss has anyway. `root` is relative to the build root, `paths` are
    relative to `root`; `ignored` are those that its ignore patterns leave out."""

    root: str
    paths: FrozenSet[str]
    ignored: FrozenSet[str] = frozenset()

    def holds(self, file: str) -> bool:
        return is_within(file, self.root) and self._below(file) in self.paths

    def leaves_out(self, file: str) -> bool:
        return is_within(file, self.root) and self._below(file) in self.ignored

    def _below(self, file: str) -> str:
        return file[len(self.root) + 1 :] if self.root else file

    def holds_as(self, file: str, module_path: str) -> bool:
        """Whether `file` lies at `module_path` below this root, and so can be imported by it."""
        return self.holds(file) and self._below(file) == module_path


@dataclass(frozen=True)
class HeldFiles:
    """The truss's own files and those of its external packages."""

    truss: HeldTree
    packages: Tuple[HeldTree, ...]
    bundled_packages_dir: str
    model_module_dir: str

    @property
    def trees(self) -> Sequence[HeldTree]:
        return (self.truss, *self.packages)

    def holder_of(self, file: Optional[str]) -> Optional[HeldTree]:
        if file is None:
            return None
        return next((tree for tree in self.trees if tree.holds(file)), None)

    def is_there(self, file: str, module_path: str, importer: Optional[str]) -> bool:
        """Whether the import of `file` by the file `importer` needs no bundling.

        A file of the truss needs none. One of an external package needs none if it is found under
        the name that Pants knows it by, or if its own package imports it: then the source root
        is another than the package's root, which does not matter for relative imports.
        """
        if self.truss.holds(file):
            return True
        return any(
            tree.holds_as(file, module_path)
            or (tree.holds(file) and importer is not None and tree.holds(importer))
            for tree in self.packages
        )

    def takes_precedence(self, module_path: str, importer: Optional[str]) -> bool:
        """Whether the name that an import has means another file, which the truss has anyway.

        `model.helper` means the truss's own, whichever of the many in a repository Pants finds. So
        does a module among the truss's packages, if a file that the truss has anyway imports it.
        """
        if is_within(module_path, self.model_module_dir) and module_path in self.truss.paths:
            return True
        return self.holder_of(importer) is not None and self._is_importable(module_path)

    def _is_importable(self, module_path: str) -> bool:
        return any(
            join(self.bundled_packages_dir, path) in self.truss.paths
            or any(path in tree.paths for tree in self.packages)
            for path in (module_path, _other_form(module_path))
        )


def held_tree(tree: SourceTree, folder: str, ignore: IgnorePatterns) -> HeldTree:
    """What is left of a source that lands in `folder` of the result, once `ignore`, which is asked
    about paths of the result, has dropped what never becomes part of a gathered truss."""
    kept = set(ignore.keep([join(folder, file.path) for file in tree.files]))
    paths = frozenset(file.path for file in tree.files if join(folder, file.path) in kept)
    return HeldTree(tree.root, paths, frozenset(file.path for file in tree.files) - paths)


def _other_form(module_path: str) -> str:
    """`x/__init__.py` for `x.py`, and the other way round: both are the module `x`."""
    if module_path.endswith("/__init__.py"):
        return module_path[: -len("/__init__.py")] + ".py"
    return module_path[: -len(".py")] + "/__init__.py" if module_path.endswith(".py") else ""
