"""The picture of one page over time: positions above, links and the page's own changes below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from seo_warehouse.report.drawing import SMALL, Canvas, Picture, dress, head, head_height, wrap
from seo_warehouse.report.timelines import LinkMark, Series, Timeline
from seo_warehouse.report.words import capital, clean

TICKS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200)
SHAPES = ("o", "s", "^", "D", "v", "P")
DASHES = {"desktop": "-", "mobile": (0, (4, 1.6)), "tablet": (0, (1, 1.2))}
LANE = 22
LANES = ("links gained", "links lost", "page changed")
SHOWN_UPDATES = 8
MARK_EVERY = 28
"""Points from one shape on a line to the next."""


def timeline_picture(timeline: Timeline, number: int) -> Picture:
    """One page's positions, 1 on top, with what happened to it below."""
    path = urlsplit(timeline.url).path if timeline.url.startswith("http") else timeline.url
    title = f"Positions of {clean(path, 70) or '/'}"
    return Picture(f"page-{number}", title, f"{timeline.summary}.", lambda canvas: _draw(canvas, title, timeline))


def names_of(series: Sequence[Series], length: int = 60) -> list[str]:
    """What each line is called: its keyword and device, and the locale where there are several."""
    locales = {line.locale for line in series}
    return [
        ", ".join([clean(line.keyword, length), line.device, *([line.locale] if len(locales) > 1 else [])])
        for line in series
    ]


def say_timeline(timeline: Timeline) -> str:
    """What the picture shows, and where each line ends."""
    names = names_of(timeline.series)
    last = [
        f"{clean(name, 120)} {_end(line, timeline)}"
        for name, line in zip(names, timeline.series, strict=True)
        if line.points
    ]
    return f"{capital(timeline.summary)}." + (f" Last positions: {'; '.join(last)}." if last else "")


def _end(line: Series, timeline: Timeline) -> str:
    point = line.points[-1]
    where = f"not in {timeline.depth}" if point.position is None else f"{point.position}"
    return where if point.day == timeline.last_day else f"{where} on {point.day}"


def _draw(canvas: Canvas, title: str, timeline: Timeline) -> Figure:
    titles, updates = wrap(canvas, title), _name_updates(canvas, timeline)
    names = names_of(timeline.series, 30 if canvas.is_narrow else 40)
    rows = len(names) if canvas.is_narrow else (len(names) + 1) // 2
    above = head_height(titles) + 18 * rows + 20
    lanes = LANE * len(LANES) + (12 * len(LANES) if canvas.is_narrow else 0)
    below = 26 + (40 if canvas.is_narrow else 22) + 16 * len(updates)
    height = above + (240 if canvas.is_narrow else 250) + lanes + below
    figure = canvas.figure(height)
    left, right = (40, 10) if canvas.is_narrow else (100, 16)
    x, width = left / canvas.width, 1 - (left + right) / canvas.width
    upper = figure.add_axes((x, (lanes + below) / height, width, 1 - (above + lanes + below) / height))
    lower = figure.add_axes((x, below / height, width, lanes / height), sharex=upper)
    _draw_positions(upper, canvas, timeline)
    _draw_lanes(lower, canvas, timeline, lanes)
    for line in (mark for mark in timeline.links if mark.is_followed):
        colour = canvas.palette["good" if line.is_gain else "bad"]
        upper.axvline(line.day.toordinal(), color=colour, linewidth=1, linestyle=(0, (2, 2)), zorder=1.2)
    head(figure, canvas, titles)
    _name_series(figure, canvas, timeline.series, names, head_height(titles))
    _explain(figure, canvas, updates, below - 26)
    return figure


