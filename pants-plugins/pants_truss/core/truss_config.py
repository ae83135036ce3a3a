"""Reads and checks the parts of a Truss config that gathering uses.

Key names, types and defaults are those of `truss.base.truss_config.TrussConfig`. Truss checks
everything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from pants_truss.core import yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.paths import is_within, join, normalize_inside
from pants_truss.core.redaction import may_show
from pants_truss.core.requirement_files import logical_lines
from pants_truss.core.yaml_document import YamlDocument

CONFIG_FILE = "config.yaml"
DEFAULT_BUNDLED_PACKAGES_DIR = "packages"
DEFAULT_MODEL_MODULE_DIR = "model"
DEFAULT_MODEL_CLASS_FILENAME = "model.py"
DEFAULT_MODEL_CLASS_NAME = "Model"
DEFAULT_DATA_DIR = "data"
DEFAULT_EXAMPLES_FILENAME = "examples.yaml"
DEFAULT_PYTHON_VERSION = "py313"

# Keys of servers that load no model class: they run in images that Baseten makes.
OTHER_SERVERS = ("docker_server", "trt_llm", "bis_llm")


@dataclass(frozen=True)
class TrussConfig:
    """The part of a config that decides which files are gathered, and their paths.

    `external_package_dirs` holds the strings of the file, in its order. `python_version` is as
    Truss writes it, such as `py311`. `needs_model` is False for a server that loads no model class.
    `bundled_packages_dir`, `model_module_dir`, `model_file` (the file of the model class),
    `data_dir`, `examples_filename` and `requirements_file` are normalised paths relative to the
    truss.
    """

    external_package_dirs: Tuple[str, ...] = ()
    bundled_packages_dir: str = DEFAULT_BUNDLED_PACKAGES_DIR
    model_module_dir: str = DEFAULT_MODEL_MODULE_DIR
    model_file: str = f"{DEFAULT_MODEL_MODULE_DIR}/{DEFAULT_MODEL_CLASS_FILENAME}"
    model_class_name: str = DEFAULT_MODEL_CLASS_NAME
    data_dir: str = DEFAULT_DATA_DIR
    examples_filename: str = DEFAULT_EXAMPLES_FILENAME
    python_version: str = DEFAULT_PYTHON_VERSION
    requirements: Tuple[str, ...] = ()
    requirements_file: Optional[str] = None
    needs_model: bool = True

    @property
    def requirement_lines(self) -> Tuple[str, ...]:
        """The lines of all entries. An entry may have several, of which one may continue another;
        Truss writes each to pip's file."""
        return tuple(filter(None, logical_lines("\n".join(self.requirements))))

    @property
    def python(self) -> Tuple[int, int]:
        """The Python of the truss, such as (3, 11). Truss's default if the config names none that
        Truss knows."""
        match = re.fullmatch(r"py3([89]|1[0-9])", self.python_version)
        return (3, int(match.group(1) if match else DEFAULT_PYTHON_VERSION[3:]))


_PATH_KEYS = (
    "requirements_file",
    "model_module_dir",
    "model_class_filename",
    "data_dir",
    "examples_filename",
)


def parse(content: bytes) -> TrussConfig:
    """Reads a config file. Raises `TrussError` with the line, the key, its value and the fix."""
    return read(yaml_document.parse(content))


def read(document: YamlDocument) -> TrussConfig:
    """Like `parse`, for a document that is already parsed."""
    for problem in problems(document):
        raise problem
    data = document.data
    return TrussConfig(
        external_package_dirs=_external_package_dirs(data),
        bundled_packages_dir=_bundled_packages_dir(data),
        model_module_dir=_model_module_dir(data),
        model_file=join(
            _model_module_dir(data),
            normalize_inside(_string(data, "model_class_filename", DEFAULT_MODEL_CLASS_FILENAME))
            or "",
        ),
        model_class_name=_string(data, "model_class_name", DEFAULT_MODEL_CLASS_NAME),
        data_dir=normalize_inside(_string(data, "data_dir", DEFAULT_DATA_DIR)) or "",
        examples_filename=normalize_inside(
            _string(data, "examples_filename", DEFAULT_EXAMPLES_FILENAME)
        )
        or "",
        python_version=_python_version(data),
        requirements=_strings(data, "requirements", "requirements", "numpy"),
        requirements_file=_requirements_file(data),
        needs_model=needs_model(data),
    )


def needs_model(data: Dict[Any, Any]) -> bool:
    """Returns True if the server of the truss loads a model class."""
    return not any(data.get(key) for key in OTHER_SERVERS)


def problems(document: YamlDocument) -> Iterator[TrussError]:
    """Yields every error that `parse` would raise, in its order."""
    checks: Tuple[Callable[[Dict[Any, Any]], object], ...] = (
        *(partial(_check_inside, key=key) for key in _PATH_KEYS),
        _external_package_dirs,
        _bundled_packages_dir,
        partial(_string, key="model_class_filename", default=DEFAULT_MODEL_CLASS_FILENAME),
        partial(_string, key="model_class_name", default=DEFAULT_MODEL_CLASS_NAME),
        partial(_string, key="data_dir", default=DEFAULT_DATA_DIR),
        partial(_string, key="examples_filename", default=DEFAULT_EXAMPLES_FILENAME),
        _python_version,
        partial(_strings, key="requirements", items="requirements", example="numpy"),
        _requirements_file,
    )
    for check in checks:
        try:
            check(document.data)
        except TrussError as e:
            e.line, e.column = document.position(e.key) or (None, None)
            yield e


