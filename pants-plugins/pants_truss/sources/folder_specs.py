"""Specs that name the targets of a folder: those whose BUILD file is there, and their offspring."""

from __future__ import annotations

from pants.base.specs import AncestorGlobSpec, DirLiteralSpec, RawSpecsWithoutFileOwners
from pants.engine.fs import GlobMatchErrorBehavior


def in_folder(folder: str, origin: str) -> RawSpecsWithoutFileOwners:
    """`folder` is relative to the build root; `origin` says, in error messages, who asks."""
    return RawSpecsWithoutFileOwners(
        dir_literals=(DirLiteralSpec(folder),),
        unmatched_glob_behavior=GlobMatchErrorBehavior.ignore,
        description_of_origin=origin,
    )


def in_folder_or_above(folder: str, origin: str) -> RawSpecsWithoutFileOwners:
    """All whose sources may be in the folder itself."""
    return RawSpecsWithoutFileOwners(
        ancestor_globs=(AncestorGlobSpec(folder),),
        unmatched_glob_behavior=GlobMatchErrorBehavior.ignore,
        description_of_origin=origin,
    )
