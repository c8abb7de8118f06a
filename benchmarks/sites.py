"""Made-up sites of equal size, written straight into `raw` and the ledger: what many months of nights leave behind.

Everything follows from page, keyword, link and day by hashes, so that a site is the same however long its history is.
A night brings a rank tracker's export, rank checks with their result pages, four days of Search Console (three of them
read again), new and lost backlinks, stated changes of pages, Google's incidents, and every seventh night a crawl.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql

from seo_warehouse.load.schema import ensure_partition
from seo_warehouse.sources import source_named
from seo_warehouse.spec import Type
from seo_warehouse.steps.warehouse import Warehouse

NIGHT = date(2026, 11, 20)
"""The first night after the history."""
FULL_PULL_DAYS, CRAWL_DAYS = 28, 7
SEARCH_DELAY, SEARCH_LOOKBACK = 2, 3


@dataclass(frozen=True)
class Site:
    """What each property has. We check the tracked keywords ourselves, a rank tracker the others on two devices."""

    pages: int = 1_200
    topics: int = 60
    keywords: int = 2_800
    tracked: int = 200
    searches: int = 3_000
    links: int = 6_000
    new_links: int = 15
    domains: int = 2_500

    def scaled(self, share: float) -> Site:
        """The same with less of everything."""
        return Site(**{name: max(2, round(number * share)) for name, number in asdict(self).items()})


def properties_yml(site: Site, count: int, first: date) -> str:
    """The settings of properties 1 to `count` with a history from `first`; the tracked keywords have their pages."""
    each = [
        {
            "key": key,
            "name": f"shop{key}",
            "domain": f"shop{key}.example",
            "history_start": first.isoformat(),
            "panel": {"devices": ["mobile"], "depth": 10},
            "keywords": [
                {"keyword": f"tracked {number}", "page": _page_url(site, key, number % site.pages)}
                for number in range(site.tracked)
            ],
            "sources": {
                "search_console": {"site": f"sc-domain:shop{key}.example"},
                "dataforseo_backlinks": {"target": f"shop{key}.example"},
                "dataforseo_serp": {},
                "site_crawl": {"start_urls": [f"https://www.shop{key}.example/"]},
                "exports": {},
            },
        }
        for key in range(1, count + 1)
    ]
    # JSON is YAML.
    return json.dumps({"google_updates": {}, "properties": each})


def _page_url(site: Site, key: int, page: int) -> str:
    return f"https://www.shop{key}.example/topic-{page % site.topics}/page-{page}"


def noise(*numbers: str) -> str:
    """SQL: a number from 0 to below 1 that follows from these."""
    mixed = "property_key::bigint"
    for number in numbers:
        mixed = f"hashint8extended(({number})::bigint, {mixed})"
    return f"(({mixed} & 1048575) / 1048576.0::float8)"


def _url(page: str) -> str:
    """SQL: the URL of a page of the property."""
    return f"('https://www.shop' || property_key || '.example/topic-' || mod({page}, %(topics)s) || '/page-' || {page})"


OWN = "'shop' || property_key || '.example'"
"""SQL: the property's domain."""
LEVEL = f"""
    exp(0.7 + 4.2 * {noise("k", "1")} + 0.2 * sin(d / 30.0 + k) + 0.12 * ({noise("k", "d", "2")} - 0.5))
"""
"""SQL: where a keyword stands on a day."""


@dataclass(frozen=True)
class Feed:
    """Rows of one table: SQL for its columns, and what they are selected from beside properties and days.

    A URL's companions follow from it, but where they are stated. `d` is the day as a number.
    """

    source: str
    table: str
    origin: str
    columns: dict[str, str]
    part: str = ""
    facts: str = "'{}'::jsonb"

    @property
    def relation(self) -> str:
        """Table in `raw`."""
        return source_named(self.source).raw_name(source_named(self.source).table(self.table))

    def stored(self) -> dict[str, str]:
        """Expression by stored column."""
        kinds = {column.name: column.type for column in source_named(self.source).table(self.table).columns}
        found: dict[str, str] = {}
        for name, expression in self.columns.items():
            found[name] = expression
            if kinds.get(name) is Type.URL:
                found[f"{name}_normalised"] = expression
                found[f"{name}_domain"] = rf"substring({expression} from '([^./]+\.example)')"
        return found | self.columns

    def days(self, first: date, last: date, night: date | None) -> list[date]:
        """The days that are published: in a night those of its own, else all of a history."""
        if self.source == "search_console":
            if night is not None:
                first = night - timedelta(days=SEARCH_DELAY + SEARCH_LOOKBACK)
            last -= timedelta(days=SEARCH_DELAY)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        if self.source == "site_crawl":
            return [day for day in days if (NIGHT - day).days % CRAWL_DAYS == 0 or (night is None and day == first)]
        return days


