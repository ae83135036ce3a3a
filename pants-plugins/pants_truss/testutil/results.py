"""Reads what rules return and raise."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

import pytest
from pants.engine.fs import Digest, DigestContents
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import RuleRunner

# The metadata of a batch of tests: Pants makes one batch for each target.
NO_METADATA: Any = None


def raised(caught: pytest.ExceptionInfo[ExecutionError]) -> Exception:
    """Returns the exception that a rule has raised."""
    errors: Sequence[Exception] = caught.value.wrapped_exceptions
    (error,) = errors
    return error


def texts(tested: Any) -> Tuple[str, str]:
    """Returns the output of a test, which is bytes from Pants 2.18 on."""
    if hasattr(tested, "stdout_bytes"):
        return tested.stdout_bytes.decode(), tested.stderr_bytes.decode()
    return tested.stdout, tested.stderr


def contents(rule_runner: RuleRunner, digest: Digest) -> Dict[str, bytes]:
    return {f.path: f.content for f in rule_runner.request(DigestContents, [digest])}


def files_in(rule_runner: RuleRunner, digest: Digest) -> Any:
    """Returns the files by their path, as text."""
    return {path: text.decode() for path, text in contents(rule_runner, digest).items()}
