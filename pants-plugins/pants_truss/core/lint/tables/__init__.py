"""Data made by `tests/truss_tool/tables.py` from the wheels of Truss."""

from __future__ import annotations

import json
import pkgutil
from typing import Any, Dict


def read_table(name: str) -> Dict[str, Any]:
    data = pkgutil.get_data(__name__, f"{name}.json")
    assert data is not None, name
    table: Dict[str, Any] = json.loads(data)
    return table
