"""The calendar of days and the loads that wait for a person, as `seo-warehouse status` prints them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import click

from seo_warehouse.errors import TransientSourceError
from seo_warehouse.ledger import nights
from seo_warehouse.ledger.completeness import Days, WaitingLoad, read_days, read_waiting
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.terminal import one_line

Say = Callable[[str], None]
MARKS: dict[str, tuple[str, str | None]] = {
    "final": (".", "green"),
    "provisional": ("p", "cyan"),
    "restated": ("R", "magenta"),
    "absent": ("a", "yellow"),
    "never available": ("n", "bright_black"),
    "quarantined": ("Q", "red"),
    "failed": ("F", "red"),
}
"""State -> its letter and colour."""
HOLES = ("failed", "quarantined", "absent")
FEWEST_DAYS = 28


def say_days(wh: Warehouse, say: Say, property_name: str | None = None, first: date | None = None) -> None:
    """Overdue nights, loads that wait, and a row for each property and table with a letter a day.

    The days that fit, or all from `first`.

    Raises ConfigError for a property that is not there.
    """
    key = wh.properties.named(property_name).key if property_name else None
    try:
        now = wh.now()
    except TransientSourceError:
        now = datetime.now(UTC)  # what tells the time may be stopped
    with wh.connect("loader") as connection:
        rows = read_days(connection, now, key)
        waiting = read_waiting(connection, key)
        overdue = nights.overdue_nights(connection, now)
    if len(overdue) > 1:
        say(click.style(nights.explain_overdue(now, overdue), fg="red"))
    for line in (*waiting_lines(waiting), *calendar_lines(rows, now.date(), first, _width())):
        say(line)


def waiting_lines(loads: Sequence[WaitingLoad]) -> list[str]:
    """Each quarantined load with its reason and the command that decides about it."""
    lines = ["\nWaiting for a person:"] if loads else []
    for load in loads:
        file = f" from {one_line(load.file)}" if load.file else ""
        what = f"{load.source}.{load.table} of {load.property_name}{file}, {load.first_day}..{load.last_day}"
        lines.append(f"load {load.load_id}: {what}: {one_line(load.reason or 'no reason was noted')}")
        command = f'    seo-warehouse release {load.load_id} --{load.decision or "approve"} --why "..."'
        lines.append(command if load.decision else f"{command}    (or --reject)")
    return lines


def calendar_lines(rows: Sequence[Days], today: date, first: date | None, width: int) -> list[str]:
    """The calendar in blocks no wider than `width`; without `first` the newest block, and what holes lie before it."""
    if not rows:
        return []
    labels = [f"{row.property_name}  {row.source}.{row.table}" for row in rows]
    margin = max(map(len, labels)) + 2
    span = max(FEWEST_DAYS, width - margin)
    start = first or today - timedelta(days=span - 1)
    lines = ["\nDays:"]
    while start <= today:
        days = [start + timedelta(days=n) for n in range(min(span, (today - start).days + 1))]
        lines.append(" " * margin + _months(days))
        lines += [label.ljust(margin) + _letters(row, days) for label, row in zip(labels, rows, strict=True)]
        start = days[-1] + timedelta(days=1)
    lines.append("  ".join(f"{click.style(mark, fg=colour)} {state}" for state, (mark, colour) in MARKS.items()))
    return lines if first else lines + _holes_before(rows, today - timedelta(days=span - 1))


def _months(days: Sequence[date]) -> str:
    """A line that names each month above its first day; the year with the first month and each January."""
    line = ""
    for number, day in enumerate(days):
        if number and day.day != 1:
            continue
        name = f"{day:%b %Y}" if not number or day.month == 1 else f"{day:%b}"
        # A month that is nearly over has no room for its name.
        if len(line) <= number and len(days) - number >= len(name):
            line = line.ljust(number) + name + " "
    return line.rstrip()


def _letters(row: Days, days: Sequence[date]) -> str:
    marks = [MARKS[row.states[day]] if day in row.states else (" ", None) for day in days]
    return "".join(
        click.style("".join(mark for mark, _ in run), fg=colour) for colour, run in groupby(marks, key=lambda m: m[1])
    ).rstrip()


def _holes_before(rows: Sequence[Days], start: date) -> list[str]:
    counts = Counter(state for row in rows for day, state in row.states.items() if day < start and state in HOLES)
    if not counts:
        return []
    told = ", ".join(f"{counts[state]} {state}" for state in HOLES if counts[state])
    earliest = min(day for row in rows for day, state in row.states.items() if state in HOLES)
    return [f"Before {start}: {told}; `seo-warehouse status --from {earliest}` shows where"]


def _width() -> int:
    """Columns of the terminal; of a file or pipe 120, or what COLUMNS says."""
    return shutil.get_terminal_size((120, 24)).columns
