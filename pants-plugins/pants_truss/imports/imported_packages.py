"""Finds which packages a module names in its imports.

Pants infers a dependency on each `__init__.py` above a module, source root or not, and does not say
which of these the module imports. This is only asked about an `__init__.py` that Python does not
run by itself where the module lies in a truss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Iterable

from pants.engine.rules import collect_rules

from pants_truss.core.module_names import imported_packages
from pants_truss.pants_api import get_digest_contents, implicitly, path_globs_to_digest, rule
from pants_truss.sources.globs import exactly


@dataclass(frozen=True)
class ImportedPackagesRequest:
    """`file` is relative to the build root, and `module_path` to its source root."""

    file: str
    module_path: str


@dataclass(frozen=True)
class ImportedPackages:
    names: FrozenSet[str]


@rule(desc="Read the imports of a module")
async def find_imported_packages(request: ImportedPackagesRequest) -> ImportedPackages:
    digest = await path_globs_to_digest(exactly(request.file), **implicitly())
    contents = await get_digest_contents(digest)
    text = contents[0].content.decode("utf-8", "replace") if contents else ""
    return ImportedPackages(imported_packages(text, request.module_path))


def rules() -> Iterable[object]:
    return collect_rules()
