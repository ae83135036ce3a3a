"""Validates a config with the configured Truss release, which has the last word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.engine.rules import collect_rules

from pants_truss.core import yaml_document
from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.truss_errors import truss_error
from pants_truss.pants_api import implicitly, rule
from pants_truss.sources.config_file import TrussConfigFile
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import (
    TrussReleaseRequest,
    ValidateConfigRequest,
    find_truss_release,
    validate_config,
)


@dataclass(frozen=True)
class TrussErrorsRequest:
    config_file: TrussConfigFile


@dataclass(frozen=True)
class TrussErrors:
    findings: Tuple[Finding, ...]


@rule
async def find_truss_errors(request: TrussErrorsRequest) -> TrussErrors:
    file = request.config_file
    validated = await validate_config(ValidateConfigRequest(file.content), **implicitly())
    if not validated.errors:
        return TrussErrors(())
    release = await find_truss_release(TrussReleaseRequest(), **implicitly())
    document = yaml_document.parse(file.content)
    return TrussErrors(
        tuple(
            truss_error(file.path, document, error.key, error.message, release.version)
            for error in validated.errors
        )
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *truss_cli.rules()]