def _external_package_dirs(data: Dict[Any, Any]) -> Tuple[str, ...]:
    key = "external_package_dirs"
    value = _strings(data, key, "folders", "../shared")
    for entry in value:
        _check_characters(key, entry)
    return value


def nearest_python_version(minor: int) -> str:
    """What to write for Python 3.`minor`, which Truss may not have or may drop: `py310` for 8."""
    return f"py3{min(max(minor, 10), 14)}"


def _python_version(data: Dict[Any, Any]) -> str:
    key = "python_version"
    value = data.get(key)
    # YAML reads 3.11 as a number, and 3.10 as 3.1.
    minors = {3.1: 10, **{float(f"3.{n}"): n for n in (8, 9, *range(11, 20))}}
    meant = DEFAULT_PYTHON_VERSION if isinstance(value, float) else ""
    if isinstance(value, float) and value in minors:
        meant = nearest_python_version(minors[value])
    return _string(data, key, DEFAULT_PYTHON_VERSION, meant)


def _requirements_file(data: Dict[Any, Any]) -> Optional[str]:
    key = "requirements_file"
    if data.get(key) is None:
        return None
    return normalize_inside(_string(data, key, "requirements.txt")) or None


def _strings(data: Dict[Any, Any], key: str, items: str, example: str) -> Tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list):
        example = value if isinstance(value, str) and value and may_show(value) else example
        raise TrussError(
            f"`{key}` must be a list of {items}, but is {_show(value)}. Write "
            f"`{key}: [{example}]`.",
            key=(key,),
        )
    for entry in value:
        if not isinstance(entry, str):
            raise TrussError(
                f"`{key}` must hold strings, but one entry is {_show(entry)}. {_quoted(entry)}",
                key=(key,),
            )
        half = re.search("[\ud800-\udfff]", entry)
        if half:
            # YAML has escapes for these. No file can hold them.
            raise TrussError(
                f"an entry of `{key}` has half a character, U+{ord(half[0]):04X}. Write the "
                f"character itself.",
                key=(key,),
            )
    return tuple(value)


def _quoted(entry: Any) -> str:
    # Mappings and lists are never shown: they may hold a credential.
    text = _number_text(entry)
    return f'Quote it: `"{text}"`.' if text else 'Write `"..."` in its place.'


def _model_module_dir(data: Dict[Any, Any]) -> str:
    return normalize_inside(_string(data, "model_module_dir", DEFAULT_MODEL_MODULE_DIR)) or ""


def _bundled_packages_dir(data: Dict[Any, Any]) -> str:
    key = "bundled_packages_dir"
    value = _string(data, key, DEFAULT_BUNDLED_PACKAGES_DIR)
    model_module_dir = _string(data, "model_module_dir", DEFAULT_MODEL_MODULE_DIR)
    _check_characters(key, value)
    normal = normalize_inside(value)
    if normal is None:
        raise TrussError(
            f"`{key}` must be a folder inside the truss, but is {value!r}. Write "
            f"`{key}: packages`.",
            key=(key,),
        )
    if not normal or normal in (CONFIG_FILE, ".truss_ignore"):
        # Shared code would overwrite config.yaml and model/; Truss allows that (r30).
        raise TrussError(
            f"`{key}` must be a folder of its own in the truss, but is {value!r}. Write "
            f"`{key}: packages`.",
            key=(key,),
        )
    model_dir = normalize_inside(model_module_dir)
    if model_dir and (is_within(normal, model_dir) or is_within(model_dir, normal)):
        free = "bundled" if is_within(model_dir, DEFAULT_BUNDLED_PACKAGES_DIR) else "packages"
        raise TrussError(
            f"`{key}` is {value!r}, which overlaps `model_module_dir` {model_module_dir!r}: "
            f"shared code would mix with the model's. Write `{key}: {free}`.",
            key=(key,),
        )
    return normal


def _check_inside(data: Dict[Any, Any], key: str) -> None:
    value = data.get(key)
    if isinstance(value, str):
        _check_characters(key, value)
    if isinstance(value, str) and value and normalize_inside(value) is None:
        name = value.rstrip("/").rpartition("/")[2] or "name"
        raise TrussError(
            f"`{key}` is {value!r}, which lies outside the truss and would not be gathered. Move "
            f"the file into the truss and write `{key}: {name}`.",
            key=(key,),
        )


def _check_characters(key: str, path: str) -> None:
    # No file system holds such a path, and some of them crash the engine.
    bad = [char for char in path if ord(char) < 32 or 0xD800 <= ord(char) <= 0xDFFF]
    if bad:
        raise TrussError(
            f"`{key}` has the character {bad[0]!a} in {path!a}. Remove it.", key=(key,)
        )


def _string(data: Dict[Any, Any], key: str, default: str, example: str = "") -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise TrussError(
            f"`{key}` must be a string, but is {_show(value)}. Write "
            f"`{key}: {example or default}`.",
            key=(key,),
        )
    return value


def _show(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"the string {value!r}" if may_show(value) else "a string"
    if isinstance(value, (int, float)):
        text = _number_text(value)
        kind = "boolean" if isinstance(value, bool) else "number"
        return f"the {kind} {text}" if text else "a number"
    return f"a {type(value).__name__}"


def _number_text(value: Any) -> Optional[str]:
    """Returns a number or boolean as in YAML. None for anything else, and for very long numbers,
    which Python refuses to print."""
    is_short = isinstance(value, (int, float)) and abs(value) < 1e300
    return str(value).lower() if is_short else None
