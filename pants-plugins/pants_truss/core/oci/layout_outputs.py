"""The files that packaging writes beside an image layout."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from pants_truss.core.oci.documents import Platform
from pants_truss.core.oci.sbom import FILE_SUFFIX as SBOM_SUFFIX
from pants_truss.core.output_path import TAR_SUFFIX


def paths_beside(output: str, platforms: Sequence[Platform]) -> Tuple[str, ...]:
    """Returns the path of these files for each platform, without their suffixes."""
    if len(platforms) == 1:
        return (output,)
    suffixes = (str(platform).partition("/")[2].replace("/", "-") for platform in platforms)
    return tuple(f"{output}-{suffix}" for suffix in suffixes)


def layout_outputs(
    output: str, platforms: Sequence[Platform], *, archives: bool
) -> Tuple[str, ...]:
    """Returns the layout and all files beside it. `archives` is True if each image is also written
    as one file."""
    found: List[str] = [output]
    for beside in paths_beside(output, platforms):
        found += [beside + SBOM_SUFFIX, *([beside + TAR_SUFFIX] if archives else [])]
    return tuple(found)
