"""Patterns in the syntax of `.gitignore`, matched as Truss matches its `.truss_ignore`.

Truss uses the `pathspec` library, which Pants does not ship. The last pattern that matches decides;
a pattern with a slash in it is anchored at the root, others match at any depth; unlike git, a later
`!pattern` can bring back what lies in an ignored folder, but walking stops at an ignored folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Optional, Pattern, Sequence, Tuple

from pants_truss.core.paths import ancestors


@dataclass(frozen=True)
class _Rule:
    """`index` is that of the line it was made of."""

    regex: Pattern[str]
    ignores: bool
    index: int = 0


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
        return next((rule for rule in reversed(self._rules) if rule.regex.search(path)), None)

    def ignoring_line(self, path: str, *, is_dir: bool = False) -> Optional[int]:
        """The index of the line that ignores the path; None if no line ignores it. The folders
        above `path` are not looked at: a walk has done that."""
        for form in (path, f"{path}/") if is_dir else (path,):
            rule = self._deciding(form)
            if rule is not None and rule.ignores:
                return rule.index
        return None

    def is_dir_ignored(self, path: str) -> bool:
        """Whether a walk skips this folder (and so all below it)."""
        return self._decides(path) or self._decides(path + "/")

    def is_ignored(self, path: str) -> bool:
        """Whether a walk from the root never arrives at this file."""
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
    """Whether the library that Truss uses can read the line; at any other it stops."""
    try:
        _compile(line.strip())
    except _InvalidPattern:
        return False
    return True


def expand_braces(line: str) -> List[str]:
    """The patterns that a line of Pants means. Its matcher, unlike git's, takes `{a,b}` for
    alternatives. A line whose braces do not match stays as it is."""
    found = re.search(r"(?<!\\)\{([^{}]*)\}", line)
    if line.startswith("#") or not found:
        return [line]
    start, end = line[: found.start()], line[found.end() :]
    return [
        expanded
        for choice in found.group(1).split(",")
        for expanded in expand_braces(f"{start}{choice}{end}")
    ]


# How the expression of a pattern begins that matches at any depth.
_ANYWHERE = "^(?:.+/)?"


def _any_of(rules: Sequence[_Rule]) -> Pattern[str]:
    """Matches what any of them matches. Most paths none does, and one search is told so faster than
    one for each rule."""
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
        expression = _translate(body)
        return _Rule(re.compile(expression, re.DOTALL), ignores) if expression else None
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


def _translate(body: str) -> Optional[str]:
    """A regular expression for `re.search` on `path` or, for a folder, `path/`."""
    directory_only = body.endswith("/")
    anchored = "/" in body.rstrip("/") if body.strip("/") else body.startswith("/")
    segments = [segment for segment in body.split("/") if segment]
    if not segments:
        # A lone `/` matches nothing and is skipped above; `!/` takes back all but the root's files.
        return "^.*/" if body == "/" else None
    if not anchored and segments[0] != "**":
        segments.insert(0, "**")
    segments = _collapse(segments)
    if directory_only and segments[-1] != "**":
        segments.append("**")
    return "^" + _join(segments, directory_only)


def _collapse(segments: List[str]) -> List[str]:
    return [
        segment
        for index, segment in enumerate(segments)
        if segment != "**" or index == 0 or segments[index - 1] != "**"
    ]


def _join(segments: List[str], directory_only: bool) -> str:
    if segments == ["**"]:
        return ".*/" if directory_only else ""
    expression = ""
    for index, segment in enumerate(segments):
        first, last = index == 0, index == len(segments) - 1
        if segment == "**":
            expression += _ANYWHERE[1:] if first else "/" if last else "(?:/.+)?"
        else:
            expression += ("" if first or (index == 1 and segments[0] == "**") else "/") + _segment(
                segment
            )
            # A name matches a folder too, and with it all below.
            expression += r"(?:/|\Z)" if last else ""
    return expression


def _segment(segment: str) -> str:
    if segment == "*":
        return "[^/]+"
    expression, index = "", 0
    while index < len(segment):
        char = segment[index]
        index += 1
        if char == "\\":
            if index == len(segment):
                raise _InvalidPattern(segment)
            expression += re.escape(segment[index])
            index += 1
        elif char == "*":
            expression += "[^/]*"
        elif char == "?":
            expression += "[^/]"
        elif char == "[":
            part, index = _bracket(segment, index)
            expression += part
        else:
            expression += re.escape(char)
    return expression


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
