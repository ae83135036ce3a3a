"""What linting says on a terminal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Sequence, Tuple

from pants_truss.core.lint.finding import Finding, Severity, how_to_silence
from pants_truss.core.terminal import visible_line

# From a text to the same in a colour.
Paint = Callable[[str, str], str]

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


@dataclass(frozen=True)
class LintedTruss:
    """`name` is the address of the truss."""

    name: str
    findings: Tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def no_paint(text: str, colour: str) -> str:
    return text


def render(trusses: Sequence[LintedTruss], paint: Paint = no_paint) -> str:
    """Findings by truss, one per line, and a summary. If several trusses share a finding because
    they share a file, it is printed once, with the first of them."""
    blocks: List[str] = []
    reported: Dict[Finding, str] = {}
    for truss in trusses:
        lines = []
        for finding in truss.findings:
            if reported.setdefault(finding, truss.name) == truss.name:
                lines.append(_line(finding, paint))
        shared = [finding for finding in truss.findings if reported[finding] != truss.name]
        if shared:
            lines.append(f"  and {_count(shared, no_paint)}, reported above, in shared files")
        if lines:
            blocks.append("\n".join([paint(visible_line(truss.name), "blue"), *lines]))
    blocks.append(_summary(trusses, paint))
    return "\n\n".join(blocks) + "\n"


def _line(finding: Finding, paint: Paint) -> str:
    severity = paint(finding.severity.value, _COLOURS[finding.severity])
    return f"  {finding.place}: {severity}: {finding.text}"


def _summary(trusses: Sequence[LintedTruss], paint: Paint) -> str:
    findings = {finding for truss in trusses for finding in truss.findings}
    if not findings:
        return f"Nothing found in {_plural(len(trusses), 'truss')}."
    having = sum(bool(truss.findings) for truss in trusses)
    total = f"{_count(findings, paint)} in {having} of {_plural(len(trusses), 'truss')}."
    return " ".join(filter(None, [total, how_to_silence(finding.rule for finding in findings)]))


def _count(findings: Iterable[Finding], paint: Paint) -> str:
    """`2 errors and 1 warning`."""
    counts = Counter(finding.severity for finding in findings)
    parts = [
        paint(_plural(counts[severity], severity.value), _COLOURS[severity])
        for severity in Severity
        if counts[severity]
    ]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _plural(count: int, noun: str) -> str:
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count} {noun}{ending}"
