"""Finds the target of an image, and the truss that it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.engine.addresses import Address, Addresses, UnparsedAddressInputs
from pants.engine.rules import collect_rules
from pants.engine.target import FieldSet, InferDependenciesRequest, InferredDependencies, Target
from pants.engine.unions import UnionRule

from pants_truss.image.target_types import TrussImageTrussField, check_builder
from pants_truss.pants_api import implicitly, resolve_targets, resolve_unparsed_address_inputs, rule
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.field_sets import TrussFieldSet


@dataclass(frozen=True)
class FindTrussOfImageRequest:
    field: TrussImageTrussField


@dataclass(frozen=True)
class TrussOfImage:
    truss: TrussFieldSet


@rule
async def find_truss_of_image(request: FindTrussOfImageRequest) -> TrussOfImage:
    field = request.field
    origin = f"the `{field.alias}` field of the target {field.address}"
    addresses = await resolve_unparsed_address_inputs(
        UnparsedAddressInputs(
            (field.value,), owning_address=field.address, description_of_origin=origin
        ),
        **implicitly(),
    )
    targets = await resolve_targets(Addresses(addresses))
    trusses = [target for target in targets if TrussFieldSet.is_applicable(target)]
    if len(trusses) != 1:
        found = f"a {targets[0].alias!r} target" if targets else "nothing"
        raise InvalidTruss.of(
            field.address,
            f"`{field.alias}` is {field.value!r}, which is {found}. Name a `truss`.",
        )
    return TrussOfImage(TrussFieldSet.create(trusses[0]))


@dataclass(frozen=True)
class CheckImageTargetRequest:
    address: Address


@dataclass(frozen=True)
class ImageTarget:
    target: Target


@rule
async def check_image_target(request: CheckImageTargetRequest) -> ImageTarget:
    targets = await resolve_targets(Addresses([request.address]))
    check_builder(targets[0])
    return ImageTarget(targets[0])


@dataclass(frozen=True)
class TrussImageInferenceFieldSet(FieldSet):
    required_fields = (TrussImageTrussField,)

    truss: TrussImageTrussField


class InferTrussOfImage(InferDependenciesRequest):  # type: ignore[type-arg]
    infer_from = TrussImageInferenceFieldSet


@rule
async def infer_truss_of_image(request: InferTrussOfImage) -> InferredDependencies:
    found = await find_truss_of_image(
        FindTrussOfImageRequest(request.field_set.truss), **implicitly()
    )
    return InferredDependencies([found.truss.address])


def rules() -> Iterable[object]:
    return [*collect_rules(), UnionRule(InferDependenciesRequest, InferTrussOfImage)]
