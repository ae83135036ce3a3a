"""What is wrong with a Truss config, all of it, with lines."""

from __future__ import annotations

import itertools
from typing import Iterable, Iterator, List

from pants_truss.core import truss_config, yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.lint.config_rules import rule_problems
from pants_truss.core.lint.config_schema import Problem, schema_problems
from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.injection import injection_problems
from pants_truss.core.lint.secret_scan import config_secrets
from pants_truss.core.yaml_document import YamlDocument

# More than anyone mends at a time; a file of other data has thousands.
MAX_FINDINGS = 100
MAX_MESSAGE = 600


def check_config(path: str, content: bytes) -> List[Finding]:
    """`path` is where the config is, relative to the build root."""
    try:
        document = yaml_document.parse(content)
    except TrussError as e:
        return [Finding("config-schema", path, _fit(str(e)), line=e.line, column=e.column)]
    own = list(truss_config.problems(document))
    told = {error.key[:1] for error in own}
    data = document.data
    problems = (
        *config_secrets(document),
        *injection_problems(data),
        *rule_problems(data),
    )
    every = itertools.chain(problems, schema_problems(data))
    others = (problem for problem in every if problem.key[:1] not in told)
    findings = [
        *(Finding("config-schema", path, _fit(str(e)), line=e.line, column=e.column) for e in own),
        *_located(path, document, itertools.islice(others, MAX_FINDINGS)),
    ]
    return findings


def _located(path: str, document: YamlDocument, problems: Iterable[Problem]) -> Iterator[Finding]:
    for problem in problems:
        line, column = document.position(problem.key) or (None, None)
        yield Finding(problem.rule, path, _fit(problem.message), problem.severity, line, column)


def _fit(message: str) -> str:
    """Values in it may be of any length."""
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE - 1]}…"
