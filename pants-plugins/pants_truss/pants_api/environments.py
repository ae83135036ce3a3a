"""Imports Pants' environment types from the module of each release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version
from pants.version import PANTS_SEMVER

if TYPE_CHECKING or PANTS_SEMVER < Version("2.28.0.dev0"):
    from pants.core.util_rules.environments import EnvironmentField as EnvironmentField
    from pants.core.util_rules.environments import EnvironmentNameRequest as EnvironmentNameRequest
else:
    from pants.core.environments.rules import (  # pants: no-infer-dep
        EnvironmentNameRequest as EnvironmentNameRequest,
    )
    from pants.core.environments.target_types import (  # pants: no-infer-dep
        EnvironmentField as EnvironmentField,
    )
