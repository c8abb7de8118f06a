"""Google Analytics 4, the Data API: sessions by source and landing page, and by the page that they came from.

POST https://analyticsdata.googleapis.com/v1beta/properties/{id}:runReport, one day a request
https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport

Days are the property's own (`metadata.timeZone`). Processing takes 24 to 48 hours, in which figures change
(https://support.google.com/analytics/answer/11198161). One more dimension or metric changes what is counted, so there
are three reports and never one with everything. What an answer says of itself is noted by day: rows summed up as
(other), thresholds, sampling, days that are no longer kept.

That `session_start` carries the referrer is documented nowhere: the probe counts it, and says where `referrer_event`
has to be stated. A referrer is cut at 420 characters (https://support.google.com/analytics/answer/9267744).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import orjson
from pydantic import Field

from seo_warehouse.client.access import Access
from seo_warehouse.client.api import Api, Items
from seo_warehouse.client.archive import Answer
from seo_warehouse.errors import MalformedAnswerError, SourceError, TerminalSourceError, ThrottledError
from seo_warehouse.property import Property, Strict
from seo_warehouse.referrers import Referrer, is_of, keep_landing, keep_referrer, read_tag
from seo_warehouse.sources import google, visits
from seo_warehouse.sources.fields import Shape, boolean, decimal, integer, mapping, sequence, text, whole
from seo_warehouse.sources.visits import LANDING, ROW_KEY, TAG, referrer_row
from seo_warehouse.spec import BatchRule, Column, Feed, Kind, Period, Row, Source, Table, Type
from seo_warehouse.urls import key64

PAGE_ROWS = 100_000
"""Rows of an answer; 250,000 are the most, and 10,000 what one gets who asks for none."""
CUT = 420
"""Characters of a referrer that is kept at collection."""
LEAST_DAY_TOKENS = 20_000
LEAST_HOUR_TOKENS = 4_000
"""A tenth of what a standard property has: below it other readers of the property would go without."""
HOUR_SECONDS = 3_600.0
TRIAL_DIFFERENCE = 0.1
"""Share of sessions by which events of a kind may differ from them, where they stand for sessions."""
PAGES = ("landingPagePlusQueryString", "pagePathPlusQueryString")
FLAGS = ("is_other", "is_thresholded", "is_truncated")
REFERRER = "pageReferrer"
KEPT = {*Referrer._fields, "whole", "is_cut"}
"""What is kept of a referrer: see strip."""
NOT_KEPT = ("(not set)", "(other)", "(data not available)", "")
"""Words of Google's, and nothing: no referrer."""
_ANSWER_FIELDS = {
    *("dimensionHeaders", "metricHeaders", "rows", "rowCount", "metadata", "propertyQuota", "kind"),
    *("totals", "maximums", "minimums"),
}
_METADATA_FIELDS = {
    *("currencyCode", "timeZone", "dataLossFromOtherRow", "subjectToThresholding", "samplingMetadatas"),
    *("dataTruncationReasons", "emptyReason", "schemaRestrictionResponse"),
}
SESSION_METRICS = ("sessions", "engagedSessions", "keyEvents", "totalRevenue")
LANDING_DIMENSIONS = (
    "date",
    "sessionSource",
    "sessionMedium",
    "sessionDefaultChannelGroup",
    "hostName",
    "landingPagePlusQueryString",
)
REFERRER_DIMENSIONS = ("date", REFERRER, "hostName", "pagePathPlusQueryString")


class Ga4Settings(Strict):
    """Whose visits are read."""

    connection: str = Field(
        "google_analytics", description="Airflow connection with a service account that may read the GA4 property."
    )
    property_id: str = Field(pattern="^[0-9]{1,20}$", description="Number of the GA4 property.", examples=["123456789"])
    referrer_event: Literal["session_start", "page_view"] = Field(
        "session_start",
        description="Event whose `pageReferrer` stands for a session's; `seo-warehouse check` says where it must be"
        " `page_view`.",
    )
    scheme: Literal["https", "http"] = Field(
        "https", description="Scheme of the site's pages: Google Analytics tells host and path alone."
    )


