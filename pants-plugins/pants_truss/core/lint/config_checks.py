"""What is wrong with a Truss config, all of it, with lines."""

from __future__ import annotations

from typing import Iterator, List

from pants_truss.core import truss_config, yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.lint.config_schema import Problem, schema_problems
from pants_truss.core.lint.finding import Finding
from pants_truss.core.yaml_document import YamlDocument


def check_config(path: str, content: bytes) -> List[Finding]:
    """`path` is where the config is, relative to the build root."""
    try:
        document = yaml_document.parse(content)
    except TrussError as e:
        return [Finding("config-schema", path, str(e), line=e.line, column=e.column)]
    own = list(truss_config.problems(document))
    findings = [Finding("config-schema", path, str(e), line=e.line, column=e.column) for e in own]
    told = {error.key for error in own}
    findings += _located(
        path, document, (p for p in schema_problems(document.data) if p.key[:1] not in told)
    )
    return findings


def _located(path: str, document: YamlDocument, problems: Iterator[Problem]) -> Iterator[Finding]:
    for problem in problems:
        line, column = document.position(problem.key) or (None, None)
        yield Finding(problem.rule, path, problem.message, problem.severity, line, column)
