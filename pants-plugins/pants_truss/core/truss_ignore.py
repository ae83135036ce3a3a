"""The ignore patterns of a gathered truss, and the `.truss_ignore` that makes Truss's later steps
use the same patterns.

Truss's built-in list silently drops `lib/`, `build/`, `dist/`, `env/`, `*.so` and more, at any
depth: when it gathers, in the image's build context, and when it pushes. For images, a
`.truss_ignore` in the truss is added to that list; for pushes, it replaces the list. The file
written here starts with `!*`, which cancels the built-in list whatever it holds, and continues with
the patterns that the gather used. So all three steps use one list and give one result.
"""

from __future__ import annotations

from typing import List, Optional, Sequence

from pants_truss.core.errors import TrussError
from pants_truss.core.gitignore import IgnorePatterns, is_valid
from pants_truss.core.truss_config import CONFIG_FILE

FILE_NAME = ".truss_ignore"

# Only files that never belong in a truss. The target's `sources` and the user's file do the rest.
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

# Files that Truss's own list drops and that no model needs: folders of tools, logs and
# environments.
_TOOL_FILES = (
    "*.py[cod]",
    ".Python",
    "develop-eggs/",
    "eggs/",
    ".eggs/",
    "*.egg-info/",
    ".installed.cfg",
    "*.egg",
    "pip-log.txt",
    "pip-delete-this-directory.txt",
    "htmlcov/",
    ".coverage",
    ".coverage.*",
    ".cache",
    "nosetests.xml",
    "coverage.xml",
    "*.cover",
    "*.py,cover",
    "*.log",
    ".webassets-cache",
    ".scrapy",
    ".pybuilder/",
    ".ipynb_checkpoints",
    "profile_default/",
    "ipython_config.py",
    ".pdm.toml",
    "__pypackages__/",
    "celerybeat-schedule",
    "celerybeat.pid",
    ".env",
    ".venv",
    "env.bak/",
    "venv.bak/",
    ".spyderproject",
    ".spyproject",
    ".ropeproject",
    ".dmypy.json",
    "dmypy.json",
    "cython_debug/",
    "*.tmp",
)

# What Truss's own list drops although code may need it. The plugin keeps it where Pants sees it.
_MAYBE_CODE = (
    "*.so",
    "build/",
    "dist/",
    "downloads/",
    "lib/",
    "lib64/",
    "parts/",
    "sdist/",
    "var/",
    "wheels/",
    "share/python-wheels/",
    "MANIFEST",
    "*.manifest",
    "*.spec",
    "cover/",
    "*.mo",
    "*.pot",
    "local_settings.py",
    "db.sqlite3",
    "db.sqlite3-journal",
    "instance/",
    "docs/_build/",
    "target/",
    "*.sage.py",
    "env/",
    "venv/",
    "ENV/",
)

# Files that no model needs. Git and direnv have a few that Truss does not name.
LITTER = IgnorePatterns((*DEFAULT_IGNORE, *_TOOL_FILES, ".gitignore", ".direnv/", "node_modules/"))

# Every file that Truss's own list drops is one of these. `tests/ignore_test.py` compares.
DROPPED_BY_TRUSS = IgnorePatterns((*DEFAULT_IGNORE, *_TOOL_FILES, *_MAYBE_CODE))


def ignore_lines(default_patterns: Sequence[str], user_file: Optional[bytes]) -> List[str]:
    """Returns the lines of the gathered truss's `.truss_ignore`. The gather uses the same lines.

    `user_file` is the truss's own `.truss_ignore`. Its lines come last, so they override all
    others, except for the config and the ignore file itself. Raises `TrussError` if the file is not
    UTF-8 or has a pattern that Truss cannot read.
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
                f"the ignore pattern {line.strip()!r} is not valid, and Truss fails on it. Fix it "
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