CHECK = {
    "keyword": "'tracked ' || k",
    "location_code": "2840",
    "language_code": "'en'",
    "device": "'mobile'",
    "observed_at": "day + interval '3 hours'",
}
PULLS = """
    jsonb_build_object(
        'is_full', bool_or(pull = 'full'), 'is_complete', true,
        'since', case when not bool_or(pull = 'full') then (day - 1)::text end,
        'pulls', jsonb_strip_nulls(jsonb_build_object(
            'full', case when bool_or(pull = 'full') then {full} end,
            'new', case when bool_or(pull = 'new') then {new} end,
            'lost', case when bool_or(pull = 'lost') then {lost} end
        ))
    )
""".format(
    **{
        pull: f"jsonb_build_object('stated', count(*) filter (where pull = '{pull}'),"
        f" 'rows', count(*) filter (where pull = '{pull}'))"
        for pull in ("full", "new", "lost")
    }
)
FEEDS = (
    Feed(
        "exports",
        "ranking",
        f"""
        cross join generate_series(0, %(keywords)s - 1) as keyword(k)
        cross join (values ('desktop', 0), ('mobile', 1)) as panel(device, v)
        cross join lateral (select round({LEVEL} * (1 + 0.1 * v))::integer as place,
                                   {noise("k", "d", "3", "v")} < 0.02 as is_failed,
                                   mod(k + 7 * ({noise("k", "d", "4")} < 0.05)::integer, %(pages)s) as page
        ) as found
        """,
        {
            "exported_at": "day + interval '1 day'",
            "keyword": "'keyword ' || k",
            "engine": "'google'",
            "country": "'US'",
            "language": "'en'",
            "device": "device",
            "state": "case when is_failed then 'failed' when place > 100 then 'not_found' else 'found' end",
            "position": "case when not is_failed and place <= 100 then greatest(place, 1) end",
            "url": f"case when not is_failed and place <= 100 then {_url('page')} end",
            "url_domain": f"case when not is_failed and place <= 100 then {OWN} end",
            "depth": "100",
        },
        part="generic_rankings",
    ),
    Feed(
        "dataforseo_serp",
        "task",
        "cross join generate_series(0, %(tracked)s - 1) as keyword(k)",
        {
            **CHECK,
            "task_id": "md5(property_key || ' ' || day || ' ' || k)",
            "tag": "'tag ' || k",
            "depth": "10",
            "status_code": "20000",
            "status_message": "'Ok.'",
            "items_count": "10",
            "se_results_count": "1000000",
            "money": "0.0006",
        },
    ),
    Feed(
        "dataforseo_serp",
        "result",
        f"""
        cross join generate_series(0, %(tracked)s - 1) as keyword(k)
        cross join generate_series(1, 10) as item(n)
        cross join lateral (select n = ceil(14 * {noise("k", "d / 9", "5")}) as is_own) as own
        """,
        {
            **CHECK,
            "item_no": "n",
            "type": "'organic'",
            "rank_group": "n",
            "rank_absolute": "n",
            "domain": f"case when is_own then {OWN} else 'rival' || mod(k * 7 + n, 400) || '.example' end",
            "url": f"case when is_own then {_url('mod(k, %(pages)s)')}"
            " else 'https://rival' || mod(k * 7 + n, 400) || '.example/about/' || k end",
            "title": "'About keyword ' || k || ' at place ' || n",
            "description": "'What there is to say of keyword ' || k || ', place by place'",
        },
    ),
    Feed(
        "search_console",
        "performance",
        f"""
        cross join generate_series(0, %(searches)s - 1) as search(k)
        cross join lateral (select ceil(40 * {noise("k", "d", "6", "%(reading)s")}) as shown) as shows
        """,
        {
            "page_url": _url("mod(k, %(pages)s)"),
            "page_url_domain": OWN,
            "query": "'query ' || k / 2",
            "country": "'usa'",
            "device": "case mod(k, 2) when 0 then 'MOBILE' else 'DESKTOP' end",
            "clicks": f"floor(shown * {noise('k', 'd', '7')} / 4)",
            "impressions": "shown",
            "position": LEVEL,
        },
    ),
    Feed(
        "search_console",
        "page_total",
        f"""
        cross join generate_series(0, %(pages)s - 1) as page(k)
        cross join (values ('DESKTOP', 0), ('MOBILE', 1)) as panel(device, v)
        cross join lateral (select ceil(200 * {noise("k", "d", "8", "v", "%(reading)s")}) as shown) as shows
        """,
        {
            "page_url": _url("k"),
            "page_url_domain": OWN,
            "country": "'usa'",
            "device": "device",
            "clicks": f"floor(shown * {noise('k', 'd', '9')} / 4)",
            "impressions": "shown",
            "position": LEVEL,
        },
    ),
    Feed(
        "search_console",
        "property_total",
        f"cross join lateral (select 200000 + floor(9000 * {noise('d', '10', '%(reading)s')}) as shown) as shows",
        {"clicks": "floor(shown / 30)", "impressions": "shown", "position": "12.5"},
    ),
    Feed(
        "dataforseo_backlinks",
        "backlink",
        f"""
        cross join lateral (select mod(day - %(first)s::date, {FULL_PULL_DAYS}) = 0 as is_full) as night
        cross join lateral (
            select k, born, born + 60 + floor(1500 * {noise("k", "11")})::integer as gone
            from (
                select k, greatest(%(epoch)s + (k - %(links)s) / %(new_links)s,
                                   %(epoch)s - floor(900 * {noise("k", "12")})::integer) as born
                from generate_series(0, %(links)s + %(new_links)s * (d - %(epoch)s + 1) - 1) as link(k)
            ) as links
        ) as links
        cross join lateral (
            select case
                when is_full and born <= d and gone > d then 'full'
                when gone <= d and gone > d - case when is_full then {FULL_PULL_DAYS} else 2 end then 'lost'
                when not is_full and born > d - 2 and born <= d then 'new'
            end as pull
        ) as pulls
        where pull is not null
        """,  # noqa: S608
        {
            "pull": "pull",
            "item_no": "k + 1",
            "url_from": "'https://site' || mod(k::bigint * 7919, %(domains)s) || '.example/post-' || k",
            "url_to": _url("mod(k::bigint * 104729, %(pages)s)"),
            "url_to_domain": OWN,
            "is_lost": "pull = 'lost'",
            "domain_from_rank": f"floor(900 * {noise('mod(k::bigint * 7919, %(domains)s)', '13')}) + mod(d / 60, 3)",
            "first_seen": "date '2025-01-01' + born + interval '5 hours'",
            "prev_seen": "date '2025-01-01' + least(gone, d) - 7 + interval '5 hours'",
            "last_seen": "date '2025-01-01' + least(gone, d) + interval '1 hour'",
            "item_type": "'anchor'",
            "attributes": "case when mod(k, 10) < 3 then array['nofollow'] end",
            "dofollow": "mod(k, 10) >= 3",
            "anchor": "'words of link ' || mod(k, 900)",
            "observed_at": "day + interval '4 hours'",
        },
        facts=PULLS,
    ),
    Feed(
        "site_crawl",
        "page",
        f"""
        cross join generate_series(0, %(pages)s - 1) as page(k)
        cross join lateral (select mod(k, 40) = 0 and d > %(epoch)s + 400 * {noise("k", "14")} as is_moved,
                                   (d + k * 13) / 150 as version) as pages
        """,
        {
            "url": _url("k"),
            "url_domain": OWN,
            "final_url": _url("case when is_moved then mod(k + 1, %(pages)s) else k end"),
            "final_url_domain": OWN,
            "status_code": "case when is_moved then 301 else 200 end",
            "final_status_code": "200",
            "depth": "mod(k, 6)",
            "is_in_sitemap": "true",
            "is_robots_allowed": "true",
            "title": "'Page ' || k",
            "word_count": "400 + mod(k, 900)",
            "content_type": "'text/html'",
            "byte_count": "40000",
            "response_ms": "120.0",
            "content_hash": "case when not is_moved then md5(k || ' ' || version) end",
            "internal_link_count": "10",
            "external_link_count": "1",
            "observed_at": "day + interval '2 hours'",
        },
    ),
    Feed(
        "site_crawl",
        "link",
        """
        cross join generate_series(0, %(pages)s - 1) as page(k)
        cross join generate_series(1, 10) as link(n)
        """,
        {
            "source_url": _url("k"),
            "source_url_domain": OWN,
            "link_no": "n",
            "target_url": _url("mod(k * 31 + n * 17, %(pages)s)"),
            "target_url_domain": OWN,
            "anchor": "'More of ' || n",
            "rel": "'{}'",
            "place": "'main'",
            "is_internal": "true",
            "observed_at": "day + interval '2 hours'",
        },
    ),
    Feed(
        "exports",
        "page_change",
        "cross join generate_series(0, 2) as change(k)",
        {
            "exported_at": "day + interval '1 day'",
            "url": _url(f"floor(%(pages)s * {noise('d', 'k', '15')})::integer"),
            "url_domain": OWN,
            "kind": "'text ' || k",
        },
        part="generic_page_changes",
    ),
)
INCIDENTS = Feed(
    "google_updates",
    "incident",
    "cross join generate_series(0, 9) as incident(k)",
    {
        "id": "'incident ' || k",
        "begin_at": "date '2026-10-01' - 45 * k + interval '9 hours'",
        "end_at": "date '2026-10-01' - 45 * k + 12 + interval '9 hours'",
        "external_desc": "'Core update no ' || k",
        "service_name": "'Ranking'",
        "uri": "'incidents/' || k",
        "observed_at": "day + interval '30 minutes'",
    },
)


