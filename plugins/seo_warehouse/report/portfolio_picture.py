"""Pictures of the portfolio: how long links live, what goes with whom, and how broad it was month by month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from seo_warehouse.report.drawing import SMALL, Canvas, Picture, frame, write
from seo_warehouse.report.portfolio import Month, Portfolio, Publisher, Survival
from seo_warehouse.report.portfolio_words import say_portfolio, say_sort
from seo_warehouse.report.sentences import interval_of
from seo_warehouse.report.words import capital, clean, count_of

LIVES_TITLE = "How long links live"
LOSS_TITLE = "What would go with one who links: followed links, and authority that they bring"
BREADTH_TITLE = "As many domains, if all had equally many followed links"
LEAST_MONTHS = LEAST_PUBLISHERS = 3
"""Fewer are a table."""
MOST_PUBLISHERS = 10
LEFT, RIGHT = 46, 16
"""Pixels beside a plot."""


def lives_picture(portfolio: Portfolio) -> Picture | None:
    """Shares that live longer, by rel, with their intervals; None where nothing may be said."""
    curves = [curve for curve in portfolio.curves if curve[0].dimension != "all"] or list(portfolio.curves)
    if not curves:
        return None
    said = " ".join(say_portfolio(portfolio))
    return Picture("links-live", LIVES_TITLE, said, lambda canvas: _draw_lives(canvas, curves[:4]))


def loss_picture(portfolio: Portfolio) -> Picture | None:
    """The share of links that goes with each of the largest publishers; None of fewer than three."""
    publishers = portfolio.publishers[:MOST_PUBLISHERS]
    if len(publishers) < LEAST_PUBLISHERS:
        return None
    said = " ".join(say_portfolio(portfolio))
    return Picture("without-a-publisher", LOSS_TITLE, said, lambda canvas: _draw_losses(canvas, publishers))


def breadth_picture(portfolio: Portfolio) -> Picture | None:
    """Months at their common coverage; None of fewer than three that can be compared."""
    months = [month for month in portfolio.months if month.common_1 is not None]
    if len(months) < LEAST_MONTHS:
        return None
    said = " ".join(say_portfolio(portfolio))
    return Picture("portfolio-breadth", BREADTH_TITLE, said, lambda canvas: _draw_breadth(canvas, months))


def _draw_lives(canvas: Canvas, curves: Sequence[Sequence[Survival]]) -> Figure:
    colours, below = canvas.palette, 46 + 18 * len(curves)
    figure, axes = frame(
        canvas, LIVES_TITLE, plot=200 if canvas.is_narrow else 240, below=below, left=LEFT, right=RIGHT
    )
    last = max(row.age_days for curve in curves for row in curve)
    axes.set_xlim(0, last * 1.02)
    axes.set_ylim(0, 104)
    for number, curve in enumerate(curves, 1):
        colour = colours[f"series{number}"]
        ages = [0, *(row.age_days for row in curve)]
        axes.plot(ages, [100, *(100 * (row.survival or 0) for row in curve)], color=colour, marker="o", markersize=4)
        for row in curve:
            if interval := interval_of(row.interval_low, row.interval_high):
                ends = [100 * end for end in interval]
                # Sorts stand a little beside each other, so that no interval hides another.
                x = row.age_days + last * 0.004 * (number - 1)
                axes.plot([x, x], ends, color=colour, linewidth=5, alpha=0.3, solid_capstyle="butt")
        watched = f"{curve[0].at_risk_count:,} watched at {curve[0].age_days} days"
        if len(curve) > 1:
            watched += f", {curve[-1].at_risk_count:,} at {curve[-1].age_days}"
        said = f"{capital(say_sort(curve[0]))}: {watched}"
        write(figure, 8, 6 + 18 * (len(curves) - number), said, color=colour, fontsize=SMALL, va="bottom")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    middle = (LEFT + canvas.width - RIGHT) / 2
    write(figure, middle, below - 42, "days since its first sight", ha="center", va="bottom", color=colours["soft"])
    return figure


def _draw_losses(canvas: Canvas, publishers: Sequence[Publisher]) -> Figure:
    colours, step = canvas.palette, 44 if canvas.is_narrow else 26
    left, right = (8, 8) if canvas.is_narrow else (210, 270)
    plot = step * len(publishers)
    figure, axes = frame(canvas, LOSS_TITLE, plot=plot, below=26, left=left, right=right, grid="")
    axes.set_xlim(0, max(share for each in publishers for share in (each.followed_share, each.authority_share or 0)))
    axes.set_ylim(plot, 0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    for number, publisher in enumerate(publishers):
        y, authority = step * number + (30 if canvas.is_narrow else 13), publisher.authority_share or 0
        axes.barh(y - 4, publisher.followed_share, 8, color=colours["series1"])
        axes.barh(y + 4, authority, 6, color=colours["series2"])
        _name_loss(axes, canvas, publisher, y)
    write(figure, 8, 4, "upper bar: links; lower: authority", color=colours["soft"], fontsize=SMALL, va="bottom")
    return figure


def _name_loss(axes: Axes, canvas: Canvas, publisher: Publisher, y: float) -> None:
    """Who it is and what would go: above the bars, or beside them."""
    across: dict[str, Any] = {"va": "center", "fontsize": SMALL, "transform": axes.get_yaxis_transform()}
    told = f"{100 * publisher.followed_share:.1f} %"
    if publisher.authority_share is not None:
        told += f" and {100 * publisher.authority_share:.1f} %"
    bare = count_of(publisher.orphaned_page_count, "page") if publisher.orphaned_page_count else ""
    ink, soft = canvas.palette["ink"], canvas.palette["soft"]
    if canvas.is_narrow:
        axes.text(0, y - 18, clean(publisher.publisher, 20), color=ink, **across)
        axes.text(1, y - 18, f"{told}, {bare} bare" if bare else told, ha="right", color=soft, **across)
        return
    axes.text(-0.02, y, clean(publisher.publisher, 30), ha="right", color=ink, **across)
    longest = max(publisher.followed_share, publisher.authority_share or 0) / axes.get_xlim()[1]
    axes.text(longest + 0.01, y, f"{told}, {bare} left without any" if bare else told, color=soft, **across)


def _draw_breadth(canvas: Canvas, months: Sequence[Month]) -> Figure:
    figure, axes = frame(canvas, BREADTH_TITLE, plot=180, below=30, left=LEFT, right=RIGHT)
    days = [float(date2num(month.month)) for month in months]  # type: ignore[no-untyped-call]
    values = [month.common_1 or 0 for month in months]
    axes.plot(days, values, color=canvas.palette["series1"], marker="o", markersize=4)
    axes.set_ylim(0, 1.1 * max(values))
    locator = AutoDateLocator(maxticks=4 if canvas.is_narrow else 8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    return figure
