"""Matomo: visits, one by one, with the page that they came from and the one that they began on.

POST index.php?module=API&method=Live.getLastVisitsDetails (https://developer.matomo.org/api-reference/reporting-api),
all parameters in the body, with the token: in an address it would stand in logs.

Days are the site's own. Visits move between pages while one reads: pages overlap, and a visit is known by its number. A
visit tells of a person (address, id, place, device): what is not wanted is dropped before anything is kept, whatever
was asked for. An error comes with `result: error`, whatever the HTTP status. Where the log of visits is switched off
(`has_log: false`), the report of websites is read, which has no landing pages; its rows are pages that referred.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import orjson
from pydantic import Field
from requests import PreparedRequest
from requests.auth import AuthBase

from seo_warehouse.client.access import Access, Connection
from seo_warehouse.client.api import Api, Items
from seo_warehouse.client.archive import Answer
from seo_warehouse.errors import (
    ConfigError,
    CredentialsError,
    MalformedAnswerError,
    SourceError,
    TerminalSourceError,
    TransientSourceError,
)
from seo_warehouse.property import Property, Strict
from seo_warehouse.referrers import Referrer, State, is_of, keep_landing, keep_referrer, read_tag
from seo_warehouse.sources.fields import Shape, integer, mapping, number, sequence, text
from seo_warehouse.sources.visits import LANDING, REFERRER, TAG, referrer_row
from seo_warehouse.spec import BatchRule, Column, Feed, Kind, Period, Row, Source, Table, Type

PATH = "/index.php"
PAGE_ROWS = 500
OVERLAP = 50
"""Visits that are asked for again with the next page: so many may have gone meanwhile."""
REMEMBERED = 4 * PAGE_ROWS
"""Numbers of visits that are remembered: more do not come while a page is read."""
WANTED = (
    *("idVisit", "serverTimestamp", "referrerType", "referrerUrl", "actionDetails", "visitDuration", "actions"),
    *("goalConversions", "totalEcommerceRevenue", "siteCurrency"),
)
_ACTION = ("type", "url")
_KEPT = {
    *WANTED,
    *_ACTION,
    *("result", "message", "nb_visits", "label", "subtable", "timezone", "currency", "module", "action"),
}
"""What is kept of an answer, wherever in it it stands."""
_DEEPEST = 4
LONGEST_ZONE = timedelta(hours=14)
VISIT = Shape(
    Column("idVisit", Type.BIGINT, "Number of the visit.", required=True),
    Column("serverTimestamp", Type.BIGINT, "Second of its last action, since 1970.", required=True),
    Column("referrerType", Type.TEXT, "direct, search, website, campaign, social."),
    Column("referrerUrl", Type.JSON, "What is kept of the referrer."),
    Column("actionDetails", Type.JSON, "What is kept of its first page."),
    Column("visitDuration", Type.BIGINT, "Seconds from its first action to its last."),
    Column("actions", Type.BIGINT, "Actions."),
    Column("goalConversions", Type.BIGINT, "Goals that it reached."),
    Column("totalEcommerceRevenue", Type.FLOAT, "Revenue of its orders."),
    Column("siteCurrency", Type.TEXT, "Currency."),
    optional=["totalEcommerceRevenue"],
)
PAGE = Shape(
    Column("label", Type.TEXT, "Page or host that referred."),
    Column("nb_visits", Type.BIGINT, "Visits from there."),
    unused=["subtable", "url"],
)


class MatomoSettings(Strict):
    """Whose visits are read."""

    connection: str = Field(
        "matomo", description="Airflow connection with the address of Matomo as host, and a token as password."
    )
    site_id: int = Field(ge=1, description="Number of the website in Matomo (idSite).", examples=[1])
    has_log: bool = Field(
        True,
        description="Matomo keeps a log of visits; false: hosts and pages that referred are read, no landing pages.",
    )


class Token(AuthBase):
    """Puts the parameters into a form, and the token among them."""

    def __init__(self, connection: Connection) -> None:
        if not connection.password:
            raise ConfigError("needs the token (token_auth) as its password")
        self._token = connection.password

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        asked = {**orjson.loads(request.body or b"{}"), "token_auth": self._token}
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.prepare_body(urlencode(asked), None)
        return request

    def secrets(self) -> Iterable[str]:
        """The token."""
        yield self._token


def strip(document: Any, deepest: int = _DEEPEST) -> Any:
    """What may be kept of an answer: the named fields alone, referrers without their queries."""
    if isinstance(document, list):
        return [strip(entry, deepest - 1) for entry in document] if deepest else []
    if not isinstance(document, dict):
        return document
    is_report = "nb_visits" in document
    return {name: _kept(name, value, deepest, is_report=is_report) for name, value in document.items() if name in _KEPT}


def _kept(name: str, value: Any, deepest: int, *, is_report: bool) -> Any:
    if name == "referrerUrl" or (is_report and name == "url"):
        return _kept_referrer(value)
    if name == "label":
        # A host or a word of Matomo's; the address of a page; or its path, beside which its address stands.
        if isinstance(value, str) and not re.search(r"[/?=]", value):
            return value
        return _kept_referrer(value) if not isinstance(value, str) or "://" in value else None
    if name == "url":
        return keep_landing(value) if isinstance(value, str) else None
    if name == "actionDetails" and isinstance(value, list):
        pages = [each for each in value if isinstance(each, dict) and isinstance(each.get("url"), str)]
        return strip(([each for each in pages if each.get("type") == "action"] or pages)[:1], deepest)
    return strip(value, deepest - 1) if deepest else None


def _kept_referrer(value: Any) -> dict[str, str] | None:
    if isinstance(value, str):
        return keep_referrer(value)._asdict()
    is_kept = isinstance(value, dict) and value.keys() == set(Referrer._fields)
    return value if is_kept and all(isinstance(each, str) for each in value.values()) else None


def explain(answer: Answer) -> SourceError | None:
    """What an error says, whatever its HTTP status; None of an answer that is none."""
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict) or document.get("result") != "error":
        return None
    said = " ".join(str(document.get("message")).split())[:300]
    if "token" in said.lower() or "access" in said.lower():
        return CredentialsError(said)
    if said.lower().startswith(("visits log", "visitor log")):
        return TerminalSourceError(f"{said}: state `has_log: false` for matomo in properties.yml, or switch it on")
    return TransientSourceError(said) if answer.status >= 500 else TerminalSourceError(said)


def read_visits(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Visits, or pages that referred; those whose referrer is of the property are left out."""
    has_log = property.settings_of(MATOMO).has_log
    _note_site(api, property, period)
    for day in period.days():
        stated = api.post(PATH, _asked(property, "VisitsSummary.get", str(day)), decode=_visit_count).json
        own = 0
        for found, row in _log(api, property, day) if has_log else _reports(api, property, day):
            if is_of(found, property.domain):
                own += row["visits"]
            else:
                yield {"day": day, **row, **referrer_row(found)}
        api.note(day, visit_count=stated, own_count=own, is_log=has_log)


