"""The lines that `pants package` prints for a gathered truss, and for all of a run."""

from __future__ import annotations

from typing import Mapping

_UNITS = ("B", "kB", "MB", "GB", "TB")


def human_size(size: int) -> str:
    """`999 B`, `1.2 MB`: powers of 1000, as disks and registries count."""
    value = float(size)
    for unit in _UNITS:
        if value < 999.95 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def summarize(
    *, file_count: int, packages: Mapping[str, int], imported: int, size: int, digest: str
) -> str:
    """`12 files, 3 from src/shared/textkit, 2 imported, 1.2 MB, sha256:...`; what gave none is left
    out."""
    parts = [f"{file_count} file{'' if file_count == 1 else 's'}"]
    parts += [
        f"{count} from {root or 'the build root'}" for root, count in packages.items() if count
    ]
    if imported:
        parts.append(f"{imported} imported")
    return ", ".join([*parts, human_size(size), digest])


def summarize_run(*, rebuilt: int, unchanged: int, failed: int) -> str:
    """Returns `7 trusses: 2 rebuilt, 4 unchanged, 1 failed`, without counts that are zero."""
    total = rebuilt + unchanged + failed
    counts = {"rebuilt": rebuilt, "unchanged": unchanged, "failed": failed}
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    return f"{total} truss{'' if total == 1 else 'es'}: {', '.join(parts)}"
