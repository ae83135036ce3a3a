"""Fetches a base image from the repository or from a registry."""

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
    """`text` is a reference, or the path of a layout."""

    text: str
    origin: str
    platform: Platform


@dataclass(frozen=True)
class FetchedBase:
    """An unchecked OCI layout: all of it in `digest`, or a folder of the repository."""

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
                f"{request.origin}: the folder {folder} of the repository is not an OCI layout: it "
                f"has no {INDEX_FILE}. Name the folder of a layout, or an image reference."
            )
    missing = f"The repository has no folder {request.text!r} either."
    try:
        reference = parse_reference(request.text)
    except TrussError as e:
        raise InvalidTruss(f"{request.origin}: {e} {missing}") from None
    if not (reference.tag or reference.digest):
        # The text may be meant as a folder, and name someone else's image in a public registry.
        raise InvalidTruss(
            f"{request.origin}: {request.text!r} has neither a tag nor a digest. {missing} For an "
            f"image in a registry, write `{reference}@sha256:...` or `{reference}:TAG`."
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


# The message of skopeo if the signature policy of the machine refuses an image.
_REFUSED_BY_POLICY = "Source image rejected"


def _not_fetched(origin: str, reference: ImageReference, error: str) -> str:
    if _REFUSED_BY_POLICY in error:
        return (
            f"{origin}: the signature policy of this machine refuses the image {reference}: "
            f"{error}\nUse a base that the policy accepts. skopeo reads the policy from "
            f"`$HOME/.config/containers/policy.json` or `/etc/containers/policy.json`."
        )
    return (
        f"{origin}: the image {reference} cannot be fetched: {error}\nTo work without the "
        f"registry, keep the image in the repository: run `skopeo copy "
        f"docker://{reference.fetched} oci:images/base:base` on a machine with access. Then set "
        f'`base="images/base"`, or add the image to `[truss-images.bases]` for all trusses.'
    )


def _pin(
    reference: ImageReference, digest: str, origin: str
) -> Tuple[ImageReference, Tuple[str, ...]]:
    pinned = reference.pinned(digest)
    note = (
        f"Warning: {origin}: the registry may change the image behind {reference} at any time. To "
        f"pin it, write {pinned}"
    )
    return pinned, (note,)


def rules() -> Iterable[object]:
    return [*collect_rules(), *skopeo.rules()]