def probe_site(api: Api, property: Property) -> None:
    """The token may read the site, and its log where the property says that there is one."""
    api.post(PATH, _asked(property, "SitesManager.getSiteFromId", "yesterday"), decode=_site)
    if property.settings_of(MATOMO).has_log:
        asked = _asked(property, "Live.getLastVisitsDetails", "yesterday", filter_limit=1, showColumns="idVisit")
        api.post(PATH, asked, decode=lambda document: sequence(document, "the answer"))


def _asked(property: Property, method: str, day: str, **more: Any) -> dict[str, Any]:
    asked = {"module": "API", "method": method, "format": "JSON", "period": "day", "date": day}
    return {**asked, "idSite": property.settings_of(MATOMO).site_id, **more}


def _note_site(api: Api, property: Property, period: Period) -> None:
    """The site's time zone and currency, with each day."""
    asked = _asked(property, "SitesManager.getSiteFromId", "yesterday")
    site = api.post(PATH, asked, decode=_site).json
    for day in period.days():
        api.note(day, time_zone=site.get("timezone"), currency=site.get("currency"))


def _site(document: Any) -> dict[str, Any]:
    # An array of one before Matomo 4.
    return mapping(document[0] if isinstance(document, list) and document else document, "the answer")


def _visit_count(document: Any) -> int:
    # Nothing at all of a day without visits, in some releases.
    return 0 if document == [] else _whole(mapping(document, "the answer").get("nb_visits"), "nb_visits")


def _log(api: Api, property: Property, day: date) -> Iterator[tuple[Referrer, Row]]:
    seen: deque[int] = deque(maxlen=REMEMBERED)
    last: list[int] = []
    start = 0
    while True:
        asked = _asked(
            property,
            "Live.getLastVisitsDetails",
            str(day),
            filter_limit=PAGE_ROWS,
            filter_offset=start,
            doNotFetchActions=0,
            showColumns=",".join((*WANTED, *_ACTION)),
        )
        page: Items = api.post(PATH, asked, decode=_decoder(day, last)).json
        api.note_shape(day, page)
        known = set(seen)
        for visit in page.rows:
            if visit["idVisit"] not in known:
                yield visit["referrerUrl"], _visit_row(visit)
        last = [visit["idVisit"] for visit in page.rows]
        seen.extend(last)
        if len(page.rows) < PAGE_ROWS:
            return
        start += PAGE_ROWS - OVERLAP


