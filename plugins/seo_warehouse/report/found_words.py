"""How soon pages are found, in sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from seo_warehouse.report.found import Found, LinkRatio, WaitDay, WaitingPage
from seo_warehouse.report.sections import NONE, Cell, Table, cell
from seo_warehouse.report.sentences import finite, interval_of
from seo_warehouse.report.words import STATUSES, capital, count_of, plain

MILESTONES = {
    "visited": "visited by {engine}'s crawler",
    "indexed": "in {engine}'s index",
    "shown": "shown by {engine}",
    "top100": "among {engine}'s first 100",
    "top10": "among {engine}'s first 10",
}
ARMS = {
    "acquired_followed": "a followed link",
    "acquired_nofollow": "a nofollow link",
    "internal": "an internal link",
}
REASONS = {
    "too_few_pages": "fewer than 20 new pages were watched",
    "too_few_events": "too few pages got there",
    "too_few_at_risk": "fewer than 10 pages were watched from the first day on",
    "not_identified": "linked pages cannot be told from others there are",
    "no_placebo": "too little is known of the days before the link",
    "linked_because_found": "pages seem to be linked because they are found",
}
LIMITS = (
    "This is observation, not an experiment: what makes a page both linked and found looks like an effect of the link.",
    "Looks and logs miss what they miss: a page from a network's cache is visited without us, and an engine shows "
    "what it never tells of.",
    "Quick pages are found first and the slow ones wait on, so that differences nobody sees pull ratios towards 1.",
)


def say_milestone(milestone: str, engine: str) -> str:
    """A milestone in words."""
    return MILESTONES.get(milestone, plain(milestone)).format(engine=plain(engine).capitalize())


def say_waits(found: Found) -> list[str]:
    """A sentence for each curve."""
    return [_say_wait(curve) for curve in found.curves]


def _say_wait(curve: Sequence[WaitDay]) -> str:
    last = curve[-1]
    what = say_milestone(last.milestone, last.engine)
    if last.status != "estimate":
        pages = count_of(last.page_count, "new page")
        return f"Of {pages} {last.reached_page_count:,} were {what}: no curve, since {_say_reason(last.reason)}."
    if last.median_day is None or last.median_low_day is None or last.median_high_day is None:
        return f"Half of new pages take more than {count_of(last.day, 'day')} until they are {what}."
    return (
        f"Half of new pages are {what} within {count_of(last.median_day, 'day')} "
        f"({last.median_low_day} to {last.median_high_day})."
    )


def say_links(found: Found) -> list[str]:
    """A sentence for each ratio that may be told, and for each that is refused."""
    return [said for link in found.links if (said := _say_link(link))]


def _say_link(link: LinkRatio) -> str | None:
    what, arm = say_milestone(link.milestone, link.engine), ARMS.get(link.arm, plain(link.arm))
    if link.status == "reverse":
        return f"Whether {arm} gets pages {what} sooner cannot be told: {_say_reason(link.reason)}."
    interval = interval_of(link.interval_low, link.interval_high)
    if interval is None:
        return None
    honest = interval_of(link.honest_low, link.honest_high)
    told = finite(link.hazard_ratio)
    said = f"Pages that got {arm} while they waited were {what} "
    said += f"{told:.2g} times as fast" if told is not None else f"{interval[0]:.2g} to {interval[1]:.2g} times as fast"
    if honest is None:
        return f"{said} as others (no honest interval: {_say_reason(link.reason)})."
    verdict = ""
    if honest[0] <= 1 <= honest[1]:
        verdict = ", so no effect can be told from none yet"
    return f"{said} as others of their topic and age (honest: {honest[0]:.2g} to {honest[1]:.2g}{verdict})."


def found_table(found: Found) -> Table:
    """Shares after a week, a fortnight and four weeks."""
    rows = []
    for curve in found.curves:
        last = curve[-1]
        days = {day.day: day for day in curve if day.share is not None}
        rows.append(
            (
                capital(say_milestone(last.milestone, last.engine)),
                *(_share(days.get(number)) for number in (7, 14, 28)),
                f"{last.page_count:,}",
                f"{last.reached_page_count:,}",
                f"{last.gone_page_count:,}",
            )
        )
    headings = (
        "new pages are",
        "by day 7",
        "by day 14",
        "by day 28",
        "pages watched",
        "of them got there",
        "gone before",
    )
    return Table("How soon new pages are found", headings, tuple(rows))


def link_table(found: Found) -> Table:
    """Ratios of days 1 to 28 after a link."""
    rows = [
        (
            f"{capital(say_milestone(link.milestone, link.engine))}, {ARMS.get(link.arm, plain(link.arm))}",
            NONE if link.hazard_ratio is None else f"{link.hazard_ratio:.2f}",
            _range(link.interval_low, link.interval_high),
            _range(link.honest_low, link.honest_high),
            f"{link.exposed_event_count:,}",
            STATUSES.get(link.status, "Refused").lower(),
        )
        for link in found.links
    ]
    headings = ("with a link, pages are", "times as fast", "95 % interval", "honest interval", "pages", "status")
    return Table("What a link does to the wait", headings, tuple(rows))


def waiting_table(found: Found) -> Table:
    """The new pages that wait longest to be shown."""
    rows = tuple(_waiting(page) for page in found.waiting)
    headings = (
        "page",
        "there by",
        "days waited",
        "visited by",
        "followed link by",
        "in a sitemap by",
        "Google's index",
    )
    return Table("New pages that wait longest to be shown", headings, rows)


def _waiting(page: WaitingPage) -> tuple[str | Cell, ...]:
    days = (_day(page.visited_by), _day(page.linked_by), _day(page.in_sitemap_by))
    state = capital(plain(page.index_state)) if page.index_state else NONE
    return (cell(page.url), _day(page.published_by), f"{page.waited_days:,}", *days, state)


def _share(day: WaitDay | None) -> str:
    if day is None or day.share is None:
        return NONE
    interval = interval_of(day.share_low, day.share_high)
    ends = f" ({100 * interval[0]:.0f} to {100 * interval[1]:.0f})" if interval else ""
    return f"{100 * day.share:.0f} %{ends}"


def _range(low: float | None, high: float | None) -> str:
    interval = interval_of(low, high)
    return f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else NONE


def _say_reason(reason: str | None) -> str:
    return REASONS.get(reason or "", plain(reason or "too little is known"))


def _day(day: date | None) -> str:
    return day.isoformat() if day else NONE
