"""Files of the repository that look like a module without an owner.

A module that is in the repository must not be taken for one of a distribution: whoever publishes a
distribution of that name in a public index would be served (dependency confusion).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

from pants.engine.rules import collect_rules

from pants_truss.core.globs import escape_glob
from pants_truss.core.paths import is_within
from pants_truss.imports import import_graph
from pants_truss.imports.import_graph import ImportNode, PythonOwnersRequest, find_python_owners
from pants_truss.pants_api import implicitly, path_globs_to_paths, rule
from pants_truss.sources.globs import matching


@dataclass(frozen=True)
class UnownedModuleRequest:
    """`module` has no owner in `resolve`; a truss in `folder` imports it."""

    module: str
    resolve: Optional[str]
    folder: str


@dataclass(frozen=True)
class UnownedModule:
    """A sentence or two; empty if no file looks like the module."""

    text: str


@rule(desc="Look for a module that no target owns")
async def find_unowned_module(request: UnownedModuleRequest) -> UnownedModule:
    """The whole repository is looked through, once something is wrong."""
    parts = request.module.split(".")
    # What may be meant, the nearest first: a module, a package, a folder without `__init__.py`.
    shapes = [
        f"**/{escape_glob('/'.join(parts[:length]))}{end}"
        for length in range(len(parts), 0, -1)
        for end in (".py", "/__init__.py", "/*.py")
    ]
    for shape in shapes:
        found = await path_globs_to_paths(matching([shape]), **implicitly())
        for file in _nearest(found.files, request.folder):
            folder = posixpath.dirname(file)
            owners = await find_python_owners(PythonOwnersRequest(folder), **implicitly())
            if file not in owners.tests:
                nodes = owners.by_file.get(file, ())
                return UnownedModule(_describe(file, [*nodes], request))
    return UnownedModule("")


def _nearest(files: Iterable[str], folder: str) -> List[str]:
    def distance(file: str) -> int:
        return len(posixpath.relpath(file, folder or ".").split("/"))

    return sorted(files, key=lambda file: (distance(file), file))


def _named(file: str, node: ImportNode) -> str:
    return file if node.key == file else f"{file} ({node.key})"


def _describe(file: str, owners: List[ImportNode], request: UnownedModuleRequest) -> str:
    if not owners:
        folder = posixpath.dirname(file)
        return f"It looks like {file}, which no target owns: `pants tailor {folder}::` adds one."
    by_resolve: Dict[Optional[str], ImportNode] = {node.resolve: node for node in owners}
    # A truss whose files no target owns has none.
    node = owners[0] if request.resolve is None else by_resolve.get(request.resolve)
    if node is None:
        others = ", ".join(sorted(resolve for resolve in by_resolve if resolve))
        return (
            f"It looks like {_named(file, owners[0])}, which is of the resolve {others}, and "
            f"this truss is of {request.resolve}."
        )
    name = (node.module_path or file)[: -len(".py")].replace("/", ".")
    name = name[: -len(".__init__")] if name.endswith(".__init__") else name
    root = _root_for(file, request.module)
    if node.source_root == root or is_within(file, request.folder):
        return f"It looks like {_named(file, node)}, which is imported as `{name}`."
    where = f"{node.source_root!r}" if node.source_root else "the build root"
    return (
        f"It looks like {_named(file, node)}. Its source root is {where}, so it is imported as "
        f'`{name}`; to import it as `{request.module}`, add "/{root}" to `[source].root_patterns`.'
    )


def _root_for(file: str, module: str) -> str:
    """The folder in which the first part of `module` is what `file` is, or is in."""
    first = module.partition(".")[0]
    parts = file.split("/")
    names = [*parts[:-1], parts[-1][: -len(".py")]]
    return "/".join(parts[: len(names) - 1 - names[::-1].index(first)])


def rules() -> Iterable[object]:
    return [*collect_rules(), *import_graph.rules()]
