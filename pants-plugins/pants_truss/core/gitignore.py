"""Patterns in the syntax of `.gitignore`, matched as Truss matches its `.truss_ignore`.

Truss uses the `pathspec` library, which Pants does not ship. The last pattern that matches decides;
a pattern with a slash in it is anchored at the root, others match at any depth; unlike git, a later
`!pattern` can bring back what lies in an ignored folder, but walking stops at an ignored folder.

That library makes one regular expression of each pattern, and `*a*a*a*a*b` takes it exponential
time. A build must not hang on a file of the repository, so an automaton matches such patterns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Dict, Iterable, List, Optional, Pattern, Sequence, Tuple

from pants_truss.core.errors import TrussError
from pants_truss.core.glob_automaton import FOLDERS, STAR, GlobAutomaton
from pants_truss.core.paths import ancestors


@dataclass(frozen=True)
class _Rule:
    """`index` is that of the line it was made of. With an `automaton`, `regex` matches more paths
    than the rule does."""

    regex: Pattern[str]
    ignores: bool
    automaton: Optional[GlobAutomaton] = None
    index: int = 0

    def matches(self, path: str) -> bool:
        if not self.regex.search(path):
            return False
        return self.automaton is None or self.automaton.matches(path)


class IgnorePatterns:
    """A compiled list of patterns. Lines are stripped; blank ones, comments and lines that are not
    valid are skipped."""

    def __init__(self, lines: Iterable[str]) -> None:
        rules = ((index, _compile_leniently(line.strip())) for index, line in enumerate(lines))
        self._rules: Tuple[_Rule, ...] = tuple(
            replace(rule, index=index) for index, rule in rules if rule
        )
        self._ignores = _any_of([rule for rule in self._rules if rule.ignores])

    def _decides(self, path: str) -> bool:
        rule = self._deciding(path)
        return rule is not None and rule.ignores

    def _deciding(self, path: str) -> Optional[_Rule]:
        if not self._ignores.search(path):
            return None
        return next((rule for rule in reversed(self._rules) if rule.matches(path)), None)

    def ignoring_line(self, path: str, *, is_dir: bool = False) -> Optional[int]:
        """The index of the line that ignores the path; None if no line ignores it. The folders
        above `path` are not looked at: a walk has done that."""
        for form in (path, f"{path}/") if is_dir else (path,):
            rule = self._deciding(form)
            if rule is not None and rule.ignores:
                return rule.index
        return None

    def keeping_line(self, path: str, *, is_dir: bool = False) -> Optional[int]:
        """The index of the `!` line that brings the path back; None if no line does."""
        for form in (f"{path}/", path) if is_dir else (path,):
            rule = self._deciding(form)
            if rule is not None and not rule.ignores:
                return rule.index
        return None

    def is_dir_ignored(self, path: str) -> bool:
        """Returns True if a walk skips this folder, and so everything below it."""
        return self._decides(path) or self._decides(path + "/")

    def is_ignored(self, path: str) -> bool:
        """Returns True if a walk from the root never arrives at this file."""
        return not self.keep([path])

    def keep(self, paths: Sequence[str]) -> List[str]:
        """The files that a walk from the root finds, in the given order; each folder asked once."""
        ignored: Dict[str, bool] = {"": False}

        def is_left_out(folder: str) -> bool:
            if folder not in ignored:
                for each in reversed([folder, *ancestors(folder)]):
                    above = each.rpartition("/")[0]
                    ignored[each] = ignored[above] or self.is_dir_ignored(each)
            return ignored[folder]

        return [
            path
            for path in paths
            if not is_left_out(path.rpartition("/")[0]) and not self._decides(path)
        ]


def is_valid(line: str) -> bool:
    """Returns True if the library that Truss uses can read the line. It stops at any other line."""
    try:
        _compile(line.strip())
    except _InvalidPattern:
        return False
    return True


# More than anybody writes. Each pair of braces can double the number of patterns.
_MAX_EXPANDED = 1_000


def expand_braces(line: str) -> List[str]:
    """The patterns that a line of Pants means. Its matcher, unlike git's, takes `{a,b}` for
    alternatives. A line whose braces do not match stays as it is. Raises `TrussError` for a line
    that means more than 1,000 patterns."""
    expanded: List[str] = []
    # The next on top, with the position before which it has no pair of braces.
    pending = [(line, 0)]
    while pending:
        text, position = pending.pop()
        found = None if text.startswith("#") else _BRACES.search(text, position)
        if not found:
            expanded.append(text)
            continue
        choices = found.group(1).split(",")
        if len(expanded) + len(pending) + len(choices) > _MAX_EXPANDED:
            raise TrussError(
                f"the ignore pattern {line[:60]!r} stands for more than {_MAX_EXPANDED:,} "
                f"patterns. Write it with fewer braces."
            )
        start, end = text[: found.start()], text[found.end() :]
        # Braces around these hold no others now.
        position = max(0, start.rfind("{"))
        pending += [(f"{start}{choice}{end}", position) for choice in reversed(choices)]
    return expanded


_BRACES = re.compile(r"(?<!\\)\{([^{}]*)\}")

# How the expression of a pattern begins that matches at any depth.
_ANYWHERE = "^(?:.+/)?"


def _any_of(rules: Sequence[_Rule]) -> Pattern[str]:
    """Matches what any of them may match. Most paths match none, and one search finds that out
    faster than one search for each rule."""
    expressions = [rule.regex.pattern for rule in rules]
    anywhere = [x[len(_ANYWHERE) :] for x in expressions if x.startswith(_ANYWHERE)]
    others = [f"(?:{x})" for x in expressions if not x.startswith(_ANYWHERE)]
    joined = "|".join(f"(?:{x})" for x in anywhere)
    alternatives = [f"{_ANYWHERE}(?:{joined})", *others] if anywhere else others
    return re.compile("|".join(alternatives) or r"(?!)", re.DOTALL)


def _compile(line: str) -> Optional[_Rule]:
    if not line or line.startswith("#") or line == "/":
        return None
    ignores = not line.startswith("!")
    body = line if ignores else line[1:]
    if not body:
        raise _InvalidPattern(line)
    try:
        return _translate(body, ignores)
    except _InvalidRange:
        return None
    except re.error as e:
        # A range such as `[z-a]`.
        raise _InvalidPattern(line) from e


def _compile_leniently(line: str) -> Optional[_Rule]:
    try:
        return _compile(line)
    except _InvalidPattern:
        return None


class _InvalidPattern(ValueError):
    """A pattern that cannot be read."""


class _InvalidRange(ValueError):
    """A pattern that, as in git, matches nothing."""


def _translate(body: str, ignores: bool) -> Optional[_Rule]:
    """A rule for `path` or, for a folder, `path/`."""
    if "//" in body:
        # No path has an empty part.
        return None
    directory_only = body.endswith("/")
    anchored = "/" in body.rstrip("/") if body.strip("/") else body.startswith("/")
    segments = [segment for segment in body.split("/") if segment]
    if not segments:
        # A lone `/` matches nothing and is skipped above; `!/` takes back all but the root's files.
        return _Rule(re.compile("^.*/", re.DOTALL), ignores) if body == "/" else None
    if not anchored and segments[0] != FOLDERS:
        segments.insert(0, FOLDERS)
    segments = _collapse(segments)
    if directory_only and segments[-1] != FOLDERS:
        segments.append(FOLDERS)
    if segments == [FOLDERS]:
        return _Rule(re.compile("^.*/" if directory_only else "^", re.DOTALL), ignores)
    parts = [[FOLDERS] if segment == FOLDERS else _segment(segment) for segment in segments]
    if not _is_ambiguous(parts):
        return _Rule(re.compile("^" + _join(parts), re.DOTALL), ignores)
    pieces = _pieces(parts)
    automaton = GlobAutomaton(pieces, needs_slash=segments[-1] == FOLDERS)
    return _Rule(re.compile(_longest_literal(pieces)), ignores, automaton)


def _collapse(segments: List[str]) -> List[str]:
    return [
        segment
        for index, segment in enumerate(segments)
        if segment != FOLDERS or index == 0 or segments[index - 1] != FOLDERS
    ]


def _is_ambiguous(parts: Sequence[Sequence[str]]) -> bool:
    """Accepts a pattern that can match one path in many ways. A regular expression tries them all;
    for the others it needs at most as many steps as pattern times path."""
    return (
        parts[:-1].count([FOLDERS]) > 1
        or any(part.count(STAR) > 1 for part in parts)
        # As in the library, `[!a]` matches a slash.
        or any(
            piece.startswith("[") and piece not in (STAR, _ANY) and bool(re.match(piece, "/"))
            for part in parts
            for piece in part
        )
    )


def _join(parts: Sequence[Sequence[str]]) -> str:
    expression = ""
    for index, part in enumerate(parts):
        first, last = index == 0, index == len(parts) - 1
        if part == [FOLDERS]:
            expression += _ANYWHERE[1:] if first else "/" if last else "(?:/.+)?"
        else:
            expression += "" if first or (index == 1 and parts[0] == [FOLDERS]) else "/"
            expression += "".join(part)
            # A name matches a folder too, and with it all below.
            expression += r"(?:/|\Z)" if last else ""
    return expression


def _pieces(parts: Sequence[Sequence[str]]) -> List[str]:
    """The same for an automaton, which checks the end itself."""
    pieces: List[str] = []
    for index, part in enumerate(parts):
        if part == [FOLDERS] and index == len(parts) - 1:
            break
        pieces += ["/"] if pieces and pieces[-1] != FOLDERS else []
        pieces += part
    return pieces


def _longest_literal(pieces: Iterable[str]) -> str:
    """An expression for text that each match contains. It is a cheap test that most paths fail."""
    runs = groupby(pieces, key=lambda piece: piece != FOLDERS and not piece.startswith("["))
    return max(("".join(run) for is_literal, run in runs if is_literal), key=len, default="")


_ANY = "[^/]"


def _segment(segment: str) -> List[str]:
    if segment == "*":
        return [_ANY, STAR]
    pieces: List[str] = []
    index = 0
    while index < len(segment):
        char = segment[index]
        index += 1
        if char == "\\":
            if index == len(segment):
                raise _InvalidPattern(segment)
            pieces.append(re.escape(segment[index]))
            index += 1
        elif char == "*":
            # A run of stars means the same as one.
            pieces += [] if pieces[-1:] == [STAR] else [STAR]
        elif char == "?":
            pieces.append(_ANY)
        elif char == "[":
            part, index = _bracket(segment, index)
            pieces.append(part)
        else:
            pieces.append(re.escape(char))
    return pieces


def _bracket(segment: str, start: int) -> Tuple[str, int]:
    end = start
    if end < len(segment) and segment[end] in "!^":
        end += 1
    if end < len(segment) and segment[end] == "]":
        end += 1
    end = segment.find("]", end)
    if end < 0:
        raise _InvalidRange(segment)
    body = segment[start:end]
    negated = body[0] in "!^"
    inner = body[1:] if negated else body
    return f"[{'^' if negated else ''}{inner.translate(_CLASS_ESCAPES)}]", end + 1


_CLASS_ESCAPES = str.maketrans({"\\": r"\\", "[": r"\[", "&": r"\&", "~": r"\~", "|": r"\|"})
