"""What is said of a week: each figure beside its usual range, so that noise is not news."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from seo_warehouse.report.facts import Facts, Week, WeeklyChange
from seo_warehouse.report.sections import NONE, Cell, Table, cell
from seo_warehouse.report.sentences import finite
from seo_warehouse.report.words import capital, clean, plain

LEAST_WEEKS = 8
"""Tested weeks that a usual range takes, as marts.rpt_weekly has it."""
NAMES = {
    "links_won": "links won",
    "links_lost": "links lost",
    "domains_won": "referring domains won",
    "domains_lost": "referring domains lost",
    "share_of_voice": "share of voice",
    "positions_won": "keywords nearer to the top",
    "positions_lost": "keywords further down",
    "clicks": "clicks",
    "pages_indexable": "pages indexable again",
    "pages_unindexable": "pages no longer indexable",
}
"""What is measured, in the order of showing."""
GROUPS = {
    "links": ("links_won", "links_lost", "domains_won", "domains_lost"),
    "positions": ("share_of_voice", "positions_won", "positions_lost"),
    "searches": ("clicks",),
    "pages": ("pages_indexable", "pages_unindexable"),
}
SHARES = ("share_of_voice",)
NEWS = {"above": "more than usual", "below": "less than usual"}
DEVICES = ("all", "desktop", "mobile", "tablet")


@dataclass(frozen=True)
class Line:
    """One measure: its newest week, in words, and the weeks before it, the oldest first."""

    newest: Week
    weeks: tuple[Week, ...]

    @property
    def name(self) -> str:
        """What is measured."""
        return NAMES.get(self.newest.measure) or plain(self.newest.measure)

    @property
    def is_news(self) -> bool:
        """Outside of the usual range."""
        return self.newest.state in NEWS

    @property
    def value(self) -> str:
        """The last value."""
        return say_value(self.newest.measure, self.newest.value)

    @property
    def said(self) -> str:
        """What the value is, beside its usual range."""
        return say_state(self.newest)


@dataclass(frozen=True)
class Group:
    """Measures of the same seven days."""

    title: str
    lines: tuple[Line, ...]


def group_lines(weeks: Sequence[Week]) -> tuple[Group, ...]:
    """The measures of one property, positions by device."""
    lines = _lines(weeks)
    groups = []
    for subject, measures in GROUPS.items():
        found = [line for line in lines if line.newest.measure in measures]
        for device in sorted({line.newest.device for line in found}, key=_rank_device):
            of_device = [line for line in found if line.newest.device == device]
            of_device.sort(key=lambda line: measures.index(line.newest.measure))
            where = "" if device == "all" else f" on {device}" if device in DEVICES else ", device unknown"
            newest = of_device[0].newest
            days = say_days(newest.first_day, newest.last_day)
            groups.append(Group(f"{capital(subject)}{where}, {days}", tuple(of_device)))
    return tuple(groups)


def say_lead(weeks: Sequence[Week]) -> str | None:
    """The sentence that a week begins with; None where nothing is known of one."""
    newest = [line.newest for line in _lines(weeks)]
    if not newest:
        return None
    news = [f"{_name(week)} {say_value(week.measure, week.value)} (usually {_say_range(week)})" for week in newest
            if week.state in NEWS]  # fmt: skip
    if news:
        return f"Out of the usual: {'; '.join(news)}."
    if any(week.state == "usual" for week in newest):
        return "Nothing is out of the usual."
    if all(week.state == "not_tested" for week in newest):
        return "Nothing was tested."
    most = max(week.usual_week_count for week in newest)
    return f"No usual range yet: it takes {LEAST_WEEKS} tested weeks before, and there are {most}."


def say_untested(weeks: Sequence[Week]) -> str | None:
    """What was not tested in its newest week."""
    names = [_name(line.newest) for line in _lines(weeks) if line.newest.state == "not_tested"]
    return f"Not tested: {', '.join(names)}." if names else None


def say_properties(facts: Facts) -> tuple[tuple[str, str, Table], ...]:
    """The name of each property, the lead of its newest week, and the figures of its own report."""
    by_property: dict[tuple[str, int], list[Week]] = {}
    for week in facts.weekly:
        by_property.setdefault((week.property_name, week.property_key), []).append(week)
    return tuple(
        (clean(name, 60), say_lead(weeks) or NONE, _figures(clean(name, 60), weeks))
        for (name, _), weeks in by_property.items()
    )


def _figures(name: str, weeks: Sequence[Week]) -> Table:
    rows = [
        (_name(line.newest), line.value, line.said, say_days(line.newest.first_day, line.newest.last_day))
        for line in _lines(weeks)
    ]
    return Table(f"Figures of {name}", ("what", "last value", "in words", "seven days"), tuple(rows))


def say_state(week: Week) -> str:
    """A value beside its usual range."""
    if week.state == "not_tested":
        return "not tested, or not on all seven days" if week.measure == "clicks" else "not tested in these seven days"
    if week.state == "no_usual_range":
        return f"no usual range yet ({week.usual_week_count} of {LEAST_WEEKS} tested weeks before)"
    return f"{NEWS.get(week.state, 'as usual')} ({_say_range(week)}, by {week.usual_week_count} weeks before)"


def say_value(measure: str, value: float | None) -> str:
    """A value; what was not tested is said so."""
    known = finite(value)
    if known is None:
        return "not tested"
    return f"{_percent(known)} %" if measure in SHARES else f"{known:,.0f}"


def say_days(first: date, last: date) -> str:
    """Seven days: 16 to 22 November 2026."""
    begin = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    return f"{begin} to {last.day} {last:%B %Y}"


def weekly_tables(facts: Facts) -> tuple[Table, ...]:
    """What the newest week of a property counts, one table for each measure that counts something."""
    counted: dict[str, float] = {}
    for line in _lines(facts.weekly):
        counted[line.newest.measure] = counted.get(line.newest.measure, 0) + (line.newest.value or 0)
    tables = []
    for measure in NAMES:
        changes = [change for change in facts.weekly_changes if change.measure == measure]
        if not changes or not counted.get(measure):
            continue
        title, number = capital(NAMES[measure]), counted[measure]
        if number > len(changes):
            title += f", the first of {number:,.0f}"
        tables.append(Table(title, *_table(measure, changes)))
    return tuple(tables)


def _table(measure: str, changes: Sequence[WeeklyChange]) -> tuple[tuple[str, ...], tuple[tuple[str | Cell, ...], ...]]:
    if measure.startswith("positions_"):
        rows = [
            (clean(c.item, 120), *_place(c), _position(c.previous_position, c.depth), _position(c.position, c.depth))
            for c in changes
        ]
        return ("keyword", "device", "place", "week before", "last seven days"), tuple(rows)
    if measure.startswith("pages_"):
        return ("page", "now"), tuple((cell(c.item), plain(c.indexability or "")) for c in changes)
    authorities = [(cell(c.item), NONE if c.authority is None else f"{c.authority:,}", plain(c.witness or ""))
                   for c in changes]  # fmt: skip
    return ("from", "authority", "told by"), tuple(authorities)


def _place(change: WeeklyChange) -> tuple[str, str]:
    return clean(change.device, 20), clean(change.locale, 20)


def _position(position: int | None, depth: int | None) -> str:
    if position is None:
        return NONE
    return f"not in {depth:,}" if depth is not None and position > depth else f"{position:,}"


def _lines(weeks: Sequence[Week]) -> list[Line]:
    """Every measure and device, in the order of showing."""
    by_measure: dict[tuple[str, str], list[Week]] = {}
    for week in weeks:
        by_measure.setdefault((week.measure, week.device), []).append(week)
    found = []
    for rows in by_measure.values():
        ordered = tuple(sorted(rows, key=lambda week: -week.week_no))
        found.append(Line(ordered[-1], ordered))
    names = list(NAMES)
    return sorted(found, key=lambda line: (
        names.index(line.newest.measure) if line.newest.measure in names else len(names),
        _rank_device(line.newest.device),
    ))  # fmt: skip


def _rank_device(device: str) -> tuple[int, str]:
    return DEVICES.index(device) if device in DEVICES else len(DEVICES), device


def _name(week: Week) -> str:
    name = NAMES.get(week.measure) or plain(week.measure)
    return name if week.device == "all" else f"{name} on {clean(week.device, 20)}"


def _say_range(week: Week) -> str:
    low, high = finite(week.usual_low), finite(week.usual_high)
    if low is None or high is None:
        return "no usual range"
    if week.measure in SHARES:
        return f"{_percent(low)} to {_percent(high)} %"
    return f"{math.ceil(low):,} to {math.floor(high):,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if share >= 0.0995 else f"{100 * share:.2f}"