def load_history(wh: Warehouse, site: Site, first: date) -> None:
    """Publish every day from `first` to the eve of NIGHT, of all properties."""
    _publish(wh, site, first, NIGHT - timedelta(days=1), first, night=None)
    with wh.connect("owner", autocommit=True) as connection:
        for feed in (*FEEDS, INCIDENTS):
            connection.execute(sql.SQL("vacuum analyze raw.{}").format(sql.Identifier(feed.relation)))


def publish_night(wh: Warehouse, site: Site, night: date, first: date) -> None:
    """Publish what a night brings, of all properties; `first` is the first day of their history."""
    _publish(wh, site, night, night, first, night=night)


def _publish(wh: Warehouse, site: Site, begin: date, end: date, first: date, night: date | None) -> None:
    keys = [prop.key for prop in wh.properties.properties]
    numbers = asdict(site) | {"epoch": (NIGHT - date(2025, 1, 1)).days - 366, "first": first}
    numbers["reading"] = (night or end).toordinal()
    for feed, of in [*((feed, keys) for feed in FEEDS), (INCIDENTS, [0])]:
        _publish_feed(wh, feed, of, feed.days(begin, end, night), numbers)


def publish_feeds(wh: Warehouse, feeds: Sequence[Feed], days: Sequence[date], numbers: dict[str, Any]) -> None:
    """Publish these days of feeds, of all properties."""
    for feed in feeds:
        _publish_feed(wh, feed, [prop.key for prop in wh.properties.properties], days, numbers)


