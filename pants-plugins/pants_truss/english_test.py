"""Holds the words of code, help texts and pages to plain English.

A line that is reported names a word and a better one.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple

import pytest

PLUGIN = Path(__file__).parent
DOCS = Path("docs")

# (expression, better): anywhere in a text.
WORDS: Tuple[Tuple[str, str], ...] = (
    (r"\banew\b", "again"),
    (r"\bas far as\b", "if, or the part that"),
    (r"\bcannot be told\b", "cannot determine"),
    (r"\b(?:is|are|was|were) told\b", "gets, is reported"),
    (r"\btold (?:of|by|from)\b", "reported, distinguished"),
    (r"\btells? of\b", "reports, describes"),
    (r"\btells? (?:what|which|whether|where|why|how)\b", "shows, decides"),
    (r"\btell (?:\w+ )?apart\b", "distinguish"),
    (r"(?<!there )\b(?:is|are|was) none\b", "is invalid, is missing, does not count"),
    (r"\bof no use\b", "has no effect"),
    (r"\bsomebody\b", "someone, a user"),
    (r"\bperhaps\b", "may, possibly"),
    (r"\bwithout a word\b", "silently"),
    (r"\ball the same\b", "still, anyway"),
    (r"\bfor ever\b", "without end"),
    (r"\b[Mm]end(?:s|ed)?\b", "fix"),
    (r"\bwhich is no\b", "which is not"),
    (r"\bis no longer than\b", "is at most"),
    (r"\bwhat else\b", "other, the rest of"),
    (r"\bthe very\b", "exactly the"),
    (r"\bare not to be\b", "must not be"),
    (r"\bhas got\b", "has"),
)
# (expression, better): at the beginning of a docstring, a comment or a sentence of it.
BEGINNINGS: Tuple[Tuple[str, str], ...] = (
    (r"Of ", "the subject first"),
    (r"Whether ", "Returns True if, Makes"),
    (
        r"What (?!to )[^.?]*\b(?:is|are|has|have|was)\b",
        "name the thing: Files that, Targets listed here",
    ),
    (r"How (?:many|often|long|much) ", "Number of, Seconds"),
    (r"As (?:of|in|by|with|Pants|Truss|Docker|pip) [^,]*$", "Like"),
)
_START = r"(?:^|[.:;] )"


class Text(NamedTuple):
    """`line` counts from 1. `is_prose` is True for docstrings, help texts, comments and pages."""

    path: str
    line: int
    text: str
    is_prose: bool


def texts_of(path: Path, name: str) -> Iterator[Text]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        for number, text in enumerate(source.splitlines(), 1):
            yield Text(name, number, text, True)
        return
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield Text(name, node.lineno, node.name.replace("_", " "), False)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_help = "\n" in node.value and node.value.startswith("\n")
            is_prose = id(node) in docstrings or is_help
            yield Text(name, node.lineno, " ".join(node.value.split()), is_prose)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("#- ")
            yield Text(name, token.start[0], text, not text.startswith(("type:", "noqa", "pants:")))


def findings(text: Text) -> Iterator[str]:
    place = f"{text.path}:{text.line}"
    for expression, better in WORDS:
        found = re.search(expression, text.text)
        if found:
            yield f"{place}: {found.group()!r}. Better: {better}."
    for expression, better in BEGINNINGS if text.is_prose else ():
        found = re.search(f"{_START}({expression})", text.text)
        if found:
            yield f"{place}: a sentence begins with {found.group(1)[:40]!r}. Better: {better}."


def all_files() -> List[Tuple[Path, str]]:
    """All but this file, which has the words that it looks for."""
    paths = [path for path in PLUGIN.rglob("*.py") if path.name != Path(__file__).name]
    sources = [(path, path.relative_to(PLUGIN).as_posix()) for path in paths]
    pages = [(path, path.as_posix()) for path in (*DOCS.glob("*.md"), Path("README.md"))]
    return sorted(sources + pages, key=lambda pair: pair[1])


def test_texts_use_plain_words() -> None:
    found = [
        finding
        for path, name in all_files()
        for text in texts_of(path, name)
        for finding in findings(text)
    ]
    assert not found, "\n" + "\n".join(found)


def test_code_and_pages_are_among_the_files() -> None:
    names = [name for _, name in all_files()]
    assert len(names) > 300
    assert {"core/pins.py", "core/pins_test.py", "docs/reference.md", "README.md"} <= {*names}


@pytest.mark.parametrize(
    "text, count",
    [
        ("Pants builds the image anew.", 1),
        ("the field is of no use here, and is told of", 3),
        ("Of a truss, the files.", 1),
        ("Done. Whether it runs is unknown.", 1),
        ("What is listed here is bundled.", 1),
        ("How many seconds to wait.", 1),
        ("Pants builds the image again. Reports whether it runs.", 0),
        ("the profile of a truss; a toldo", 0),
    ],
)
def test_words_are_found(text: str, count: int) -> None:
    assert len([*findings(Text("a.py", 3, text, True))]) == count


def test_a_finding_names_place_word_and_suggestion() -> None:
    assert [*findings(Text("a.py", 3, "made anew", False))] == ["a.py:3: 'anew'. Better: again."]
