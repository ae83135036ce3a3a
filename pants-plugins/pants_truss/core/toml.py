"""Parses TOML with the library that the Python, or its Pants, has."""

from __future__ import annotations

import sys
from typing import Any, Dict

from pants_truss.core.errors import TrussError

if sys.version_info >= (3, 11):
    from tomllib import loads
else:
    from toml import loads


def parse_toml(text: str) -> Dict[str, Any]:
    """Raises `TrussError`; the message continues a sentence whose subject is the path."""
    try:
        return dict(loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as e:
        # The toml of older Pythons raises any of these.
        raise TrussError(f"is not TOML: {e}") from None
