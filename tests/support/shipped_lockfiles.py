"""Makes what the plugin ships of the lockfiles that `./pants generate-lockfiles` has written.

    python3 tests/support/shipped_lockfiles.py

The header of each goes into a file beside it. No form of a lockfile suits all releases of Pants as
well as this one:

* 2.33 and later fail if a lockfile that is a resource has no `X.lock.metadata` beside it;
* 2.30 and 2.31 read that file, and then do not strip the header, which is no JSON;
* earlier releases take a lockfile without a header as it is, and do not compare it with what it is
  used for.

And each is written a second time for newer releases: `pants_truss/engine/lockfiles.py` has why.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import List, Tuple

PLUGIN = Path("pants-plugins/pants_truss")
NEWER_PIP = "24.2"


def shipped_lockfiles() -> List[Path]:
    """Those that Pants generates."""
    return sorted(path for path in PLUGIN.rglob("*.lock") if not path.stem.endswith("_pip24"))


def with_newer_pip(lockfile: Path) -> Path:
    return lockfile.with_name(f"{lockfile.stem}_pip24.lock")


def naming_newer_pip(text: str) -> str:
    """The lockfile `text`, with another pip to download what it locks."""
    changed, count = re.subn(
        r'^  "pip_version": "[^"]*"', f'  "pip_version": "{NEWER_PIP}"', text, flags=re.MULTILINE
    )
    assert count == 1, f"{count} lines name a pip"
    return changed


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
        newer = with_newer_pip(path)
        newer.write_text(naming_newer_pip(without_header), encoding="utf-8")
        metadata_file(newer).write_bytes(metadata_file(path).read_bytes())
