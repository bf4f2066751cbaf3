"""Small plots as inline SVG: bars for points, lines for the course of a run. No script, no font and nothing else is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH = 460  # pixels
BAR = 22  # pixels of height
GAP = 10  # pixels between bars
LABELS = 150  # pixels for the names on the left
VALUES = 64  # pixels for the figures on the right
PLOT = 140  # pixels of height of a line plot
MARGIN = 44  # pixels around a line plot, for its numbers


def bars(title: str, unit: str, values: Sequence[tuple[str, float]]) -> str:
    """A bar for each (name, value), from zero, longest to the right."""
    top = max((value for _, value in values), default=0.0) or 1.0
    span = WIDTH - LABELS - VALUES
    parts = []
    for number, (name, value) in enumerate(values):
        y = number * (BAR + GAP)
        length = max(1.0, span * value / top)
        parts.append(
            f'<text x="{LABELS - 8}" y="{y + 16}" class="name">{escape(name)}</text>'
            f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" rx="3"/>'
            f'<text x="{LABELS + length + 6:.1f}" y="{y + 16}">{figure(value)}</text>'
        )
    height = len(values) * (BAR + GAP)
    return _figure(title, unit, height, "".join(parts))


def line(title: str, unit: str, points: Sequence[tuple[float, float]]) -> str:
    """A line through (seconds, value), the vertical axis from zero."""
    end = max((x for x, _ in points), default=0.0) or 1.0
    top = max((y for _, y in points), default=0.0) or 1.0
    width = WIDTH - 2 * MARGIN
    path = " ".join(f"{MARGIN + width * x / end:.1f},{PLOT - (PLOT - 16) * y / top:.1f}" for x, y in points)
    inner = (
        f'<line x1="{MARGIN}" y1="{PLOT}" x2="{WIDTH - MARGIN}" y2="{PLOT}" class="axis"/>'
        f'<text x="{MARGIN - 6}" y="22" class="name">{figure(top)}</text>'
        f'<text x="{MARGIN - 6}" y="{PLOT}" class="name">0</text>'
        f'<text x="{WIDTH - MARGIN}" y="{PLOT + 16}" class="name">{figure(end)} s</text>'
        f'<polyline points="{path}"/>'
    )
    return _figure(title, unit, PLOT + 24, inner)


def figure(value: float) -> str:
    """A number as short as its meaning allows."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _figure(title: str, unit: str, height: int, inner: str) -> str:
    return (
        f"<figure><figcaption>{escape(title)} <small>{escape(unit)}</small></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{inner}</svg></figure>'
    )