def _decoder(day: date, before: Collection[int]) -> Callable[[Any], Items]:
    """Makes of an answer its visits. Raises MalformedAnswerError where some may lie between it and the page before."""
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) - LONGEST_ZONE

    def decode(document: Any) -> Items:
        entries = [mapping(entry, "visits[]") for entry in sequence(document, "the answer")]
        items = VISIT.around(entries, [_visit(entry) for entry in entries])
        for visit in items.rows:
            at = datetime.fromtimestamp(visit["serverTimestamp"], UTC)
            if not first <= at <= first + timedelta(days=1) + 2 * LONGEST_ZONE:
                raise MalformedAnswerError(f"a visit of {at:%Y-%m-%d %H:%M} UTC, asked for {day}")
        if before and items.rows and not {visit["idVisit"] for visit in items.rows}.intersection(before):
            raise MalformedAnswerError(f"none of {len(entries):,} visits was on the page before: the day is changing")
        return items

    return decode


def _visit(entry: Mapping[str, Any]) -> Row:
    """The wanted values of a visit; numbers may be written as texts, and nothing as false."""
    first = sequence(entry.get("actionDetails") or [], "actionDetails")
    page = mapping(first[0], "actionDetails[]").get("url") if first else None
    return {
        "idVisit": _whole(entry.get("idVisit"), "idVisit"),
        "serverTimestamp": _second(entry.get("serverTimestamp")),
        "referrerType": text(entry.get("referrerType") or "", "referrerType"),
        "referrerUrl": _referrer(entry.get("referrerUrl")),
        "landing": None if page is None else text(page, "actionDetails[].url"),
        "visitDuration": _count(entry.get("visitDuration"), "visitDuration"),
        "actions": _count(entry.get("actions"), "actions"),
        "goalConversions": _count(entry.get("goalConversions"), "goalConversions"),
        "totalEcommerceRevenue": _amount(entry.get("totalEcommerceRevenue")),
        "siteCurrency": text(entry.get("siteCurrency") or "", "siteCurrency") or None,
    }


def _visit_row(visit: Row) -> Row:
    landing = visit["landing"]
    tag = read_tag(landing or "") or ("campaign" if visit["referrerType"] == "campaign" else None)
    return {
        "row_key": visit["idVisit"],
        "landing": landing if landing and landing.startswith(("http://", "https://")) else None,
        "landing_tag": tag,
        "visits": 1,
        "actions": visit["actions"],
        "visit_duration": visit["visitDuration"],
        "goal_conversions": visit["goalConversions"],
        "revenue": visit["totalEcommerceRevenue"],
        "currency": visit["siteCurrency"],
    }


def _reports(api: Api, property: Property, day: date) -> Iterator[tuple[Referrer, Row]]:
    """Hosts and pages that referred, by the reports of websites and, where there is one, of assistants."""
    known: set[str] = api.post(PATH, _asked(property, "API.getReportMetadata", str(day)), decode=_methods).json
    numbers = count(1)
    for method in ("Referrers.getWebsites", *sorted({"Referrers.getAIAssistants"} & known)):
        start = 0
        while True:
            asked = _asked(property, method, str(day), expanded=1, filter_limit=PAGE_ROWS, filter_offset=start)
            page: Items = api.post(PATH, asked, decode=_pages).json
            api.note_shape(day, page)
            for row in page.rows:
                yield row["referrer"], {**_UNTOLD, "row_key": next(numbers), "visits": row["visits"]}
            if page.page_count < PAGE_ROWS:
                break
            start += PAGE_ROWS


def _methods(document: Any) -> set[str]:
    entries = [mapping(entry, "reports[]") for entry in sequence(document, "the answer")]
    return {f"{entry.get('module')}.{entry.get('action')}" for entry in entries}


