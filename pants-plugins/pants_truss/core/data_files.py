"""Data files beside Python modules, and which of them a module opens."""

from __future__ import annotations

import ast
import posixpath
import re
from fnmatch import fnmatchcase
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
# `../x`, `os.pardir`, `here.parent.parent`, `here.parents[1]`, `dirname(dirname(here))`, and usual
# names of the root of a project.
_LEAVES = re.compile(
    rb"[\"'/]\.\.[\"'/]|\bpardir\b|\.parent\s*\.parent\b|\.parents\s*\[|dirname\([\w.]*dirname\("
    rb"|\bROOT\b|\bBASE_DIR\b"
)

_UNKNOWN_FOLDERS = re.compile(r"^(?:(?:\*|\.{1,2})?/)+")


def is_data(path: str) -> bool:
    """Returns True if code usually opens such a file. `path` is relative to its module."""
    *folders, name = path.split("/")
    return (
        posixpath.splitext(name)[1].lower() in _DATA_SUFFIXES
        and not _OF_TOOLS.fullmatch(name)
        and not _NOT_SERVED.intersection(folders)
    )


def named_strings(source: bytes) -> FrozenSet[str]:
    """The strings of a module that can be the name or path of a file, with a `*` for each value
    that is formatted into one."""
    try:
        tree = parse(source)
        found: Iterable[str] = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        formatted = (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
        return frozenset(filter(_can_be_path, [*found, *map(_pattern, formatted)]))
    except (SyntaxError, ValueError, RecursionError):
        # It may be of a newer Python than this one.
        text = source.decode("utf-8", "replace")
        quoted = re.findall(r"'([^'\n]*)'|\"([^\"\n]*)\"", text)
        return frozenset(filter(_can_be_path, (one or other for one, other in quoted)))


def _pattern(formatted: ast.JoinedStr) -> str:
    """`*.json` for `f"{language}.json"`."""
    parts = (
        each.value if isinstance(each, ast.Constant) and isinstance(each.value, str) else "*"
        for each in formatted.values
    )
    return re.sub(r"\*\*+", "*", "".join(parts))


def _can_be_path(text: str) -> bool:
    return 0 < len(text) <= 255 and "\n" not in text


def is_named(path: str, strings: Collection[str]) -> bool:
    """Returns True if one of the strings is the name of the file, or the end of its path; `*` in
    one stands for any part of a name."""
    name = path.rpartition("/")[2]
    if name in strings:
        return True
    for text in strings:
        if "*" in text:
            end = _UNKNOWN_FOLDERS.sub("", text)
            # Most texts that are formatted do not name files.
            if _is_pattern(text, end) and fnmatchcase(f"/{path}", f"*/{end}"):
                return True
        elif text.endswith(f"/{name}"):
            if f"/{path}".endswith(f"/{_UNKNOWN_FOLDERS.sub('', text)}"):
                return True
    return False


def _is_pattern(text: str, end: str) -> bool:
    """Returns True if `end` has a suffix of data files, or three letters before another suffix. If
    the folder is unknown too, as in `f"{folder}/{name}.json"`, a suffix is not enough."""
    name = end.rpartition("/")[2]
    stem, suffix = posixpath.splitext(name)
    if not suffix or "*" in suffix or re.search(r"[\[?\s]", name):
        return False
    says_more = len(stem.replace("*", "")) > 2
    return says_more or (suffix.lower() in _DATA_SUFFIXES and ("/" in end or "/" not in text))


def is_folder_named(path: str, strings: Collection[str]) -> bool:
    """Returns True if each folder of the path is a part of one of the strings, as in
    `open("res/x.json")`, `join("res", "x.json")` and `read_text("kit.res", "x.json")`."""
    parts = {part for text in strings for part in re.split(r"[/.]", text)}
    return parts.issuperset(path.split("/")[:-1])


def leaves_its_folder(source: bytes) -> bool:
    """Returns True if the code names the folder above that of its module."""
    return bool(_LEAVES.search(source))
