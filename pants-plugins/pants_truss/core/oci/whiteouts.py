"""Names that mean something to a layer of an image: an entry `.wh.NAME` deletes NAME.

Source: the OCI image format specification, v1.1, "Whiteouts" of image layers. `.wh..wh..opq`
deletes everything that lower layers have in its folder, and names that begin with `.wh..wh.` are
skipped. A file of such a name cannot be in an image: engines delete another file instead.
"""

from __future__ import annotations

import posixpath
from typing import Iterable, List, Mapping, Optional

from pants_truss.core.errors import TrussError
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.oci.wheel_record import record_lines

PREFIX = ".wh."
_SHOWN = 3
WHY = f"In an image, a name that begins with `{PREFIX}` deletes another file"


def is_whiteout(path: str) -> bool:
    """Returns True if the file or a folder around it has such a name."""
    return path.startswith(PREFIX) or f"/{PREFIX}" in path


def whiteouts(paths: Iterable[str]) -> List[str]:
    return sorted({path for path in paths if is_whiteout(path)})


def refuse_in_truss(files: Mapping[str, GatheredFile]) -> None:
    """Raises `TrussError` if a file cannot be in an image. `files` are those of an image, by their
    places in it. Other files of a truss, such as those that it ignores, may have any name."""
    found = [files[place] for place in whiteouts(files)]
    if found:
        named = enumerated([_described(file) for file in found])
        raise TrussError(f"an image cannot contain {named}. {WHY}. {advice(found[0])}")


def _described(file: GatheredFile) -> str:
    return f"{file.path!r} (from {file.described_source})" if file.source else repr(file.path)


def advice(file: GatheredFile) -> str:
    """Says what to do with a file that has such a name."""
    if not file.target:
        return "Rename it."
    return f"Rename it, or write `{pattern(file.path)}` in `sources` of {file.target}."


def pattern(path: str) -> str:
    """Returns the pattern that leaves the file out of `sources`."""
    parts = path.split("/")
    first = next(index for index, part in enumerate(parts) if part.startswith(PREFIX))
    return f'"!**/{parts[first]}{"/**" if first + 1 < len(parts) else ""}"'


def enumerated(names: List[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def distribution_of(path: str, records: Mapping[str, bytes]) -> Optional[str]:
    """Returns the distribution, such as `numpy 2.1`, that installs the file. `records` are the
    `RECORD` files by path. Scripts have another folder in them, so the last part of the path
    decides if no record has all of it."""
    name = posixpath.basename(path)
    by_name = None
    for record, content in sorted(records.items()):
        folder = posixpath.basename(posixpath.dirname(record))
        distribution = folder[: -len(".dist-info")].replace("-", " ", 1)
        for _, row in record_lines(content):
            if row and row[0] == path:
                return distribution
            if row and posixpath.basename(row[0]) == name:
                by_name = by_name or distribution
    return by_name


def refuse_in_distributions(paths: Iterable[str], records: Mapping[str, bytes]) -> None:
    """Raises `TrussError` if an installed file cannot be in an image. The message continues a
    sentence about a truss."""
    found = whiteouts(paths)
    if found:
        owner = distribution_of(found[0], records)
        whose = f"the distribution {owner}" if owner else "a distribution in its requirements"
        raise TrussError(
            f"{whose} installs {enumerated([repr(path) for path in found])}, which an image cannot "
            f"contain. {WHY}. Use another release of the distribution, or remove it from the "
            f"requirements."
        )
