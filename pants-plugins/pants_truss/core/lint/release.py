"""What linting knows of a release of Truss."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Dict, FrozenSet, Optional, Tuple

from pants_truss.core.lint import tables

Schema = Dict[str, Any]


@dataclass(frozen=True)
class ReleaseTables:
    """`text` is JSON, the output of `truss_cli/describe_release.py` inside the release."""

    text: str

    @property
    def version(self) -> str:
        """Such as `0.18.35`."""
        return str(_parse(self.text)["version"])

    @property
    def models(self) -> Dict[str, Schema]:
        """The schema of each model, condensed to what decides about values."""
        return dict((_parse(self.text)["schema"] or {}).get("models", {}))

    @property
    def root(self) -> Schema:
        """The schema of a config. Without `properties` if the release has no schema."""
        return dict((_parse(self.text)["schema"] or {}).get("root", {}))

    @property
    def top_level_keys(self) -> Tuple[str, ...]:
        return tuple(sorted(self.root.get("properties", ())))

    @property
    def silent_models(self) -> FrozenSet[str]:
        """Models whose unknown keys nothing refuses, not even a push: they have no effect. The
        empty name is the config itself."""
        return frozenset(_parse(self.text)["silent_models"])

    @property
    def python_versions(self) -> Optional[Tuple[str, ...]]:
        """Such as `py311`, the oldest first. For this and what follows: None if unknown."""
        return self._choices("python_versions")

    @property
    def accelerators(self) -> Optional[Tuple[str, ...]]:
        return self._choices("accelerators")

    @property
    def weight_schemes(self) -> Optional[Tuple[str, ...]]:
        """Such as `hf`, for places that begin with `hf://`."""
        return self._choices("weight_schemes")

    @property
    def server_constraints(self) -> Tuple[str, ...]:
        """The bounds that the model server sets for what a truss requires."""
        return tuple(_parse(self.text)["server_constraints"])

    def _choices(self, name: str) -> Optional[Tuple[str, ...]]:
        found = _parse(self.text)[name]
        return None if found is None else tuple(found)


@lru_cache(maxsize=4)
def _parse(text: str) -> Dict[str, Any]:
    table: Dict[str, Any] = json.loads(text)
    properties = (table["schema"] or {}).get("root", {}).get("properties", {})
    # What the loader takes beyond its schema.
    if "environment_variables" in properties:
        properties["environment_variables"] = {"type": "object"}
    if "cache_internal" in properties:
        properties["cache_internal"] = {"anyOf": [properties["cache_internal"], {"type": "null"}]}
    return table


def any_release() -> ReleaseTables:
    """Knows nothing: for checks that hold for each release."""
    choices = {"python_versions": None, "accelerators": None, "weight_schemes": None}
    lists: Dict[str, Any] = {"silent_models": [], "server_constraints": []}
    return ReleaseTables(json.dumps({"version": "", "schema": None, **choices, **lists}))


@lru_cache(maxsize=None)
def default_release() -> ReleaseTables:
    """The release that `[truss-cli]` has by default."""
    data = pkgutil.get_data(tables.__name__, "truss_release.json")
    assert data is not None
    return ReleaseTables(data.decode())
