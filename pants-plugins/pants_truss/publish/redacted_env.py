"""Environment values that no log may show."""

from __future__ import annotations

from typing import Dict, Mapping


class Hidden(str):
    """A string whose `repr` hides its value: Pants logs whole processes with their environment in
    detailed logs."""

    def __repr__(self) -> str:
        return "'<hidden>'"


def hidden(environment: Mapping[str, str]) -> Dict[str, str]:
    """Returns the same variables, with values that are not logged."""
    return {name: Hidden(value) for name, value in environment.items()}
