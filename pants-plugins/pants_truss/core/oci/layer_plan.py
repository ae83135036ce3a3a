"""Decides which file of a truss goes into which layer of its image.

Layers are ordered so that the content that changes least lies lowest: registries and machines that
pull then transfer only the changed layers. The order is the server of the Truss release, data, code
shared with other trusses (one layer for each of its folders), and the truss's own code and config.
See docs/images.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.paths import is_within
from pants_truss.core.server_layout import DATA, PACKAGES
from pants_truss.core.source_tree import GENERATED, TRUSS

DATA_LAYER = "data"
MODEL_LAYER = "model"
OTHER_PACKAGES = "other shared packages"


@dataclass(frozen=True)
class PlannedLayer:
    """`files` maps paths in the layout of `core.server_layout` to files, sorted."""

    name: str
    files: Mapping[str, GatheredFile]


def plan_layers(files: Mapping[str, GatheredFile], shared_layers: int) -> Tuple[PlannedLayer, ...]:
    """Returns the layers, lowest first. The model's layer always exists; others only if not empty.

    `shared_layers` limits the layers of shared packages. Beyond the limit, the first folders by
    name have one layer each and the rest share the last one. The split is by name, not by size:
    otherwise an edit that makes a folder larger would move files of others between layers.
    """
    data: Dict[str, GatheredFile] = {}
    model: Dict[str, GatheredFile] = {}
    shared: Dict[str, Dict[str, GatheredFile]] = {}
    for path, file in sorted(files.items()):
        root = shared_root(path, file)
        if is_within(path, DATA):
            data[path] = file
        elif root is None:
            model[path] = file
        else:
            shared.setdefault(root, {})[path] = file
    layers = [PlannedLayer(DATA_LAYER, data)] if data else []
    layers += _shared_layers(shared, max(1, shared_layers))
    return (*layers, PlannedLayer(MODEL_LAYER, model))


def _shared_layers(
    shared: Mapping[str, Mapping[str, GatheredFile]], most: int
) -> List[PlannedLayer]:
    roots = sorted(shared)
    alone = roots if len(roots) <= most else roots[: most - 1]
    layers = [PlannedLayer(root, shared[root]) for root in alone]
    rest = {path: file for root in roots[len(alone) :] for path, file in shared[root].items()}
    if rest:
        layers.append(PlannedLayer(OTHER_PACKAGES, {path: rest[path] for path in sorted(rest)}))
    return layers


def shared_root(path: str, file: GatheredFile) -> Optional[str]:
    """Returns the folder of shared code that a file in the layout comes from: an external package,
    or the source root of an imported module. None for a file of the truss itself."""
    if file.reason in (TRUSS, GENERATED) or not file.source or not is_within(path, PACKAGES):
        return None
    below = path[len(PACKAGES) :]
    return file.source[: -len(below)] if file.source.endswith(below) else file.source
