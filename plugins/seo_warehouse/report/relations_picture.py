"""The picture of relationships: how far asking came, and what a link-day of each partner would cost next."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from seo_warehouse.report.drawing import SMALL, Canvas, Picture, frame, head_height, wrap, write
from seo_warehouse.report.relations import Partner, Relations, Return
from seo_warehouse.report.relations_words import say_relations, say_risks, say_title
from seo_warehouse.report.words import clean

PER_MONEY = 1_000
FUNNEL_STEP, BAR = 22, 13
WIDEST = 30
"""Times the largest mean, beyond which an interval is cut: of a partner who may never place it has no end."""
SUBTITLE = "A link-day if asked once more: mean, 90 % interval, ranked by the cautious end"


def relations_picture(relations: Relations) -> Picture | None:
    """How far asking came, and the partners to ask next where there are any; None where nobody was asked."""
    asked = relations.all
    if asked is None or not asked.tried_count:
        return None
    title, said = say_title(relations), " ".join(say_relations(relations))
    partners = tuple(each for each in relations.partners if each.days_per_1000)
    return Picture("relationships", title, said, lambda canvas: _draw(canvas, title, asked, relations, partners))


def _draw(canvas: Canvas, title: str, asked: Return, relations: Relations, partners: tuple[Partner, ...]) -> Figure:
    rows = _funnel(asked, relations)
    step = 46 if canvas.is_narrow else 30
    left, right = (8, 8) if canvas.is_narrow else (190, 250)
    funnel = FUNNEL_STEP * len(rows) + 8
    subtitle = wrap(canvas, SUBTITLE) if partners else []
    above = funnel + (16 + 18 * len(subtitle) + 8 if partners else 0)
    figure, axes = frame(
        canvas,
        title,
        plot=max(step * len(partners), 1),
        above=above,
        below=48 if partners else 8,
        left=left,
        right=right,
        grid="x" if partners else "",
    )
    _draw_funnel(figure, canvas, title, rows)
    if not partners:
        axes.set_axis_off()
        return figure
    top = 72 * figure.get_figheight() - head_height(wrap(canvas, title)) - funnel - 16
    for number, line in enumerate(subtitle):
        write(
            figure, 8, top - 18 * number, line, va="top", fontsize=SMALL, fontweight="bold", color=canvas.palette["ink"]
        )
    _dress(axes, canvas, partners, step)
    for number, partner in enumerate(partners):
        _draw_partner(axes, canvas, partner, step * number + (32 if canvas.is_narrow else step / 2))
    middle = (left + canvas.width - right) / 2
    write(
        figure, middle, 6, "dollars for a day", ha="center", va="bottom", color=canvas.palette["soft"], fontsize=SMALL
    )
    return figure


def _funnel(asked: Return, relations: Relations) -> list[tuple[str, int, str, str]]:
    """What each bar is, how long, what is beside it, and its colour."""
    tried = asked.tried_count

    def share(count: int, low: float | None, high: float | None) -> str:
        ends = "" if low is None or high is None else f" ({100 * low:.0f} to {100 * high:.0f} %)"
        return f"{100 * count / tried:.0f} %{ends}"

    return [
        ("asked", tried, "", "honest"),
        ("replied", asked.replied_count, share(asked.replied_count, asked.reply_share_low, asked.reply_share_high),
         "honest"),
        ("agreed", asked.agreed_count, share(asked.agreed_count, None, None), "honest"),
        ("placed, they say", asked.placed_count,
         share(asked.placed_count, asked.placed_share_low, asked.placed_share_high), "honest"),
        ("seen", asked.verified_count, share(asked.verified_count, None, None), "series1"),
        ("stand today", asked.verified_count - asked.lost_count, "", "series1"),
    ]  # fmt: skip


def _draw_funnel(figure: Figure, canvas: Canvas, title: str, rows: list[tuple[str, int, str, str]]) -> None:
    height = 72 * figure.get_figheight()
    top = height - head_height(wrap(canvas, title))
    left, right = (112, 130) if canvas.is_narrow else (130, 170)
    plot = FUNNEL_STEP * len(rows)
    place = (left / canvas.width, (top - plot) / height, 1 - (left + right) / canvas.width, plot / height)
    axes = figure.add_axes(place)
    axes.set_axis_off()
    axes.set_xlim(0, max(count for _, count, *_ in rows))
    axes.set_ylim(plot, 0)
    for number, (name, count, beside, colour) in enumerate(rows):
        y = FUNNEL_STEP * (number + 0.5)
        axes.barh(y, count, BAR, color=canvas.palette[colour])
        style: dict[str, Any] = {"va": "center", "fontsize": SMALL}
        axes.annotate(
            name, (0, y), (-8, 0), textcoords="offset points", ha="right", color=canvas.palette["ink"], **style
        )
        said = f"{count:,}, {beside}" if beside else f"{count:,}"
        axes.annotate(said, (count, y), (6, 0), textcoords="offset points", color=canvas.palette["soft"], **style)


def _dress(axes: Axes, canvas: Canvas, partners: tuple[Partner, ...], step: int) -> None:
    axes.set_xscale("log")
    means = [PER_MONEY / (each.days_per_1000 or 1) for each in partners]
    lows = [_ends(each)[0] for each in partners]
    highs = [min(_ends(each)[1], WIDEST * max(means)) for each in partners]
    axes.set_xlim(min(lows) / 1.1, max(highs) * 1.1)
    axes.set_ylim(step * len(partners), 0)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=4 if canvas.is_narrow else 7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}" if value < 10 else f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()


def _draw_partner(axes: Axes, canvas: Canvas, partner: Partner, y: float) -> None:
    ink, soft = canvas.palette["ink"], canvas.palette["soft"]
    risks = say_risks(partner)
    colour = canvas.palette["series2" if risks else "series1"]
    low, high = _ends(partner)
    axes.plot([low, min(high, axes.get_xlim()[1])], [y, y], color=colour, linewidth=2.5, solid_capstyle="butt")
    axes.plot([PER_MONEY / (partner.days_per_1000 or 1)], [y], color=colour, marker="o", markersize=6)
    across: dict[str, Any] = {"va": "center", "fontsize": SMALL, "transform": axes.get_yaxis_transform()}
    placed = f"{partner.verified_try_count:,} of {partner.try_count:,}"
    why = f"at risk: {risks}" if risks else "mostly the average of all" if partner.is_mostly_average else ""
    name = clean(partner.partner_name, 28)
    if canvas.is_narrow:
        axes.text(0, y - 20, clean(name, 24), color=ink, **across)
        axes.text(1, y - 20, placed, ha="right", color=soft, **across)
        return
    axes.text(-0.02, y, name, ha="right", color=ink, **across)
    axes.text(1.02, y, f"{placed}  {clean(why, 38)}".rstrip(), color=colour if risks else soft, **across)


def _ends(partner: Partner) -> tuple[float, float]:
    """Cheapest and dearest day of the interval."""
    low, high = partner.days_per_1000_low or 0, partner.days_per_1000_high or 0
    return PER_MONEY / max(high, 1e-6), PER_MONEY / max(low, 1e-6)
