"""A problem at a key of a config, and access to the values in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, Sequence, Tuple

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.terminal import visible_line
from pants_truss.core.yaml_document import YamlDocument

Data = Dict[Any, Any]
Key = Tuple[Any, ...]


@dataclass(frozen=True)
class Problem:
    """`key` leads to the value: `("resources", "cpu")`."""

    key: Key
    message: str
    severity: Severity = Severity.ERROR
    rule: str = "config-schema"

    def at(self, path: str, document: YamlDocument) -> Finding:
        """In the config at `path`, at the line of the key or of the nearest one above it."""
        line, column = document.position(self.key) or (None, None)
        return Finding(self.rule, path, self.message, self.severity, line, column)


def dotted(key: Sequence[Any]) -> str:
    """`resources.cpu`, `weights[0].source`; a key with line breaks stays in one line."""
    text = ""
    for step in key:
        if isinstance(step, int) and text:
            text += f"[{step}]"
        else:
            name = visible_line(str(step))
            text += f".{name}" if text else name
    return text


def mapping(data: Any, *path: str) -> Data:
    """That at the path; empty where there is none, or something else."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def items(data: Data, key: str) -> Iterator[Tuple[Key, Any]]:
    """The entries of a list, with their keys."""
    value = data.get(key)
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        yield (key, index), entry


def mappings(data: Data, key: str) -> Iterator[Tuple[Key, Data]]:
    """Those entries of a list that are mappings, with their keys."""
    return ((at, entry) for at, entry in items(data, key) if isinstance(entry, dict))
