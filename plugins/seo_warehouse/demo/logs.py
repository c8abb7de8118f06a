"""Logs of the demo's visits, as its servers would have written them, and the truth about them.

Two streams: `web` writes nginx's combined format, rotated each month and packed, in another zone from the middle on;
`edge` writes JSON as Cloudflare does. One line in a thousand is spoiled.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, timezone
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DemoProperty
from seo_warehouse.demo.chance import draw
from seo_warehouse.demo.visits import STREAMS, Visit, all_visits, is_counted
from seo_warehouse.demo.world import World

LOGGED = DEMO_PROPERTIES[0].name
"""The property whose logs there are."""
SPOILED_SHARE = 0.001
ZONE_AFTER_DAYS = 90
"""Of the first day: from then on the web server's clock is an hour ahead."""


def write_logs(folder: Path, world: World, prop: DemoProperty, last: date) -> None:
    """Write the logs of a property's visits up to a day into folders of their streams, rotated as each month began."""
    for stream in STREAMS:
        (folder / stream).mkdir(parents=True)
        found = (visit for visit in all_visits(world, prop, last) if visit.stream == stream and visit.is_written)
        for age, of_age in groupby(found, key=lambda visit: _rotations(visit.at.date(), last)):
            lines = "".join(f"{line}\n" for line in written(world, prop, of_age)).encode()
            name = f"access.log.{age}.gz" if age else "access.log"
            (folder / stream / name).write_bytes(gzip.compress(lines, mtime=0) if age else lines)


def _rotations(day: date, last: date) -> int:
    """How often the log of a day was rotated since, the oldest ones being kept in one."""
    return min(2, 12 * (last.year - day.year) + last.month - day.month)


def written(world: World, prop: DemoProperty, visits: Iterable[Visit]) -> Iterator[str]:
    """The lines of visits, the spoiled ones too."""
    for visit in visits:
        line = _combined(world, visit) if visit.stream == "web" else _json(prop, visit)
        yield line[:40] if is_spoiled(world, visit) else line


def is_spoiled(world: World, visit: Visit) -> bool:
    """Whether a visit's line was cut short."""
    return draw(world.seed, "spoiled", visit.at, visit.address, visit.target) < SPOILED_SHARE


def truth(world: World, prop: DemoProperty, last: date) -> Iterator[dict[str, Any]]:
    """Each visit as it was, without who the people were."""
    for visit in all_visits(world, prop, last):
        yield {
            "property_key": prop.key,
            "stream": visit.stream,
            "at": visit.at.isoformat(),
            "guest": visit.guest.name,
            "bot": visit.guest.bot,
            "operator": visit.guest.operator,
            "verdict": visit.guest.verdict,
            "url": prop.url(visit.target),
            "status": visit.status,
            "bytes": visit.size,
            "referrer": visit.referrer,
            "link_id": visit.link_id,
            "is_counted": not visit.guest.bot and is_counted(world, visit),
            "is_written": visit.is_written,
            "is_spoiled": visit.is_written and is_spoiled(world, visit),
        }


def _combined(world: World, visit: Visit) -> str:
    is_ahead = (visit.at.date() - world.first_day).days >= ZONE_AFTER_DAYS
    at: datetime = visit.at.astimezone(timezone(timedelta(hours=1 if is_ahead else 0)))
    request = f"GET {visit.target} HTTP/1.1"
    return (
        f'{visit.address} - - [{at:%d/%b/%Y:%H:%M:%S %z}] "{request}" {visit.status} {visit.size}'
        f' "{visit.referrer or "-"}" "{visit.guest.agent}"'
    )


def _json(prop: DemoProperty, visit: Visit) -> str:
    return orjson.dumps(
        {
            "ClientIP": visit.address,
            "ClientRequestHost": prop.host,
            "ClientRequestMethod": "GET",
            "ClientRequestReferer": visit.referrer,
            "ClientRequestURI": visit.target,
            "EdgeResponseBytes": visit.size,
            "EdgeResponseStatus": visit.status,
            "EdgeStartTimestamp": f"{visit.at:%Y-%m-%dT%H:%M:%SZ}",
            "ClientRequestUserAgent": visit.guest.agent,
        }
    ).decode()
