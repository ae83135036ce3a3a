"""Where a gathered truss goes in `dist/`, and that no other truss goes there too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Sequence, Tuple

from pants.engine.addresses import Address
from pants.engine.rules import collect_rules
from pants.engine.target import AllTargets

from pants_truss.core.output_path import NAMES, unknown_names
from pants_truss.core.paths import is_within, normalize_inside
from pants_truss.pants_api import implicitly, rule
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.truss import TrussOutputPathField

# Of a truss that is packaged as one file.
TAR_SUFFIX = ".tar"


@dataclass(frozen=True)
class ResolveOutputPathRequest:
    field: TrussOutputPathField


@dataclass(frozen=True)
class OutputPath:
    """Relative to `dist/`."""

    path: str


@dataclass(frozen=True)
class AllOutputPathsRequest:
    pass


@dataclass(frozen=True)
class AllOutputPaths:
    """The output path of every truss of the repository."""

    paths: Tuple[Tuple[Address, str], ...]


@rule
async def find_all_output_paths(_: AllOutputPathsRequest, targets: AllTargets) -> AllOutputPaths:
    return AllOutputPaths(
        tuple(
            (target.address, _path(target[TrussOutputPathField]))
            for target in targets
            if target.has_field(TrussOutputPathField)
        )
    )


@rule
async def resolve_output_path(request: ResolveOutputPathRequest) -> OutputPath:
    field = request.field
    path = _path(field)
    _refuse_unknown_names(field)
    if not normalize_inside(path):
        raise InvalidTruss.of(
            field.address,
            f"its `{field.alias}` must be a folder below `dist/`, but was {field.value!r}. Write "
            f'`{field.alias}="{_default(field)}"`, or remove it.',
        )
    if path != _default(field) or _default_may_meet_another(field.address):
        others = await find_all_output_paths(AllOutputPathsRequest(), **implicitly())
        _refuse_overlap(field, path, others)
    return OutputPath(path)


def _refuse_unknown_names(field: TrussOutputPathField) -> None:
    unknown = unknown_names(field.value)
    if unknown:
        known = ", ".join(f"`${{{name}}}`" for name in NAMES)
        raise InvalidTruss.of(
            field.address,
            f"its `{field.alias}` {field.value!r} has `${{{unknown[0]}}}` in it, which stands for "
            f"nothing. Use {known}.",
        )


def _default_may_meet_another(address: Address) -> bool:
    """`a.b:t` and `a/b:t` have one default path, and `a:t.tar` has that of `a:t` packaged as one
    file. Only the ones with the dot look for the other, so that most trusses need not ask all
    targets of the repository."""
    with_dot = "." in address.spec_path or address.target_name.endswith(TAR_SUFFIX)
    return with_dot or not address.spec_path


def _refuse_overlap(field: TrussOutputPathField, path: str, others: AllOutputPaths) -> None:
    taken = [(address, other) for address, other in others.paths if address != field.address]
    for address, other in taken:
        if _overlap(path, other):
            free = _free_path(_default(field), [other for _, other in taken])
            raise InvalidTruss.of(
                field.address,
                f"its `{field.alias}` {path!r} overlaps that of {address}, {other!r}: one would "
                f'overwrite the other. Give it a folder of its own: `{field.alias}="{free}"`.',
            )


def _free_path(path: str, taken: Sequence[str]) -> str:
    candidates = (path, *(f"{path}-{number}" for number in range(2, len(taken) + 3)))
    return next(c for c in candidates if not any(_overlap(c, other) for other in taken))


def _overlap(path: str, other: str) -> bool:
    # Whether each is a directory or a tar, the other's target may say otherwise tomorrow.
    return any(
        is_within(one, two) or is_within(two, one)
        for one in (path, path + TAR_SUFFIX)
        for two in (other, other + TAR_SUFFIX)
    )


def _path(field: TrussOutputPathField) -> str:
    return field.value_or_default(file_ending=None)


def _default(field: TrussOutputPathField) -> str:
    return _path(TrussOutputPathField(None, field.address))


def rules() -> Iterable[object]:
    return collect_rules()
