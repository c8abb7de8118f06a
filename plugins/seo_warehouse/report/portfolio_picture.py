"""Pictures of the portfolio: how long links live, and how broad it was month by month."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from seo_warehouse.report.drawing import SMALL, Canvas, Picture, dress, head, head_height, wrap
from seo_warehouse.report.portfolio import Month, Portfolio, Survival
from seo_warehouse.report.portfolio_words import say_portfolio, say_sort
from seo_warehouse.report.sentences import interval_of
from seo_warehouse.report.words import capital

LIVES_TITLE = "How long links live"
BREADTH_TITLE = "As many domains, if all had equally many followed links"
LEAST_MONTHS = 3
"""Fewer are a table."""


def lives_picture(portfolio: Portfolio) -> Picture | None:
    """Shares that live longer, by rel, with their intervals; None where nothing may be said."""
    curves = [curve for curve in portfolio.curves if curve[0].dimension != "all"] or list(portfolio.curves)
    if not curves:
        return None
    said = " ".join(say_portfolio(portfolio))
    return Picture("links-live", LIVES_TITLE, said, lambda canvas: _draw_lives(canvas, curves[:4]))


def breadth_picture(portfolio: Portfolio) -> Picture | None:
    """Months at their common coverage; None of fewer than three that can be compared."""
    months = [month for month in portfolio.months if month.common_1 is not None]
    if len(months) < LEAST_MONTHS:
        return None
    said = " ".join(say_portfolio(portfolio))
    return Picture("portfolio-breadth", BREADTH_TITLE, said, lambda canvas: _draw_breadth(canvas, months))


def _draw_lives(canvas: Canvas, curves: Sequence[Sequence[Survival]]) -> Figure:
    titles, colours = wrap(canvas, LIVES_TITLE), canvas.palette
    above, below = head_height(titles) + 12, 46 + 18 * len(curves)
    height = above + (200 if canvas.is_narrow else 240) + below
    figure = canvas.figure(height)
    left, right = 46, 16
    box = (left / canvas.width, below / height, 1 - (left + right) / canvas.width, 1 - (above + below) / height)
    axes = figure.add_axes(box)
    dress(axes, canvas)
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
        figure.text(
            8 / canvas.width,
            (6 + 18 * (len(curves) - number)) / height,
            f"{capital(say_sort(curve[0]))}: {watched}",
            color=colour,
            fontsize=SMALL,
            va="bottom",
        )
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    figure.text(
        box[0] + box[2] / 2, (below - 42) / height, "days since its first sight", ha="center", va="bottom",
        color=colours["soft"],
    )  # fmt: skip
    head(figure, canvas, titles)
    return figure


def _draw_breadth(canvas: Canvas, months: Sequence[Month]) -> Figure:
    titles, colours = wrap(canvas, BREADTH_TITLE), canvas.palette
    above, below = head_height(titles) + 12, 30
    height = above + 180 + below
    figure = canvas.figure(height)
    left, right = 46, 16
    box = (left / canvas.width, below / height, 1 - (left + right) / canvas.width, 1 - (above + below) / height)
    axes = figure.add_axes(box)
    dress(axes, canvas)
    days = [float(date2num(month.month)) for month in months]  # type: ignore[no-untyped-call]
    values = [month.common_1 or 0 for month in months]
    axes.plot(days, values, color=colours["series1"], marker="o", markersize=4)
    axes.set_ylim(0, 1.1 * max(values))
    locator = AutoDateLocator(maxticks=4 if canvas.is_narrow else 8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    head(figure, canvas, titles)
    return figure
