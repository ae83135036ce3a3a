"""Holds the words of code, help texts and pages to plain English.

A line that is reported names a word and a better one.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from itertools import groupby
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Tuple

import pytest

# (expression, better): anywhere in a text, in any case. Quoted code is left out.
WORDS: Tuple[Tuple[str, str], ...] = (
    (r"\banew\b", "again"),
    (r"\bas far as\b", "if, or the part that"),
    (r"\bcannot be told\b", "cannot determine"),
    (r"\b(?:is|are|was|were) told\b", "gets, is reported"),
    (r"\btold (?:of|by|from)\b", "reported, distinguished"),
    (r"\btells? of\b", "reports, describes"),
    (r"\btells? (?:what|which|whether|where|why|how)\b", "shows, decides"),
    (r"\btells? (?:[^.\s]+ ){0,4}apart\b", "distinguish"),
    (r"(?<!there )\b(?:is|are|was) (?-i:none|NONE)\b", "is invalid, is missing, does not count"),
    (r"\bof no use\b", "has no effect"),
    (r"\bsomebody\b", "someone, a user"),
    (r"\bperhaps\b", "may, possibly"),
    (r"\bwithout a word\b", "silently"),
    (r"\ball the same\b", "still, anyway"),
    (r"\bfor ever\b", "without end"),
    (r"\bmend(?:s|ed)?\b", "fix"),
    (r"\bwhich is no\b", "which is not"),
    (r"\bis no longer than\b", "is at most"),
    (r"\bwhat else\b", "other, the rest of"),
    (r"\bthe very\b", "exactly the"),
    (r"\bare not to be\b", "must not be"),
    (r"\bhas got\b", "has"),
    (r"(?<!there )\bis no (?!longer|more|less|other|such|need|doubt)", "is not a"),
    (r"\bnobody\b(?=[ ,;']|\.(?: |$))", "no one, or who does"),
    (r"\bwould refuse\b", "rejects"),
)
# (expression, better): at the beginning of a docstring, a comment or a sentence of it.
BEGINNINGS: Tuple[Tuple[str, str], ...] = (
    (r"Of ", "the subject first"),
    (r"Whether ", "Returns True if, Makes"),
    (
        r"What (?!to )(?![^.]*\?)[^.?]*\b(?:is|are|has|have|was)\b",
        "name the thing: Files that, Targets listed here",
    ),
    (r"How (?:many|often|long|much) (?![^.]*\?)", "Number of, Seconds"),
    (r"As (?:of|in|by|with|Pants|Truss|Docker|pip) [^,.]*(?:\.(?: |$)|$)", "Like"),
    (r"(?:Those|That) of ", "name the thing"),
)
_START = r"(?:^|[.:;] )"
PLUGIN = "pants-plugins/pants_truss/"
# The folders whose files are read. Pages are read in the root and in `docs/` only.
FOLDERS = ("3rdparty", "benchmarks", "docs", "pants-plugins", "src", "tests")
_COMMENTED = {".sh", ".toml"}
# A line with one of these begins a paragraph: an item of a list, a quotation.
_MARK = re.compile(r"(?:[-*+>]|\d+\.) +")
# A line with one of these is a paragraph: a heading, a row of a table.
_ALONE = ("#", "|")


class Text(NamedTuple):
    """A paragraph, with its line breaks.

    `line` counts from 1. `is_prose` is True for docstrings, help texts, comments and pages."""

    path: str
    line: int
    text: str
    is_prose: bool


class Comment(NamedTuple):
    """`is_alone` is True if no code is on its line."""

    line: int
    column: int
    text: str
    is_alone: bool


def paragraphs(first: int, source: str) -> List[Tuple[int, str]]:
    """Pairs of a line number and a text. A line of a code block is a paragraph of its own."""
    found: List[Tuple[int, str]] = []
    is_code = continues = False
    for number, line in enumerate(source.splitlines(), first):
        line = line.strip()
        is_fence = line.startswith("```")
        is_code ^= is_fence
        mark = _MARK.match(line)
        is_alone = is_code or is_fence or line.startswith(_ALONE)
        if continues and line and not (is_alone or mark):
            start, text = found.pop()
            found.append((start, f"{text}\n{line}"))
        else:
            found.append((number, line[mark.end() :] if mark else line))
        continues = bool(line) and not is_alone
    return [(number, text) for number, text in found if text]


def python_comments(source: str) -> Iterator[Comment]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            is_alone = token.line.strip() == token.string
            yield Comment(*token.start, token.string.lstrip("#- "), is_alone)


def other_comments(source: str) -> Iterator[Comment]:
    for number, line in enumerate(source.splitlines(), 1):
        found = re.search(r"(?:^|(?<=\s))#\s(.*)", line)
        if found:
            is_alone = not line[: found.start()].strip()
            yield Comment(number, found.start(), found.group(1).lstrip("#- "), is_alone)


def comment_texts(name: str, comments: Iterable[Comment]) -> Iterator[Text]:
    """Joins comments on consecutive lines, unless there is code beside them."""

    def block(pair: Tuple[int, Comment]) -> Tuple[int, int, bool]:
        position, comment = pair
        line = comment.line - position if comment.is_alone else comment.line
        return (line, comment.column, comment.is_alone)

    for _, pairs in groupby(enumerate(comments), block):
        group = [comment for _, comment in pairs]
        is_prose = not group[0].text.startswith(("type:", "noqa", "pants:"))
        for line, text in paragraphs(group[0].line, "\n".join(each.text for each in group)):
            yield Text(name, line, text, is_prose)


def string_texts(name: str, tree: ast.Module) -> Iterator[Text]:
    nodes = [*ast.walk(tree)]
    docstrings = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield Text(name, node.lineno, node.name.replace("_", " "), False)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            is_help = "\n" in node.value and node.value.startswith("\n")
            is_prose = id(node) in docstrings or is_help
            for line, text in paragraphs(node.lineno, node.value):
                yield Text(name, line, text, is_prose)


def texts_of(path: Path, name: str) -> Iterator[Text]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from (Text(name, line, text, True) for line, text in paragraphs(1, source))
    elif path.suffix in _COMMENTED:
        yield from comment_texts(name, other_comments(source))
    else:
        yield from comment_texts(name, python_comments(source))
    if path.suffix == ".py":
        yield from string_texts(name, ast.parse(source))


def findings(text: Text) -> Iterator[str]:
    # Each character keeps its place, so that the line of a phrase can be counted.
    flat = text.text.replace("\n", " ")
    flat = re.sub(r"`[^`]*`", lambda quoted: "`" + "_" * (len(quoted.group()) - 2) + "`", flat)
    for expression, better in WORDS:
        found = re.search(expression, flat, re.IGNORECASE)
        if found:
            yield f"{place(text, found.start())}: {found.group()!r}. Better: {better}."
    for expression, better in BEGINNINGS if text.is_prose else ():
        found = re.search(f"{_START}({expression})", flat)
        if found:
            beginning = f"a sentence begins with {found.group(1)[:40]!r}"
            yield f"{place(text, found.start(1))}: {beginning}. Better: {better}."


def place(text: Text, position: int) -> str:
    line = text.line + text.text.count("\n", 0, position)
    return f"{text.path}:{line}"


def is_read(path: Path) -> bool:
    """Returns False for this file, which has the words that it looks for."""
    is_code = path.name == "BUILD" or path.suffix in {".py", *_COMMENTED}
    return is_code and path.name != Path(__file__).name


def all_files() -> List[Tuple[Path, str]]:
    paths = [*Path(".").glob("*.md"), *Path(".").glob("*.toml"), Path("BUILD")]
    paths += Path("docs").glob("*.md")
    for folder in FOLDERS:
        # Tools of the tests are unpacked below `tests`, with sources in them.
        paths += (
            path
            for path in Path(folder).rglob("*")
            if is_read(path) and ".pex/" not in path.as_posix()
        )
    return sorted((path, path.as_posix()) for path in paths)


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
    assert len(names) > 600
    assert {"BUILD", "CHANGELOG.md", "README.md", "pants.toml", "pyproject.toml"} <= {*names}
    assert {"benchmarks/scale.py", "benchmarks/BUILD", "src/images/BUILD"} <= {*names}
    assert {"docs/BUILD", "docs/reference.md", "docs/site/hooks.py"} <= {*names}
    assert {"tests/BUILD", "tests/on_pants.sh", "tests/support/remote.py"} <= {*names}
    own = {name[len(PLUGIN) :] for name in names if name.startswith(PLUGIN)}
    assert {"BUILD", "core/pins.py", "core/pins_test.py"} <= own


@pytest.mark.parametrize(
    "text, count",
    [
        ("Pants builds the image anew.", 1),
        ("the field is of no use here, and is told of", 3),
        ("Of a truss, the files.", 1),
        ("Done. Whether it runs is unknown.", 1),
        ("What is listed here is bundled.", 1),
        ("How many seconds to wait.", 1),
        ("Those of the config. That of the truss.", 1),
        ("This is no list, and nobody would refuse it.", 3),
        ("What else is there", 2),
        ("NOBODY, somebody and Nobody's", 2),
        ("There are none left; the answer is none. It IS NONE", 1),
        ("Pants builds the image again. Reports whether it runs.", 0),
        ("the profile of a truss; a toldo", 0),
        ("It is no longer there; there is no file. It is no more than 3.", 0),
        ("The default is None, and `nobody would refuse` is code.", 0),
        ("What is it? How long does it take?", 0),
        ("nobody/t:train, nobody.module and USER=nobody", 0),
    ],
)
def test_words_are_found(text: str, count: int) -> None:
    assert len([*findings(Text("a.py", 3, text, True))]) == count


def test_a_finding_names_place_word_and_suggestion() -> None:
    assert [*findings(Text("a.py", 3, "made\nanew", False))] == ["a.py:4: 'anew'. Better: again."]


@pytest.mark.parametrize(
    "name, source, lines",
    [
        ("a.py", "# It has\n# got it.\n", [1]),
        ("a.py", "# It has\n\n# got it.\n", []),
        ("a.py", "x = 1  # It has\ny = 2  # got it.\n", []),
        ("a.py", "# Files.\n# Of these.\nx = 1  # Of no file.\n", [2, 3]),
        ("a.py", 'def a() -> None:\n    """One.\n\n    It has\n    got it.\n    """\n', [4]),
        ("a.md", "It has\ngot it.\n\nIt has\n\ngot it.\n", [1]),
        ("a.md", "# It has\ngot it.\n* Of no use\n  here.\n", [3, 3]),
        ("a.md", "| has |\n| got |\n```text\nIt has\ngot it.\n```\n", []),
        ("a.toml", "# It has\n# got it.\nx = 1  # Made anew.\ny = 'x#anew'\n", [1, 3]),
        ("BUILD", "# It has\n# got it.\ntarget(name='anew')  # Made anew.\n", [1, 3]),
    ],
)
def test_paragraphs_are_joined(tmp_path: Path, name: str, source: str, lines: List[int]) -> None:
    path = tmp_path / name
    path.write_text(source)
    found = [finding for text in texts_of(path, name) for finding in findings(text)]
    assert [int(finding.split(":")[1]) for finding in found] == lines
