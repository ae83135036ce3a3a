"""Data files beside Python modules, and which of them a module opens."""

from __future__ import annotations

import ast
import posixpath
import re
from typing import Collection, FrozenSet, Iterable

from pants_truss.core.python_syntax import parse

# What code opens more often than people read. A file with another suffix counts if it is named.
_DATA_SUFFIXES = frozenset(
    """
    .avro .bin .bz2 .csv .db .feather .gz .h5 .hdf5 .html .jinja .jinja2 .j2 .jpeg .jpg .joblib
    .json .jsonl .mp3 .mo .model .msgpack .npy .npz .onnx .parquet .pb .pickle .pkl .png .pt .pth
    .safetensors .sql .sqlite .tflite .tmpl .tsv .ttf .vocab .wav .xml .yaml .yml .zip
    """.split()
)
_NOT_SERVED = frozenset(
    {"docs", "examples", "fixtures", "notebooks", "test", "testdata", "test_data", "tests"}
)
# Files of tools that lie beside code.
_OF_TOOLS = re.compile(
    r"config\.ya?ml|package(-lock)?\.json|pyrightconfig\.json|tsconfig\.json|\..*|.*\.lock|"
    r"(docker-)?compose.*\.ya?ml|environment\.ya?ml|mkdocs\.ya?ml"
)


def is_data(path: str) -> bool:
    """Returns True if code usually opens such a file. `path` is relative to its module."""
    *folders, name = path.split("/")
    return (
        posixpath.splitext(name)[1].lower() in _DATA_SUFFIXES
        and not _OF_TOOLS.fullmatch(name)
        and not _NOT_SERVED.intersection(folders)
    )


def named_strings(source: bytes) -> FrozenSet[str]:
    """The strings of a module that can be the name or path of a file."""
    try:
        found: Iterable[str] = (
            node.value
            for node in ast.walk(parse(source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        return frozenset(filter(_can_be_path, found))
    except (SyntaxError, ValueError, RecursionError):
        # It may be of a newer Python than this one.
        text = source.decode("utf-8", "replace")
        quoted = re.findall(r"'([^'\n]*)'|\"([^\"\n]*)\"", text)
        return frozenset(filter(_can_be_path, (one or other for one, other in quoted)))


def _can_be_path(text: str) -> bool:
    return 0 < len(text) <= 255 and "\n" not in text


def is_named(path: str, strings: Collection[str]) -> bool:
    """Returns True if one of the strings is the name of the file, or the end of its path."""
    name = path.rpartition("/")[2]
    if name in strings:
        return True
    return any(
        text.endswith(f"/{name}") and f"/{path}".endswith("/" + text.lstrip("./"))
        for text in strings
    )


def is_folder_named(path: str, strings: Collection[str]) -> bool:
    """Returns True if each folder of the path is a part of one of the strings, as in
    `open("res/x.json")`, `join("res", "x.json")` and `read_text("kit.res", "x.json")`."""
    parts = {part for text in strings for part in re.split(r"[/.]", text)}
    return parts.issuperset(path.split("/")[:-1])
