"""Reads the `RECORD` of an installed wheel, which lists its files. Wheels are not trusted, and few
tools look at this file."""

from __future__ import annotations

import csv
from typing import Iterator, List, Tuple


def record_lines(record: bytes) -> Iterator[Tuple[str, List[str]]]:
    """Yields each line and its fields: path, hash, size; no fields if the line cannot be read.

    Bytes that are not UTF-8 are surrogates, so that a line can be written as it was.
    """
    for line in record.decode("utf-8", "surrogateescape").split("\n"):
        line = line.rstrip("\r")
        if not line.strip():
            continue
        try:
            fields: List[str] = next(csv.reader([line]), [])
        except csv.Error:
            # A NUL, a lone carriage return, or a field of more than 131,072 characters.
            fields = []
        yield line, fields
