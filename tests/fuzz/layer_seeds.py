"""Layers of base images that fuzzing starts from."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Dict, List, Tuple

_FILE, _LINK, _FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE
Entry = Tuple[str, bytes, str]

_DEBIAN: List[Entry] = [
    ("usr/bin/python3", _LINK, "python3.11"),
    ("usr/bin/python3.11", _FILE, ""),
    ("usr/lib/python3.11/os.py", _FILE, ""),
    ("usr/lib/python3/dist-packages", _FOLDER, ""),
    ("lib64/ld-linux-x86-64.so.2", _FILE, ""),
]
_VENV: List[Entry] = [
    ("opt/venv/bin/python3", _LINK, "/usr/bin/python3.11"),
    ("opt/venv/pyvenv.cfg", _FILE, ""),
    ("usr/bin/.wh..wh..opq", _FILE, ""),
    ("usr/.wh.x", _FILE, ""),
    ("usr/bin/python3.11", _FILE, ""),
    ("opt/hard", tarfile.LNKTYPE, "usr/bin/python3.11"),
]


def _tar(entries: List[Entry], form: int, headers: Dict[str, str]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form, pax_headers=headers) as tar:
        for name, kind, target in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            info.size = 3 if kind == _FILE else 0
            tar.addfile(info, io.BytesIO(b"abc"[: info.size]))
    # Without the padding to 10 kB: small inputs are faster.
    return data.getvalue().rstrip(b"\0").ljust(1, b"\0") + b"\0" * 1536


LAYERS = [
    _tar(_DEBIAN, tarfile.USTAR_FORMAT, {}),
    _tar(_VENV, tarfile.GNU_FORMAT, {}),
    _tar([("a" * 120, _FILE, ""), ("b", _LINK, "c" * 120)], tarfile.GNU_FORMAT, {}),
    _tar([("\u00e9" * 60, _FILE, "")], tarfile.PAX_FORMAT, {"comment": "x"}),
    gzip.compress(_tar(_DEBIAN, tarfile.USTAR_FORMAT, {}), mtime=0),
]
