"""Matches one glob without backtracking, so no glob and no path makes it slow.

A state is a position in the glob. One integer holds the states that a path has reached so far, one
bit each, and each character of the path moves all of them at once.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Pattern, Tuple

# Two pieces of a glob are not one character: any text without a slash, and any number of folders
# with the slash after each.
STAR = "[^/]*"
FOLDERS = "**"

_SLASH = re.compile("/")


class GlobAutomaton:
    """Each of `pieces` is `STAR`, `FOLDERS`, or a regular expression that matches one character.
    The match ends at a slash or, unless `needs_slash`, at the end of the path."""

    def __init__(self, pieces: Iterable[str], *, needs_slash: bool) -> None:
        # What leads from each state to the next, and the states that a character can also keep.
        characters: List[Pattern[str]] = []
        self._star_states = 0
        self._folder_states = 0
        for piece in pieces:
            state = 1 << len(characters)
            if piece == STAR:
                self._star_states |= state
            elif piece == FOLDERS:
                self._folder_states |= state
                characters.append(_SLASH)
            else:
                characters.append(re.compile(piece, re.DOTALL))
        self._last = 1 << len(characters)
        self._characters = [*characters, _SLASH]
        self._needs_slash = needs_slash
        self._steps: Dict[str, Tuple[int, int]] = {}

    def matches(self, path: str) -> bool:
        states = self._entered(1)
        for char in path:
            moving, staying = self._steps.get(char) or self._step(char)
            states = self._entered((states & moving) << 1) | (states & staying)
            if states > self._last * 2 - 1:
                return True
            if not states:
                return False
        return bool(states & self._last) and not self._needs_slash

    def _entered(self, states: int) -> int:
        """The states after `FOLDERS` are reached with it, because it matches no folders too."""
        return states | (states & self._folder_states) << 1

    def _step(self, char: str) -> Tuple[int, int]:
        """The states that the character moves to the next one, and those that it keeps."""
        bits = ("1" if each.match(char) else "0" for each in reversed(self._characters))
        staying = self._folder_states | (0 if char == "/" else self._star_states)
        step = self._steps[char] = int("".join(bits), 2), staying
        return step
