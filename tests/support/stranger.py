"""A repository of a user who has the plugin as a wheel, and none of its sources."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict

from support.monorepo import Monorepo


def wheel() -> Path:
    """Returns the wheel that Pants built for the tests."""
    return next(Path().resolve().glob("pants_truss-*.whl"))


class Stranger(Monorepo):
    """Pants finds the plugin where it installs plugins, and nowhere else."""

    def process_environment(self) -> Dict[str, str]:
        environment = super().process_environment()
        paths = environment.get("PYTHONPATH", "").split(os.pathsep)
        kept = [path for path in paths if not (Path(path) / "pants_truss").exists()]
        return {**environment, "PYTHONPATH": os.pathsep.join(kept)}
