"""What a gathered truss leaves out, and the `.truss_ignore` that makes Truss's later steps agree.

Truss's built-in list drops `lib/`, `build/`, `dist/`, `env/`, `*.so` and more, at any depth and
without a word: when it gathers, in the image's build context, and when it pushes. A
`.truss_ignore` in the truss is added to that list for images, and replaces it for pushes. So the
file that is written here starts with `!*`, which takes back the built-in list whatever it holds,
and goes on with the very patterns that the gather has used. One list, three readers, one answer.
"""

from __future__ import annotations

from typing import List, Optional, Sequence

from pants_truss.core.errors import TrussError
from pants_truss.core.gitignore import is_valid
from pants_truss.core.truss_config import CONFIG_FILE

FILE_NAME = ".truss_ignore"

# Only what can never be meant. The rest is for the target's `sources` and the user's own file.
DEFAULT_IGNORE = (
    "__pycache__/",
    "*.py[co]",
    "*$py.class",
    ".git",
    ".hg/",
    ".svn/",
    ".bzr/",
    ".jj/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".pytype/",
    ".pyre/",
    ".tox/",
    ".nox/",
    ".hypothesis/",
    ".ipynb_checkpoints/",
    ".idea/",
    ".vscode/",
    ".DS_Store",
    "._*",
    "Thumbs.db",
    "desktop.ini",
    "*.swp",
    "*.swo",
    "*~",
    ".#*",
    "\\#*#",
)


def ignore_lines(default_patterns: Sequence[str], user_file: Optional[bytes]) -> List[str]:
    """The lines of the gathered truss's `.truss_ignore`: the gather itself uses the same.

    `user_file` is the truss's own `.truss_ignore`. Its lines come last, so they have the last word
    on all but the config and the file itself. Raises `TrussError` if it is not UTF-8, or has a
    pattern that Truss cannot read.
    """
    lines = [
        "# Written by `pants package`. Truss's own list would drop code such as lib/ or *.so from",
        "# images and pushes; the next line takes that list back. The patterns after it are those",
        "# that this truss was gathered with.",
        "!*",
        *default_patterns,
    ]
    if user_file is not None:
        lines += ["# The truss's own file:", *_decode(user_file).splitlines()]
    for line in lines:
        if not is_valid(line):
            raise TrussError(
                f"the ignore pattern {line.strip()!r} is not valid, and Truss stops at it. Mend it "
                f"in {FILE_NAME} or in `[truss-gather].ignore`."
            )
    return [*lines, f"!/{CONFIG_FILE}", f"!/{FILE_NAME}"]


def file_content(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _decode(user_file: bytes) -> str:
    try:
        return user_file.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise TrussError(
            f"its {FILE_NAME} is not UTF-8 (byte 0x{user_file[e.start]:02x} at offset {e.start}). "
            f"Save it as UTF-8."
        ) from None
