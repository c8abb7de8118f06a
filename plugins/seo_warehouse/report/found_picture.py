"""Pictures of how soon pages are found: the curves with their bands, and what links do, on a scale of ratios."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seo_warehouse.report.drawing import SMALL, Canvas, Picture, frame, halo, write
from seo_warehouse.report.found import Found, LinkRatio, WaitDay
from seo_warehouse.report.found_words import ARMS, say_links, say_milestone, say_waits
from seo_warehouse.report.sentences import interval_of
from seo_warehouse.report.words import capital, plain

CURVE_TITLE = "How long until a new page is found"
LINK_TITLE = "With a new link, days 1 to 28"
LAST_DAY = 60
DRAWN = ("visited", "indexed", "shown")
"""Curves beyond these would hide each other."""
FURTHEST = 4.0
"""Doublings, either way, that the scale of ratios reaches at most."""


def curve_picture(found: Found) -> Picture | None:
    """The curves of visits, index and first impression; None where none may be shown."""
    curves = [c for c in found.curves if c[-1].status == "estimate" and c[-1].milestone in DRAWN][:4]
    if not curves:
        return None
    return Picture(
        "how-soon-found", CURVE_TITLE, " ".join(say_waits(found)), lambda canvas: _draw_curves(canvas, curves)
    )


def link_picture(found: Found) -> Picture | None:
    """Ratios below each other, with both intervals; None where none may be shown."""
    links = [link for link in found.links if interval_of(link.interval_low, link.interval_high)]
    if not links:
        return None
    return Picture(
        "found-with-a-link", LINK_TITLE, " ".join(say_links(found)), lambda canvas: _draw_links(canvas, links)
    )


def _draw_curves(canvas: Canvas, curves: Sequence[Sequence[WaitDay]]) -> Figure:
    colours, below = canvas.palette, 46 + 18 * len(curves)
    left, right = 46, 8 if canvas.is_narrow else 150
    figure, axes = frame(
        canvas, CURVE_TITLE, plot=200 if canvas.is_narrow else 240, below=below, left=left, right=right
    )
    axes.set_xlim(0, LAST_DAY)
    axes.set_ylim(0, 100)
    ends: list[float] = []
    for number, curve in enumerate(curves, 1):
        colour = colours[f"series{number}"]
        days = [day for day in curve if day.share is not None and day.day <= LAST_DAY]
        axes.step([d.day for d in days], [100 * (d.share or 0) for d in days], where="post", color=colour, linewidth=2)
        banded = [d for d in days if d.share_low is not None and d.share_high is not None]
        axes.fill_between(
            [d.day for d in banded],
            [100 * (d.share_low or 0) for d in banded],
            [100 * (d.share_high or 0) for d in banded],
            step="post",
            color=colour,
            alpha=0.18,
            linewidth=0,
        )
        name = capital(say_milestone(curve[-1].milestone, curve[-1].engine))
        if not canvas.is_narrow and days:
            level = _free(100 * (days[-1].share or 0), ends)
            axes.text(LAST_DAY + 1, level, name, color=colour, va="center", fontsize=SMALL, clip_on=False)
        said = f"{name}: pages watched " + ", ".join(_at_risk(curve, number) for number in (0, 14, 28))
        shade = colour if canvas.is_narrow else colours["soft"]
        write(figure, 8, 6 + 18 * (len(curves) - number), said, color=shade, fontsize=SMALL, va="bottom")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    middle = (left + canvas.width - right) / 2
    write(figure, middle, below - 42, "days since it was published", ha="center", va="bottom", color=colours["soft"])
    return figure


def _free(level: float, taken: list[float]) -> float:
    """A place for a name near its curve's end that no other name has."""
    while any(abs(level - other) < 8 for other in taken):
        level -= 2
    taken.append(level)
    return level


def _at_risk(curve: Sequence[WaitDay], number: int) -> str:
    count = next((day.at_risk_count for day in curve if day.day == number), None)
    return f"day {number}: {'under 10' if count is None else f'{count:,.0f}'}"


def _draw_links(canvas: Canvas, links: Sequence[LinkRatio]) -> Figure:
    step = 40 if canvas.is_narrow else 28
    colours, plot = canvas.palette, step * len(links)
    left, right = (8, 8) if canvas.is_narrow else (300, 20)
    figure, axes = frame(canvas, LINK_TITLE, plot=plot, above=24, below=34, left=left, right=right, grid="x")
    ends = [log2(max(end, 1e-6)) for link in links for interval in _intervals(link) for end in interval]
    reach = min(FURTHEST, max(1.2, *(abs(end) for end in ends)) + 0.15)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(plot, 0)
    axes.set_yticks([])
    axes.axvline(0, color=colours["soft"], linewidth=1.2, zorder=1.5)
    for number, link in enumerate(links):
        _draw_link(axes, canvas, link, step * number)
    axes.set_xticks([tick for tick in (-3, -2, -1, 0, 1, 2, 3) if abs(tick) <= reach])
    axes.xaxis.set_major_formatter(lambda value, _: _tick(value))
    said = "narrow: 95 % interval; wide: honest interval"
    write(figure, 8, 34 + plot + 12, said, color=colours["soft"], va="center")
    return figure


def _draw_link(axes: Axes, canvas: Canvas, link: LinkRatio, top: float) -> None:
    colours, y = canvas.palette, top + (28 if canvas.is_narrow else 14)
    honest = interval_of(link.honest_low, link.honest_high)
    plainly = interval_of(link.interval_low, link.interval_high)
    for interval, colour, half in ((honest, "honest", 7), (plainly, "plain", 4)):
        if interval:
            low, high = (log2(max(end, 1e-6)) for end in interval)
            axes.add_patch(
                Rectangle((low, y - half), high - low, 2 * half, color=colours[colour], linewidth=0, zorder=2)
            )
    if link.hazard_ratio:
        axes.plot([log2(link.hazard_ratio)], [y], marker="o", markersize=6.5, color=colours["mark"], zorder=4)
    name = f"{say_milestone(link.milestone, link.engine)}, {ARMS.get(link.arm, plain(link.arm))}"
    place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": SMALL}
    x, line, side = (0.0, top + 12, "left") if canvas.is_narrow else (-0.02, y, "right")
    axes.text(x, line, capital(name), ha=side, color=colours["ink"], bbox=halo(canvas), clip_on=False, **place)


def _intervals(link: LinkRatio) -> list[tuple[float, float]]:
    both = (interval_of(link.honest_low, link.honest_high), interval_of(link.interval_low, link.interval_high))
    return [interval for interval in both if interval]


def _tick(value: float) -> str:
    words = {-1: "half as fast", 0: "as fast", 1: "twice", 2: "4 times", 3: "8 times", -2: "a quarter", -3: "an eighth"}
    return words.get(round(value), "")
