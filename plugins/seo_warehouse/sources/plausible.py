"""Plausible: visits by the page that they came from and the one that they began on.

POST https://plausible.io/api/v2/query, or of a server of one's own (https://plausible.io/docs/stats-api)

Days are the site's own, and whole the next morning. A referrer comes without scheme, `www.`, query and the slash at its
end (lib/plausible/ingestion/source.ex), so that several addresses may be meant: the keys of all are kept. An entry page
is a path. `event:hostname` is the one dimension of hosts: a visit of two hosts is counted once for each. Metrics of
sessions do not mix with it, and are not asked for; no figure of conversions goes with these dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

from pydantic import Field

from seo_warehouse import urls
from seo_warehouse.client.access import Access, HeaderKey
from seo_warehouse.client.api import Api, Items
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.property import Property, Strict
from seo_warehouse.referrers import Referrer, is_of, keep_landing, keep_referrer, read_tag
from seo_warehouse.sources.fields import Shape, integer, mapping, sequence, text
from seo_warehouse.sources.visits import LANDING, REFERRER, ROW_KEY, TAG, referrer_row
from seo_warehouse.spec import Column, Feed, Kind, Period, Row, Source, Table, Type

PATH = "/api/v2/query"
PAGE_ROWS = 10_000
CALLS_PER_MINUTE = 10
"""600 an hour."""
DIMENSIONS = ("visit:referrer", "visit:entry_page", "event:hostname")
NOBODY = "Direct / None"
"""What stands for no referrer (lib/plausible/stats/sql/expression.ex)."""
NOT_SET = ("", "(not set)", "(none)")
ROW = Shape(
    Column("dimensions", Type.JSON, "One value for each dimension asked for."),
    Column("metrics", Type.JSON, "One for each metric."),
)
_ANSWER_FIELDS = {"results", "meta", "query"}


class PlausibleSettings(Strict):
    """Whose visits are read."""

    connection: str = Field("plausible", description="Airflow connection whose password is the key of the Stats API.")
    site_id: str = Field(description="Domain of the site, as Plausible has it.", examples=["example.com"])


@dataclass(frozen=True)
class _Page(Items):
    """One answer: its rows, how many there are in all, and the offset of the site's time zone from UTC."""

    row_count: int = 0
    offset: str | None = None


