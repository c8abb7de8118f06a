"""The tables of a report, as texts: for the page and for the terminal alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from seo_warehouse.report.facts import Contribution, Effect, Facts
from seo_warehouse.report.pictures import difference_of, drawn_weeks
from seo_warehouse.report.remedies import count_unjudged
from seo_warehouse.report.sentences import (
    Shown,
    finite,
    interval_of,
    say_dropped,
    say_interval,
    say_short,
    show,
    status_of,
)
from seo_warehouse.report.timelines import Timeline
from seo_warehouse.report.words import (
    ARMS,
    CHECKS,
    CUTS,
    REASONS,
    SHORT_ARMS,
    STATUSES,
    WEIGHTINGS,
    capital,
    clean,
    measure_of,
    plain,
    say_days,
    say_level,
    say_p,
    say_panel,
    say_reason,
)

NONE = "–"


@dataclass(frozen=True)
class Cell:
    """A text that leads somewhere."""

    text: str
    url: str | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Table:
    """Headings and rows. The first cell names its row."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]


def week_table(facts: Facts, arm: str = "acquired_followed") -> Table:
    """The figures of the event study."""
    rows = [
        (say_days(week.begin_day, week.end_day), *_figures(week), f"{week.event_count:,}") for week in facts.weeks(arm)
    ]
    headings = ("days from the link", "effect", "95 % interval", "honest interval", "another link", "links")
    return Table("Week by week", headings, tuple(rows))


def say_weeks(weeks: Sequence[Effect]) -> str | None:
    """The last week of the event study's picture, and those that it leaves out before and after, with the reason."""
    if not (drawn := drawn_weeks(weeks)):
        return None
    first, last = weeks.index(drawn[0]), drawn[-1]
    undrawn = [
        f"{say_days(side[0].begin_day, side[-1].end_day)} ({say_reason(side[0].reason or 'unmeasured')})"
        for side in (weeks[:first], weeks[first + len(drawn) :])
        if side
    ]
    said = f"The last block, days {say_days(last.begin_day, last.end_day)}: {say_short(last)}."
    return said + (f" Not drawn: days {' and '.join(undrawn)}." if undrawn else "")


def cut_table(facts: Facts, cut: str | None = None, arm: str = "acquired_followed") -> Table:
    """Effects by kind of link. Many comparisons find something by chance; the adjusted p allows for their number."""
    rows = [
        (
            f"{CUTS.get(row.cut, plain(row.cut))}: {say_level(row.cut, row.level)}",
            *_figures(row),
            _adjusted(row),
            f"{row.event_count:,}",
        )
        for row in facts.levels(cut, arm)
    ]
    headings = ("kind of link", "effect", "95 % interval", "honest interval", "another link", "adjusted p", "links")
    return Table("By kind of link", headings, tuple(rows))


def arm_table(facts: Facts) -> Table:
    """What each kind of link event did, in both weightings, and followed minus nofollow."""
    rows = []
    for arm, words in ARMS.items():
        for weighting, how in WEIGHTINGS.items():
            if row := facts.find(arm=arm, weighting=weighting):
                rows.append((f"{capital(words)}, {how}" if weighting != "variance" else capital(words), *_counted(row)))
    headline = facts.find()
    if headline and status_of(facts.find(arm="acquired_nofollow")) != "not_enough_data":
        difference = difference_of(headline)
        if show(difference).interval:
            rows.append(("Followed minus nofollow", *_counted(difference)))
    if facts.property_key and (pooled := facts.find(pooled=True)):
        rows.append(("A new followed link, all properties together", *_counted(pooled)))
    headings = ("what happened", "effect", "95 % interval", "honest interval", "another link", "links", "status")
    return Table("By what happened", headings, tuple(rows))


def other_table(facts: Facts) -> Table:
    """The headline in other measures."""
    rows = [
        (f"{capital(measure_of(row.outcome).title)} ({say_panel(row.panel)})", *_counted(row))
        for row in facts.other_outcomes
    ]
    headings = ("measure", "effect", "95 % interval", "honest interval", "another link", "links", "status")
    return Table("In other measures", headings, tuple(rows))


def check_table(facts: Facts) -> Table:
    """The method tried on the property's own data."""
    rows = []
    for check in facts.checks:
        measure = measure_of(check.outcome)
        honest = (
            None if check.honest_low is None or check.honest_high is None else (check.honest_low, check.honest_high)
        )
        shown = measure.say_range(*honest) if honest else NONE
        if check.run_count:
            shown = f"{check.false_alarm_count or 0:,} false alarms in {check.run_count:,} draws"
        said = clean(check.sentence, 300) or NONE
        name = CHECKS.get(check.check_name, plain(check.check_name))
        rows.append((name, shown, "warning" if check.is_warning else "no warning", said))
    return Table("Checks of the method", ("check", "result (honest interval)", "verdict", "in words"), tuple(rows))


