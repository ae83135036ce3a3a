"""Validates configs with the configured Truss release, which has the last word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Tuple

from pants.engine.rules import collect_rules

from pants_truss.core import yaml_document
from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.truss_errors import truss_error
from pants_truss.pants_api import implicitly, rule
from pants_truss.sources.config_file import TrussConfigFile
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import (
    ConfigError,
    TrussReleaseRequest,
    ValidateConfigsRequest,
    find_truss_release,
    validate_configs,
)


@dataclass(frozen=True)
class TrussErrorsRequest:
    config_files: Tuple[TrussConfigFile, ...]


@dataclass(frozen=True)
class TrussErrors:
    """The findings of each config, in the order of the request."""

    findings: Tuple[Tuple[Finding, ...], ...]


@rule
async def find_truss_errors(request: TrussErrorsRequest) -> TrussErrors:
    files = request.config_files
    validated = await validate_configs(
        ValidateConfigsRequest(tuple(file.content for file in files)), **implicitly()
    )
    release = await find_truss_release(TrussReleaseRequest(), **implicitly())
    return TrussErrors(
        tuple(
            tuple(_describe(file, errors, release.version)) if errors else ()
            for file, errors in zip(files, validated.errors)
        )
    )


def _describe(
    file: TrussConfigFile, errors: Tuple[ConfigError, ...], release: Tuple[int, ...]
) -> Iterator[Finding]:
    document = yaml_document.parse(file.content)
    for error in errors:
        yield truss_error(file.path, document, error.key, error.message, release)


def rules() -> Iterable[object]:
    return [*collect_rules(), *truss_cli.rules()]
