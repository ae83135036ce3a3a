"""Files of ignore patterns that Git has besides `.gitignore`: one machine's, not the repository's.

Pants reads them as Git does, but finds the user's own by the first `excludesfile` of a Git config.
"""

from __future__ import annotations

import re
from typing import Callable, Mapping, Optional

# Reads a file as text, and answers an empty one if there is no such file.
ReadText = Callable[[str], str]


def user_excludes_file(environment: Mapping[str, str], read: ReadText) -> Optional[str]:
    """The absolute path of the file of ignore patterns that counts for each repository of this
    user; it need not exist. None if the environment has no home folder."""
    home = environment.get("HOME")
    config_home = environment.get("XDG_CONFIG_HOME") or (home and f"{home}/.config")
    configs = [
        *([f"{home}/.gitconfig"] if home else []),
        *([f"{config_home}/git/config"] if config_home else []),
    ]
    for config in configs:
        named = _excludes_file(read(config))
        if named:
            return f"{home}/{named[2:]}" if home and named.startswith("~/") else named
    return f"{config_home}/git/ignore" if config_home else None


def _excludes_file(git_config: str) -> Optional[str]:
    for found in re.finditer(
        r"^[ \t]*excludesfile[ \t]*=(.*)$", git_config, re.MULTILINE | re.IGNORECASE
    ):
        value = re.sub(r'^"|"$', "", found.group(1).strip(" \t\r")).strip(" \t")
        if value and '"' not in value:
            return value
    return None
