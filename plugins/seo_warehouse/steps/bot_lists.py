"""The lists of bots' addresses as nights have read them: their days at once, a day's ranges when they matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from psycopg import sql

from seo_warehouse.ledger.session import Connection
from seo_warehouse.logs.asof import Readings
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Feed

_ADDRESSES = [
    source.raw_name(table) for source in SOURCES for table in source.tables if table.feeds is Feed.CRAWLER_ADDRESSES
]
_OF_ALL = sql.SQL(" union all ").join(
    sql.SQL("select list, day, prefix from {} where property_key = 0 and part = ''").format(
        sql.Identifier("raw", relation)
    )
    for relation in _ADDRESSES
)


@dataclass(frozen=True)
class _ByDay(Mapping[date, frozenset[str]]):
    """One list by the days on which it was read."""

    name: str
    days: frozenset[date]
    read: Callable[[date], Mapping[str, frozenset[str]]]

    def __getitem__(self, day: date) -> frozenset[str]:
        if day not in self.days:
            raise KeyError(day)
        return self.read(day)[self.name]

    def __iter__(self) -> Iterator[date]:
        return iter(self.days)

    def __len__(self) -> int:
        return len(self.days)


def read_lists(connection: Connection) -> Readings:
    """Every reading of the lists; a day's ranges are read once they are asked for, and equal ones are held once."""
    held: dict[frozenset[str], frozenset[str]] = {}

    @cache
    def of_day(day: date) -> dict[str, frozenset[str]]:
        query = sql.SQL("select list, array_agg(prefix) from ({}) as told where day = %s group by list").format(_OF_ALL)
        found = {name: frozenset(prefixes) for name, prefixes in connection.execute(query, (day,))}
        return {name: held.setdefault(prefixes, prefixes) for name, prefixes in found.items()}

    query = sql.SQL("select list, array_agg(distinct day) from ({}) as told group by list").format(_OF_ALL)
    return {name: _ByDay(name, frozenset(days), of_day) for name, days in connection.execute(query)}


def read_every_range(connection: Connection) -> dict[str, list[str]]:
    """Every range that was ever read, by list."""
    query = sql.SQL("select list, array_agg(distinct prefix) from ({}) as told group by list").format(_OF_ALL)
    return dict(connection.execute(query).fetchall())
