"""Asking a person about a held load, and doing what is answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from seo_warehouse.alerting.messages import plain
from seo_warehouse.errors import AuditFailedError, ConfigError, LoadError, NightOverError
from seo_warehouse.ledger import requests
from seo_warehouse.ledger.answers import OPTIONS, UNANSWERED
from seo_warehouse.ledger.completeness import WaitingLoad, read_waiting
from seo_warehouse.ledger.held import Evidence, read_evidence
from seo_warehouse.spec import Kind, Period, Reading
from seo_warehouse.steps import reading
from seo_warehouse.steps.release import release
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
FEW = 5
"""Rows of a held load in a request; the page of held loads shows more."""


@dataclass(frozen=True)
class Request:
    """What a person reads: a line, and Markdown in which no word of a provider means anything but itself."""

    subject: str
    body: str


def ask(wh: Warehouse) -> list[int]:
    """The loads that wait for a person of whom nobody was asked. From now on somebody is."""
    with wh.connect("loader") as connection:
        waiting = [load.load_id for load in read_waiting(connection) if load.decision is None]
        return requests.ask(connection, waiting)


def describe(wh: Warehouse, load_id: int, run_id: str) -> Request | None:
    """The request about a load that a run makes; None where there is nothing to decide, or another run asks already."""
    with wh.connect("loader") as connection:
        load = _find(read_waiting(connection), load_id)
        if load is None or load.decision is not None:
            requests.end(connection, load_id, "nothing to decide any more")
            return None
        if not requests.take_up(connection, load_id, run_id):
            return None
        return Request(_subject(load), _body(load, read_evidence(connection, load_id, FEW)))


def overtaken(wh: Warehouse) -> list[str]:
    """The runs that ask about a load of which there is nothing to decide any more."""
    with wh.connect("loader") as connection:
        return requests.overtaken(connection, [load.load_id for load in read_waiting(connection)])


def carry_out(wh: Warehouse, load_id: int, option: str, *, who: str | None, why: str) -> str:
    """Do what was answered about a load. Returns what became of it, as a sentence.

    `who` is None where the time was up. Raises LoadError or ConfigError where there is nothing to decide or the answer
    cannot be had; somebody is then asked again, if the load still waits.
    """
    said = f"{option}, by {who}" if who else option
    with wh.connect("loader") as connection:
        # First, so that nobody takes the request for one that was overtaken while its answer is carried out.
        requests.end(connection, load_id, said)
    try:
        return _carry_out(wh, load_id, option, who, why)
    except Exception:
        with wh.connect("loader") as connection:
            requests.end(connection, load_id, None)
        raise


def _carry_out(wh: Warehouse, load_id: int, option: str, who: str | None, why: str) -> str:
    if option == UNANSWERED:
        return f"load {load_id} is left in quarantine: `seo-warehouse release` decides about it at any time"
    if who is None:
        raise LoadError(f"load {load_id}: {option} is nobody's answer")
    if option == "read again":
        return _read_again(wh, load_id)
    if option not in ("approve", "reject"):
        raise LoadError(f"load {load_id}: {option!r} is no answer; there are {', '.join(OPTIONS)}")
    if not why.strip():
        raise LoadError(f"load {load_id}: to {option} a load say why; you are asked again within the hour")
    return release(wh, load_id, "approve" if option == "approve" else "reject", who=who, why=why)


def _read_again(wh: Warehouse, load_id: int) -> str:
    """Ask the provider once more, and judge what it answers. Raises ConfigError where its answer cannot be another."""
    with wh.connect("loader") as connection:
        load = _find(read_waiting(connection), load_id)
    if load is None:
        raise LoadError(f"load {load_id} does not wait for a person any more")
    source, prop = reading.configured(wh, load.source, load.property_name)
    what = f"load {load_id} of {load.source}.{load.table} for {load.property_name}"
    if source.kind is Kind.DROP:
        raise ConfigError(f"{what} is a file: the same bytes read the same; drop a corrected file instead")
    if source.order is not None:
        raise ConfigError(f"{what}: its answers are ordered and paid for, once a night; approve it or reject it")
    night = load.last_day
    if source.kind is Kind.SNAPSHOT and not wh.is_open(night):
        raise NightOverError(f"{what}: the provider answers for now only, and night {night} is over: it cannot be had")
    since = None
    if source.kind is Kind.SNAPSHOT:
        with wh.connect("loader") as connection:
            since = reading.since(connection, source, prop, night)
    again = Reading(
        source=source,
        table=source.table(load.table),
        property=prop,
        period=Period(load.first_day, load.last_day, since),
        purpose="backfill",
        scope=reading.again_scope(wh.now().date()),
    )
    try:
        states = reading.load_now(wh, again)
    except AuditFailedError as error:
        return f"{what} was read again, and what came is held too: {error}"
    return f"{what} was read again: {', '.join(states)}"


def _find(waiting: list[WaitingLoad], load_id: int) -> WaitingLoad | None:
    return next((load for load in waiting if load.load_id == load_id), None)


def _subject(load: WaitingLoad) -> str:
    return f"load {load.load_id}: {load.source}.{load.table} of {load.property_name}, {load.first_day}..{load.last_day}"


def _body(load: WaitingLoad, found: Evidence) -> str:
    """Words that are ours stand as they are, all others in blocks of code, which four blanks make of any line."""
    lines = ["This load is held: its days are not in the warehouse until somebody decides.", ""]
    lines += _quoted([load.reason or "no reason was noted"])
    lines += ["Its file:", "", *_quoted([load.file])] if load.file else []
    lines += ["Rules that it broke:", "", *_quoted(_rules(found))] if found.rules else []
    good = found.good
    before = f"; load {good.load_id} of {good.first_day}..{good.last_day} had {good.rows_read}" if good else ""
    lines += [f"It has {found.rows_read} rows{before}.", ""]
    lines += ["Some of its rows:", "", *_quoted([json.dumps(row, ensure_ascii=False) for row in found.rows])]
    lines += [
        "**approve** publishes all that the raw table can hold, **reject** drops it (both need a *why*),"
        " **read again** asks the provider once more, **leave it** decides nothing."
    ]
    return "\n".join(lines)


def _rules(found: Evidence) -> Iterator[str]:
    for rule in found.rules:
        count = "" if rule.broken_count is None else f", {rule.broken_count} rows"
        yield f"{rule.rule} ({rule.severity}{count}): {rule.reason or 'see its rows'}"


def _quoted(lines: Iterable[str]) -> list[str]:
    """Each line as a block, with its number between where there are several: Airflow shows a block as one line."""
    blocks = [[f"    {plain(line)}", ""] for line in lines]
    numbered = ([f"({number})", "", *block] for number, block in enumerate(blocks, start=1))
    return list(chain.from_iterable(numbered if len(blocks) > 1 else blocks))