@dataclass(frozen=True)
class _Page(Items):
    """One answer: its rows, how many there are in all, what is said of the day, and what is left of the quota."""

    row_count: int = 0
    facts: dict[str, Any] | None = None
    spent: int = 0
    day_tokens: int | None = None
    hour_tokens: int | None = None


def read_landings(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Sessions by source, medium, channel, host and landing page."""
    key_events = _key_events(api, property, LANDING_DIMENSIONS, SESSION_METRICS)
    for day in period.days():
        for row in _report(api, property, day, LANDING_DIMENSIONS, _session_metrics(key_events)):
            host, path = row["hostName"], row["landingPagePlusQueryString"].partition("#")[0]
            yield {
                "day": day,
                "row_key": key64(*(row[name] for name in LANDING_DIMENSIONS)),
                "session_source": row["sessionSource"],
                "session_medium": row["sessionMedium"],
                "channel_group": row["sessionDefaultChannelGroup"],
                "host_name": host,
                "landing": _landing(property, host, path),
                "landing_tag": read_tag(path) or None,
                **_sessions(row, key_events, api.facts[day]),
            }


def read_referrers(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Sessions by referrer, host and page that they began on; referrers of the property's own pages are left out."""
    event = property.settings_of(GA4).referrer_event
    _key_events(api, property, REFERRER_DIMENSIONS, ("eventCount",))
    for day in period.days():
        own = 0
        condition = _all(_is("eventName", event), {"notExpression": _own(property.domain)})
        for row in _report(api, property, day, REFERRER_DIMENSIONS, ("eventCount",), condition):
            kept, host, opened = orjson.loads(row["pageReferrer"]), row["hostName"], row["pagePathPlusQueryString"]
            path = opened.partition("#")[0]
            found = Referrer(kept["state"], kept["url"], kept["key"])
            if is_of(found, property.domain):
                own += 1
                continue
            yield {
                "day": day,
                "row_key": key64(kept["whole"], host, opened),
                **referrer_row(found),
                "is_cut": kept["is_cut"],
                "host_name": host,
                "landing": _landing(property, host, path),
                "landing_tag": read_tag(path) or None,
                "event_count": whole(row["eventCount"], "eventCount"),
            }
        if own:
            api.note(day, stated_count=api.facts[day]["stated_count"] - own)


def read_totals(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row a day: all sessions."""
    key_events = _key_events(api, property, ("date",), SESSION_METRICS)
    for day in period.days():
        for row in _report(api, property, day, ("date",), _session_metrics(key_events)):
            yield {"day": day, **_sessions(row, key_events, api.facts[day])}


def probe_referrers(api: Api, property: Property) -> None:
    """The property may be read, and the stated event carries the referrer of about each session of last week."""
    settings = property.settings_of(GA4)
    _key_events(api, property, REFERRER_DIMENSIONS, ("eventCount",))
    sessions = _count(api, property, "sessions", None)
    is_event = _is("eventName", settings.referrer_event)
    events = _count(api, property, "eventCount", is_event)
    told = _count(api, property, "eventCount", _all(is_event, _matches("pageReferrer", "^https?://.*")))
    if settings.referrer_event == "page_view" or not sessions:
        return
    if abs(events - sessions) > TRIAL_DIFFERENCE * sessions or not told:
        raise TerminalSourceError(
            f"session_start came {events:,} times in {sessions:,} sessions of last week, {told:,} times with a"
            " referrer: it does not stand for them; state `referrer_event: page_view` for ga4 in properties.yml"
        )


def explain(answer: Answer) -> SourceError | None:
    """As of Google's other APIs, but that the account has to be let in elsewhere."""
    found = google.explain(answer)
    if answer.status == 403 and isinstance(found, TerminalSourceError):
        sentence = str(found).partition(" (is the service")[0]
        return TerminalSourceError(f"{sentence} (is the service account a viewer of this Google Analytics property?)")
    return found


def strip(document: Any) -> Any:
    """What may be kept of an answer: of a referrer no query, but the key of it all, and one of how it came; of a page
    nothing that looks like an address of mail.

    Raises:
        MalformedAnswerError: a row has a value more than there are names: nobody knows which of them is a referrer.
    """
    if not isinstance(document, dict) or "rows" not in document:
        return document
    headers = sequence(document.get("dimensionHeaders"), "dimensionHeaders")
    names = [mapping(header, "dimensionHeaders[]").get("name") for header in headers]
    return {**document, "rows": [_stripped(row, names) for row in sequence(document["rows"], "rows")]}


def _stripped(row: Any, names: list[Any]) -> Any:
    values = sequence(mapping(row, "rows[]").get("dimensionValues"), "dimensionValues")
    if len(values) > len(names):
        raise MalformedAnswerError(f"{len(values)} dimensionValues for {len(names)} names")
    keeping = {REFERRER: _kept, **dict.fromkeys(PAGES, _kept_page)}
    if keeping.keys().isdisjoint(names):
        return row
    kept = [keeping[name](value) if name in keeping else value for value, name in zip(values, names, strict=False)]
    return {**row, "dimensionValues": kept}


def _kept_page(value: Any) -> Any:
    """A page without what looks like an address of mail; a fragment, which Google never tells, keeps two apart."""
    written = text(mapping(value, "dimensionValues").get("value", ""), "dimensionValues")
    kept = keep_landing(written)
    return value if kept == written else {"value": f"{kept}#{key64(written)}"}


def _kept(value: Any) -> dict[str, Any]:
    literal = mapping(value, "dimensionValues").get("value", "")
    if isinstance(literal, dict):
        return {"value": literal}
    written = text(literal, "dimensionValues")
    found = Referrer("none", "", "") if written in NOT_KEPT else keep_referrer(written)
    return {"value": {**found._asdict(), "whole": str(key64(written)), "is_cut": len(written) >= CUT}}


def _key_events(api: Api, property: Property, dimensions: Sequence[str], metrics: Sequence[str]) -> str:
    """What key events are called: conversions until 2024. Names are asked for, once a night, and not trusted.

    Raises:
        TerminalSourceError: a name is no longer there, or does not go with the others.
    """
    path = f"/v1beta/properties/{property.settings_of(GA4).property_id}"
    known: set[str] = api.get(f"{path}/metadata", decode=_names).json
    key_events = "keyEvents" if "keyEvents" in known else "conversions"
    asked = [key_events if name == "keyEvents" else name for name in metrics]
    if missing := {*dimensions, *asked} - known:
        raise TerminalSourceError(f"Google Analytics knows no {', '.join(sorted(missing))} any more: ask for an update")
    body = {
        "dimensions": [{"name": name} for name in dimensions],
        "metrics": [{"name": name} for name in asked],
        "compatibilityFilter": "INCOMPATIBLE",
    }
    at_odds: set[str] = api.post(f"{path}:checkCompatibility", body, decode=_incompatible).json
    if at_odds := at_odds & {*dimensions, *asked}:
        raise TerminalSourceError(
            f"Google Analytics no longer counts by {', '.join(sorted(at_odds))} together with the others:"
            " ask for an update"
        )
    return key_events


def _names(document: Any) -> set[str]:
    answer = mapping(document, "the answer")
    entries = [*sequence(answer.get("dimensions"), "dimensions"), *sequence(answer.get("metrics"), "metrics")]
    return {_name(entry) for entry in entries}


def _incompatible(document: Any) -> set[str]:
    answer = mapping(document, "the answer")
    entries = [
        (mapping(entry, kind), f"{kind}Metadata")
        for kind in ("dimension", "metric")
        for entry in sequence(answer.get(f"{kind}Compatibilities"), f"{kind}Compatibilities")
    ]
    return {_name(entry.get(name)) for entry, name in entries if entry.get("compatibility") == "INCOMPATIBLE"}


def _name(metadata: Any) -> str:
    return text(mapping(metadata, "metadata").get("apiName"), "apiName")


def _session_metrics(key_events: str) -> tuple[str, ...]:
    return tuple(key_events if name == "keyEvents" else name for name in SESSION_METRICS)


def _report(
    api: Api,
    property: Property,
    day: date,
    dimensions: Sequence[str],
    metrics: Sequence[str],
    condition: dict[str, Any] | None = None,
) -> Iterator[dict[str, str]]:
    """The rows of a day, page by page, until there are as many as the answers state."""
    path = f"/v1beta/properties/{property.settings_of(GA4).property_id}:runReport"
    stated: int | None = None
    start = 0
    while stated is None or start < stated:
        body = _body(day.isoformat(), day.isoformat(), dimensions, metrics, condition)
        body |= {
            "orderBys": [{"dimension": {"dimensionName": name}} for name in dimensions],
            "limit": str(PAGE_ROWS),
            "offset": str(start),
        }
        page: _Page = api.post(path, body, decode=_decoder(day, dimensions, metrics, start, stated)).json
        api.note_shape(day, page)
        api.note(day, **(page.facts or {}), stated_count=page.row_count)
        api.spend(units=page.spent)
        yield from page.rows
        start, stated = start + len(page.rows), page.row_count
        _expect_tokens(page)


def _body(
    first: str, last: str, dimensions: Sequence[str], metrics: Sequence[str], condition: dict[str, Any] | None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "dateRanges": [{"startDate": first, "endDate": last}],
        "dimensions": [{"name": name} for name in dimensions],
        "metrics": [{"name": name} for name in metrics],
        "keepEmptyRows": False,
        "returnPropertyQuota": True,
    }
    return body if condition is None else body | {"dimensionFilter": condition}


def _count(api: Api, property: Property, metric: str, condition: dict[str, Any] | None) -> int:
    path = f"/v1beta/properties/{property.settings_of(GA4).property_id}:runReport"
    body = _body("7daysAgo", "yesterday", (), (metric,), condition)
    page: _Page = api.post(path, body, decode=_decoder(None, (), (metric,), 0, None)).json
    return sum(whole(row[metric], metric) for row in page.rows)


def _decoder(
    day: date | None, dimensions: Sequence[str], metrics: Sequence[str], start: int, stated: int | None
) -> Callable[[Any], _Page]:
    """Makes of an answer its page. Raises MalformedAnswerError where it does not answer what was asked."""

    def decode(document: Any) -> _Page:
        answer = mapping(document, "the answer")
        metadata = mapping(answer.get("metadata") or {}, "metadata")
        entries = [mapping(entry, "rows[]") for entry in sequence(answer.get("rows"), "rows")]
        count = integer(answer.get("rowCount", 0), "rowCount")
        if stated is not None and count != stated:
            raise MalformedAnswerError(f"{count:,} rows in all, {stated:,} on the page before: the day is changing")
        expected = min(PAGE_ROWS, max(0, count - start))
        if len(entries) != expected:
            raise MalformedAnswerError(f"{len(entries):,} rows from {start:,} on, {expected:,} of {count:,} expected")
        if entries:
            _expect_names(answer, "dimensionHeaders", dimensions)
            _expect_names(answer, "metricHeaders", metrics)
        rows = [_row(entry, day, dimensions, metrics) for entry in entries]
        items = ROW.around(entries, rows)
        unknown = items.unknown | (answer.keys() - _ANSWER_FIELDS) | (metadata.keys() - _METADATA_FIELDS)
        quota = mapping(answer.get("propertyQuota") or {}, "propertyQuota")
        return _Page(
            rows,
            unknown,
            items.missing,
            row_count=count,
            facts=_facts(metadata),
            spent=_quota(quota, "tokensPerDay", "consumed") or 0,
            day_tokens=_quota(quota, "tokensPerDay", "remaining"),
            hour_tokens=_quota(quota, "tokensPerHour", "remaining"),
        )

    return decode


def _expect_names(answer: dict[str, Any], name: str, expected: Sequence[str]) -> None:
    found = [text(mapping(entry, name).get("name"), name) for entry in sequence(answer.get(name), name)]
    if found != list(expected):
        raise MalformedAnswerError(f"asked for {', '.join(expected)}, answered {', '.join(found)}")


def _row(entry: dict[str, Any], day: date | None, dimensions: Sequence[str], metrics: Sequence[str]) -> dict[str, str]:
    row = dict(zip(dimensions, _values(entry, "dimensionValues", len(dimensions)), strict=True))
    row |= dict(zip(metrics, _values(entry, "metricValues", len(metrics)), strict=True))
    if day is not None and row["date"] != f"{day:%Y%m%d}":
        raise MalformedAnswerError(f"a row of {row['date']}, asked for {day}")
    return row


def _values(entry: dict[str, Any], name: str, count: int) -> list[str]:
    # An empty value may be left out, as all defaults of Google's JSON.
    found = [_value(mapping(value, name).get("value", ""), name) for value in sequence(entry.get(name), name)]
    if len(found) != count:
        raise MalformedAnswerError(f"{len(found)} {name} for {count} names")
    return found


def _value(value: Any, name: str) -> str:
    """A value as it came, or, as JSON, what was kept of a referrer."""
    is_kept = isinstance(value, dict) and value.keys() == KEPT and isinstance(value["is_cut"], bool)
    if is_kept and all(isinstance(value[part], str) for part in KEPT - {"is_cut"}):
        return orjson.dumps(value).decode()
    return text(value, name)


def _facts(metadata: dict[str, Any]) -> dict[str, Any]:
    """What is said of a day beside its rows: its zone and currency, and all that is not whole about it."""
    sampled = [mapping(entry, "samplingMetadatas") for entry in sequence(metadata.get("samplingMetadatas"), "sampling")]
    facts = {
        "time_zone": metadata.get("timeZone"),
        "currency": text(metadata.get("currencyCode") or "", "currencyCode") or None,
        "is_other": boolean(metadata.get("dataLossFromOtherRow", False), "dataLossFromOtherRow"),
        "is_thresholded": boolean(metadata.get("subjectToThresholding", False), "subjectToThresholding"),
        "sample_share": min((_share(entry) for entry in sampled), default=1.0),
        "is_truncated": bool(metadata.get("dataTruncationReasons")),
        "is_restricted": bool(metadata.get("schemaRestrictionResponse")),
        "empty_reason": metadata.get("emptyReason"),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _share(entry: dict[str, Any]) -> float:
    space = whole(entry.get("samplingSpaceSize"), "samplingSpaceSize")
    return whole(entry.get("samplesReadCount"), "samplesReadCount") / space if space else 1.0


def _quota(quota: dict[str, Any], name: str, part: str) -> int | None:
    status = mapping(quota.get(name) or {}, name)
    # Nothing left is a default, and left out.
    return integer(status.get(part, 0), f"{name}.{part}") if status else None


def _expect_tokens(page: _Page) -> None:
    """Leave a tenth of the quota to others. Raises ThrottledError."""
    for name, left, least, wait in (
        ("day", page.day_tokens, LEAST_DAY_TOKENS, google.DAY_SECONDS),
        ("hour", page.hour_tokens, LEAST_HOUR_TOKENS, HOUR_SECONDS),
    ):
        if left is not None and left < least:
            raise ThrottledError(f"{left:,} tokens are left of this {name}, fewer than {least:,}", wait)


def _sessions(row: dict[str, str], key_events: str, facts: dict[str, Any]) -> Row:
    return {
        "sessions": whole(row["sessions"], "sessions"),
        "engaged_sessions": whole(row["engagedSessions"], "engagedSessions"),
        "key_events": decimal(row[key_events], key_events),
        "total_revenue": decimal(row["totalRevenue"], "totalRevenue"),
        "currency": facts.get("currency"),
    }


def _landing(property: Property, host: str, path: str) -> str | None:
    """The URL of a landing page; None of a word of Google's."""
    if not path.startswith("/") or host in NOT_KEPT:
        return None
    return f"{property.settings_of(GA4).scheme}://{host}{path}"


def _is(name: str, value: str) -> dict[str, Any]:
    return {"filter": {"fieldName": name, "stringFilter": {"matchType": "EXACT", "value": value}}}


def _matches(name: str, pattern: str) -> dict[str, Any]:
    return {"filter": {"fieldName": name, "stringFilter": {"matchType": "FULL_REGEXP", "value": pattern}}}


def _own(domain: str) -> dict[str, Any]:
    return _matches("pageReferrer", rf"^https?://([^/?#]*\.)?{re.escape(domain)}(:[0-9]+)?([/?#].*)?$")


def _all(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"andGroup": {"expressions": list(conditions)}}


ROW = Shape(
    Column("dimensionValues", Type.JSON, "One for each dimension asked for."),
    Column("metricValues", Type.JSON, "One for each metric."),
    optional=["dimensionValues"],
)
"""A row as answered; a row of no dimension has no values of any."""
DAY = Column("day", Type.DATE, "Day in the property's own time zone.", required=True)
HOST = Column("host_name", Type.TEXT, "Host of the page, or a word of Google's.", required=True)
SESSIONS = (
    Column("sessions", Type.BIGINT, "Sessions.", required=True, minimum=0),
    Column("engaged_sessions", Type.BIGINT, "Those that Google calls engaged.", required=True, minimum=0),
    Column("key_events", Type.FLOAT, "Key events.", required=True, minimum=0),
    Column("total_revenue", Type.FLOAT, "Revenue in the property's currency; refunds may outweigh it.", required=True),
    Column("currency", Type.TEXT, "The property's currency."),
)


def _flagged(day: str) -> str:
    """Whether a day of a load is not whole, in SQL."""
    flags = (f"coalesce(({day}.facts ->> '{flag}')::boolean, false)" for flag in FLAGS)
    return f"({' or '.join(flags)} or coalesce(({day}.facts ->> 'sample_share')::float8, 1) < 1)"


WHOLE = BatchRule(
    name="day_is_whole",
    sql=f"select d.day, d.facts from ops.load_day as d where d.load_id = {{load_id}} and {_flagged('d')}",  # noqa: S608
    reason="Google left rows out, summed them up as (other), sampled, or no longer keeps the day: the rest is less.",
    severity="warn",
)
SAME_ZONE = BatchRule(
    name="zone_and_currency_are_the_same",
    sql="""
        select d.day, d.facts ->> 'time_zone' as time_zone, d.facts ->> 'currency' as currency
        from ops.load_day as d
        join ops.load as l on l.load_id = d.load_id
        cross join lateral (
            select e.facts from ops.load as o join ops.load_day as e on e.load_id = o.load_id
            where o.source = l.source and o.table_name = l.table_name and o.property_key = l.property_key
              and o.load_id < l.load_id and e.facts ? 'time_zone'
            order by o.load_id desc, e.day desc
            limit 1
        ) as before
        where d.load_id = {load_id} and d.facts ? 'time_zone'
          and (d.facts ->> 'time_zone', d.facts ->> 'currency')
              is distinct from (before.facts ->> 'time_zone', before.facts ->> 'currency')
    """,
    reason="The property's time zone or currency is another: days, or revenue, do not go on as they were.",
    severity="warn",
)
OWN_HOSTS = BatchRule(
    name="most_are_of_the_propertys_hosts",
    sql="""
        select count(*) as rows
        from {batch} as b
        join ops.property as p on p.property_key = {property_key}
        having sum(b.sessions) filter (
            where b.host_name <> p.domain and right(b.host_name, length(p.domain) + 1) <> '.' || p.domain
        ) > 0.5 * sum(b.sessions)
    """,
    reason="Most sessions are of other hosts: this is another site's property, or ghosts are sent to it.",
)
NAMED = BatchRule(
    name="most_sessions_have_a_landing_page",
    sql="""
        select b.day, sum(b.sessions) filter (where b.landing is null) as unknown, sum(b.sessions) as sessions
        from {batch} as b
        group by b.day
        having sum(b.sessions) filter (where b.landing is null) > 0.05 * sum(b.sessions)
    """,
    reason="Of more than 5 % of a day's sessions the page that they began on is a word of Google's: tags fire late.",
    severity="warn",
)
USUAL = BatchRule(
    name="as_many_as_on_such_weekdays",
    sql="""
        select d.day, (d.totals ->> 'sessions')::float8 as sessions, before.usual
        from ops.load_day as d
        join ops.load as l on l.load_id = d.load_id
        cross join lateral (
            select percentile_cont(0.5) within group (order by (p.totals ->> 'sessions')::float8) as usual,
                count(*) as weeks
            from ops.publication as p
            where p.source = l.source and p.table_name = l.table_name and p.property_key = l.property_key
              and p.is_current and p.day in (d.day - 7, d.day - 14, d.day - 21, d.day - 28)
        ) as before
        where d.load_id = {load_id} and before.weeks >= 2 and before.usual >= 20
          and (d.totals ->> 'sessions')::float8 not between 0.3 * before.usual and 3 * before.usual
    """,
    reason="Sessions are under 0.3 or over 3 times the median of four such weekdays: a tag was lost, or a bot came.",
    severity="warn",
)
BALANCE = BatchRule(
    name="sums_to_the_total",
    sql=f"""
        select d.day, d.totals as own_totals, other.totals as other_totals
        from ops.load_day as d
        join ops.load as l on l.load_id = d.load_id
        cross join lateral (
            select e.totals, {_flagged("e")} as is_flagged
            from ops.load as o
            join ops.load_day as e on e.load_id = o.load_id and e.day = d.day
            where o.source = l.source and o.table_name in ('landing', 'total') and o.table_name <> l.table_name
              and o.property_key = l.property_key
              and o.state in ('written', 'passed', 'published', 'unchanged', 'superseded')
              and o.read_at between l.read_at - interval '6 hours' and l.read_at + interval '6 hours'
            order by o.load_id desc
            limit 1
        ) as other
        where d.load_id = {{load_id}} and not {_flagged("d")} and not other.is_flagged
          and abs((d.totals ->> 'sessions')::float8 - (other.totals ->> 'sessions')::float8)
              > 0.01 * greatest((d.totals ->> 'sessions')::float8, (other.totals ->> 'sessions')::float8) + 2
    """,  # noqa: S608
    reason="Sessions by landing page sum to all sessions; by more than 1 % and 2, one of the two was read wrongly.",
)

GA4 = Source(
    name="ga4",
    description="Google Analytics 4: sessions by where they came from and where they began.",
    kind=Kind.DATED,
    cron="30 9 * * *",
    settings=Ga4Settings,
    access=Access(
        host="https://analyticsdata.googleapis.com",
        auth=google.service_account("https://www.googleapis.com/auth/analytics.readonly"),
        example=google.EXAMPLE,
    ),
    probe=probe_referrers,
    explain=explain,
    strip=strip,
    delay_days=1,
    lookback_days=3,
    tables=(
        Table(
            name="landing",
            description="Sessions by day, source, medium, channel, host and landing page.",
            read=read_landings,
            shape=ROW,
            columns=(
                DAY,
                ROW_KEY,
                Column("session_source", Type.TEXT, "Source, a host or a word of Google's.", required=True),
                Column("session_medium", Type.TEXT, "Medium.", required=True),
                Column("channel_group", Type.TEXT, "Channel that Google puts it in.", required=True),
                HOST,
                LANDING,
                TAG,
                *SESSIONS,
            ),
            grain=("day", "row_key"),
            feeds=Feed.LANDINGS,
            totals=("sessions",),
            batch_rules=(WHOLE, SAME_ZONE, OWN_HOSTS, NAMED, BALANCE),
        ),
        Table(
            name="referrer",
            description="Sessions by day, referrer, host and page that they began on.",
            read=read_referrers,
            shape=ROW,
            columns=(
                DAY,
                ROW_KEY,
                *visits.REFERRER,
                Column("is_cut", Type.BOOLEAN, "It is as long as what is kept at collection.", required=True),
                HOST,
                LANDING,
                TAG,
                Column("event_count", Type.BIGINT, "Events that stand for sessions.", required=True, minimum=0),
            ),
            grain=("day", "row_key"),
            feeds=Feed.VISITS,
            totals=("event_count",),
            batch_rules=(WHOLE, SAME_ZONE),
        ),
        Table(
            name="total",
            description="One row a day: all sessions.",
            read=read_totals,
            shape=ROW,
            columns=(DAY, *SESSIONS),
            grain=("day",),
            totals=("sessions",),
            batch_rules=(WHOLE, SAME_ZONE, USUAL, BALANCE),
        ),
    ),
)