def _draw_positions(axes: Axes, canvas: Canvas, timeline: Timeline) -> None:
    dress(axes, canvas)
    axes.set_yscale("log")
    positions = [p.position for line in timeline.series for p in line.points if p.position is not None]
    bottom = timeline.depth + 1 if any(line.absences for line in timeline.series) else max(positions, default=10)
    top = max(1, min(positions, default=1))
    axes.set_ylim(bottom * 1.18, top / 1.18)
    axes.set_yticks([tick for tick in TICKS if top <= tick <= bottom] or [top, bottom], minor=False)
    axes.set_yticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.set_xlim(timeline.first_day.toordinal() - 1, timeline.last_day.toordinal() + 1)
    axes.tick_params(axis="x", labelbottom=False)
    axes.text(0, 1.01, "position", transform=axes.transAxes, va="bottom", color=canvas.palette["soft"], fontsize=SMALL)
    axes.spines["bottom"].set_visible(False)
    for number, line in enumerate(timeline.series):
        _draw_series(axes, line, _look(canvas, timeline.series, number), timeline.depth)
    for number, update in enumerate(timeline.updates[:SHOWN_UPDATES]):
        begin, end = max(update.begins_on, timeline.first_day), min(update.ends_on, timeline.last_day)
        axes.axvspan(begin.toordinal(), end.toordinal() + 1, color=canvas.palette["update"], linewidth=0, zorder=0.2)
        middle = (begin.toordinal() + end.toordinal() + 1) / 2
        axes.text(middle, 1.01, _letter(number), transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                  color=canvas.palette["ink"], fontsize=SMALL, clip_on=False)  # fmt: skip


