from __future__ import annotations

from dataclasses import dataclass

import pytest
from pants.engine.addresses import Address
from pants.engine.target import FieldSet

from pants_truss.lint.rules import TrussLintFieldSet
from pants_truss.target_types.field_sets import TrussFieldSet, part_of
from pants_truss.target_types.truss import TrussConfigField, TrussTarget


@dataclass(frozen=True)
class OnlyConfig(FieldSet):
    required_fields = (TrussConfigField,)

    config: TrussConfigField


def test_parts_of_different_field_sets_are_equal() -> None:
    target = TrussTarget({"config": "prod.yaml"}, Address("a", target_name="t"))
    gather = TrussFieldSet.create(target)
    part = part_of(TrussFieldSet, TrussLintFieldSet.create(target))
    assert type(part) is TrussFieldSet
    assert part == gather and hash(part) == hash(gather)
    assert part != TrussLintFieldSet.create(target)
    config = part_of(OnlyConfig, gather)
    assert config == OnlyConfig.create(target)
    assert (config.address.spec, config.config.value) == ("a:t", "prod.yaml")


def test_missing_fields_are_refused() -> None:
    config = OnlyConfig.create(TrussTarget({}, Address("a")))
    with pytest.raises(AttributeError, match="sources"):
        part_of(TrussFieldSet, config)
