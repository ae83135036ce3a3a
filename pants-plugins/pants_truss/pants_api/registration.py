"""Helpers for registering a backend with Pants."""

from __future__ import annotations

from typing import Iterable, Tuple


def without_repeats(rules: Iterable[object]) -> Tuple[object, ...]:
    """Returns each rule once. Each module lists all rules that it needs, so most appear many times,
    and Pants hashes every one in each run."""
    return tuple({id(rule): rule for rule in rules}.values())
