"""What a backend hands over to Pants."""

from __future__ import annotations

from typing import Iterable, Tuple


def without_repeats(rules: Iterable[object]) -> Tuple[object, ...]:
    """Each module names all that it needs, so most come many times. Pants asks for them in each
    run, and hashes each."""
    return tuple({id(rule): rule for rule in rules}.values())
