"""Files that the image of a truss cannot have, because their names delete other files in it."""

from __future__ import annotations

from typing import Iterable, Iterator

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.oci.whiteouts import WHY, advice, is_whiteout, whiteouts
from pants_truss.core.server_layout import place_in_image
from pants_truss.core.truss_config import TrussConfig


def check_whiteouts(files: Iterable[GatheredFile], config: TrussConfig) -> Iterator[Finding]:
    """Yields a warning for each such file of the image. An error would reject gathered trusses
    that are used as folders. Images reject such files themselves."""
    # This runs for each truss, and most have no such file.
    placed = place_in_image((file for file in files if is_whiteout(file.path)), config)
    for file in dict.fromkeys(placed[place] for place in whiteouts(placed)):
        yield Finding(
            "dropped-file",
            file.source or file.path,
            f"the image that a server builds from the truss does not have {file.path!r}. {WHY}. "
            f"{advice(file)}",
            Severity.WARNING,
        )