def _draw_series(axes: Axes, line: Series, look: dict[str, Any], depth: int) -> None:
    for run in line.runs:
        days = [point.day.toordinal() for point in run]
        positions = [float(point.position or 0) for point in run]
        alone = {} if len(run) == 1 else {"markevery": (MARK_EVERY // 4, MARK_EVERY)}
        axes.plot(days, positions, **(look | alone))
    if line.absences:
        absent = look | {"linestyle": "none", "marker": "x", "markersize": 5, "markeredgecolor": look["color"]}
        axes.plot([day.toordinal() for day in line.absences], [float(depth + 1)] * len(line.absences), **absent)


def _look(canvas: Canvas, series: Sequence[Series], number: int) -> dict[str, Any]:
    """Colour and shape tell the keyword, dashes the device."""
    keywords = list(dict.fromkeys(line.keyword for line in series))
    which = keywords.index(series[number].keyword)
    return {
        "color": canvas.palette[f"series{which % 6 + 1}"], "marker": SHAPES[which % len(SHAPES)], "markersize": 5,
        "markeredgecolor": canvas.palette["paper"], "markeredgewidth": 0.8,
        "linewidth": 1.2 if canvas.is_narrow else 1.4, "linestyle": DASHES.get(series[number].device, "-"), "zorder": 3,
    }  # fmt: skip


def _draw_lanes(axes: Axes, canvas: Canvas, timeline: Timeline, height: int) -> None:
    dress(axes, canvas, grid="")
    step = height / len(LANES)
    axes.set_ylim(height, 0)
    axes.set_yticks([])
    for number, words in enumerate(LANES):
        axes.axhline(number * step, color=canvas.palette["line"], linewidth=0.8)
        at, side, y = (0.0, "left", number * step + 8) if canvas.is_narrow else (-0.012, "right", (number + 0.5) * step)
        axes.text(at, y, words, transform=axes.get_yaxis_transform(), ha=side, va="center", fontsize=SMALL,
                  color=canvas.palette["soft"], clip_on=False)  # fmt: skip
    middle = step - 11 if canvas.is_narrow else step / 2
    for mark in timeline.links:
        axes.plot([mark.day.toordinal()], [middle + (0 if mark.is_gain else step)], **_link_look(canvas, mark))
    for change in timeline.changes:
        axes.plot([change.day.toordinal()], [middle + 2 * step], **_change_look(canvas))
    months = _months(timeline.first_day, timeline.last_day, 4 if canvas.is_narrow else 9)
    axes.set_xticks([month.toordinal() for month in months])
    axes.set_xticklabels([f"{m:%b}" if n and m.month > 1 else f"{m:%b %Y}" for n, m in enumerate(months)])


def _months(first: date, last: date, most: int) -> list[date]:
    """First days of months, evenly chosen so that there are not too many; in a short span the first day alone."""
    numbers = range(first.year * 12 + first.month - (first.day == 1), last.year * 12 + last.month)
    months = [date(number // 12, number % 12 + 1, 1) for number in numbers]
    return months[:: max(1, -(-len(months) // most))] or [first]


def _link_look(canvas: Canvas, mark: LinkMark) -> dict[str, Any]:
    return _mark_look(canvas, "good" if mark.is_gain else "bad", "^" if mark.is_gain else "v", mark.is_followed)


def _change_look(canvas: Canvas) -> dict[str, Any]:
    return _mark_look(canvas, "soft", "s", True)


def _mark_look(canvas: Canvas, colour: str, shape: str, is_filled: bool | None) -> dict[str, Any]:
    """Filled is followed, hollow is nofollow, and a diamond is a link whose rel is not known."""
    tint = canvas.palette[colour]
    return {
        "marker": "d" if is_filled is None else shape, "markersize": 8 if shape != "s" else 6.5, "linestyle": "none",
        "markeredgecolor": tint, "markeredgewidth": 1.5, "zorder": 4, "clip_on": False,
        "color": tint if is_filled else canvas.palette["paper"],
    }  # fmt: skip


def _name_series(figure: Figure, canvas: Canvas, series: Sequence[Series], names: list[str], top: float) -> None:
    height, columns = 72 * figure.get_figheight(), 1 if canvas.is_narrow else 2
    for number, name in enumerate(names):
        x = 8 + (number % columns) * (canvas.width / columns)
        y = 1 - (top + 9 + 18 * (number // columns)) / height
        look = _look(canvas, series, number) | {"markevery": [1]}
        spots = [x / canvas.width, (x + 13) / canvas.width, (x + 26) / canvas.width]
        figure.add_artist(Line2D(spots, [y] * 3, **look))
        figure.text((x + 33) / canvas.width, y, name, va="center", color=canvas.palette["ink"], fontsize=SMALL)


def _explain(figure: Figure, canvas: Canvas, updates: list[str], top: float) -> None:
    """What the marks stand for, and the names of the updates."""
    height, x, y = 72 * figure.get_figheight(), 8.0, top - 10
    marks = (("good", "^", True, "followed"), ("good", "^", False, "nofollow"), ("good", "^", None, "rel unknown"))
    for colour, shape, is_filled, words in marks:
        figure.add_artist(
            Line2D([(x + 5) / canvas.width], [y / height], **_mark_look(canvas, colour, shape, is_filled))
        )
        figure.text((x + 14) / canvas.width, y / height, words, va="center", color=canvas.palette["soft"])
        x += 30 + 6.4 * len(words)
    if canvas.is_narrow:
        x, y = 8.0, y - 18
    soft: dict[str, Any] = {"va": "center", "color": canvas.palette["soft"]}
    figure.text(x / canvas.width, y / height, "× not found to the depth checked; a gap: no check", **soft)
    for number, words in enumerate(updates):
        figure.text(8 / canvas.width, (y - 18 - 16 * number) / height, words, **soft)


def _name_updates(canvas: Canvas, timeline: Timeline) -> list[str]:
    names = [f"{_letter(n)} {clean(u.name, 60)}" for n, u in enumerate(timeline.updates[:SHOWN_UPDATES])]
    if not names:
        return []
    said = "Google: " + " · ".join(name.replace(" ", "\N{NO-BREAK SPACE}") for name in names)
    return textwrap.wrap(said, 50 if canvas.is_narrow else 120, break_on_hyphens=False)


def _letter(number: int) -> str:
    return chr(ord("A") + number)
