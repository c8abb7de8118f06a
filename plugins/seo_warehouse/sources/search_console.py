"""Google Search Console, Search Analytics.

POST https://searchconsole.googleapis.com/webmasters/v3/sites/{site}/searchAnalytics/query
https://developers.google.com/webmaster-tools/v1/searchanalytics/query

Days are Pacific time and are kept as the source's own. The last two or three are provisional, and the data of the last
16 months are all there is (https://support.google.com/webmasters/answer/7576553, "Date range").
Queries asked by few people are left out of rows by query, so totals are asked for separately.
At most 50,000 rows a day and search type exist, however one pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from math import isfinite
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from pydantic import Field

from seo_warehouse.client.access import Access
from seo_warehouse.client.api import Api, Items
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources import google
from seo_warehouse.sources.fields import Shape, iso_day, mapping, number, sequence, text
from seo_warehouse.spec import BatchRule, Column, Feed, Kind, Period, Row, RowRule, Source, Table, Type

PAGE_ROWS = 25_000
"""The most rows that one answer holds."""
DAY_CAP_ROWS = 50_000
"""The most rows that exist for a day and search type."""
_ANSWER_FIELDS = {"rows", "responseAggregationType", "metadata"}
_COLUMN_OF = {"DATE": "day", "PAGE": "page_url", "QUERY": "query", "COUNTRY": "country", "DEVICE": "device"}


class SearchConsoleSettings(Strict):
    """Whose figures are read."""

    connection: str = Field(
        google.SITES_CONNECTION, description="Airflow connection with a service account that may read the site."
    )
    site: str = Field(
        description="As Search Console names it: `sc-domain:example.com`, or a URL prefix.",
        examples=["sc-domain:example.com"],
    )


@dataclass(frozen=True)
class _Page(Items):
    """One answer: its rows, and the first day that Google calls incomplete."""

    incomplete_from: date | None = None


def probe_site(api: Api, property: Property) -> None:
    """The service account may read the site."""
    google.probe_site(api, property.settings_of(SEARCH_CONSOLE).site)


def read_performance(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Rows by date, page, query, country and device, day by day: the cap is a day's."""
    for day in period.days():
        yield from _rows(api, property, day, day, ("DATE", "PAGE", "QUERY", "COUNTRY", "DEVICE"), "BY_PAGE")


