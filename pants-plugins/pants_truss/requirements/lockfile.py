"""Reads the lockfile of a resolve, once for all trusses that use it with one Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.engine.addresses import Address
from pants.engine.rules import collect_rules
from pants.engine.target import OptionalSingleSourceField, SourcesField, Target

from pants_truss.core import lockfile
from pants_truss.core.errors import TrussError
from pants_truss.core.locked import Lockfile
from pants_truss.core.requirement import marker_environments
from pants_truss.pants_api import (
    addresses_from_raw_specs_without_file_owners,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    resolve_targets,
    rule,
)
from pants_truss.sources.folder_specs import in_folder
from pants_truss.sources.globs import exactly


@dataclass(frozen=True)
class LockfileOwnersRequest:
    """`path` is that of a lockfile."""

    path: str


@dataclass(frozen=True)
class LockfileOwners:
    """The targets that own a lockfile: usually the one that Pants generates for it."""

    addresses: Tuple[Address, ...]


@rule
async def find_lockfile_owners(request: LockfileOwnersRequest) -> LockfileOwners:
    addresses = await addresses_from_raw_specs_without_file_owners(
        in_folder(request.path.rpartition("/")[0], "the lockfile of a truss"), **implicitly()
    )
    targets = await resolve_targets(addresses)
    return LockfileOwners(
        tuple(target.address for target in targets if _owns(target, request.path))
    )


def _owns(target: Target, path: str) -> bool:
    sources = target.get(SourcesField)
    return isinstance(sources, OptionalSingleSourceField) and sources.file_path == path


@dataclass(frozen=True)
class ReadLockfileRequest:
    """`python` is a version such as `3.11`."""

    path: str
    resolve: str
    python: str


@rule(desc="Read lockfile")
async def read_lockfile(request: ReadLockfileRequest) -> Lockfile:
    digest = await path_globs_to_digest(exactly(request.path), **implicitly())
    contents = await get_digest_contents(digest)
    if not contents:
        raise TrussError(
            f"the lockfile {request.path} of the resolve {request.resolve} does not exist. Run "
            f"`pants generate-lockfiles --resolve={request.resolve}`."
        )
    try:
        return lockfile.parse(contents[0].content, marker_environments(request.python))
    except TrussError as e:
        raise TrussError(
            f"the lockfile {request.path} of the resolve {request.resolve} {e}"
        ) from None


def rules() -> Iterable[object]:
    return collect_rules()
