"""Reports errors of Truss's own validation at the place in the config that they are about."""

from __future__ import annotations

import re
from typing import Any, List, Sequence

from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.problem import Problem, dotted
from pants_truss.core.requirement import redacted
from pants_truss.core.yaml_document import YamlDocument

# Steps of pydantic's locations that are no keys: the chosen one of several models.
_TAGS = {"trt_llm": ("v1", "v2"), "transport": ("http", "websocket", "grpc")}


def truss_error(
    path: str, document: YamlDocument, key: Sequence[str], message: str, release: Sequence[int]
) -> Finding:
    steps: List[object] = []
    data: Any = document.data
    for index, step in enumerate(key):
        if step == "[key]" or (index and step in _TAGS.get(key[index - 1], ())):
            continue
        # A key of a mapping may be digits too; to an unknown place, digits are an index.
        is_index = bool(re.fullmatch("[0-9]{1,9}", step)) and not isinstance(data, dict)
        steps.append(int(step) if is_index else step)
        data = _inside(data, steps[-1])
    where = f"`{dotted(steps)}`: " if steps else ""
    text = re.sub(r"^Value error, ", "", redacted(message).strip()).rstrip(".")
    version = ".".join(str(part) for part in release)
    problem = Problem(tuple(steps), f"Truss {version} refuses it: {where}{text}.")
    return problem.at(path, document)


def _inside(data: Any, step: object) -> Any:
    if isinstance(data, dict):
        return data.get(step)
    is_there = isinstance(data, list) and isinstance(step, int) and step < len(data)
    return data[step] if is_there else None
