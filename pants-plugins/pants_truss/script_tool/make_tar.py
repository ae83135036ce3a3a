"""Writes the files of a folder as one reproducible tar: its bytes depend only on the names,
contents and modes of the files.

    make_tar.py spec.json

The keys of spec.json: `tree`, the folder; `executables`, paths below it (the mode on disk is not
reliable: Pants links large files from a store where all are executable); `parts`, a folder of files
that this script made, which come first and are copied unchanged; `out`, the file to write; `end`,
True if the tar ends here, False if it is a part of another.
"""

import json
import os
import shutil
import stat
import sys
import tarfile
from typing import Any, BinaryIO, Dict, Iterator, List

CHUNK = 1024 * 1024


def files_below(folder: str) -> List[str]:
    """Returns paths relative to the folder, sorted by the bytes of the paths."""
    return sorted(_walk(folder, ""), key=os.fsencode)


def _walk(folder: str, prefix: str) -> Iterator[str]:
    if not os.path.isdir(folder):
        return
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


def add(path: str, source: str, mode: int, out: BinaryIO) -> None:
    # Following a link would add a file that nothing has checked.
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{path!r} is not a file")
        info = tarfile.TarInfo(path)
        info.size = found.st_size
        info.mode = mode
        out.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        shutil.copyfileobj(file, out, CHUNK)
        out.write(bytes(-info.size % tarfile.BLOCKSIZE))


def main(spec: Dict[str, Any]) -> None:
    executables = set(spec["executables"])
    with open(spec["out"], "wb") as out:
        for part in files_below(spec["parts"]):
            with open(os.path.join(spec["parts"], part), "rb") as file:
                shutil.copyfileobj(file, out, CHUNK)
        for path in files_below(spec["tree"]):
            mode = 0o755 if path in executables else 0o644
            add(path, os.path.join(spec["tree"], path), mode, out)
        if spec["end"]:
            out.write(bytes(2 * tarfile.BLOCKSIZE))
            out.write(bytes(-out.tell() % tarfile.RECORDSIZE))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as spec_file:
        main(json.load(spec_file))
