"""Bundled modules that the server would never import, as another has the same name.

The server appends the bundled packages to `sys.path`: /app, the standard library and everything
that is installed come before (`model_wrapper.py` of Truss 0.18.35, `_load_impl`). A namespace
package, a folder without `__init__.py`, hides nothing: its parts merge.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.tables import read_table
from pants_truss.core.paths import below, is_within


@dataclass(frozen=True)
class Owner:
    """Modules that come before the bundled ones: `a` for a module or package, `a.b` for one in a
    namespace package. `what` says whose they are."""

    modules: FrozenSet[str]
    what: str
    rule: str


def check_shadowing(
    files: Sequence[GatheredFile], bundled_packages_dir: str, owners: Sequence[Owner]
) -> Iterator[Finding]:
    """One finding for each bundled module that an owner has."""
    bundled = _bundled(files, bundled_packages_dir)
    regular = _regular(bundled)
    reported: Set[str] = set()
    for path, planned in sorted(bundled.items()):
        for owner in owners:
            module = _shadowed(path, regular, owner.modules)
            if module and module not in reported:
                reported.add(module)
                yield Finding(
                    owner.rule, planned.source or planned.path, _describe(module, planned, owner)
                )


def _describe(module: str, planned: GatheredFile, owner: Owner) -> str:
    bundled = f"the bundled module `{module}` (of {planned.target})"
    if module in owner.modules:
        return (
            f"{bundled} is never imported: {owner.what} has one of this name, which comes first. "
            f"Rename it."
        )
    return (
        f"{bundled} and the namespace package of this name in {owner.what} exclude each other. "
        f"Remove its `__init__.py`, so that the two merge, or rename it."
    )


def _bundled(files: Sequence[GatheredFile], folder: str) -> Dict[str, GatheredFile]:
    return {
        below(planned.path, folder): planned
        for planned in files
        if planned.path != folder
        and is_within(planned.path, folder)
        and planned.path.endswith((".py", ".so", ".pyd"))
    }


def _regular(paths: Iterable[str]) -> Set[str]:
    """Packages that are no namespace packages, as `a/b`."""
    return {
        posixpath.dirname(path)
        for path in paths
        if posixpath.basename(path).partition(".")[0] == "__init__"
    }


def _shadowed(path: str, regular: Set[str], owned: FrozenSet[str]) -> Optional[str]:
    """The module on the way to the file that has an owner's name: `a` of `a/b.py`."""
    parts = path.split("/")
    names = [*parts[:-1], parts[-1].partition(".")[0]]
    if not all(name.isidentifier() for name in names):
        return None
    for end in range(1, len(names) + 1):
        module = ".".join(names[:end])
        if names[end - 1] == "__init__":
            return None
        if module in owned:
            return module
        is_regular = end == len(names) or "/".join(names[:end]) in regular
        if is_regular:
            # The owner's is a namespace package, already imported: a regular one hides behind it.
            below = any(name.startswith(f"{module}.") for name in owned)
            return module if below else None
    return None


# --- The server.


def server_owners(release: Tuple[int, ...], python: str, paths: Iterable[str]) -> List[Owner]:
    """`release` is that of Truss, `python` a version such as `3.11`; `paths` are those of the
    truss, whose model and data folders lie in /app too."""
    names = _server_names(release, python)
    app = names.app.union(_own_app_modules(set(paths)))
    rule = "shadowed-by-server"
    return [
        Owner(app, "the folder /app of the model server", rule),
        Owner(names.stdlib, f"the standard library of Python {python}", rule),
        Owner(names.site, "a distribution that the model server installs", rule),
    ]


@dataclass(frozen=True)
class _ServerNames:
    app: FrozenSet[str]
    stdlib: FrozenSet[str]
    site: FrozenSet[str]


@lru_cache(maxsize=None)
def _server_names(release: Tuple[int, ...], python: str) -> _ServerNames:
    table, stdlib = _table_of(release), read_table("stdlib_names")
    return _ServerNames(
        frozenset(table["app"]),
        frozenset((*stdlib["any"], *stdlib.get(python, ()))),
        frozenset((*table["site"]["any"], *table["site"].get(python, ()))),
    )


def _own_app_modules(paths: Set[str]) -> Iterator[str]:
    """`model` and `data` if they are packages: mere folders hide nothing."""
    for name in ("model", "data"):
        if f"{name}/__init__.py" in paths:
            yield name
    # By this name the server registers the model's own file.
    yield "model.model"


def _table_of(release: Tuple[int, ...]) -> Dict[str, Dict[str, List[str]]]:
    """Returns the table of the newest known release up to `release`, or else of the oldest one."""
    tables = read_table("server_names")
    known = sorted((tuple(int(part) for part in name.split(".")), name) for name in tables)
    fitting = [name for version, name in known if version <= release] or [known[0][1]]
    table: Dict[str, Dict[str, List[str]]] = tables[fitting[-1]]
    return table
