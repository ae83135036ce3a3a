"""The trusses that a command is about."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.base.build_environment import get_buildroot
from pants.base.specs import RawSpecs, RecursiveGlobSpec, Specs
from pants.base.specs_parser import SpecsParser
from pants.engine.fs import GlobMatchErrorBehavior
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules
from pants.engine.target import Target

from pants_truss.pants_api import CommandLineOptions, filter_targets, implicitly, rule
from pants_truss.target_types.field_sets import TrussFieldSet


@dataclass(frozen=True)
class TrussesOfRunRequest:
    pass


@dataclass(frozen=True)
class TrussesOfRun:
    """The trusses that the command line names, in the order in which Pants has them, without those
    that `--tag` and `--filter-...` leave out. Pants tells a package rule no more than that: with
    `--changed-since` these are all trusses of the repository, and `is_exact` is False."""

    targets: Tuple[Target, ...]
    is_exact: bool


@rule
async def find_trusses_of_run(
    _: TrussesOfRunRequest, command_line: CommandLineOptions
) -> TrussesOfRun:
    origin = "the command line"
    changed = command_line.options.for_scope("changed")
    is_exact = not (changed.since or changed.diffspec)
    if is_exact:
        specs = SpecsParser().parse_specs(
            command_line.options.specs,
            description_of_origin=origin,
            unmatched_glob_behavior=GlobMatchErrorBehavior.ignore,
        )
    else:
        everything = RawSpecs(
            recursive_globs=(RecursiveGlobSpec(""),),
            filter_by_global_options=True,
            description_of_origin=origin,
        )
        specs = Specs(includes=everything, ignores=RawSpecs(description_of_origin=origin))
    targets = await filter_targets(specs, **implicitly())
    return TrussesOfRun(tuple(filter(TrussFieldSet.is_applicable, targets)), is_exact)


class FolderTakenForFile(Exception):
    """The command line names a folder in a way that Pants takes for a file."""


@dataclass(frozen=True)
class CheckSpecsRequest:
    pass


@dataclass(frozen=True)
class CheckedSpecs:
    """Each folder that the command line names is one to Pants as well."""


@rule
async def check_specs(
    _: CheckSpecsRequest, command_line: CommandLineOptions, run_id: RunId
) -> CheckedSpecs:
    """Pants takes a path with a dot in its last part for a file, and finds no targets there."""
    specs = SpecsParser().parse_specs(
        command_line.options.specs,
        description_of_origin="the command line",
        unmatched_glob_behavior=GlobMatchErrorBehavior.ignore,
    )
    for literal in specs.includes.file_literals:
        if os.path.isdir(os.path.join(get_buildroot(), literal.file)):
            raise FolderTakenForFile(
                f"`{literal.file}` is a folder, but Pants takes a name with a dot for a file. "
                f"Write `{literal.file}:` for its targets, or `{literal.file}::` for those below "
                f"it too."
            )
    return CheckedSpecs()


def rules() -> Iterable[object]:
    return collect_rules()
