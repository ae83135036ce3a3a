"""Values that no log may show."""

from __future__ import annotations

from typing import Dict, Mapping


class Hidden(str):
    """A string that is left out where something that holds it is logged: Pants logs whole processes
    with their environment when it is asked for details."""

    def __repr__(self) -> str:
        return "'<hidden>'"


def hidden(environment: Mapping[str, str]) -> Dict[str, str]:
    """The same variables, with values that are not logged."""
    return {name: Hidden(value) for name, value in environment.items()}
