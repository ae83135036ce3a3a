"""Reports everything that is wrong with a Truss config, with line numbers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import List

from pants_truss.core import truss_config, yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.lint.config_rules import rule_problems
from pants_truss.core.lint.config_schema import schema_problems
from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.injection import injection_problems
from pants_truss.core.lint.release import ReleaseTables
from pants_truss.core.lint.secret_scan import config_secrets
from pants_truss.core.yaml_document import YamlDocument

# More than anyone fixes at a time. A file that holds other data has thousands.
MAX_FINDINGS = 100
MAX_MESSAGE = 600


def check_config(path: str, content: bytes, release: ReleaseTables) -> List[Finding]:
    """`path` is where the config is, relative to the build root."""
    try:
        document = yaml_document.parse(content)
    except TrussError as e:
        return [error_finding(path, e)]
    return check_document(path, document, release)


def check_document(path: str, document: YamlDocument, release: ReleaseTables) -> List[Finding]:
    own = list(truss_config.problems(document))
    reported = {error.key[:1] for error in own}
    data = document.data
    problems = (
        *config_secrets(data),
        *injection_problems(data),
        *rule_problems(data, release),
    )
    every = itertools.chain(problems, schema_problems(data, release))
    others = (problem for problem in every if problem.key[:1] not in reported)
    return [
        *(error_finding(path, error) for error in own),
        *(_fit(p.at(path, document)) for p in itertools.islice(others, MAX_FINDINGS)),
    ]


def error_finding(path: str, error: TrussError) -> Finding:
    """What makes a config unreadable, for one at `path`."""
    return _fit(Finding("config-schema", path, str(error), line=error.line, column=error.column))


def _fit(finding: Finding) -> Finding:
    """Values in its message may be of any length."""
    if len(finding.message) <= MAX_MESSAGE:
        return finding
    return replace(finding, message=f"{finding.message[:MAX_MESSAGE - 1]}…")
