"""The files of distributions as pip installs them, whichever release of Pex has installed them.

That of Pants 2.17 runs `pip install`. Later ones unpack wheels themselves: without `INSTALLER` and
`REQUESTED`, with `RECORD` in the order of the wheel, and with console scripts of their own, which
look for variables of Pex. An image is to have the same bytes on each release of Pants.
"""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import posixpath
import re
from typing import Collection, Dict, Iterator, Mapping, Tuple

_INSTALLER, _REQUESTED = b"pip\n", b""
# Pex puts no interpreter there: `core.oci.site_files.script_for_image` does. The rest is what pip
# writes, by distlib.
_SCRIPT = """\
#!python
# -*- coding: utf-8 -*-
import re
import sys
from {module} import {name}
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit({attribute}())
"""
_ENTRY_POINT = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<attribute>[\w.]+)\s*(\[[^]]*\])?")


def as_pip_installs(metadata: Mapping[str, bytes], paths: Collection[str]) -> Dict[str, bytes]:
    """What to write in place of, or beside, the files at `paths`, by path.

    `metadata` has `INSTALLER`, `RECORD` and `entry_points.txt` of each folder `NAME.dist-info`, as
    far as there are any. A distribution with an `INSTALLER` is left as it is.
    """
    changed: Dict[str, bytes] = {}
    for record in sorted(path for path in metadata if path.endswith(".dist-info/RECORD")):
        folder = posixpath.dirname(record)
        if f"{folder}/INSTALLER" in metadata:
            continue
        written = {f"{folder}/INSTALLER": _INSTALLER, f"{folder}/REQUESTED": _REQUESTED}
        for path, content in _scripts(metadata.get(f"{folder}/entry_points.txt", b"")):
            if path in paths:
                written[path] = content
        changed.update(written)
        changed[record] = _with_files(metadata[record], written)
    return changed


def _scripts(entry_points: bytes) -> Iterator[Tuple[str, bytes]]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(entry_points.decode("utf-8"))
    except (UnicodeDecodeError, configparser.Error):
        return
    if not parser.has_section("console_scripts"):
        return
    for name, value in parser.items("console_scripts"):
        found = _ENTRY_POINT.fullmatch(value.strip())
        if found:
            attribute = found["attribute"]
            yield (
                f"bin/{name}",
                _SCRIPT.format(
                    module=found["module"],
                    name=attribute.partition(".")[0],
                    attribute=attribute,
                ).encode(),
            )


def _with_files(record: bytes, written: Mapping[str, bytes]) -> bytes:
    lines = [line.rstrip("\r") for line in record.decode("utf-8").split("\n") if line.strip()]
    kept = [line for line in lines if next(csv.reader([line]))[0] not in written]
    added = [_row(path, content) for path, content in written.items()]
    return "".join(f"{line}\n" for line in sorted([*kept, *added])).encode()


def _row(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([path, f"sha256={digest}", len(content)])
    return text.getvalue()
