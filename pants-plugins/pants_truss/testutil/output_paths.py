"""Resolves the output path of a target, as packaging does."""

from __future__ import annotations

from typing import Optional

import pytest
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.gather import output_path
from pants_truss.gather.output_path import OutputPath, ResolveOutputPathRequest
from pants_truss.pants_api.output_path_field import TemplateOutputPathField
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.testutil.results import raised

RULES = (*output_path.rules(), QueryRule(OutputPath, [ResolveOutputPathRequest]))


def resolve(rule_runner: RuleRunner, folder: str, name: Optional[str] = None) -> str:
    target = rule_runner.get_target(Address(folder, target_name=name))
    request = ResolveOutputPathRequest(target[TemplateOutputPathField])
    return rule_runner.request(OutputPath, [request]).path


def error(rule_runner: RuleRunner, folder: str, name: Optional[str] = None) -> str:
    with pytest.raises(ExecutionError) as caught:
        resolve(rule_runner, folder, name)
    found = raised(caught)
    assert isinstance(found, InvalidTruss)
    return str(found)