def dropped_table(facts: Facts) -> Table:
    """Links that are not judged, by reason."""
    rows = tuple((words, f"{number:,}", code) for number, code, words in say_dropped(count_unjudged(facts)))
    return Table("Links that are not judged", ("reason", "links", "code"), rows)


def contribution_table(facts: Facts) -> Table:
    """Judged links: most of each value is the average of similar links, and the weight says how much is not."""
    rows = [
        (
            _source(link), _page(link.page_url), _day(link.event_date), SHORT_ARMS.get(link.arm or "", NONE),
            f"{_said(facts, link, link.shrunk_effect)} ({_range(facts, link)})", _share(link.own_weight),
            _said(facts, link, link.own_effect), _said(facts, link, link.group_effect),
        )
        for link in facts.contributions
    ]  # fmt: skip
    headings = (
        *("link from", "to page", "date", "link", "its value (95 % interval)"),
        *("share of own data", "own data alone", "average of similar links"),
    )
    return Table("What single links contributed", headings, tuple(rows))


def unjudged_table(facts: Facts) -> Table:
    """The newest links that cannot be judged, each with its reason."""
    rows = [(_source(x), _page(x.page_url), _day(x.event_date), say_reason(x.reason or "")) for x in facts.unjudged]
    return Table("Newest links that are not judged", ("link from", "to page", "date", "reason"), tuple(rows))


def legend_table() -> Table:
    """Every reason there is."""
    return Table("Reasons", ("reason", "code"), tuple((words, code) for code, words in REASONS.items()))


def event_table(timeline: Timeline) -> Table:
    """What the picture of a page marks, by day."""
    rows: list[tuple[date, tuple[str | Cell, ...]]] = [
        (
            mark.day,
            (
                _day(mark.day),
                f"link {mark.kind}",
                cell(mark.source_url, mark.source_domain),
                clean(mark.anchor, 80) or NONE,
            ),
        )
        for mark in timeline.links
    ]
    rows += [(x.day, (_day(x.day), "page changed", clean(x.what, 80), NONE)) for x in timeline.changes]
    rows += [
        (x.begins_on, (_day(x.begins_on), f"Google, to {x.ends_on}", clean(x.name, 80), NONE)) for x in timeline.updates
    ]
    ordered = tuple(row for _, row in sorted(rows, key=lambda row: row[0]))
    return Table("What happened", ("date", "what", "who", "anchor"), ordered)


def filled(*tables: Table) -> Iterable[Table]:
    """The tables that have rows."""
    return (table for table in tables if table.rows)


def _figures(effect: Effect) -> tuple[str, ...]:
    shown: Shown = show(effect)
    intervals = (shown.interval, shown.honest, shown.another)
    return say_short(effect), *(say_interval(effect, interval) for interval in intervals)


def _counted(effect: Effect) -> tuple[str, ...]:
    return *_figures(effect), f"{effect.event_count:,}", STATUSES[status_of(effect)].lower()


def _adjusted(effect: Effect) -> str:
    is_shown = show(effect).widest is not None and effect.holm_p_value is not None
    return say_p(effect.holm_p_value or 0.0) if is_shown else NONE


def _source(link: Contribution) -> Cell:
    title, domain = clean(link.source_title, 90), clean(link.source_domain, 60)
    return cell(link.source_url, f"{domain}: {title}" if domain and title else domain or title or None)


def _page(url: str | None) -> Cell:
    """A page of the property, by its path."""
    return cell(url, re.sub(r"^https?://[^/]*", "", url or "") or url)


def cell(url: str | None, text: str | None = None) -> Cell:
    """A link where the URL is one of the web; never javascript: or the like."""
    words = clean(text, 160) or clean(url, 100) or NONE
    is_web = bool(url) and str(url).lower().startswith(("http://", "https://"))
    return Cell(words, clean(url, 2_100) if is_web else None)


def _said(facts: Facts, link: Contribution, value: float | None) -> str:
    known = finite(value)
    return NONE if known is None else measure_of(link.outcome or facts.outcome).say(known)


def _range(facts: Facts, link: Contribution) -> str:
    interval = interval_of(link.shrunk_low, link.shrunk_high)
    return measure_of(link.outcome or facts.outcome).say_range(*interval) if interval else NONE


def _share(weight: float | None) -> str:
    known = finite(weight)
    return NONE if known is None else f"{100 * known:.0f} %"


def _day(day: date | None) -> str:
    return day.isoformat() if day else NONE
