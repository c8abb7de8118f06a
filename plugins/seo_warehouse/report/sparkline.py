"""The weeks of one measure as a line small enough to stand beside its figure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from seo_warehouse.report.facts import Week
from seo_warehouse.report.sentences import finite

WIDTH, HEIGHT, AIR = 200.0, 34.0, 4.0


def to_sparkline(weeks: Sequence[Week], title: str, *, is_news: bool) -> str:
    """The weeks, the oldest first, as an SVG element: the usual range of the newest as a band, its value as a dot.

    A week that was not tested is a gap. Colours are CSS variables of the page; it holds no text but its title.
    """
    newest = weeks[-1]
    values = [finite(week.value) for week in weeks]
    low, high = finite(newest.usual_low), finite(newest.usual_high)
    ends = [value for value in (*values, low, high) if value is not None]
    bottom, top = min(ends, default=0.0), max(ends, default=1.0)
    span = top - bottom or 1.0
    step = (WIDTH - 2 * AIR) / max(1, len(weeks) - 1)

    def across(number: int) -> float:
        return WIDTH - AIR - step * (len(weeks) - 1 - number)

    def down(value: float) -> float:
        return AIR + (top - value) / span * (HEIGHT - 2 * AIR)

    parts = []
    if low is not None and high is not None:
        size = max(2.0, down(low) - down(high))
        parts.append(f'<rect x="0" y="{down(high):.1f}" width="{WIDTH:.0f}" height="{size:.1f}" fill="var(--honest)"/>')
    for run in _runs(values):
        points = " ".join(f"{across(number):.1f},{down(value):.1f}" for number, value in run)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="var(--soft)" stroke-width="1.5" stroke-linecap="round"/>'
        )
    if (value := values[-1]) is not None:
        colour = "bad" if is_news else "mark"
        parts.append(
            f'<circle cx="{across(len(weeks) - 1):.1f}" cy="{down(value):.1f}" r="3.5" fill="var(--{colour})"/>'
        )
    return (
        f'<svg class="spark" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Values without a gap between them; one alone is drawn as a point."""
    runs: list[list[tuple[int, float]]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((number, value))
    return [run if len(run) > 1 else run * 2 for run in runs if run]
