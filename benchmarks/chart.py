"""Lines through measured points, on scales of logarithms, as a picture that a browser shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterable, List, Sequence, Tuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 400, 300, 56
# Below the lines of a panel: their names.
LEGEND = 22
# Colours follow the theme of the page. The dashes distinguish lines without colours.
THEME = """\
<style>
  svg { --paper: #ffffff; --ink: #1f2430; --grid: #dcdfe5;
        --line-0: #1f4e9c; --line-1: #b3271a; --line-2: #22662a; --line-3: #6a1b9a }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #1e2129; --ink: #e8ebf2; --grid: #434b5a;
          --line-0: #8ab4f8; --line-1: #ff9b8f; --line-2: #8fd69a; --line-3: #d7a8f5 }
  }
  text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: var(--ink) }
</style>"""
DASHES = ("", "6 3", "2 3", "8 3 2 3")


@dataclass(frozen=True)
class Line:
    """`points` are a count and seconds."""

    name: str
    points: Tuple[Tuple[float, float], ...]

    @property
    def slope(self) -> float:
        """The exponent of the power of the count that fits best: 1 is proportional."""
        logs = [(math.log(x), math.log(y)) for x, y in self.points]
        mean_x = sum(x for x, _ in logs) / len(logs)
        mean_y = sum(y for _, y in logs) / len(logs)
        spread = sum((x - mean_x) ** 2 for x, _ in logs)
        return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread

    @property
    def per_unit(self) -> float:
        """Seconds for each one more, from the first point to the last."""
        (x0, y0), (x1, y1) = self.points[0], self.points[-1]
        return (y1 - y0) / (x1 - x0)


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    lines: Tuple[Line, ...]


def to_svg(panels: Sequence[Panel]) -> str:
    """Panels one below the other: a phone shows the picture as wide as its screen."""
    heights = [HEIGHT + LEGEND * len(panel.lines) + 12 for panel in panels]
    height = sum(heights)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="520">',
        THEME,
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="var(--paper)"/>',
    ]
    for number, panel in enumerate(panels):
        top = sum(heights[:number])
        parts += [f'<g transform="translate(0 {top})">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> Iterable[str]:
    points = [point for line in panel.lines for point in line.points]
    across = _Scale([x for x, _ in points], MARGIN, WIDTH - 16)
    up = _Scale([y for _, y in points], HEIGHT - MARGIN, 36)
    yield f'<text x="{MARGIN}" y="20" style="font-weight: bold">{escape(panel.title)}</text>'
    for x in sorted({x for x, _ in points}):
        yield _line(across.at(x), HEIGHT - MARGIN, across.at(x), 36, "var(--grid)")
        yield _text(across.at(x), HEIGHT - MARGIN + 16, f"{x:g}", "middle")
    for y in up.ticks():
        yield _line(MARGIN, up.at(y), WIDTH - 16, up.at(y), "var(--grid)")
        yield _text(MARGIN - 6, up.at(y) + 4, f"{y:g} s", "end")
    yield _text((MARGIN + WIDTH) / 2, HEIGHT - 20, panel.unit, "middle")
    for number, line in enumerate(panel.lines):
        colour, dashes = f"var(--line-{number % len(DASHES)})", DASHES[number % len(DASHES)]
        path = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in line.points)
        style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"'
        yield f'<polyline points="{path}" fill="none" {style}/>'
        for x, y in line.points:
            yield f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3" fill="{colour}"/>'
        below = HEIGHT + LEGEND * number
        yield f'<polyline points="{MARGIN},{below} {MARGIN + 28},{below}" {style}/>'
        yield _text(MARGIN + 36, below + 4, f"{line.name}: slope {line.slope:.2f}", "start")


class _Scale:
    """From the smallest to the largest value, and from one place to another."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low, self._high = min(values) / 1.2, max(values) * 1.2
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = math.log(value / self._low) / math.log(self._high / self._low)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> List[float]:
        steps = [m * 10.0**e for e in range(-3, 5) for m in (1, 2, 5)]
        return [step for step in steps if self._low <= step <= self._high]


def _line(x0: float, y0: float, x1: float, y1: float, colour: str) -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
