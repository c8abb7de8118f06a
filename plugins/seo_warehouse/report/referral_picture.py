"""The picture of visitors: what each link brought, with its interval, under all who came from other sites."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seo_warehouse.report.drawing import SMALL, Canvas, Picture, frame, head_height, wrap, write
from seo_warehouse.report.referral import DAYS, LinkVisits, Referral, Visits
from seo_warehouse.report.referral_words import STATUSES, say_referral, say_together, say_visits
from seo_warehouse.report.words import clean, plain

MOST_LINKS, LEAST_LINKS = 12, 2
"""Fewer are a sentence."""
STRIP, LEGEND_LINE = 22, 17
PARTS = (
    ("laid_count", "by their page, or their host's only link", "series1", ""),
    ("allocated_count", "shared out within intervals", "plain", ""),
    ("ambiguous_count", "of several links, nobody knows whose", "plain", "////"),
    ("missed_count", "probably of links that nobody knows", "update", "////"),
    ("page_count", "of pages that link elsewhere", "shade", ""),
    ("other_count", "without a known link", "line", ""),
)
"""Parts of all visits from other sites: field, words, colour and hatching."""
COLOURS = {"counted": "series1", "allocated": "plain"}


def referral_picture(referral: Referral) -> Picture | None:
    """Links by what they brought; None of fewer than two, or where no witness counts."""
    visits, links = referral.visits, referral.links[:MOST_LINKS]
    if visits is None or len(links) < LEAST_LINKS:
        return None
    title = f"What links brought in {DAYS} days: {visits.site_count:,} visits came from other sites"
    said = " ".join(say_referral(referral))
    return Picture("visitors-by-link", title, said, lambda canvas: _draw(canvas, title, visits, links))


def _draw(canvas: Canvas, title: str, visits: Visits, links: tuple[LinkVisits, ...]) -> Figure:
    step = 46 if canvas.is_narrow else 30
    left, right = (8, 8) if canvas.is_narrow else (250, 190)
    told = [part for part in PARTS if getattr(visits, part[0])]
    legend = LEGEND_LINE * (len(told) if canvas.is_narrow else (len(told) + 1) // 2)
    above = 14 + STRIP + legend + 26
    figure, axes = frame(canvas, title, plot=step * len(links), above=above, below=30, left=left, right=right, grid="x")
    _draw_strip(figure, canvas, title, visits, told)
    axes.set_xlim(0, 1.02 * max(link.visit_high for link in links))
    axes.set_ylim(step * len(links), 0)
    axes.set_yticks([])
    for number, link in enumerate(links):
        _draw_link(axes, canvas, link, step * number + (32 if canvas.is_narrow else step / 2))
    return figure


def _draw_strip(
    figure: Figure, canvas: Canvas, title: str, visits: Visits, told: list[tuple[str, str, str, str]]
) -> None:
    """All visits from other sites in one bar, with what its parts are."""
    height = 72 * figure.get_figheight()
    top = height - head_height(wrap(canvas, title)) - 10
    strip = figure.add_axes((8 / canvas.width, (top - STRIP) / height, 1 - 16 / canvas.width, STRIP / height))
    strip.set_axis_off()
    strip.set_xlim(0, visits.site_count)
    begin = 0.0
    for number, (field, words, colour, hatch) in enumerate(told):
        count = getattr(visits, field)
        strip.barh(0, count, left=begin, **_bar(canvas, colour, hatch))
        begin += count
        column, line = (0, number) if canvas.is_narrow else (number % 2, number // 2)
        x, y = 8 + column * canvas.width / 2, top - STRIP - 8 - LEGEND_LINE * line
        write(figure, x + 16, y, f"{count:,.0f} {words}", va="top", fontsize=SMALL, color=canvas.palette["ink"])
        key = figure.add_axes((x / canvas.width, (y - 11) / height, 10 / canvas.width, 10 / height))
        key.set_axis_off()
        key.set_xlim(0, 1)
        key.barh(0, 1, **_bar(canvas, colour, hatch))


def _bar(canvas: Canvas, colour: str, hatch: str) -> dict[str, Any]:
    paper, line = canvas.palette["paper"], canvas.palette["soft"]
    return {"color": canvas.palette[colour], "hatch": hatch, "edgecolor": line if hatch else paper, "linewidth": 0.8}


def _draw_link(axes: Axes, canvas: Canvas, link: LinkVisits, y: float) -> None:
    """A bar with its interval; where only the interval is known it is the bar, hatched."""
    ink, soft = canvas.palette["ink"], canvas.palette["soft"]
    width = link.visit_high - link.visit_low
    if link.visit_count is None:
        axes.barh(y, width, 10, left=link.visit_low, **_bar(canvas, "plain", "////"))
    else:
        axes.barh(y, link.visit_count, 14, color=canvas.palette[COLOURS.get(link.status, "plain")])
        if width:
            axes.plot([link.visit_low, link.visit_high], [y, y], color=ink, linewidth=1.4, marker="|", markersize=8)
    across: dict[str, Any] = {"va": "center", "fontsize": SMALL, "transform": axes.get_yaxis_transform()}
    name = clean((link.source_url or "a link that is no more").partition("://")[2] or link.source_url, 38)
    told, together = say_visits(link), say_together(link)
    if canvas.is_narrow:
        axes.text(0, y - 20, clean(name, 26), color=ink, **across)
        axes.text(1, y - 20, told, ha="right", color=soft, **across)
        return
    axes.text(-0.02, y, name, ha="right", color=ink, **across)
    beside = (
        f"of {together}" if link.visit_count is None and together else STATUSES.get(link.status, plain(link.status))
    )
    axes.text(1.02, y - 7, told, color=ink, **across)
    axes.text(1.02, y + 7, beside, color=soft, **across)
