"""The trusses that a command is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.base.specs_parser import SpecsParser
from pants.engine.addresses import Addresses
from pants.engine.fs import GlobMatchErrorBehavior
from pants.engine.rules import collect_rules
from pants.engine.target import Target

from pants_truss.pants_api import (
    CommandLineOptions,
    implicitly,
    resolve_addresses_from_raw_specs,
    resolve_unexpanded_targets,
    rule,
)
from pants_truss.target_types.field_sets import TrussFieldSet


@dataclass(frozen=True)
class TrussesOfRunRequest:
    pass


@dataclass(frozen=True)
class TrussesOfRun:
    """The trusses that the command line names; none with `--changed-since`. Pants tells a package
    rule no more than that."""

    targets: Tuple[Target, ...]


@rule
async def find_trusses_of_run(
    _: TrussesOfRunRequest, command_line: CommandLineOptions
) -> TrussesOfRun:
    specs = SpecsParser().parse_specs(
        command_line.options.specs,
        description_of_origin="the command line",
        unmatched_glob_behavior=GlobMatchErrorBehavior.ignore,
    )
    included = await resolve_addresses_from_raw_specs(specs.includes, **implicitly())
    ignored = set(await resolve_addresses_from_raw_specs(specs.ignores, **implicitly()))
    named = [address for address in included if address not in ignored]
    targets = await resolve_unexpanded_targets(Addresses(named))
    return TrussesOfRun(tuple(filter(TrussFieldSet.is_applicable, targets)))


def rules() -> Iterable[object]:
    return collect_rules()