def _pages(document: Any) -> Items:
    """A row for each page of a host, and one for what its pages lack; `page_count` is that of hosts."""
    hosts = [mapping(entry, "rows[]") for entry in sequence(document, "the answer")]
    rows: list[Row] = []
    for host in hosts:
        left, label = _whole(host.get("nb_visits"), "nb_visits"), host.get("label")
        for entry in sequence(host.get("subtable"), "subtable"):
            page = mapping(entry, "subtable[]")
            found = page.get("url") or page.get("label")
            if isinstance(found, dict):
                rows.append({"referrer": _referrer(found), "visits": _whole(page.get("nb_visits"), "nb_visits")})
                left -= rows[-1]["visits"]
        if left > 0:
            name = label if isinstance(label, str) else ""
            # A word of Matomo's, as "Others", is no host.
            rows.append({"referrer": keep_referrer(f"https://{name}/") if "." in name else _NOBODY, "visits": left})
    items = PAGE.around(hosts, rows)
    return Items(items.rows, items.unknown, items.missing, page_count=len(hosts))


_NOBODY = Referrer("none", "", "")
_UNTOLD = dict.fromkeys(
    ("landing", "landing_tag", "actions", "visit_duration", "goal_conversions", "revenue", "currency")
)


def _referrer(value: Any) -> Referrer:
    if _is_nothing(value):
        return _NOBODY
    state, url, key = (text(mapping(value, "referrerUrl").get(name), "referrerUrl") for name in Referrer._fields)
    known: dict[str, State] = {"known": "known", "app": "app", "none": "none", "odd": "odd"}
    if state not in known or not re.fullmatch(r"|-?[0-9]{1,19}", key):
        raise MalformedAnswerError(f"referrerUrl is of state {state[:40]!r} and key {key[:40]!r}")
    return Referrer(known[state], url, key)


def _is_nothing(value: Any) -> bool:
    return value is None or value is False or value == ""


def _whole(value: Any, name: str) -> int:
    """A whole number, or its text."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:
        value = int(value)
    return integer(value, name, bits=64)


def _count(value: Any, name: str) -> int | None:
    return None if _is_nothing(value) else _whole(value, name)


def _second(value: Any) -> int:
    second = _whole(value, "serverTimestamp")
    if not 0 <= second < 2**32:
        raise MalformedAnswerError(f"serverTimestamp is {second}, expected seconds since 1970")
    return second


def _amount(value: Any) -> float | None:
    if _is_nothing(value):
        return None
    try:
        return number(float(value) if isinstance(value, str) else value, "totalEcommerceRevenue")
    except ValueError:
        raise MalformedAnswerError("totalEcommerceRevenue is no number") from None


BALANCE = BatchRule(
    name="all_visits_came",
    sql="""
        select d.day, d.facts ->> 'visit_count' as stated, d.totals ->> 'visits' as read
        from ops.load_day as d
        where d.load_id = {load_id} and (d.facts ->> 'is_log')::boolean
          and coalesce((d.totals ->> 'visits')::float8, 0) + (d.facts ->> 'own_count')::float8
              < 0.99 * (d.facts ->> 'visit_count')::float8 - 2
    """,
    reason="Fewer visits were read than the day's summary has, by more than 1 % and 2: some are lost.",
)

MATOMO = Source(
    name="matomo",
    description="Matomo: visits by where they came from and where they began.",
    kind=Kind.DATED,
    cron="20 9 * * *",
    settings=MatomoSettings,
    access=Access(host="https://matomo.example.com", auth=Token, example={"password": "not-a-token"}),
    probe=probe_site,
    explain=explain,
    strip=strip,
    delay_days=1,
    lookback_days=1,
    tables=(
        Table(
            name="visit",
            description="Visits, or pages that referred where there is no log of visits.",
            read=read_visits,
            shape=VISIT,
            columns=(
                Column("day", Type.DATE, "Day in the site's own time zone.", required=True),
                Column("row_key", Type.BIGINT, "Number of the visit, or place in the reports.", required=True),
                *REFERRER,
                LANDING,
                TAG,
                Column("visits", Type.BIGINT, "Visits.", required=True, minimum=0),
                Column("actions", Type.BIGINT, "Pages, downloads and searches of a visit.", minimum=0),
                Column("visit_duration", Type.BIGINT, "Seconds from a visit's first action to its last.", minimum=0),
                Column("goal_conversions", Type.BIGINT, "Goals that a visit reached.", minimum=0),
                Column("revenue", Type.FLOAT, "Revenue of a visit's orders, in the site's currency."),
                Column("currency", Type.TEXT, "The site's currency."),
            ),
            grain=("day", "row_key"),
            feeds=Feed.VISITS,
            totals=("visits",),
            batch_rules=(BALANCE,),
        ),
    ),
)