def read_property_totals(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row a day: the property's totals, anonymised queries included. A day without data has no row."""
    yield from _rows(api, property, period.first_day, period.last_day, ("DATE",), "BY_PROPERTY")


def read_page_totals(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Rows by date, page, country and device, anonymised queries included."""
    for day in period.days():
        yield from _rows(api, property, day, day, ("DATE", "PAGE", "COUNTRY", "DEVICE"), "BY_PAGE")


def _rows(
    api: Api, property: Property, first: date, last: date, dimensions: Sequence[str], aggregation: str
) -> Iterator[Row]:
    """Page after page, until the first that is not full."""
    site = property.settings_of(SEARCH_CONSOLE).site
    path = f"/webmasters/v3/sites/{quote(site, safe='')}/searchAnalytics/query"
    start, count = 0, PAGE_ROWS
    beginning: list[Row] = []
    while count >= PAGE_ROWS:
        body = {
            "startDate": first.isoformat(),
            "endDate": last.isoformat(),
            "dimensions": list(dimensions),
            "type": "WEB",
            "dataState": "ALL",
            "aggregationType": aggregation,
            "rowLimit": PAGE_ROWS,
            "startRow": start,
        }
        page: _Page = api.post(path, body, decode=_decoder(first, last, dimensions, aggregation)).json
        if start and page.rows[:1] == beginning:
            raise MalformedAnswerError(f"the rows from {start:,} on are the same as those before")
        beginning = page.rows[:1]
        for day in Period(first, last).days():
            api.note_shape(day, page)
            if page.incomplete_from is not None and day >= page.incomplete_from:
                api.note(day, is_provisional=True)
        yield from page.rows
        count = len(page.rows)
        start += count
        if start >= DAY_CAP_ROWS and first == last:
            api.note(first, is_capped=True)


def _decoder(first: date, last: date, dimensions: Sequence[str], aggregation: str) -> Callable[[Any], _Page]:
    """Makes of an answer its page. Raises MalformedAnswerError where it does not answer what was asked."""
    columns = [_COLUMN_OF[dimension] for dimension in dimensions]

    def decode(document: Any) -> _Page:
        answer = mapping(document, "the answer")
        stated = answer.get("responseAggregationType")
        if stated is not None and _plain(text(stated, "responseAggregationType")) != _plain(aggregation):
            raise MalformedAnswerError(f"asked for {aggregation}, answered {stated}")
        entries = sequence(answer.get("rows"), "rows")
        if not set(map(type, entries)) <= {dict}:
            entries = [mapping(entry, "rows[]") for entry in entries]
        if len(entries) > PAGE_ROWS:
            raise MalformedAnswerError(f"{len(entries):,} rows, {PAGE_ROWS:,} were asked for")
        rows = _rows_alike(entries, first, last, columns) or [_row(entry, first, last, columns) for entry in entries]
        items = ROW.around(entries, rows)
        unknown = items.unknown | (answer.keys() - _ANSWER_FIELDS)
        return _Page(items.rows, unknown, items.missing, incomplete_from=_incomplete_from(answer))

    return decode


def _rows_alike(entries: Sequence[dict[str, Any]], first: date, last: date, columns: Sequence[str]) -> list[Row] | None:
    """The rows of entries that are all as expected, asked column by column; None where one is not."""
    if not entries:
        return []
    try:
        keys, *stated = zip(*map(_STATED, entries), strict=True)
        if any(not set(map(type, values)) <= {int, float} for values in stated):
            return None
        metrics = [list(map(float, values)) for values in stated]
    except (KeyError, OverflowError):
        return None
    if set(map(type, keys)) != {list} or set(map(len, keys)) != {len(columns)}:
        return None
    texts: list[Iterable[Any]] = list(zip(*keys, strict=True))
    if any(set(map(type, values)) != {str} for values in texts):
        return None
    # Where one is not, neither is the sum.
    if not isfinite(sum(map(sum, metrics))):
        return None
    place = columns.index("day")
    days = {stated: iso_day(stated, "keys") for stated in set(texts[place])}
    if not first <= min(days.values()) <= max(days.values()) <= last:
        return None
    texts[place] = map(days.__getitem__, texts[place])
    return _made((*columns, *METRIC_NAMES), zip(*texts, *metrics, strict=True))


def _made(names: tuple[str, ...], values: Iterable[tuple[Any, ...]]) -> list[Row]:
    if names != PERFORMANCE_NAMES:
        return list(map(dict, map(zip, repeat(names), values)))
    # Of this table there are the most by far, and written out they are made in half the time.
    return [
        {
            "day": day, "page_url": page, "query": query, "country": country, "device": device,
            "clicks": clicks, "impressions": impressions, "ctr": ctr, "position": position,
        }
        for day, page, query, country, device, clicks, impressions, ctr, position in values
    ]  # fmt: skip


def _row(entry: dict[str, Any], first: date, last: date, columns: Sequence[str]) -> Row:
    keys = sequence(entry.get("keys"), "keys")
    if len(keys) != len(columns):
        raise MalformedAnswerError(f"{len(keys)} keys for {len(columns)} dimensions")
    row: Row = {name: text(key, name) for name, key in zip(columns, keys, strict=True)}
    row["day"] = day = iso_day(row["day"], "keys")
    if not first <= day <= last:
        raise MalformedAnswerError(f"a row of {day}, asked for {first}..{last}")
    return row | {name: _metric(entry, name) for name in METRIC_NAMES}


def _metric(entry: dict[str, Any], name: str) -> float | None:
    return number(entry[name], name) if name in entry else None


def _incomplete_from(answer: dict[str, Any]) -> date | None:
    """The discovery document spells the field firstIncompleteDate, the developers' guide first_incomplete_date."""
    metadata = mapping(answer.get("metadata") or {}, "metadata")
    stated = metadata.get("firstIncompleteDate") or metadata.get("first_incomplete_date")
    return None if stated is None else iso_day(stated, "metadata.firstIncompleteDate")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


METRICS = (
    Column("clicks", Type.FLOAT, "Clicks.", required=True, minimum=0),
    Column("impressions", Type.FLOAT, "Impressions.", required=True, minimum=0),
    Column("ctr", Type.FLOAT, "Clicks over impressions, 0-1.", minimum=0, maximum=1),
    Column("position", Type.FLOAT, "Mean topmost position, from 1; 0 without impressions.", minimum=0),
)
METRIC_NAMES = tuple(column.name for column in METRICS)
KEYS = Column("keys", Type.TEXTS, "One for each dimension asked for.")
PERFORMANCE_NAMES = ("day", "page_url", "query", "country", "device", *METRIC_NAMES)
_STATED = itemgetter("keys", *METRIC_NAMES)
ROW = Shape(KEYS, *METRICS)
"""A row as answered: the names in it are judged by this, its values by `_rows_alike`, for there are millions."""
DAY = Column("day", Type.DATE, "The day, Pacific time.", required=True)
PAGE = Column("page_url", Type.URL, "Canonical URL that Google shows.", required=True)
COUNTRY = Column(
    "country", Type.TEXT, "ISO 3166-1 alpha-3, lower case; zzz unknown.", required=True, pattern="^[a-z]{3}$"
)
DEVICE = Column("device", Type.TEXT, "Device.", required=True, values=("DESKTOP", "MOBILE", "TABLET"))

METRIC_RULES = (
    RowRule(
        name="clicks_within_impressions",
        sql="coalesce(clicks <= impressions, true)",
        reason="A click needs a result that was shown.",
    ),
    RowRule(
        name="ctr_is_clicks_over_impressions",
        sql="coalesce(abs(ctr * impressions - clicks) <= 0.0005 * impressions + 0.000001, true)",
        reason="Else the columns are not what their names say; 0.0005: shares may be rounded to a tenth of a percent.",
    ),
    RowRule(
        name="position_is_zero_only_without_impressions",
        sql="coalesce(case when impressions > 0 then position >= 0.999 else position = 0 end, true)",
        reason="Positions count from 1, and without an impression there is none.",
    ),
)
ODD_ROWS = 0.001
"""Share of rows that may break these rules: a click shortly after midnight belongs to yesterday's impression."""
LEAST_SHARE = 0.2
"""A weekend or a holiday costs a business site more than half of its rows; four fifths vanish by accident only."""


def _balance(other_table: str, metrics: Sequence[str], *, is_part: bool, reason: str) -> BatchRule:
    """Sums by day of a part must not exceed those of the whole, read within the same hours.

    `is_part`: the judged table is the part, `other_table` the whole; else the reverse. Whichever of the two is judged
    last judges both; where the other has not been read yet, nothing is said. An older reading is no measure: a
    provisional day grows by a tenth from night to night. The tables are read minutes apart, and half an hour is 2 % of
    a day; 10 lets small numbers round.
    """
    part, whole = ("own", "other") if is_part else ("other", "own")
    excess = " or ".join(
        f"({part}.totals ->> '{m}')::float8 > ({whole}.totals ->> '{m}')::float8 * 1.02 + 10" for m in metrics
    )
    # The names in it are this file's own.
    query = f"""
            select own.day, own.totals as own_totals, other.totals as other_totals
            from ops.load_day own
            join ops.load l on l.load_id = own.load_id
            cross join lateral (
                select d.totals
                from ops.load o
                join ops.load_day d on d.load_id = o.load_id and d.day = own.day
                where o.source = 'search_console' and o.table_name = '{other_table}'
                  and o.property_key = l.property_key and o.part = l.part
                  and o.state in ('written', 'passed', 'published', 'unchanged', 'superseded')
                  and o.read_at between l.read_at - interval '6 hours' and l.read_at + interval '6 hours'
                order by o.load_id desc
                limit 1
            ) other
            where own.load_id = {{load_id}} and ({excess})
        """  # noqa: S608
    return BatchRule(
        name=f"{'within' if is_part else 'holds'}_{other_table}",
        sql=query,
        reason=f"{reason} By more than 2 % and 10, one of the two was read wrongly.",
    )


ANONYMISED = "Rows by query leave anonymised queries out, so they sum to no more than rows by page."
EACH_CLICK_ONCE = (
    "A click counts once for its page and once for the property; impressions do count for each page shown."
)

SEARCH_CONSOLE = Source(
    name="search_console",
    description="Google Search Console: clicks, impressions and mean position by day.",
    kind=Kind.DATED,
    cron="0 6 * * *",
    settings=SearchConsoleSettings,
    access=Access(
        host="https://searchconsole.googleapis.com",
        auth=google.service_account("https://www.googleapis.com/auth/webmasters.readonly"),
        example=google.EXAMPLE,
    ),
    probe=probe_site,
    explain=google.explain,
    delay_days=2,
    lookback_days=3,
    kept_months=16,
    tables=(
        Table(
            name="performance",
            is_droppable=True,
            description="Rows by day, page, query, country and device; anonymised queries are missing.",
            read=read_performance,
            shape=ROW,
            columns=(
                DAY,
                PAGE,
                Column("query", Type.TEXT, "The query as Google shows it.", required=True),
                COUNTRY,
                DEVICE,
                *METRICS,
            ),
            grain=("day", "page_url", "query", "country", "device"),
            feeds=Feed.QUERY_SEARCHES,
            totals=("clicks", "impressions"),
            tolerance=ODD_ROWS,
            least_share=LEAST_SHARE,
            row_rules=METRIC_RULES,
            batch_rules=(_balance("page_total", ("clicks", "impressions"), is_part=True, reason=ANONYMISED),),
        ),
        Table(
            name="property_total",
            is_droppable=True,
            description="One row a day: totals of the property, anonymised queries included.",
            read=read_property_totals,
            shape=ROW,
            columns=(DAY, *METRICS),
            grain=("day",),
            feeds=Feed.SEARCH_TOTALS,
            totals=("clicks", "impressions"),
            row_rules=METRIC_RULES,
            batch_rules=(_balance("page_total", ("clicks",), is_part=False, reason=EACH_CLICK_ONCE),),
        ),
        Table(
            name="page_total",
            is_droppable=True,
            description="Rows by day, page, country and device (by page), anonymised queries included.",
            read=read_page_totals,
            shape=ROW,
            columns=(DAY, PAGE, COUNTRY, DEVICE, *METRICS),
            grain=("day", "page_url", "country", "device"),
            feeds=Feed.PAGE_SEARCHES,
            totals=("clicks", "impressions"),
            tolerance=ODD_ROWS,
            least_share=LEAST_SHARE,
            row_rules=METRIC_RULES,
            batch_rules=(
                _balance("performance", ("clicks", "impressions"), is_part=False, reason=ANONYMISED),
                _balance("property_total", ("clicks",), is_part=True, reason=EACH_CLICK_ONCE),
            ),
        ),
    ),
)
