"""The most frequent letter triples of some languages: code that only this truss needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List


def load_profiles() -> Dict[str, List[str]]:
    path = Path(__file__).with_name("profiles.json")
    profiles: Dict[str, List[str]] = json.loads(path.read_text(encoding="utf-8"))
    return profiles
