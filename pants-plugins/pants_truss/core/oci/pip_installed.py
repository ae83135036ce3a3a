"""Makes installed distributions look as pip installs them, on every release of Pex.

The Pex of Pants 2.17 runs `pip install`. Later ones unpack wheels themselves: without `INSTALLER`
and `REQUESTED`, with `RECORD` in the order of the wheel, and with their own console scripts, which
read variables of Pex. An image must have the same bytes on each release of Pants.
"""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import posixpath
import re
from typing import Collection, Dict, Iterator, List, Mapping, Tuple

from pants_truss.core.oci.wheel_record import record_lines

_INSTALLER, _REQUESTED = b"pip\n", b""
# The script that pip writes, by distlib. Pex does not set its interpreter;
# `core.oci.sys_path_hook.script_for_image` does.
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
    """Returns the files to write in place of, or beside, those at `paths`, by path.

    `metadata` holds `INSTALLER`, `RECORD` and `entry_points.txt` of each folder `NAME.dist-info`,
    if they exist. A distribution with an `INSTALLER` stays unchanged.
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


def describe_collisions(records: Mapping[str, bytes], hashes: Mapping[str, str]) -> Tuple[str, ...]:
    """A sentence for each pair of distributions that have files of one name with different bytes.

    `records` are the `RECORD` files by path; `hashes` the SHA-256 in hexadecimal of each file that
    is installed, by path.
    """
    claims: Dict[str, Dict[str, str]] = {}
    for record, content in sorted(records.items()):
        name = posixpath.basename(posixpath.dirname(record))[: -len(".dist-info")]
        for path, fingerprint in _recorded(content):
            claims.setdefault(path, {})[name.replace("-", " ", 1)] = fingerprint
    found: Dict[Tuple[Tuple[str, ...], str], List[str]] = {}
    for path, claimed in sorted(claims.items()):
        if len(set(claimed.values())) > 1:
            installed = [name for name, value in claimed.items() if value == hashes.get(path)]
            kept = installed[0] if installed else ""
            found.setdefault((tuple(sorted(claimed)), kept), []).append(path)
    return tuple(_collision(names, kept, paths) for (names, kept), paths in found.items())


_SHOWN = 3


def _collision(names: Tuple[str, ...], kept: str, paths: List[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    whose = f"The image has the file of {kept}." if kept else "The image has one of them."
    return f"{' and '.join(names)} both install {', '.join(paths[:_SHOWN])}{more}. {whose}"


def _recorded(record: bytes) -> Iterator[Tuple[str, str]]:
    """The paths in a `RECORD` that have a SHA-256, with it in hexadecimal."""
    for _, row in record_lines(record):
        if len(row) > 1 and row[1].startswith("sha256="):
            encoded = row[1][len("sha256=") :]
            try:
                value = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            except ValueError:
                continue
            yield row[0], value.hex()


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
    kept = [line for line, row in record_lines(record) if not row or row[0] not in written]
    added = [_row(path, content) for path, content in written.items()]
    lines = (f"{line}\n" for line in sorted([*kept, *added]))
    return "".join(lines).encode("utf-8", "surrogateescape")


def _row(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([path, f"sha256={digest}", len(content)])
    return text.getvalue()
