"""Refuses installed files whose names delete other files in an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Mapping

from pants.engine.addresses import Address
from pants.engine.fs import Digest, DigestSubset, FileEntry
from pants.engine.rules import collect_rules

from pants_truss.core.errors import TrussError
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.oci.whiteouts import refuse_in_distributions, refuse_in_truss, whiteouts
from pants_truss.pants_api import (
    digest_subset,
    get_digest_contents,
    get_digest_entries,
    implicitly,
    rule,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.globs import matching

_RECORDS = ("*.dist-info/RECORD",)


def refuse_whiteouts(address: Address, in_image: Mapping[str, GatheredFile]) -> None:
    """Raises `InvalidTruss` of the truss at `address`, as `refuse_in_truss` says."""
    try:
        refuse_in_truss(in_image)
    except TrussError as e:
        raise InvalidTruss.of(address, e) from None


@dataclass(frozen=True)
class CheckInstalledRequest:
    """`digest` holds a folder of distributions for the truss at `address`. The image does not get
    the files below `left_out`, if it is not empty."""

    address: Address
    digest: Digest
    left_out: str = ""


@dataclass(frozen=True)
class CheckedInstalled:
    """No file is refused."""


@rule
async def check_installed(request: CheckInstalledRequest) -> CheckedInstalled:
    entries = await get_digest_entries(request.digest)
    paths = [
        entry.path
        for entry in entries
        if isinstance(entry, FileEntry)
        and not (request.left_out and entry.path.startswith(request.left_out))
    ]
    if whiteouts(paths):
        found = await digest_subset(
            DigestSubset(request.digest, matching(_RECORDS)), **implicitly()
        )
        contents = await get_digest_contents(found)
        try:
            refuse_in_distributions(paths, {file.path: file.content for file in contents})
        except TrussError as e:
            raise InvalidTruss.of(request.address, e) from None
    return CheckedInstalled()


def rules() -> Iterable[object]:
    return collect_rules()
