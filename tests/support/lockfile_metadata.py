"""Moves the header of each lockfile that the plugin ships into a file beside it.

    python3 tests/support/lockfile_metadata.py

for use after `./pants generate-lockfiles`, which writes the header. No form of a lockfile suits all
releases of Pants as well as this one:

* 2.33 and later fail if a lockfile that is a resource has no `X.lock.metadata` beside it;
* 2.30 and 2.31 read that file, and then do not strip the header, which is no JSON;
* earlier releases take a lockfile without a header as it is, and do not compare it with what it is
  used for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import List, Tuple

PLUGIN = Path("pants-plugins/pants_truss")


def shipped_lockfiles() -> List[Path]:
    return sorted(PLUGIN.rglob("*.lock"))


def metadata_file(lockfile: Path) -> Path:
    return lockfile.with_name(f"{lockfile.name}.metadata")


def split(text: str) -> Tuple[str, str]:
    """The metadata in the header of a lockfile, or nothing, and the lockfile without the header."""
    lines = text.splitlines(keepends=True)
    header = [line[2:] for line in lines if line.startswith("//")]
    rest = "".join(line for line in lines if not line.startswith("//")).lstrip("\n")
    starts = [number for number, line in enumerate(header) if line.startswith(" --- ")]
    if not starts:
        return "", rest
    begin, end = starts
    metadata = json.loads("".join(header[begin + 1 : end]))
    return json.dumps(metadata, indent=2) + "\n", rest


if __name__ == "__main__":
    for path in shipped_lockfiles():
        moved, without_header = split(path.read_text(encoding="utf-8"))
        if moved:
            metadata_file(path).write_text(moved, encoding="utf-8")
            path.write_text(without_header, encoding="utf-8")
