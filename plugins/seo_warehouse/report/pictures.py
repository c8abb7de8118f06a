"""Pictures of effects: the weeks around a link, and effects beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from seo_warehouse.report.drawing import SMALL, TEXT, Canvas, Picture, dress
from seo_warehouse.report.facts import Effect, Facts
from seo_warehouse.report.sentences import Interval, say_short, show, status_of
from seo_warehouse.report.words import ARMS, CUTS, Measure, clean, count_of, measure_of, plain, say_level

BASE = (-7, -1)
HEADLINE = (21, 34)
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
    if all(show(week).widest is None for week in weeks):
        return None
    measure = measure_of(facts.outcome)
    title = f"Around {ARMS.get(arm, plain(arm))}: {measure.title}"
    seen = [f"days {week.begin_day} to {week.end_day}: {say_short(week)}" for week in weeks]
    return Picture(
        f"event-study-{arm}",
        title,
        f"Difference to pages of the same topic, week by week, against the week before the link. {'; '.join(seen)}.",
        lambda canvas: _draw_weeks(canvas, title, measure, weeks),
    )


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
    lines = [Line(_capital(words), row) for arm, words in ARMS.items() if (row := facts.find(arm=arm))]
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
    )  # fmt: skip


def _draw_weeks(canvas: Canvas, title: str, measure: Measure, weeks: Sequence[Effect]) -> Figure:
    height, colours = (380 if canvas.is_narrow else 430), canvas.palette
    figure = canvas.figure(height)
    left, right = (46, 8) if canvas.is_narrow else (60, 16)
    box = (left / canvas.width, 92 / height, 1 - (left + right) / canvas.width, 1 - (92 + 76) / height)
    axes = figure.add_axes(box)
    dress(axes, canvas)
    first, last = min(w.begin_day for w in weeks) - 1, max(w.end_day for w in weeks) + 2
    low, high = _limits(measure, [show(week) for week in weeks])
    axes.set_xlim(first, last)
    axes.set_ylim((high, low) if measure.is_less_better else (low, high))
    axes.axvspan(first, 0, color=colours["shade"], linewidth=0, zorder=0)
    axes.axvspan(BASE[0], BASE[1] + 1, color=colours["line"], linewidth=0, zorder=0.1)
    axes.axhline(0, color=colours["soft"], linewidth=1.2, zorder=1.5)
    axes.axvline(0, color=colours["ink"], linewidth=1.4, linestyle=(0, (3, 2)), zorder=1.6)
    for week in weeks:
        _draw_upright(axes, canvas, measure, week)
    axes.plot([-3.5], [0], "D", color=colours["paper"], markeredgecolor=colours["ink"], markersize=6, zorder=5)
    step = 28 if canvas.is_narrow else 14
    axes.set_xticks(range(-28 if canvas.is_narrow else -42, int(last), step))
    axes.set_xticklabels([f"+{t}" if t > 0 else f"\N{MINUS SIGN}{-t}" if t else "0" for t in axes.get_xticks()])
    axes.yaxis.set_major_formatter(lambda value, _: _tick(measure, value))
    _name_regions(axes, canvas, measure, first)
    _count_events(figure, axes, canvas, weeks, height)
    _head(figure, canvas, title, height)
    return figure


def _draw_upright(axes: Axes, canvas: Canvas, measure: Measure, week: Effect) -> None:
    shown, colours = show(week), canvas.palette
    middle = (week.begin_day + week.end_day + 1) / 2
    for interval, colour, half in ((shown.honest, "honest", 2.9), (shown.interval, "plain", 1.7)):
        if interval:
            low, high = (measure.shown(end) for end in interval)
            axes.add_patch(
                Rectangle((middle - half, low), 2 * half, high - low, color=colours[colour], linewidth=0, zorder=2)
            )
    if shown.estimate is not None:
        axes.plot([middle], [measure.shown(shown.estimate)], **_dot(canvas))


def _dot(canvas: Canvas) -> dict[str, Any]:
    colours = canvas.palette
    return {
        "marker": "o", "markersize": 6.5, "color": colours["mark"], "markeredgecolor": colours["paper"],
        "markeredgewidth": 1.2, "zorder": 4, "linestyle": "none",
    }  # fmt: skip


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
    axes.text(
        end,
        1.02,
        "weeks 4 and 5",
        transform=across,
        ha="right",
        va="bottom",
        **(soft | {"color": canvas.palette["ink"]}),
    )


def _count_events(figure: Figure, axes: Axes, canvas: Canvas, weeks: Sequence[Effect], height: int) -> None:
    """How many links each week rests on: bars below the axis, with the number where it changes."""
    box = axes.get_position()
    below = figure.add_axes((box.x0, 40 / height, box.width, 18 / height), sharex=axes)
    below.set_axis_off()
    most = max(week.event_count for week in weeks) or 1
    below.set_ylim(0, most)
    before, end_of_text = None, -1e9
    for week in weeks:
        below.bar(week.begin_day + 0.4, week.event_count, 6.2, align="edge", color=canvas.palette["line"])
        room = (
            7
            * (len(str(week.event_count)) * 7.5 + 4)
            / (box.width * canvas.width / (below.get_xlim()[1] - below.get_xlim()[0]) * 7)
        )
        if week.event_count != before and week.begin_day >= end_of_text:
            below.text(week.begin_day + 0.4, -most * 0.1, f"{week.event_count}", va="top", color=canvas.palette["soft"])
            before, end_of_text = week.event_count, week.begin_day + room
    words = "days from the link; bars: links judged"
    figure.text(box.x0 + box.width / 2, 4 / height, words, ha="center", va="bottom", color=canvas.palette["soft"])


def _draw_lines(canvas: Canvas, title: str, measure: Measure, lines: Sequence[Line]) -> Figure:
    step = 40 if canvas.is_narrow else 28
    height, colours = 62 + 44 + step * len(lines), canvas.palette
    figure = canvas.figure(height)
    left, right = (8, 8) if canvas.is_narrow else (290, 130)
    box = (left / canvas.width, 44 / height, 1 - (left + right) / canvas.width, step * len(lines) / height)
    axes = figure.add_axes(box)
    dress(axes, canvas, grid="x")
    axes.set_xlim(*_limits(measure, [show(line.effect) for line in lines]))
    axes.set_ylim(step * len(lines), 0)
    axes.set_yticks([])
    axes.axvline(0, color=colours["soft"], linewidth=1.2, zorder=1.5)
    for number, line in enumerate(lines):
        _draw_lying(axes, canvas, measure, line, number * step)
    axes.locator_params(axis="x", nbins=5 if canvas.is_narrow else 7)
    axes.xaxis.set_major_formatter(lambda value, _: _tick(measure, value))
    below: dict[str, Any] = {"color": colours["soft"], "va": "bottom", "fontsize": SMALL}
    figure.text(box[0], 4 / height, f"← {measure.less}", ha="left", **below)
    figure.text(box[0] + box[2], 4 / height, f"{measure.more} →", ha="right", **below)
    _head(figure, canvas, title, height)
    return figure


def _draw_lying(axes: Axes, canvas: Canvas, measure: Measure, line: Line, top: float) -> None:
    colours, shown = canvas.palette, show(line.effect)
    y = top + (28 if canvas.is_narrow else 14)
    along = axes.get_yaxis_transform()
    weight = "bold" if line.effect is None else "normal"
    at = (0.0, top + 11) if canvas.is_narrow else (-282 / (canvas.width - 420), y)
    axes.text(*at, line.label, transform=along, va="center", fontsize=SMALL if canvas.is_narrow else TEXT,
              fontweight=weight, color=colours["ink"], clip_on=False)  # fmt: skip
    if line.effect is None:
        return
    number = count_of(line.effect.event_count, "link")
    note = number if shown.widest else f"{number}: too few"
    at, side = ((1.0, top + 11), "right") if canvas.is_narrow else ((1 + 10 / (canvas.width - 420), y), "left")
    axes.text(*at, note, transform=along, va="center", ha=side, color=colours["soft"], clip_on=False)
    for interval, colour, half in ((shown.honest, "honest", 7), (shown.interval, "plain", 4)):
        if interval:
            low, high = (measure.shown(end) for end in interval)
            axes.add_patch(
                Rectangle((low, y - half), high - low, 2 * half, color=colours[colour], linewidth=0, zorder=2)
            )
    if shown.estimate is not None:
        axes.plot([measure.shown(shown.estimate)], [y], **_dot(canvas))


def _head(figure: Figure, canvas: Canvas, title: str, height: int) -> None:
    """The title, and what the colours stand for."""
    colours, left = canvas.palette, 8 / canvas.width
    figure.text(left, 1 - 8 / height, title, va="top", fontsize=TEXT + 1, fontweight="bold", color=colours["ink"])
    x = 8.0
    for colour, words in (("mark", "estimate"), ("plain", "95 % interval"), ("honest", "honest interval")):
        y = 1 - 37 / height
        if colour == "mark":
            figure.add_artist(_legend_dot(canvas, (x + 5) / canvas.width, y))
        else:
            size = (12 / canvas.width, 10 / height)
            figure.add_artist(Rectangle((x / canvas.width, y - size[1] / 2), *size, color=colours[colour], linewidth=0))
        figure.text((x + 16) / canvas.width, y, words, va="center", color=colours["soft"])
        x += 28 + 6.4 * len(words)


def _legend_dot(canvas: Canvas, x: float, y: float) -> Any:
    return Line2D([x], [y], **(_dot(canvas) | {"zorder": 1}))


def _limits(measure: Measure, figures: Sequence[Any]) -> Interval:
    """An axis that holds every interval and 0, with some air."""
    ends = [measure.shown(end) for figure in figures for i in (figure.honest, figure.interval) if i for end in i]
    low, high = max(-FURTHEST, min([0.0, *ends])), min(FURTHEST, max([0.0, *ends]))
    air = 0.12 * (high - low) or 1.0
    return low - air, high + air


def _tick(measure: Measure, value: float) -> str:
    """A tick without sign: which way is said in words beside the axis."""
    return f"{abs(value):.10g}{' %' if measure.kind == 'ratio' else ''}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
