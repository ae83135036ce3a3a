"""Decides whether a module that a truss's code imports must be bundled, or is present already."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import FrozenSet, Optional, Sequence, Tuple

from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.paths import below, is_within, join
from pants_truss.core.source_tree import SourceTree


@dataclass(frozen=True)
class PresentTree:
    """Files that the gathered truss has without bundling. `root` is relative to the build root, and
    `paths` are relative to `root`. `ignored` are files that the ignore patterns of the truss leave
    out; they are not in `paths`."""

    root: str
    paths: FrozenSet[str]
    ignored: FrozenSet[str] = frozenset()

    def holds(self, file: str) -> bool:
        return is_within(file, self.root) and below(file, self.root) in self.paths

    def leaves_out(self, file: str) -> bool:
        return is_within(file, self.root) and below(file, self.root) in self.ignored

    def holds_as(self, file: str, module_path: str) -> bool:
        """Returns True if `file` lies at `module_path` below this root: the import finds it."""
        return self.holds(file) and below(file, self.root) == module_path


@dataclass(frozen=True)
class PresentFiles:
    """The truss's own files and those of its external packages."""

    truss: PresentTree
    packages: Tuple[PresentTree, ...]
    bundled_packages_dir: str
    model_module_dir: str

    @property
    def trees(self) -> Sequence[PresentTree]:
        return (self.truss, *self.packages)

    def holder_of(self, file: Optional[str]) -> Optional[PresentTree]:
        if file is None:
            return None
        return next((tree for tree in self.trees if tree.holds(file)), None)

    def is_there(self, file: str, module_path: str, importer: Optional[str]) -> bool:
        """Returns True if `importer` finds `file` without bundling it.

        A file of the truss is never bundled. A file of an external package is not bundled if it
        lies at the module path that Pants knows, or if a file of the same package imports it. In
        the second case the source root differs from the package's root, which does not matter for
        relative imports.
        """
        if self.truss.holds(file):
            return True
        return any(
            tree.holds_as(file, module_path)
            or (tree.holds(file) and importer is not None and tree.holds(importer))
            for tree in self.packages
        )

    def takes_precedence(self, module_path: str, importer: Optional[str]) -> bool:
        """Returns True if the import of `module_path` means a file that is present, and not the
        file that Pants found.

        `model.helper` always means the truss's own file, though many trusses of a repository have
        one. A module among the truss's packages comes first if a file that is present imports it.
        """
        if is_within(module_path, self.model_module_dir) and module_path in self.truss.paths:
            return True
        return self.holder_of(importer) is not None and self._is_importable(module_path)

    def runs_init(self, init: str, module: str, source_root: str) -> bool:
        """Returns True if Python runs `init`, an `__init__.py` in a folder above the file `module`,
        when it imports that file in the gathered truss.

        A file of the truss is imported from its place in an image, where no package surrounds
        `model` and the bundled packages. The contents of an external package lie among the bundled
        packages. Any other file lies there at its path below `source_root`.
        """
        folder = posixpath.dirname(init)
        holder = self.holder_of(module)
        if holder is not self.truss:
            return _is_below(folder, holder.root if holder else source_root)
        model = join(holder.root, self.model_module_dir)
        packages = join(holder.root, self.bundled_packages_dir)
        if is_within(module, model) and not is_within(module, packages):
            return is_within(folder, model)
        return _is_below(folder, packages if is_within(module, packages) else holder.root)

    def _is_importable(self, module_path: str) -> bool:
        return any(
            join(self.bundled_packages_dir, path) in self.truss.paths
            or any(path in tree.paths for tree in self.packages)
            for path in (module_path, _other_form(module_path))
        )


def present_tree(tree: SourceTree, folder: str, ignore: IgnorePatterns) -> PresentTree:
    """The files of `tree`, which lies in `folder` of the gathered truss. `ignore` gets paths in the
    gathered truss, and decides which of the files never become part of it."""
    kept = set(ignore.keep([join(folder, file.path) for file in tree.files]))
    paths = frozenset(file.path for file in tree.files if join(folder, file.path) in kept)
    return PresentTree(tree.root, paths, frozenset(file.path for file in tree.files) - paths)


def _is_below(folder: str, top: str) -> bool:
    return folder != top and is_within(folder, top)


def _other_form(module_path: str) -> str:
    """`x/__init__.py` for `x.py`, and `x.py` for `x/__init__.py`: both are the module `x`."""
    if module_path.endswith("/__init__.py"):
        return module_path[: -len("/__init__.py")] + ".py"
    return module_path[: -len(".py")] + "/__init__.py" if module_path.endswith(".py") else ""
