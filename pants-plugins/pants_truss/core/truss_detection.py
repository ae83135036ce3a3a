"""Tells a Truss config from the `config.yaml` of another tool, by content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Optional, Tuple

from pants_truss.core import yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.lint.release import default_release
from pants_truss.core.paths import join, normalize_inside
from pants_truss.core.truss_config import (
    DEFAULT_BUNDLED_PACKAGES_DIR,
    DEFAULT_DATA_DIR,
    DEFAULT_MODEL_CLASS_FILENAME,
    DEFAULT_MODEL_CLASS_NAME,
    DEFAULT_MODEL_MODULE_DIR,
    OTHER_SERVERS,
    needs_model,
)

# Keys by which other tools' configs begin, and that Truss has never had.
FOREIGN_KEYS = frozenset(
    {
        "_target_",
        "apiVersion",
        "clusters",
        "cluster_name",
        "defaults",
        "exporters",
        "http",
        "jobs",
        "kind",
        "model",
        "model_list",
        "pipeline",
        "plugins",
        "receivers",
        "scrape_configs",
        "services",
        "static_resources",
        "theme",
        "trainer",
        "version",
        "wandb_version",
        "workflows",
    }
)


# Keys that hardly any other tool has.
DISTINCTIVE_KEYS = frozenset(
    {
        *OTHER_SERVERS,
        "apply_library_patches",
        "base_image",
        "build_commands",
        "bundled_packages_dir",
        "examples_filename",
        "external_data",
        "external_package_dirs",
        "hf_cache",
        "live_reload",
        "model_cache",
        "model_class_filename",
        "model_class_name",
        "model_framework",
        "model_metadata",
        "model_module_dir",
        "model_name",
        "python_version",
        "requirements_file",
        "spec_version",
        "system_packages",
    }
)
# So many say enough without a model file.
_ENOUGH_KEYS = 3
# Without line breaks, as a search from each of many blank lines to the last takes too long.
_PREDICTS = re.compile(r"^[ \t\f]+(async[ \t]+)?def[ \t]+predict\b", re.MULTILINE)
_TRAINS = re.compile(r"^[ \t\f]*def[ \t]+forward\b", re.MULTILINE)
_DEFINES = re.compile(r"^(class|(async\s+)?def)\s+\w", re.MULTILINE)
_TOP_LEVEL = re.compile(r"^([A-Za-z_]\w*)[ \t]*:(?:[ \t]+['\"]?([^'\"#\s]+))?", re.MULTILINE)


@dataclass(frozen=True)
class DetectedConfig:
    """The parts of a config that detection needs, valid or not. `model_file` is relative to the
    truss, `external_package_dirs` are the strings of the file; values that are not valid count as
    missing. `content_folders` are those of the model, the data and the bundled packages, relative
    to the truss. `distinctive` are keys that Truss has and hardly any other tool;
    `has_other_keys` says that there are keys that Truss does not have."""

    model_file: str
    model_class_name: str
    needs_model: bool
    external_package_dirs: Tuple[str, ...]
    content_folders: Tuple[str, ...]
    distinctive: FrozenSet[str]
    has_other_keys: bool = False


def detect_config(content: bytes) -> Optional[DetectedConfig]:
    """None for the config of another tool. A Truss config is a mapping with no key that marks
    another tool's, and with at least as many keys of Truss's as others, which may be misspelt.
    A file that is not valid YAML must have a key that only Truss has."""
    try:
        data = yaml_document.parse(content).data
        is_yaml = True
    except TrussError:
        data = _top_level_scalars(content)
        is_yaml = False
    keys = {key for key in data if isinstance(key, str)}
    if len(keys) < len(data) or keys & FOREIGN_KEYS:
        return None
    known = keys & {*default_release().top_level_keys, "hf_cache", "train"}
    distinctive = keys & DISTINCTIVE_KEYS
    if len(keys - known) > len(known) or not (is_yaml or distinctive):
        return None
    folder = normalize_inside(_string(data, "model_module_dir", DEFAULT_MODEL_MODULE_DIR))
    file = normalize_inside(_string(data, "model_class_filename", DEFAULT_MODEL_CLASS_FILENAME))
    packages = data.get("external_package_dirs")
    return DetectedConfig(
        join(folder or "", file or DEFAULT_MODEL_CLASS_FILENAME),
        _string(data, "model_class_name", DEFAULT_MODEL_CLASS_NAME),
        needs_model(data),
        tuple(p for p in packages if isinstance(p, str)) if isinstance(packages, list) else (),
        tuple(
            content
            for content in (
                folder,
                normalize_inside(_string(data, "data_dir", DEFAULT_DATA_DIR)),
                normalize_inside(
                    _string(data, "bundled_packages_dir", DEFAULT_BUNDLED_PACKAGES_DIR)
                ),
            )
            if content
        ),
        frozenset(distinctive),
        keys > known,
    )


def _top_level_scalars(content: bytes) -> Dict[Any, Any]:
    """The keys of what should be a YAML mapping, with the values that stand in the
    same line, or True."""
    text = content.decode("utf-8", "replace").lstrip("\ufeff")
    return {found[1]: found[2] or True for found in _TOP_LEVEL.finditer(text)}


def _string(data: Dict[Any, Any], key: str, default: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) and value else default


def is_truss(config: DetectedConfig, model_source: Optional[bytes]) -> bool:
    """`model_source` is the file of the model class by the config, if it exists.

    The file of a truss names the class. It may also have a class of another name: then the config
    must have keys of Truss's own, or the class must predict.
    """
    if not config.needs_model:
        return True
    if model_source is None:
        return len(config.distinctive) >= _ENOUGH_KEYS
    text = model_source.decode("utf-8", "replace")
    if _PREDICTS.search(text):
        return True
    if config.has_other_keys and _TRAINS.search(text):
        # A network of a training project may be called `Model` too.
        return False
    if _names_class(text, config.model_class_name):
        return True
    return len(config.distinctive) > 1 and bool(_DEFINES.search(text))


def _names_class(text: str, name: str) -> bool:
    word = re.escape(name)
    return bool(
        re.search(
            rf"^[ \t\f]*(class[ \t]+{word}\b|{word}[ \t]*[:=]|def[ \t]+{word}\b"
            rf"|(from|import)\b.*\b{word}\b"
            rf"|from\b[^\n(]{{1,300}}\([^)]{{0,3000}}?\b{word}\b"
            r"|from[ \t]+[.\w]{1,300}[ \t]+import[ \t]*\*)",
            text,
            re.MULTILINE,
        )
    )
