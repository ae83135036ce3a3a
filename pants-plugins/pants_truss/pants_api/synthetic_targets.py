"""Targets without a BUILD file. Pants offers them to plugins, as an internal of its engine."""

from __future__ import annotations

from typing import Mapping, Tuple

from pants.engine.internals.synthetic_targets import (
    SyntheticAddressMaps,
    SyntheticTargetsRequest,
)
from pants.engine.internals.target_adaptor import TargetAdaptor

__all__ = ["SyntheticAddressMaps", "SyntheticTargetsRequest", "files_targets"]


def files_targets(
    request: SyntheticTargetsRequest, name: str, globs: Mapping[str, Tuple[str, ...]]
) -> SyntheticAddressMaps:
    """A target of the type `files` and of the given name in each folder, with its `sources`."""
    return SyntheticAddressMaps.for_targets_request(
        request,
        [
            (
                _build_file(folder, name),
                [TargetAdaptor("files", name, "pants_truss", sources=found)],
            )
            for folder, found in sorted(globs.items())
        ],
    )


def _build_file(folder: str, name: str) -> str:
    return f"{folder}/BUILD.{name}" if folder else f"BUILD.{name}"
