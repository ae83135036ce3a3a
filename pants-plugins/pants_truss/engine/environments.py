"""Environments of Pants, in the modules in which each release has them."""

from __future__ import annotations

from packaging.version import Version
from pants.version import PANTS_SEMVER

if PANTS_SEMVER >= Version("2.28.0.dev0"):
    from pants.core.environments.rules import (  # type: ignore[import]
        EnvironmentNameRequest as EnvironmentNameRequest,
    )
    from pants.core.environments.target_types import (  # type: ignore[import]
        EnvironmentField as EnvironmentField,
    )
else:
    from pants.core.util_rules.environments import EnvironmentField as EnvironmentField
    from pants.core.util_rules.environments import EnvironmentNameRequest as EnvironmentNameRequest
