"""Resolves where packaging writes in `dist/`, and refuses a path that is taken."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Iterable, List, Optional, Sequence, Tuple

from pants.core.util_rules import distdir
from pants.core.util_rules.distdir import DistDir
from pants.engine.addresses import Address, Addresses
from pants.engine.rules import collect_rules
from pants.engine.target import AllTargets, Target

from pants_truss.core.output_path import NAMES, unknown_names
from pants_truss.core.output_path import TAR_SUFFIX as TAR_SUFFIX
from pants_truss.core.paths import is_within, join, normalize_inside
from pants_truss.pants_api import implicitly, resolve_targets, rule
from pants_truss.pants_api.output_path_field import TemplateOutputPathField
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.lint import TrussLintSubsystem
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.target_types.truss import TrussOutputPathField


@dataclass(frozen=True)
class ResolveOutputPathRequest:
    """`field` belongs to a truss, a training or an image."""

    field: TemplateOutputPathField


@dataclass(frozen=True)
class OutputPath:
    """Relative to `dist/`."""

    path: str


@dataclass(frozen=True)
class AllOutputPathsRequest:
    pass


@dataclass(frozen=True)
class AllOutputPaths:
    """The outputs of every target of the plugin in the repository, the main one first."""

    paths: Tuple[Tuple[Address, Tuple[str, ...]], ...]


@rule
async def find_all_output_paths(_: AllOutputPathsRequest, targets: AllTargets) -> AllOutputPaths:
    return AllOutputPaths(
        tuple(
            (target.address, target[TemplateOutputPathField].outputs(target))
            for target in targets
            if target.has_field(TemplateOutputPathField)
        )
    )


@dataclass(frozen=True)
class _Taken:
    """Paths below `dist/` that something other than the target writes to, the main one first.
    `owner` is its address, or a description."""

    owner: str
    paths: Tuple[str, ...]
    is_target: bool


@rule
async def resolve_output_path(
    request: ResolveOutputPathRequest,
    publish: TrussPublishSubsystem,
    lint: TrussLintSubsystem,
    dist_dir: DistDir,
) -> OutputPath:
    field = request.field
    targets = await resolve_targets(Addresses([field.address]))
    target = targets[0]
    path = field.outputs(target)[0]
    default = _with_value(field, None).outputs(target)[0]
    _refuse_unknown_names(field)
    if not normalize_inside(path):
        kind = "folder" if _is_of_truss(field) else "path"
        raise InvalidTruss.of(
            field.address,
            f"its `{field.alias}` must be a {kind} below `dist/`, but was {field.value!r}. Write "
            f'`{field.alias}="{default}"`, or remove it.',
        )
    others: List[Tuple[Address, Tuple[str, ...]]] = []
    if path != default or _default_may_meet_another(field):
        found = await find_all_output_paths(AllOutputPathsRequest(), **implicitly())
        others = [(address, paths) for address, paths in found.paths if address != field.address]
    taken = [
        *_written_by_goals(publish, lint, str(dist_dir.relpath)),
        *(_Taken(str(address), paths, is_target=True) for address, paths in others),
    ]
    _refuse_overlap(field, target, default, taken)
    return OutputPath(path)


def _refuse_unknown_names(field: TemplateOutputPathField) -> None:
    unknown = unknown_names(field.value)
    if unknown:
        known = ", ".join(f"`${{{name}}}`" for name in NAMES)
        raise InvalidTruss.of(
            field.address,
            f"its `{field.alias}` {field.value!r} has `${{{unknown[0]}}}` in it, which stands for "
            f"nothing. Use {known}.",
        )


def _is_of_truss(field: TemplateOutputPathField) -> bool:
    return isinstance(field, TrussOutputPathField)


def _default_may_meet_another(field: TemplateOutputPathField) -> bool:
    """`a.b:t` and `a/b:t` have one default path. `a:t.tar` has that of `a:t` packaged as one file,
    and `a:t-arm64` writes the same bill of materials as `a:t` for several platforms. Trusses look
    for others only if there is a dot in their address, because most then do not depend on all
    targets of the repository. Images, which are few, always do."""
    address = field.address
    has_dot = "." in address.spec_path or "." in address.target_name
    return has_dot or not address.spec_path or not _is_of_truss(field)


def _written_by_goals(
    publish: TrussPublishSubsystem, lint: TrussLintSubsystem, dist: str
) -> List[_Taken]:
    """Returns files that other goals keep below `dist/`. Pants deletes the outputs of a target
    before it writes them, and everything below them."""
    found = []
    state = normalize_inside(publish.state_file.replace("{distdir}", dist))
    if state and is_within(state, dist):
        name = "the state of pushes (`[truss-publish].state_file`)"
        found.append(_Taken(name, (posixpath.relpath(state, dist),), is_target=False))
    report = normalize_inside(lint.report or "")
    if report:
        name = "the report of `pants lint` (`[truss-lint].report`)"
        found.append(_Taken(name, (join("lint/truss", report),), is_target=False))
    return found


def _refuse_overlap(
    field: TemplateOutputPathField, target: Target, default: str, taken: Sequence[_Taken]
) -> None:
    own = field.outputs(target)
    for other in taken:
        pair = _overlap(own, other.paths)
        if not pair:
            continue
        mine, theirs = pair
        if _is_main(mine, own) and _is_main(theirs, other.paths):
            whose = f"that of {other.owner}" if other.is_target else other.owner
            what = f"its `{field.alias}` {own[0]!r} overlaps {whose}, {other.paths[0]!r}"
        else:
            what = f"its output {mine!r} overlaps {theirs!r} of {other.owner}"
        kind = "folder" if _is_of_truss(field) else "path"
        free = _free_path(field, target, default, taken)
        raise InvalidTruss.of(
            field.address,
            f"{what}: one would overwrite the other. Give it a {kind} of its own: "
            f'`{field.alias}="{free}"`.',
        )


def _is_main(path: str, outputs: Sequence[str]) -> bool:
    return path in (outputs[0], outputs[0] + TAR_SUFFIX)


def _free_path(
    field: TemplateOutputPathField, target: Target, path: str, taken: Sequence[_Taken]
) -> str:
    def is_free(candidate: str) -> bool:
        outputs = _with_value(field, candidate).outputs(target)
        return not any(_overlap(outputs, other.paths) for other in taken)

    candidates = (path, *(f"{path}-{number}" for number in range(2, len(taken) + 100)))
    return next((c for c in candidates if is_free(c)), candidates[-1])


def _overlap(paths: Sequence[str], others: Sequence[str]) -> Optional[Tuple[str, str]]:
    """Returns the first pair of which one would overwrite the other."""
    return next(
        (
            (path, other)
            for path in paths
            for other in others
            if is_within(path, other) or is_within(other, path)
        ),
        None,
    )


def _with_value(field: TemplateOutputPathField, value: Optional[str]) -> TemplateOutputPathField:
    return type(field)(value, field.address)


def rules() -> Iterable[object]:
    return [*collect_rules(), *distdir.rules()]
