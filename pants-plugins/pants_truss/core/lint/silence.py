"""Findings that a target, or a comment in a config, silences: one truss has a reason for what is a
mistake in others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, Dict, Iterable, Iterator, List, Tuple

from pants_truss.core.lint.finding import RULES_BY_NAME, Finding, Severity

# `key: value  # pants-truss: ignore[deprecated, no-effect]`
_COMMENT = re.compile(r"(?:^|\s)#\s*pants-truss:\s*ignore\[([^\]\[#]*)\]")
_COMMENT_ALONE = re.compile(r"\s*(?:#|$)")
# As YAML counts lines.
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Silence:
    """`rules` are silent in the whole truss, `lines` of (number, rule) in the config at `path`."""

    rules: Tuple[str, ...] = ()
    path: str = ""
    lines: Tuple[Tuple[int, str], ...] = ()

    def keep(self, findings: Iterable[Finding]) -> List[Finding]:
        """The findings that are not silenced."""
        lines = set(self.lines)
        return [
            finding
            for finding in findings
            if not RULES_BY_NAME[finding.rule].can_be_silenced
            or not (
                finding.rule in self.rules
                or (finding.path == self.path and (finding.line or 0, finding.rule) in lines)
            )
        ]

    def check_comments(self) -> Iterator[Finding]:
        """A finding for each comment that silences nothing, because it names no such rule."""
        for number, rule in self.lines:
            problem = why_not_silent(rule)
            if problem:
                message = f"`# pants-truss: ignore[{rule}]` has no effect: {problem}"
                yield Finding("no-effect", self.path, message, Severity.WARNING, line=number)


def read_silence(path: str, content: bytes, rules: Collection[str]) -> Silence:
    """`path` and `content` are those of the config; `rules` are silent in the whole truss."""
    return Silence(tuple(rules), path, tuple(_commented(content)))


def why_not_silent(rule: str) -> str:
    """Empty if the rule can be silenced."""
    if rule in RULES_BY_NAME and RULES_BY_NAME[rule].can_be_silenced:
        return ""
    known = ", ".join(name for name, each in RULES_BY_NAME.items() if each.can_be_silenced)
    if rule in RULES_BY_NAME:
        return f"{rule} cannot be silenced. Rules that can: {known}."
    return f"{rule!r} is not a rule. Rules: {known}."


def _commented(content: bytes) -> Iterator[Tuple[int, str]]:
    """(number, rule) of each line with a comment. One that stands alone is about the next line
    that does not."""
    waiting: Dict[str, None] = {}
    number = 0
    for number, line in enumerate(_LINE_END.split(content.decode("utf-8", "replace")), 1):
        found = _COMMENT.search(line)
        rules = [rule.strip() for rule in found.group(1).split(",")] if found else []
        if _COMMENT_ALONE.match(line):
            waiting.update(dict.fromkeys(rules))
            continue
        yield from ((number, rule) for rule in dict.fromkeys([*waiting, *rules]))
        waiting.clear()
    yield from ((number, rule) for rule in waiting)
