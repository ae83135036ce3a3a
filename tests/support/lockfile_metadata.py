"""Writes, beside each lockfile that the plugin ships, the file that Pants 2.33 and later reads.

    python3 tests/support/lockfile_metadata.py

Earlier releases read the same metadata from the header of the lockfile. Pants 2.33 looks for
`X.lock.metadata` first, and fails if a lockfile that is a resource has none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

PLUGIN = Path("pants-plugins/pants_truss")
_BEGIN, _END = "// --- BEGIN PANTS LOCKFILE METADATA", "// --- END PANTS LOCKFILE METADATA"


def shipped_lockfiles() -> List[Path]:
    return sorted(PLUGIN.rglob("*.lock"))


def metadata_file(lockfile: Path) -> Path:
    return lockfile.with_name(f"{lockfile.name}.metadata")


def header(lockfile: Path) -> Any:
    """The metadata in the header of a lockfile, as JSON."""
    _, _, text = lockfile.read_text(encoding="utf-8").partition(_BEGIN)
    block, end, _ = text.partition(_END)
    assert end, f"{lockfile} has no header of Pants"
    return json.loads("\n".join(line[2:] for line in block.splitlines()[1:]))


def metadata(lockfile: Path) -> str:
    return json.dumps(header(lockfile), indent=2) + "\n"


if __name__ == "__main__":
    for path in shipped_lockfiles():
        metadata_file(path).write_text(metadata(path), encoding="utf-8")
