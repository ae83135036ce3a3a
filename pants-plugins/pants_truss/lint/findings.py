"""All that linting finds in one truss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, Iterable, Optional, Tuple

from pants.engine.rules import collect_rules
from pants.util.collections import partition_sequentially

from pants_truss.core.lint.finding import Finding, fatal
from pants_truss.core.lint.report import LintedTruss
from pants_truss.core.lint.silence import Silence
from pants_truss.core.paths import join
from pants_truss.gather import blocking_findings, gather, truss_validation
from pants_truss.gather.blocking_findings import find_blocking_findings
from pants_truss.gather.truss_validation import TrussErrorsRequest, find_truss_errors
from pants_truss.pants_api import concurrently, implicitly, per_session, rule
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.sources.config_file import InvalidTruss, TrussConfigFile
from pants_truss.subsystems.lint import InvalidLintOptions, TrussLintSubsystem, TrussValidation
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.truss_cli.rules import TrussCliFailed

# The number of configs that one process of Truss validates, on average. It takes half a second to
# start, and some milliseconds for each config. After an edit, one batch is validated again.
BATCH = 32


@dataclass(frozen=True)
class FallibleLintedTruss:
    """`to_validate` is the config if Truss itself has still to validate it."""

    linted: LintedTruss
    to_validate: Optional[TrussConfigFile] = None
    silence: Silence = Silence()


@rule(desc="Lint truss")
async def lint_truss(truss: TrussFieldSet, subsystem: TrussLintSubsystem) -> FallibleLintedTruss:
    """An error that stops planning is a finding, so that the other trusses are linted."""
    try:
        found = await find_blocking_findings(truss, **implicitly())
        is_next = subsystem.validate_with_truss is TrussValidation.CHECK
        return FallibleLintedTruss(
            LintedTruss(truss.address.spec, subsystem.policy.apply(found.findings)),
            found.planned.config_file if is_next and not fatal(found.findings) else None,
            found.silence,
        )
    except (InvalidLintOptions, TrussCliFailed):
        raise
    except InvalidTruss as e:
        findings = e.findings or (_cannot_gather(truss, e.what),)
    except Exception as e:
        # An error of Pants itself, which cannot parse a file, for example.
        findings = (_pants_fails(_config_path(truss), e),)
    await find_session(SessionRequest(), **implicitly())
    return FallibleLintedTruss(LintedTruss(truss.address.spec, subsystem.policy.apply(findings)))


def _config_path(truss: TrussFieldSet) -> str:
    return join(truss.address.spec_path, truss.config.value)


def _pants_fails(path: str, error: Exception) -> Finding:
    return Finding("cannot-gather", path, f"Pants fails on it: {error}")


def _cannot_gather(truss: TrussFieldSet, what: str) -> Finding:
    path = _config_path(truss)
    return Finding(
        "cannot-gather", path, what[len(path) + 2 :] if what.startswith(f"{path}: ") else what
    )


@dataclass(frozen=True)
class LintTrussesRequest:
    trusses: Tuple[TrussFieldSet, ...]


@dataclass(frozen=True)
class LintedTrusses:
    """In the order of the request."""

    trusses: Tuple[LintedTruss, ...]


@rule
async def lint_all_trusses(
    request: LintTrussesRequest, subsystem: TrussLintSubsystem
) -> LintedTrusses:
    """Lints each truss by itself, then has Truss validate the configs of all in batches."""
    linted = await concurrently(lint_truss(truss, **implicitly()) for truss in request.trusses)
    files = {each.to_validate.path: each.to_validate for each in linted if each.to_validate}
    batches = list(partition_sequentially(files, key=str, size_target=BATCH, size_max=2 * BATCH))
    errors: Dict[str, Tuple[Finding, ...]] = {}
    try:
        answers = await concurrently(
            find_truss_errors(
                TrussErrorsRequest(tuple(files[path] for path in paths)), **implicitly()
            )
            for paths in batches
        )
        for paths, answer in zip(batches, answers):
            errors.update(zip(paths, answer.findings))
    except TrussCliFailed:
        raise
    except Exception as e:
        # An error of Pants itself, which has no Python for Truss, for example. Findings from
        # before are kept.
        await find_session(SessionRequest(), **implicitly())
        errors = {path: (_pants_fails(path, e),) for path in files}
    return LintedTrusses(
        tuple(
            _with_errors(each, errors[each.to_validate.path], subsystem)
            if each.to_validate
            else each.linted
            for each in linted
        )
    )


def _with_errors(
    truss: FallibleLintedTruss, errors: Tuple[Finding, ...], subsystem: TrussLintSubsystem
) -> LintedTruss:
    findings = [*truss.linted.findings, *truss.silence.keep(errors)]
    return replace(truss.linted, findings=subsystem.policy.apply(findings))


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *blocking_findings.rules(),
        *gather.rules(),
        *per_session.rules(),
        *truss_validation.rules(),
    ]