def _publish_feed(
    wh: Warehouse, feed: Feed, keys: Sequence[int], days: Sequence[date], numbers: dict[str, Any]
) -> None:
    with wh.connect("loader", autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for month in {day.replace(day=1) for day in days}:
            ensure_partition(connection, feed.relation, month)
        if days:
            # As a publication does: the days of a load, whole, or nothing.
            with connection.transaction():
                _swap(connection, feed, keys, days, numbers)


def _swap(
    connection: psycopg.Connection[Any], feed: Feed, keys: Sequence[int], days: Sequence[date], numbers: dict[str, Any]
) -> None:
    place = {"source": feed.source, "table": feed.table, "part": feed.part, "keys": keys, "days": days}
    # By itself: a cluster spreads no rows in a statement that changes what it does not spread.
    place["loads"] = [load_id for (load_id,) in connection.execute(_LOADS, numbers | place)]
    for statement in _statements(feed):
        connection.execute(statement, numbers | place)


_LOADS = """
insert into ops.load (source, table_name, property_key, part, first_day, last_day, purpose, attempt, state)
select %(source)s, %(table)s, property_key, %(part)s, (select min(day) from unnest(%(days)s) as day),
    (select max(day) from unnest(%(days)s) as day), 'night', 1, 'published'
from unnest(%(keys)s) with ordinality as key (property_key, place) order by place
returning load_id
"""


def _statements(feed: Feed) -> Iterator[sql.Composed]:
    raw = sql.Identifier("raw", feed.relation)
    stored = feed.stored()
    yield sql.SQL(
        "delete from {} where property_key = any(%(keys)s) and part = %(part)s and day = any(%(days)s)"
    ).format(raw)
    yield sql.SQL(
        "update ops.publication set is_current = false where is_current and source = %(source)s"
        " and table_name = %(table)s and property_key = any(%(keys)s) and part = %(part)s and day = any(%(days)s)"
    ).format()
    yield sql.SQL(
        """
        insert into {raw} (property_key, part, day, {names}, load_id)
        select property_key, %(part)s, day, {expressions}, load_id
        from unnest(%(keys)s::integer[], %(loads)s::bigint[]) as loads (property_key, load_id)
        cross join (select day, day - date '2025-01-01' as d from unnest(%(days)s) as day) as days
        {origin}
        """
    ).format(
        raw=raw,
        names=sql.SQL(", ").join(map(sql.Identifier, stored)),
        expressions=sql.SQL(", ").join(map(sql.SQL, stored.values())),
        origin=sql.SQL(feed.origin),
    )
    yield sql.SQL(
        """
        insert into ops.publication (source, table_name, property_key, part, day, load_id, row_count, checksum, totals,
                                     facts, read_at)
        select %(source)s, %(table)s, property_key, %(part)s, day, load_id, count(*), load_id::text, '{{}}', {facts},
               now()
        from {raw}
        where property_key = any(%(keys)s) and part = %(part)s and day = any(%(days)s)
        group by property_key, day, load_id
        """
    ).format(raw=raw, facts=sql.SQL(feed.facts))