def read_referrers(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Visits by referrer, entry page and host; referrers of the property's own pages are left out."""
    for day in period.days():
        for literal, path, host, count in _report(api, property, day):
            found = Referrer("none", "", "") if literal == NOBODY else keep_referrer(_with_scheme(literal))
            if is_of(found, property.domain):
                continue
            landing = f"https://{host}{keep_landing(path)}" if path.startswith("/") and host not in NOT_SET else None
            yield {
                "day": day,
                "row_key": urls.key64(literal, path, host),
                **referrer_row(found),
                "referrer_keys": _keys(found),
                "host_name": host,
                "landing": landing,
                "landing_tag": read_tag(path) or None,
                "visits": count,
            }


def probe_site(api: Api, property: Property) -> None:
    """The key may read the site, and the dimensions go together."""
    body = _body(property, "7d", ("visits",), 0) | {"pagination": {"limit": 1, "offset": 0}}
    api.post(PATH, body, decode=lambda document: mapping(document, "the answer"))


def _report(api: Api, property: Property, day: date) -> Iterator[tuple[str, str, str, int]]:
    stated: int | None = None
    start = 0
    while stated is None or start < stated:
        body = _body(property, [day.isoformat(), day.isoformat()], ("visits",), start)
        page: _Page = api.post(PATH, body, decode=_decoder(start, stated)).json
        api.note_shape(day, page)
        if page.offset is not None:
            api.note(day, time_zone=page.offset)
        for row in page.rows:
            yield (*row["dimensions"], *row["metrics"])
        start, stated = start + len(page.rows), page.row_count


def _body(property: Property, days: Any, metrics: tuple[str, ...], start: int) -> dict[str, Any]:
    return {
        "site_id": property.settings_of(PLAUSIBLE).site_id,
        "metrics": list(metrics),
        "date_range": days,
        "dimensions": list(DIMENSIONS),
        # By all dimensions, so that pages cannot overlap.
        "order_by": [[name, "asc"] for name in DIMENSIONS],
        "include": {"total_rows": True},
        "pagination": {"limit": PAGE_ROWS, "offset": start},
    }


def _decoder(start: int, stated: int | None) -> Callable[[Any], _Page]:
    """Makes of an answer its page. Raises MalformedAnswerError where it does not answer what was asked."""

    def decode(document: Any) -> _Page:
        answer = mapping(document, "the answer")
        entries = [mapping(entry, "results[]") for entry in sequence(answer.get("results"), "results")]
        count = integer(mapping(answer.get("meta"), "meta").get("total_rows"), "meta.total_rows")
        if stated is not None and count != stated:
            raise MalformedAnswerError(f"{count:,} rows in all, {stated:,} on the page before: the day is changing")
        expected = min(PAGE_ROWS, max(0, count - start))
        if len(entries) != expected:
            raise MalformedAnswerError(f"{len(entries):,} rows from {start:,} on, {expected:,} of {count:,} expected")
        items = ROW.around(entries, [_row(entry) for entry in entries])
        unknown = items.unknown | (answer.keys() - _ANSWER_FIELDS)
        return _Page(items.rows, unknown, items.missing, row_count=count, offset=_offset(answer.get("query")))

    return decode


def _row(entry: dict[str, Any]) -> Row:
    named = [text(value, "dimensions[]") for value in sequence(entry.get("dimensions"), "dimensions")]
    counted = [integer(value, "metrics[]") for value in sequence(entry.get("metrics"), "metrics")]
    if (len(named), len(counted)) != (len(DIMENSIONS), 1):
        raise MalformedAnswerError(f"{len(named)} dimensions and {len(counted)} metrics, 3 and 1 were asked for")
    if counted[0] < 0:
        raise MalformedAnswerError(f"{counted[0]} visits")
    return {"dimensions": named, "metrics": counted}


def _offset(query: Any) -> str | None:
    """What the day's first instant says of the site's time zone, as +02:00; None where it says nothing."""
    days = mapping(query or {}, "query").get("date_range")
    first = days[0] if isinstance(days, list) and days else ""
    return first[19:] or None if isinstance(first, str) and len(first) > 19 else None


def _with_scheme(referrer: str) -> str:
    return referrer if "://" in referrer else f"https://{referrer}"


def _keys(found: Referrer) -> list[str] | None:
    """Keys of all pages that may be meant: with https, http, either with `www.`; each without a slash, then with one.

    None where all is known: of an app, and of no referrer. Empty of a bare host.
    """
    if found.state != "known":
        return None
    if not found.key:
        return []
    rest = found.url.removeprefix("https://")
    named = (f"{scheme}://{www}{rest}{end}" for www, scheme, end in product(("", "www."), ("https", "http"), ("", "/")))
    pages = [urls.identity(name) for name in named]
    # Before an address in brackets no `www.` stands.
    return None if None in pages else [str(urls.key64(page.url)) for page in pages if page is not None]


PLAUSIBLE = Source(
    name="plausible",
    description="Plausible: visits by where they came from and where they began.",
    kind=Kind.DATED,
    cron="40 9 * * *",
    settings=PlausibleSettings,
    access=Access(
        host="https://plausible.io",
        auth=HeaderKey.named("Authorization", "Bearer "),
        example={"password": "not-a-key"},
        calls_per_minute=CALLS_PER_MINUTE,
    ),
    probe=probe_site,
    delay_days=1,
    lookback_days=1,
    tables=(
        Table(
            name="referrer",
            description="Visits by day, referrer, entry page and host.",
            read=read_referrers,
            shape=ROW,
            columns=(
                Column("day", Type.DATE, "Day in the site's own time zone.", required=True),
                ROW_KEY,
                *REFERRER,
                Column(
                    "referrer_keys",
                    Type.TEXTS,
                    "Keys of the pages that may be meant: https, http, https with www., http with www.; each without a"
                    " slash at its end, then with one. Empty of a bare host; NULL where none is meant.",
                ),
                Column("host_name", Type.TEXT, "Host of the property that was visited.", required=True),
                LANDING,
                TAG,
                Column("visits", Type.BIGINT, "Visits.", required=True, minimum=0),
            ),
            grain=("day", "row_key"),
            feeds=Feed.VISITS,
            totals=("visits",),
        ),
    ),
)
