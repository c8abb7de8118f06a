"""What the warehouse must know of the demo's links, worked out from the demo's own world and from the reads alone.

The vendor of the demo sees each change at its instant (disclosure delay 0), so what is left between the truth and the
warehouse is what a read asks for:

* a full pull (the first night, then every 28 days) returns every live link, and those lost since the midnight 28 days
  before it;
* any other night returns the live links first seen, and the lost links lost, since the midnight before the read before.

Hence an acquisition is always told, on its true date, and so is a loss, unless the link was back at the next read. A
link that came back shows at the next full pull, dated by the vendor's last visit, and so do a changed rel and a changed
anchor, whatever was between two such sights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from seo_warehouse.demo.links import Link, Rel, Sight
from seo_warehouse.demo.world import World

FULL_INTERVAL_DAYS = 28
LOST_DAYS = 28
FAR_AWAY = date.min


@dataclass(frozen=True)
class Read:
    """One night's read of the backlink vendor. `since` is the night of the read before it; None: a full pull."""

    night: date
    at: datetime
    since: date | None

    def returns(self, sight: Sight) -> bool:
        """Whether the vendor's answer holds a link that it knows so."""
        if self.since is None and sight.change.is_live:
            return True
        after = datetime.combine(self.since or self.night - timedelta(days=LOST_DAYS), time(), UTC)
        return (sight.first_seen if sight.change.is_live else sight.last_seen) > after


@dataclass(frozen=True)
class Event:
    """An event of a link as the warehouse should have it; `value` and `previous` of a change of rel or anchor."""

    property_key: int
    url_from: str
    url_to: str
    event_type: str
    event_date: date
    observed_date: date
    loss_basis: str | None = None
    previous: str | None = None
    value: str | None = None


def reads(instants: Mapping[date, datetime]) -> list[Read]:
    """The reads of these nights at these instants: a full pull at first, and when the last one is 28 days ago."""
    made: list[Read] = []
    last_full = FAR_AWAY
    for night, at in sorted(instants.items()):
        is_full = (night - last_full).days >= FULL_INTERVAL_DAYS
        made.append(Read(night, at, None if is_full else made[-1].night))
        last_full = night if is_full else last_full
    return made


def link_events(world: World, property_key: int, made: list[Read]) -> Iterator[Event]:
    """Every event that these reads tell of a property's links."""
    told: dict[int, list[tuple[Read, Sight]]] = {}
    for read in made:
        for sight in world.sights(property_key, read.at):
            if read.returns(sight):
                told.setdefault(sight.link.link_id, []).append((read, sight))
    full = [read for read in made if read.since is None]
    for sights in told.values():
        yield from _events_of(sights[0][1].link, sights, full)


def followed_rel(rel: Rel) -> str:
    """The tokens that keep a link from being followed, as one text; empty is followed."""
    return " ".join(sorted({"nofollow", "sponsored", "ugc"}.intersection(rel)))


def _events_of(link: Link, sights: list[tuple[Read, Sight]], full: list[Read]) -> Iterator[Event]:
    def event(event_type: str, event_date: date, observed_date: date) -> Event:
        return Event(link.property_key, link.url_from, link.url_to, event_type, event_date, observed_date)

    yield event("acquired", sights[0][1].first_seen.date(), sights[0][0].night)
    is_live = True
    lost_dates = [FAR_AWAY]
    live: tuple[Read, Sight] | None = None
    """The last sight of this stay that shows the link as it is: its first, or one of a full pull."""
    last_live_night: date | None = None
    for read, sight in sights:
        seen_date = sight.last_seen.date()
        if not sight.change.is_live:
            # Two nights' lists overlap: the same loss is told twice.
            if seen_date > lost_dates[-1]:
                if is_live:
                    yield replace(event("lost", seen_date, read.night), loss_basis="vendor_claim")
                lost_dates.append(seen_date)
                is_live, live = False, None
            continue
        absent = _absences(full, last_live_night, read.night) if is_live and last_live_night else []
        if len(absent) >= 2:
            yield replace(event("lost", absent[0], absent[1]), loss_basis="absence")
            lost_dates.append(absent[0])
            is_live, live = False, None
        if not is_live:
            yield event("restored", seen_date, read.night)
        if live is not None and read.since is None:
            yield from _changes(event, live, read, sight)
        if live is None or read.since is None:
            live = (read, sight)
        is_live, last_live_night = True, read.night
    if is_live and last_live_night and len(absent := _absences(full, last_live_night, date.max)) >= 2:
        yield replace(event("lost", absent[0], absent[1]), loss_basis="absence")


def _changes(
    event: Callable[[str, date, date], Event], old: tuple[Read, Sight], read: Read, sight: Sight
) -> Iterator[Event]:
    before = old[1]
    seen_date = sight.last_seen.date()
    event_date = seen_date if seen_date > before.last_seen.date() else read.night
    values = {
        "rel_changed": (followed_rel(before.change.rel), followed_rel(sight.change.rel)),
        "anchor_changed": (before.change.anchor, sight.change.anchor),
    }
    for event_type, (previous, value) in values.items():
        if value != previous:
            yield replace(event(event_type, event_date, read.night), previous=previous, value=value)


def _absences(full: Iterable[Read], after: date, before: date) -> list[date]:
    return [read.night for read in full if after < read.night < before]
