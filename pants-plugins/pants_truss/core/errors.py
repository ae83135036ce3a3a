"""The one error of the pure half of the plugin."""

from __future__ import annotations


class TrussError(ValueError):
    """Bad input, described for the person who wrote it: the key or path, its value, and what to do.

    The rules that call into `core` know which target it is about, and put that in front.
    """
