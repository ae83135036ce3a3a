"""Tells a Truss config from the `config.yaml` of another tool, by content."""

from __future__ import annotations

import re
from typing import Optional

from pants_truss.core import truss_config, yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.lint.config_schema import top_level_keys
from pants_truss.core.truss_config import TrussConfig

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


def parse_truss_config(content: bytes) -> Optional[TrussConfig]:
    """The config, if it may be one of Truss: a mapping with no key that marks another tool's, and
    with at least as many keys of Truss's as others, which may be misspelt."""
    try:
        document = yaml_document.parse(content)
        config = truss_config.read(document)
    except TrussError:
        return None
    data = document.data
    keys = {key for key in data if isinstance(key, str)}
    if len(keys) < len(data) or keys & FOREIGN_KEYS:
        return None
    known = keys & {*top_level_keys(), "hf_cache", "train"}
    return config if len(keys - known) <= len(known) else None


def is_truss(config: TrussConfig, model_source: Optional[bytes]) -> bool:
    """`model_source` is the file that the config means by its model class, if there is one. A truss
    has one that names the class, or a server that needs none."""
    if not config.needs_model:
        return True
    return model_source is not None and _names_class(model_source, config.model_class_name)


def _names_class(source: bytes, name: str) -> bool:
    text = source.decode("utf-8", "replace")
    word = re.escape(name)
    return bool(
        re.search(
            rf"^\s*(class\s+{word}\b|{word}\s*[:=]|def\s+{word}\b|(from|import)\b.*\b{word}\b)",
            text,
            re.MULTILINE,
        )
    )
