"""Whether the nights could be read: each source tried for each property, side by side, and what a night costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from queue import Empty, SimpleQueue

from seo_warehouse.alerting.channels import opened
from seo_warehouse.client.api import Limits
from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError, CredentialsError, SeoWarehouseError, TransientSourceError
from seo_warehouse.report.reading import read_depth
from seo_warehouse.report.sentences import say_depth
from seo_warehouse.spec import Source
from seo_warehouse.steps.connections import probe
from seo_warehouse.steps.warehouse import SECRETS_FILE, Warehouse

LIMITS = Limits(
    attempts=1,
    max_wait_seconds=0,
    connect_seconds=5,
    read_seconds=10,
    answer_seconds=10,
    answer_bytes=16 * 2**20,
    calls_per_minute=None,
)
"""Of what is tried: it is said at once, not waited for."""
MOST_NAMES = 5
"""Of those that one sentence is said of."""
AT_ONCE = 16
"""Fewer than any provider lets one account have."""
ALL_SECONDS = 30.0
"""For everything together, names that no resolver answers for included."""


@dataclass(frozen=True)
class Fault:
    """What is wrong and what to do about it, and of which sources and properties, where it is theirs.

    `is_lasting`: until a person has done that; else it may pass. `is_ours`: of this machine and its settings, so that
    nothing runs with it, as against one of a provider, which costs what is read there.
    """

    sentence: str
    is_lasting: bool = True
    is_ours: bool = False
    of: tuple[str, ...] = ()

    def __str__(self) -> str:
        first, more = ", ".join(self.of[:MOST_NAMES]), len(self.of) - MOST_NAMES
        names = f"{first} and {more} more" if more > 0 else first
        return f"{names}: {self.sentence}" if names else self.sentence


def together(faults: Iterable[Fault]) -> list[Fault]:
    """Each sentence once, with all that it is said of: a wrong password is one fault, whatever it keeps unread."""
    found: dict[Fault, tuple[str, ...]] = {}
    for fault in faults:
        key = replace(fault, of=())
        found[key] = (*found.get(key, ()), *fault.of)
    return [replace(fault, of=of) for fault, of in found.items()]


@dataclass(frozen=True)
class Job:
    """Something to be tried, by a name that no other has."""

    name: str
    find_faults: Callable[[], list[Fault]]


def trials(wh: Warehouse) -> list[Job]:
    """Each source that can be tried, for each property. Raises TransientSourceError where the clock does not answer."""
    today = wh.now().date()
    return [
        Job(_name(source, prop), partial(_try, wh, source, prop, today - timedelta(days=source.delay_days)))
        for source in wh.sources
        for prop in wh.properties.with_source(source)
        if source.probe is not None or source.access is not None
    ]


def _try(wh: Warehouse, source: Source, prop: Property, day: date) -> list[Fault]:
    try:
        probe(wh, source, prop, LIMITS, day)
    except SeoWarehouseError as error:
        return [_fault(source, prop, error)]
    return []


def _fault(source: Source, prop: Property, error: SeoWarehouseError) -> Fault:
    sentence, of = str(error), (_name(source, prop),)
    if isinstance(error, TransientSourceError):
        return Fault(f"{sentence}: look whether this machine reaches it, and check again", is_lasting=False, of=of)
    if isinstance(error, ConfigError | CredentialsError):
        # These say themselves what is to be mended.
        return Fault(sentence, of=of)
    connection = "" if source.access is None else f", or the connection {prop.settings_of(source).connection!r}"
    return Fault(f"{sentence}: see properties.yml, under {source.name}{connection}", of=of)


def _name(source: Source, prop: Property) -> str:
    return f"{source.name} of {prop.name}"


def run_side_by_side(jobs: Sequence[Job], seconds: float = ALL_SECONDS) -> list[Fault]:
    """The faults that jobs find, in the jobs' order. What has not ended after `seconds` is a fault, and left behind."""
    deadline = time.monotonic() + seconds
    todo: SimpleQueue[Job] = SimpleQueue()
    found: dict[str, list[Fault]] = {}
    for job in jobs:
        todo.put(job)
    # Daemons: one that waits for a name server must not keep the command from ending.
    threads = [threading.Thread(target=_work, args=(todo, found, deadline), daemon=True) for _ in jobs[:AT_ONCE]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [fault for job in jobs for fault in found.get(job.name, _unfinished(job.name, seconds))]


def _work(todo: SimpleQueue[Job], found: dict[str, list[Fault]], deadline: float) -> None:
    while time.monotonic() < deadline:
        try:
            job = todo.get_nowait()
        except Empty:
            return
        found[job.name] = job.find_faults()


def _unfinished(name: str, seconds: float) -> list[Fault]:
    return [Fault(f"no answer within {seconds:g} s: check again later", is_lasting=False, of=(name,))]


def prices(wh: Warehouse) -> Iterator[tuple[Source, Property, Decimal | None, Decimal]]:
    """What a night costs, by source and property: by the price list where one knows before, and the most allowed."""
    for source in wh.sources:
        for prop in wh.properties.with_source(source):
            allowed = getattr(prop.settings_of(source), "money_per_night", None)
            if allowed is not None:
                yield source, prop, source.price(prop) if source.price else None, Decimal(str(allowed))


def price_faults(wh: Warehouse) -> Iterator[Fault]:
    """Nights that cost more than they may."""
    for source, prop, price, allowed in prices(wh):
        if price is not None and price > allowed:
            yield Fault(
                f"a night costs {dollars(price)} by the price list, and money_per_night allows {dollars(allowed)}:"
                " raise it or ask for less",
                of=(_name(source, prop),),
            )


def depth_faults(wh: Warehouse) -> list[Fault]:
    """Properties whose checks are mostly shallower than their panel; none where no warehouse answers yet."""
    if not (wh.settings.home / SECRETS_FILE).is_file():
        return []
    try:
        with wh.connect("analyst") as connection:
            found = [(prop.name, read_depth(connection, prop.key)) for prop in wh.properties.properties]
    except SeoWarehouseError:
        return []
    return [Fault(sentence, of=(name,)) for name, depth in found for sentence in say_depth(depth)]


def channel_faults(wh: Warehouse) -> Iterator[Fault]:
    """Channels of alerts whose connection is missing or lacks something. Nobody is told anything."""
    for channel in wh.properties.alerts:
        try:
            opened(channel, wh.connection(channel.connection))
        except ConfigError as error:
            yield Fault(str(error), of=(f"channel {channel.name}",))


def dollars(amount: Decimal) -> str:
    """An amount as it is read."""
    return f"{amount.normalize():f} US dollars"
