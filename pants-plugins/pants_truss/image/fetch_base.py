"""Fetches the image that others are built on: it lies in the repository, or in a registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

from pants.engine.fs import Digest
from pants.engine.rules import collect_rules

from pants_truss.core.errors import TrussError
from pants_truss.core.globs import escape_glob
from pants_truss.core.oci.documents import INDEX_FILE, Platform
from pants_truss.core.oci.reference import ImageReference, parse_reference
from pants_truss.core.paths import join, normalize_inside
from pants_truss.image import skopeo
from pants_truss.image.skopeo import SkopeoRequest, run_skopeo
from pants_truss.pants_api import implicitly, path_globs_to_paths, rule
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.globs import matching


@dataclass(frozen=True)
class FetchBaseRequest:
    """`text` is a reference or the path of a layout."""

    text: str
    origin: str
    platform: Platform


@dataclass(frozen=True)
class FetchedBase:
    """An OCI layout of which nothing is known yet: all of it in `digest`, or a folder of the
    repository."""

    folder: str
    digest: Optional[Digest]
    notes: Tuple[str, ...]


@rule(desc="Fetch a base image")
async def fetch_base(request: FetchBaseRequest) -> FetchedBase:
    folder = normalize_inside(request.text)
    if folder:
        inside = matching([join(escape_glob(folder), "**")])
        found = await path_globs_to_paths(inside, **implicitly())
        if join(folder, INDEX_FILE) in found.files:
            return FetchedBase(folder, None, ())
        if found.files:
            raise InvalidTruss(
                f"{request.origin}: the folder {folder} of the repository holds no OCI layout: "
                f"there is no {INDEX_FILE} in it."
            )
    missing = f"The repository has no folder {request.text!r} either."
    try:
        reference = parse_reference(request.text)
    except TrussError as e:
        raise InvalidTruss(f"{request.origin}: {e} {missing}") from None
    if not (reference.tag or reference.digest):
        # It may be meant as a folder, and be someone else's image in a public registry.
        raise InvalidTruss(
            f"{request.origin}: {request.text!r} names no version of an image. {missing} Write "
            f"`{reference}:TAG`, or better with a digest, for an image in a registry."
        )
    notes: Tuple[str, ...] = ()
    if not reference.digest:
        inspected = await run_skopeo(
            SkopeoRequest(
                (
                    *_overrides(request.platform),
                    *("inspect", "--format", "{{.Digest}}", f"docker://{reference.fetched}"),
                ),
                f"Find the digest of {reference}",
                is_pinned=False,
            ),
            **implicitly(),
        )
        if inspected.error:
            raise InvalidTruss(_not_fetched(request.origin, reference, inspected.error))
        reference, notes = _pin(reference, inspected.stdout.strip(), request.origin)
    fetched = await run_skopeo(
        SkopeoRequest(
            (
                *_overrides(request.platform),
                *("copy", "-q", f"docker://{reference.fetched}", "oci:base:base"),
            ),
            f"Fetch {reference}",
            is_pinned=True,
            output_directories=("base",),
        ),
        **implicitly(),
    )
    if fetched.error:
        raise InvalidTruss(_not_fetched(request.origin, reference, fetched.error))
    return FetchedBase("base", fetched.digest, notes)


def _overrides(platform: Platform) -> Tuple[str, ...]:
    variant = ("--override-variant", platform.variant) if platform.variant else ()
    return ("--override-os", platform.os, "--override-arch", platform.architecture, *variant)


def _not_fetched(origin: str, reference: ImageReference, error: str) -> str:
    return (
        f"{origin}: the image {reference} cannot be fetched: {error}\nAn image in the repository "
        f"needs no registry: `skopeo copy docker://{reference.fetched} oci:images/base:base` where "
        f'there is one, and `base="images/base"`, or for all trusses a line in '
        f"`[truss-images.bases]`."
    )


def _pin(
    reference: ImageReference, digest: str, origin: str
) -> Tuple[ImageReference, Tuple[str, ...]]:
    pinned = reference.pinned(digest)
    note = (
        f"Warning: {origin}: {reference} is whatever the registry has under this tag today. "
        f"Pinned, it is {pinned}"
    )
    return pinned, (note,)


def rules() -> Iterable[object]:
    return [*collect_rules(), *skopeo.rules()]
