"""Writes the files that the installed Truss adds to a truss to make an image: the Dockerfile, the
server, lists of requirements. Runs inside the tool.

    make_context.py truss context

`context` holds none of the truss's own files except the config, which Truss rewrites.
"""

import filecmp
import shutil
import sys
from pathlib import Path

from truss.truss_handle.truss_handle import TrussHandle


def make_context(truss: Path, context: Path) -> None:
    TrussHandle(truss).docker_build_setup(context)
    # A second copy of all files, from which Baseten computes a digest.
    shutil.rmtree(context / "build_hash", ignore_errors=True)
    for file in sorted(truss.rglob("*")):
        copy = context / file.relative_to(truss)
        if file.is_file() and copy.is_file() and filecmp.cmp(file, copy, shallow=False):
            copy.unlink()
    for cache in sorted(context.rglob("__pycache__")):
        shutil.rmtree(cache)


if __name__ == "__main__":
    make_context(Path(sys.argv[1]), Path(sys.argv[2]))
