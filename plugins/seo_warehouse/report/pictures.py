"""Pictures of effects: the weeks around a link, and effects beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from seo_warehouse.report.drawing import SMALL, Canvas, Picture, frame, halo, head_height, wrap, write
from seo_warehouse.report.facts import Effect, Facts
from seo_warehouse.report.sentences import Interval, say_short, show, status_of
from seo_warehouse.report.words import (
    ARMS,
    CUTS,
    Measure,
    capital,
    clean,
    count_of,
    measure_of,
    plain,
    say_level,
    signed,
)

BASE = (-7, -1)
FIRST = -28
"""The picture of weeks begins here at the latest: left of the link there is room for words."""
HEADLINE = (21, 34)
LABELS, NOTES = 290, 130
"""Pixels left and right of the bars of a wide comparison."""
FURTHEST = 250.0
"""Per cent (places, points) that an axis reaches at most; what goes beyond is cut at its edge."""


@dataclass(frozen=True)
class Line:
    """A line of a comparison: an effect with its name, or a heading without one."""

    label: str
    effect: Effect | None = None


def event_study(facts: Facts, arm: str = "acquired_followed") -> Picture | None:
    """The weeks before and after a link; None where no week may be shown."""
    weeks = facts.weeks(arm)
    if not (drawn := drawn_weeks(weeks)):
        return None
    measure = measure_of(facts.outcome)
    title = f"{capital(measure.title)} around {ARMS.get(arm, plain(arm))}"
    seen = [f"days {week.begin_day} to {week.end_day}: {say_short(week)}" for week in weeks]
    return Picture(
        f"event-study-{arm}",
        title,
        f"Difference to pages of the same topic, week by week, against the week before the link. {'; '.join(seen)}.",
        lambda canvas: _draw_weeks(canvas, title, measure, drawn),
    )


def drawn_weeks(weeks: Sequence[Effect]) -> Sequence[Effect]:
    """From the first week of which something may be shown to the last one."""
    shown = [number for number, week in enumerate(weeks) if show(week).widest]
    return weeks[shown[0] : shown[-1] + 1] if shown else ()


def comparison(name: str, title: str, lines: Sequence[Line], outcome: str) -> Picture | None:
    """Effects below each other, with their intervals; None where none may be shown."""
    if all(show(line.effect).widest is None for line in lines):
        return None
    measure = measure_of(outcome)
    seen = [f"{line.label}: {say_short(line.effect)}" for line in lines if line.effect]
    drawn = tuple(replace(line, label=clean(line.label, 60)) for line in lines)
    return Picture(name, title, f"{'; '.join(seen)}.", lambda canvas: _draw_lines(canvas, title, measure, drawn))


def cut_lines(facts: Facts, cut: str | None = None) -> list[Line]:
    """Every level of a cut, or of all cuts, each cut under its heading."""
    lines = []
    for name in [cut] if cut else facts.cuts:
        lines.append(Line(CUTS.get(name, plain(name))))
        lines += [Line(say_level(name, row.level), row) for row in facts.levels(name)]
    return lines


def arm_lines(facts: Facts) -> list[Line]:
    """What each kind of link event did, followed minus nofollow, and all properties together."""
    lines = [Line(capital(words), row) for arm, words in ARMS.items() if (row := facts.find(arm=arm))]
    headline, nofollow = facts.find(), facts.find(arm="acquired_nofollow")
    if headline and status_of(nofollow) != "not_enough_data" and headline.followed_minus_nofollow_low is not None:
        lines.append(Line("Followed minus nofollow", difference_of(headline)))
    pooled = facts.find(pooled=True)
    if pooled and facts.property_key != pooled.property_key:
        lines.append(Line("A new followed link, all properties", pooled))
    return lines


def difference_of(headline: Effect) -> Effect:
    """Followed minus nofollow as a row of its own; it has no honest interval."""
    return replace(
        headline, estimate=headline.followed_minus_nofollow, interval_low=headline.followed_minus_nofollow_low,
        interval_high=headline.followed_minus_nofollow_high, honest_low=None, honest_high=None,
        sample_low=None, sample_high=None, sample_honest_low=None, sample_honest_high=None,
    )  # fmt: skip


def _draw_weeks(canvas: Canvas, title: str, measure: Measure, weeks: Sequence[Effect]) -> Figure:
    colours = canvas.palette
    above, plot, left, right = (76, 210, 46, 8) if canvas.is_narrow else (54, 264, 60, 16)
    figure, axes = frame(canvas, title, plot=plot, above=above, below=76, left=left, right=right)
    first = min(FIRST, weeks[0].begin_day) - 1
    last = max(HEADLINE[1], weeks[-1].end_day) + 2
    low, high = _limits(measure, [show(week) for week in weeks])
    axes.set_xlim(first, last)
    axes.set_ylim((high, low) if measure.is_less_better else (low, high))
    axes.axvspan(first, 0, color=colours["shade"], linewidth=0, zorder=0)
    axes.axvspan(BASE[0], BASE[1] + 1, color=colours["line"], linewidth=0, zorder=0.1)
    axes.axhline(0, color=colours["soft"], linewidth=1.2, zorder=1.5)
    axes.axvline(0, color=colours["ink"], linewidth=1.4, linestyle=(0, (3, 2)), zorder=1.6)
    for week in weeks:
        _draw_upright(axes, canvas, measure, week)
    axes.plot([-3.0], [0], **_diamond(canvas))
    axes.set_xticks([day for day in range(-84, int(last), 28 if canvas.is_narrow else 14) if day > first])
    axes.xaxis.set_major_formatter(lambda day, _: signed(round(day)))
    axes.yaxis.set_major_formatter(lambda value, _: _tick(measure, value))
    _name_regions(axes, canvas, measure, first)
    _count_events(figure, axes, canvas, weeks)
    _explain(figure, canvas, head_height(wrap(canvas, title)), with_base=True)
    return figure


def _draw_upright(axes: Axes, canvas: Canvas, measure: Measure, week: Effect) -> None:
    shown, middle = show(week), (week.begin_day + week.end_day + 1) / 2
    for interval, colour, half in ((shown.honest, "honest", 2.9), (shown.interval, "plain", 1.7)):
        if interval:
            low, high = (measure.shown(end) for end in interval)
            axes.add_patch(_block(canvas, colour, (middle - half, low), 2 * half, high - low))
    if shown.estimate is not None:
        axes.plot([middle], [measure.shown(shown.estimate)], **_dot(canvas))


def _block(canvas: Canvas, colour: str, corner: Interval, width: float, height: float) -> Rectangle:
    return Rectangle(corner, width, height, color=canvas.palette[colour], linewidth=0, zorder=2)


def _dot(canvas: Canvas) -> dict[str, Any]:
    colours = canvas.palette
    return {
        "marker": "o", "markersize": 6.5, "color": colours["mark"], "markeredgecolor": colours["paper"],
        "markeredgewidth": 1.2, "zorder": 4, "linestyle": "none",
    }  # fmt: skip


def _diamond(canvas: Canvas) -> dict[str, Any]:
    colours = canvas.palette
    return _dot(canvas) | {
        "marker": "D",
        "markersize": 5.5,
        "color": colours["paper"],
        "markeredgecolor": colours["ink"],
    }


def _name_regions(axes: Axes, canvas: Canvas, measure: Measure, first: float) -> None:
    soft: dict[str, Any] = {"color": canvas.palette["soft"], "fontsize": SMALL, "clip_on": False}
    across = axes.get_xaxis_transform()
    better, worse = (measure.less, measure.more) if measure.is_less_better else (measure.more, measure.less)
    axes.text(0, 1.02, f"↑ {better}", transform=axes.transAxes, va="bottom", **soft)
    axes.text(first + 1, 0.015, f"↓ {worse}", transform=across, va="bottom", **soft)
    axes.text(-1, 0.98, "before the link", transform=across, ha="right", va="top", **soft)
    axes.text(2, 0.98, "after the link", transform=across, ha="left", va="top", **soft)
    begin, end = HEADLINE[0], HEADLINE[1] + 1
    axes.plot([begin, end], [1, 1], transform=across, color=canvas.palette["ink"], linewidth=4, clip_on=False)
    ink = soft | {"color": canvas.palette["ink"]}
    axes.text(begin, 1.02, "weeks 4 and 5", transform=across, ha="left", va="bottom", **ink)


def _count_events(figure: Figure, axes: Axes, canvas: Canvas, weeks: Sequence[Effect]) -> None:
    """How many links each week rests on: bars below the axis, with the number where it changes and there is room."""
    box, height = axes.get_position(), 72 * figure.get_figheight()
    below = figure.add_axes((box.x0, 38 / height, box.width, 16 / height), sharex=axes)
    below.set_axis_off()
    most = max(week.event_count for week in weeks) or 1
    below.set_ylim(0, most)
    first, last = axes.get_xlim()
    days_a_pixel = (last - first) / (box.width * canvas.width)
    said, free_from = None, first
    for week in weeks:
        begin, number = week.begin_day + 0.4, f"{week.event_count:,}"
        below.bar(begin, week.event_count, 6.2, align="edge", color=canvas.palette["line"])
        if number != said and begin >= free_from:
            below.text(begin, -most * 0.1, number, va="top", color=canvas.palette["soft"])
            said, free_from = number, begin + (7.5 * len(number) + 5) * days_a_pixel
    words = {"ha": "center", "va": "bottom", "color": canvas.palette["soft"]}
    figure.text(box.x0 + box.width / 2, 3 / height, "days from the link; bars: links judged", **words)  # type: ignore[arg-type]


def _draw_lines(canvas: Canvas, title: str, measure: Measure, lines: Sequence[Line]) -> Figure:
    steps = [(40 if line.effect else 26) if canvas.is_narrow else 28 for line in lines]
    colours = canvas.palette
    left, right = (8, 8) if canvas.is_narrow else (LABELS, NOTES)
    figure, axes = frame(canvas, title, plot=sum(steps), above=28, below=44, left=left, right=right, grid="x")
    axes.set_xlim(*_limits(measure, [show(line.effect) for line in lines]))
    axes.set_ylim(sum(steps), 0)
    axes.set_yticks([])
    axes.axvline(0, color=colours["soft"], linewidth=1.2, zorder=1.5)
    for number, line in enumerate(lines):
        _draw_lying(axes, canvas, measure, line, sum(steps[:number]))
    axes.locator_params(axis="x", nbins=5 if canvas.is_narrow else 7)
    axes.xaxis.set_major_formatter(lambda value, _: _tick(measure, value))
    below: dict[str, Any] = {"color": colours["soft"], "va": "bottom", "fontsize": SMALL}
    write(figure, left, 4, f"← {measure.less}", ha="left", **below)
    write(figure, canvas.width - right, 4, f"{measure.more} →", ha="right", **below)
    _explain(figure, canvas, head_height(wrap(canvas, title)))
    return figure


def _draw_lying(axes: Axes, canvas: Canvas, measure: Measure, line: Line, top: float) -> None:
    shown, y = show(line.effect), top + (28 if canvas.is_narrow else 14)
    _name_line(axes, canvas, line, top + 12 if canvas.is_narrow else y)
    for interval, colour, half in ((shown.honest, "honest", 7), (shown.interval, "plain", 4)):
        if interval:
            low, high = (measure.shown(end) for end in interval)
            axes.add_patch(_block(canvas, colour, (low, y - half), high - low, 2 * half))
    if shown.estimate is not None:
        axes.plot([measure.shown(shown.estimate)], [y], **_dot(canvas))


def _name_line(axes: Axes, canvas: Canvas, line: Line, y: float) -> None:
    """The label, and how many links there are; beside the bars where there is room, else above them."""
    inner = canvas.width - LABELS - NOTES
    left, right, side = (
        (0.0, 1.0, "right") if canvas.is_narrow else (8 / inner - LABELS / inner, 1 + 10 / inner, "left")
    )
    common: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "clip_on": False,
        "fontsize": SMALL,
    }
    common |= {"bbox": halo(canvas), "zorder": 3}
    weight = "normal" if line.effect else "bold"
    axes.text(left, y, line.label, fontweight=weight, color=canvas.palette["ink"], **common)
    if line.effect:
        number = count_of(line.effect.event_count, "link")
        note = number if show(line.effect).widest else f"{number}: too few"
        axes.text(right, y, note, ha=side, color=canvas.palette["soft"], **common)


def _explain(figure: Figure, canvas: Canvas, top: float, *, with_base: bool = False) -> None:
    """What the colours and shapes stand for."""
    height, x, y = 72 * figure.get_figheight(), 8.0, top + 9
    words = [("mark", "estimate"), ("plain", "95 % interval"), ("honest", "honest interval")]
    for kind, said in [*words, ("base", "the week before the link: 0")] if with_base else words:
        if kind == "base" and canvas.is_narrow:
            x, y = 8.0, y + 20
        if kind in ("mark", "base"):
            look = _dot(canvas) if kind == "mark" else _diamond(canvas)
            figure.add_artist(Line2D([(x + 5) / canvas.width], [1 - y / height], **look))
        else:
            corner = (x / canvas.width, 1 - (y + 5) / height)
            figure.add_artist(_block(canvas, kind, corner, 11 / canvas.width, 10 / height))
        figure.text((x + 15) / canvas.width, 1 - y / height, said, va="center", color=canvas.palette["soft"])
        x += 26 + 6.4 * len(said)


def _limits(measure: Measure, figures: Sequence[Any]) -> Interval:
    """An axis that holds every interval and 0, with some air."""
    ends = [measure.shown(end) for figure in figures for i in (figure.honest, figure.interval) if i for end in i]
    low, high = max(-FURTHEST, min([0.0, *ends])), min(FURTHEST, max([0.0, *ends]))
    air = 0.12 * (high - low) or 1.0
    return low - air, high + air


def _tick(measure: Measure, value: float) -> str:
    """A tick without sign: which way is said in words beside the axis."""
    return f"{abs(value):.10g}{' %' if measure.kind == 'ratio' else ''}"
