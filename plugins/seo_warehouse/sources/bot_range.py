"""The addresses of bots, as their operators publish them: a list of prefixes for each kind of bot.

No credentials; where each list is stands in logs/ranges.py. A list changes within weeks and says nothing of its past,
so every night keeps what each says now. Each list is an answer of its own: one that cannot be read leaves its own day
unread, and an empty one is no answer. It concerns all properties and is loaded under property 0.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from pydantic import Field

from seo_warehouse.client.answers import Items
from seo_warehouse.client.api import Api, Reply
from seo_warehouse.errors import MalformedAnswerError, NotArchivedError, TerminalSourceError, TransientSourceError
from seo_warehouse.logs.ranges import LISTS
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, mapping
from seo_warehouse.spec import DAY, OBSERVED_AT, BatchRule, Column, Feed, Kind, Period, Row, Source, Table, Type

log = logging.getLogger(__name__)

OPERATORS = tuple(sorted({operator for operator, _ in LISTS.values()}))
NETWORK = "^[0-9a-f.:]{1,40}/[0-9]{1,3}$"
PREFIX = Shape(
    Column("ipv4_prefix", Type.TEXT, "Range of IPv4, as in 192.0.2.0/24."),
    Column("ipv6_prefix", Type.TEXT, "Range of IPv6."),
    names={"ipv4_prefix": "ipv4Prefix", "ipv6_prefix": "ipv6Prefix"},
    optional={"ipv4Prefix", "ipv6Prefix"},
)
COLUMNS = (
    DAY,
    Column("list", Type.TEXT, "The list, by the name of its file.", required=True, values=tuple(LISTS)),
    Column("operator", Type.TEXT, "Whose list it is.", required=True, values=OPERATORS),
    Column("prefix", Type.TEXT, "Range of addresses, as in 192.0.2.0/24.", required=True, pattern=NETWORK),
    OBSERVED_AT,
)


class BotRangeSettings(Strict):
    """The lists of addresses that operators of bots publish. They need no credentials."""

    base_url: str = Field(
        "",
        pattern=r"^(https?://[^/]+)?$",
        description="A server that has every list as `/<name>.json`, as a mirror has. Absent: each operator's own.",
    )


def read_prefixes(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The ranges of every list that can be read; which could not is noted."""
    unread: list[str] = []
    for name in LISTS:
        try:
            reply = _read_list(api, property, name)
        except (TerminalSourceError, TransientSourceError, NotArchivedError) as error:
            unread.append(name)
            log.warning("the list %s is not read: %s", name, error)
            if len(unread) == len(LISTS):
                raise
            continue
        yield from api.rows(reply, period.last_day)
    api.note(period.last_day, is_complete=not unread, unread_lists=unread)


def probe_lists(api: Api, property: Property) -> None:
    """The first list answers."""
    _read_list(api, property, next(iter(LISTS)))


def _read_list(api: Api, property: Property, name: str) -> Reply:
    operator, url = LISTS[name]
    is_mirrored = bool(property.settings_of(BOT_RANGE).base_url)
    return api.get(f"/{name}.json" if is_mirrored else url, decode=partial(_prefixes, name, operator))


def _prefixes(name: str, operator: str, document: Any) -> Items:
    entries = mapping(document, "the answer").get("prefixes")
    if not isinstance(entries, list) or not entries:
        raise MalformedAnswerError(f"the list {name} has no prefixes")
    found = PREFIX.items(entries, "prefixes")
    written = dict.fromkeys(_prefix(row["ipv4_prefix"] or row["ipv6_prefix"]) for row in found.rows)
    rows = [{"list": name, "operator": operator, "prefix": prefix} for prefix in written]
    return Items(rows, unknown=found.unknown, missing=found.missing)


def _prefix(text: str | None) -> str:
    try:
        return str(ipaddress.ip_network(text or ""))
    except ValueError as error:
        raise MalformedAnswerError(f"a prefix is none: {error}") from None


BOT_RANGE = Source(
    name="bot_range",
    description="Addresses of bots, as their operators publish them.",
    kind=Kind.SNAPSHOT,
    cron="15 0 * * *",
    settings=BotRangeSettings,
    is_shared=True,
    tables=(
        Table(
            "prefix",
            "Ranges of addresses, by list.",
            read_prefixes,
            PREFIX,
            columns=COLUMNS,
            grain=("list", "prefix"),
            feeds=Feed.CRAWLER_ADDRESSES,
            batch_rules=(
                BatchRule(
                    name="no_list_shrinks_by_half",
                    sql="""
                        select now.list
                        from (select list, count(*) as prefix_count from {batch} group by list) as now
                        join (
                            select r.list, count(*) as prefix_count
                            from {raw} as r
                            join (
                                select list, max(day) as day from {raw}
                                where property_key = {property_key} and day < {first_day} group by list
                            ) as last on last.list = r.list and last.day = r.day
                            where r.property_key = {property_key}
                            group by r.list
                        ) as before on before.list = now.list
                        where now.prefix_count < 0.5 * before.prefix_count
                    """,
                    reason="Operators drop few ranges: a list of half its length is cut, and would make liars of bots.",
                ),
                BatchRule(
                    name="no_range_is_of_two_operators",
                    sql="""
                        select a.prefix, b.prefix as other from {batch} as a
                        join {batch} as b on a.operator < b.operator and a.prefix::inet && b.prefix::inet
                    """,
                    reason="An address in two operators' lists would prove nothing: one of the lists is wrong.",
                ),
                BatchRule(
                    name="every_list_is_read",
                    sql="""
                        select d.facts -> 'unread_lists' as unread from ops.load_day as d
                        where d.load_id = {load_id} and d.facts ->> 'is_complete' = 'false'
                    """,
                    reason="Visits of that list's bots are judged by the days around, and after a week by none.",
                    severity="warn",
                ),
            ),
        ),
    ),
)
