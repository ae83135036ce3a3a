"""Records the session that README shows, in a copy of the example monorepo, and draws it:

    PYTHONPATH=tests python3 -m support.session

writes `docs/pictures/session.txt`, what was typed and printed, and `session.svg`, its picture.
`tests/session_test.py` fails if the picture is not that of the text, or if the commands print
something else.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import textwrap
from pathlib import Path
from typing import Callable, Iterator, List, Tuple
from xml.sax.saxutils import escape

from support.repository import copy_repository, settings

TRANSCRIPT = Path("docs/pictures/session.txt")
PICTURE = Path("docs/pictures/session.svg")

COMMANDS = (
    'grep -E "features|textkit" src/trusses/keywords/model/model.py',
    "pants package src/trusses/keywords",
    "pants truss-explain --path=packages/textkit/clean.py src/trusses/keywords",
    "pants test src/trusses/keywords",
    'echo "# an edit" >> src/shared/textkit/textkit/clean.py',
    "pants --changed-since=HEAD --changed-dependents=transitive --filter-target-type=truss list",
)

_LOGGED = re.compile(r"^[\d:.]{11} \[[A-Z]+\] ")
# How far Pants is, which differs from run to run.
_PROGRESS = re.compile(
    r"^(Initialized|Initializing|Starting|Completed|Canceled|Long running|Filesystem|Wrote test|"
    r"\s+\d+\.\d+s\s)|^\s*$"
)
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")

# A phone shows this many letters in a size that can be read.
COLUMNS = 50
_LINE, _LETTER, _MARGIN = 19, 7.84, 12

_STYLE = """\
<style>
  svg { --paper: #f6f7f9; --ink: #1f2430; --dim: #59616f; --good: #1a6b2f; --edge: #c9ced8 }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #171a21; --ink: #e8ebf2; --dim: #9aa3b4; --good: #83d698; --edge: #3a4150 }
  }
  text { font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
         fill: var(--dim); white-space: pre }
  .typed { fill: var(--ink); font-weight: bold }
  .good { fill: var(--good) }
</style>"""


def record(run: Callable[[str], str]) -> str:
    """`run` has a shell do a command, and returns what it prints."""
    lines: List[str] = []
    for command in COMMANDS:
        lines.append(f"$ {command}")
        printed = (_LOGGED.sub("", line) for line in run(command).splitlines())
        lines += [_DIGEST.sub(r"\1…", line) for line in printed if not _PROGRESS.match(line)]
    return "\n".join(lines) + "\n"


def without_times(transcript: str) -> str:
    return re.sub(r"\d+\.\d+s", "…s", transcript)


def draw(transcript: str) -> str:
    shown = [line for text in transcript.splitlines() for line in _wrapped(text)]
    width = round(COLUMNS * _LETTER + 2 * _MARGIN)
    height = _LINE * len(shown) + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="440" '
        'role="img" aria-label="A terminal session">',
        "<title>A terminal session</title>",
        _STYLE,
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" '
        'fill="var(--paper)" stroke="var(--edge)"/>',
    ]
    for number, (kind, text) in enumerate(shown):
        below = _MARGIN + _LINE * number + 14
        classes = f' class="{kind}"' if kind else ""
        parts.append(f'<text x="{_MARGIN}" y="{below}"{classes}>{escape(text)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _wrapped(text: str) -> Iterator[Tuple[str, str]]:
    """Lines with their kinds. A command goes on in the next line after `\\`, as in a shell."""
    kind = "typed" if text.startswith("$ ") else "good" if text.startswith("✓") else ""
    indent = re.match(" *", text)[0] + "    "  # type: ignore[index]
    lines = textwrap.wrap(
        text,
        COLUMNS - 2,
        subsequent_indent=indent,
        break_long_words=True,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    for number, line in enumerate(lines, 1):
        goes_on = kind == "typed" and number < len(lines)
        yield kind, f"{line} \\" if goes_on else line


def copy_example(folder: Path) -> None:
    """Without the other targets of this repository, and as a repository of its own: the session
    edits a file."""
    copy_repository(folder, ("3rdparty/models", "src"))
    plugin = str(Path("pants-plugins").resolve())
    (folder / "pants.toml").write_text(settings().replace("%(buildroot)s/pants-plugins", plugin))
    (folder / ".gitignore").write_text("/.pants.d\n/.pids\n/dist\n/pants\n")
    author = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for words in (("init",), ("add", "--all"), (*author, "commit", "--message=Example")):
        subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "example")
        copy_example(folder)
        shutil.copy("pants", folder)
        environment = {
            **os.environ,
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "PANTS_PANTSD": "false",
            "PANTS_DYNAMIC_UI": "false",
            "PANTS_COLORS": "false",
        }

        def run(command: str) -> str:
            process = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert process.returncode == 0, f"{command}\n{process.stdout}"
            return process.stdout

        transcript = record(run)
    TRANSCRIPT.write_text(transcript, encoding="utf-8")
    PICTURE.write_text(draw(transcript), encoding="utf-8")


if __name__ == "__main__":
    main()
