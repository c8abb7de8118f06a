"""The demo's Google Analytics: sessions of people who let themselves be counted, by what their browsers told.

https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport

Three in five agree to be counted. For two days some of them are missing still. Of some days rows of few people are
withheld, and of others the small rows are one, `(other)`; the answers say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from urllib.parse import urlsplit

from seo_warehouse.demo.catalogue import DemoProperty
from seo_warehouse.demo.chance import draw
from seo_warehouse.demo.google import GoogleError, Json
from seo_warehouse.demo.visits import PEOPLE, Visit, is_counted, visits
from seo_warehouse.demo.world import World

PATH = "/v1beta/properties/"
PROPERTY_ID = "320000001"
TIME_ZONE, CURRENCY = "Etc/GMT", "USD"
MOST_ROWS, USUAL_ROWS = 250_000, 10_000
KNOWN_BY_AGE = {0: 0.0, 1: 0.95, 2: 0.98}
"""Share of a day's sessions that is processed so many days later; from the third on all are."""
WITHHELD_DAY, WITHHELD_UNDER = 19, 2
"""Of each thirty days the one whose rows of fewer sessions are withheld."""
OTHER_DAY, OTHER_ROWS = 9, 25
"""Of each thirty days the one that keeps so many rows; the rest is one."""
QUOTA = {
    "tokensPerDay": 200_000,
    "tokensPerHour": 40_000,
    "tokensPerProjectPerHour": 14_000,
    "concurrentRequests": 10,
    "serverErrorsPerProjectPerHour": 10,
    "potentiallyThresholdedRequestsPerHour": 120,
}
"""Of a standard property, and always left: whoever runs the demo never runs out of tokens."""
DIMENSIONS = (
    "date",
    "eventName",
    "pageReferrer",
    "hostName",
    "pagePathPlusQueryString",
    "sessionSource",
    "sessionMedium",
    "sessionDefaultChannelGroup",
    "landingPagePlusQueryString",
)
METRICS = {
    "sessions": "TYPE_INTEGER",
    "engagedSessions": "TYPE_INTEGER",
    "keyEvents": "TYPE_FLOAT",
    "totalRevenue": "TYPE_CURRENCY",
    "eventCount": "TYPE_INTEGER",
}
EVENTS = ("session_start", "page_view")
ENGAGED, BUYING = 0.6, 0.03
Test = Callable[[Mapping[str, str]], bool]


@dataclass
class _Sums:
    """What is counted of a row; sessions once, whatever their events."""

    sessions: set[int] = field(default_factory=set)
    values: dict[str, float] = field(default_factory=lambda: dict.fromkeys(METRICS, 0.0))


class Analytics:
    """The Data API of the property whose visits there are."""

    def __init__(self, world: World, prop: DemoProperty) -> None:
        self.world = world
        self._prop = prop
        self._sessions = lru_cache(maxsize=400)(self._counted)

    def answer(self, asked: str, body: Json | None, now: datetime) -> Json:
        """What `properties/{asked}` answers: metadata, checkCompatibility or runReport. Raises GoogleError."""
        name, _, verb = asked.partition("/" if asked.endswith("/metadata") else ":")
        if name != PROPERTY_ID:
            message = "User does not have sufficient permissions for this property."
            raise GoogleError(403, "PERMISSION_DENIED", "forbidden", message)
        if verb == "metadata":
            return {
                "name": f"properties/{name}/metadata",
                "dimensions": [{"apiName": one} for one in DIMENSIONS],
                "metrics": [{"apiName": one, "type": kind} for one, kind in METRICS.items()],
            }
        dimensions, metrics = _names(body or {}, "dimensions", DIMENSIONS), _names(body or {}, "metrics", METRICS)
        if verb == "checkCompatibility":
            return {}
        if verb != "runReport":
            raise GoogleError(404, "NOT_FOUND", "notFound", "Requested entity was not found.")
        return self._report(dimensions, metrics, body or {}, now)

    def _report(self, dimensions: list[str], metrics: list[str], body: Json, now: datetime) -> Json:
        days = _days(body, now.date())
        numbers = [(day - self.world.first_day).days % 30 for day in days]
        is_withheld = WITHHELD_DAY in numbers and bool({*dimensions} - {"date"})
        is_other = OTHER_DAY in numbers and bool({*dimensions} - {"date"})
        rows = self._rows(dimensions, _test(body.get("dimensionFilter")), days, now.date())
        if is_withheld:
            rows = [row for row in rows if len(row[1].sessions) >= WITHHELD_UNDER]
        if is_other:
            rows = _with_other(dimensions, rows)
        places = [dimensions.index(order["dimension"]["dimensionName"]) for order in body.get("orderBys", ())]
        rows.sort(key=lambda row: tuple(row[0][place] for place in places))
        start, limit = int(body.get("offset", 0)), min(int(body.get("limit", USUAL_ROWS)), MOST_ROWS)
        told = {
            "dimensionHeaders": [{"name": name} for name in dimensions],
            "metricHeaders": [{"name": name, "type": METRICS[name]} for name in metrics],
            "rows": [_told(keys, sums, metrics) for keys, sums in rows[start : start + limit]],
            "rowCount": len(rows),
            "metadata": {
                "currencyCode": CURRENCY,
                "timeZone": TIME_ZONE,
                **({"subjectToThresholding": True} if is_withheld else {}),
                **({"dataLossFromOtherRow": True} if is_other else {}),
            },
            "kind": "analyticsData#runReport",
        }
        if body.get("returnPropertyQuota"):
            told["propertyQuota"] = {name: {"consumed": 1, "remaining": left} for name, left in QUOTA.items()}
        # As in all of Google's JSON what is empty is left out.
        return {name: value for name, value in told.items() if value or name == "metadata"}

    def _rows(
        self, dimensions: list[str], test: Test, days: list[date], today: date
    ) -> list[tuple[tuple[str, ...], _Sums]]:
        groups: dict[tuple[str, ...], _Sums] = {}
        for day in days:
            known = KNOWN_BY_AGE.get((today - day).days, float(day < today))
            for number, (late, session, values) in enumerate(self._sessions(day)):
                if late >= known:
                    continue
                for event in EVENTS:
                    told = {**session, "eventName": event}
                    if not test(told):
                        continue
                    sums = groups.setdefault(tuple(told[name] for name in dimensions), _Sums())
                    sums.values["eventCount"] += 1
                    identity = day.toordinal() * 1_000_000 + number
                    if identity not in sums.sessions:
                        sums.sessions.add(identity)
                        for name, value in values.items():
                            sums.values[name] += value
        return list(groups.items())

    def _counted(self, day: date) -> list[tuple[float, dict[str, str], dict[str, float]]]:
        """Of each session of a day: how late it is processed, what tells it apart, and what is counted of it."""
        if not self.world.first_day <= day <= self.world.last_day:
            return []
        return [
            (self._draw("late", visit), _session(self._prop, visit), self._values(visit))
            for visit in visits(self.world, self._prop, day)
            if visit.guest is PEOPLE and visit.status == 200 and not visit.target.startswith("/images/")
            if is_counted(self.world, visit)
        ]

    def _values(self, visit: Visit) -> dict[str, float]:
        is_buying = self._draw("buying", visit) < BUYING
        return {
            "sessions": 1,
            "engagedSessions": float(is_buying or self._draw("engaged", visit) < ENGAGED),
            "keyEvents": float(is_buying),
            "totalRevenue": round(20 + 180 * self._draw("revenue", visit), 2) if is_buying else 0.0,
        }

    def _draw(self, what: str, visit: Visit) -> float:
        return draw(self.world.seed, what, visit.at, visit.address, visit.target)


def _session(prop: DemoProperty, visit: Visit) -> dict[str, str]:
    host = (urlsplit(visit.referrer).hostname or "").removeprefix("www.")
    source, medium, channel = host, "referral", "Referral"
    if not host:
        source, medium, channel = "(direct)", "(none)", "Direct"
    elif host == "google.com":
        source, medium, channel = "google", "organic", "Organic Search"
    return {
        "date": f"{visit.at:%Y%m%d}",
        "pageReferrer": visit.referrer,
        "hostName": prop.host,
        "pagePathPlusQueryString": visit.target,
        "landingPagePlusQueryString": visit.target,
        "sessionSource": source,
        "sessionMedium": medium,
        "sessionDefaultChannelGroup": channel,
    }


def _with_other(
    dimensions: list[str], rows: list[tuple[tuple[str, ...], _Sums]]
) -> list[tuple[tuple[str, ...], _Sums]]:
    """The largest rows, and one of all others of a day."""
    rows = sorted(rows, key=lambda row: (-row[1].values["eventCount"], row[0]))
    others: dict[tuple[str, ...], _Sums] = {}
    for keys, sums in rows[OTHER_ROWS:]:
        other = tuple(key if name == "date" else "(other)" for name, key in zip(dimensions, keys, strict=True))
        into = others.setdefault(other, _Sums())
        into.sessions |= sums.sessions
        for name, value in sums.values.items():
            into.values[name] += value
    return [*rows[:OTHER_ROWS], *others.items()]


def _told(keys: tuple[str, ...], sums: _Sums, metrics: list[str]) -> Json:
    whole = {name for name, kind in METRICS.items() if kind == "TYPE_INTEGER"}
    values = [str(int(sums.values[name])) if name in whole else f"{sums.values[name]:g}" for name in metrics]
    return {
        "dimensionValues": [{"value": key} for key in keys],
        "metricValues": [{"value": value} for value in values],
    }


def _bad(message: str) -> GoogleError:
    return GoogleError(400, "INVALID_ARGUMENT", "badRequest", message)


def _names(body: Json, kind: str, known: Mapping[str, str] | tuple[str, ...]) -> list[str]:
    names = [str(one.get("name")) for one in body.get(kind, ())]
    unknown = [name for name in names if name not in known]
    if unknown or len(names) > 9 + (kind == "metrics"):
        raise _bad(
            f"Field {', '.join(unknown)} is not a valid {kind.removesuffix('s')}." if unknown else f"Too many {kind}."
        )
    return names


def _days(body: Json, today: date) -> list[date]:
    try:
        (span,) = body["dateRanges"]
        first, last = _day(span["startDate"], today), _day(span["endDate"], today)
    except (KeyError, TypeError, ValueError):
        raise _bad("A dateRange is required, with a startDate and an endDate.") from None
    if last < first:
        raise _bad("The startDate must be before or equal to the endDate.")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _day(stated: str, today: date) -> date:
    """A date as it may be stated: by itself, as today or yesterday, or so many days ago."""
    if ago := re.fullmatch(r"(\d+)daysAgo", stated):
        return today - timedelta(days=int(ago[1]))
    words = {"today": today, "yesterday": today - timedelta(days=1)}
    return words.get(stated) or date.fromisoformat(stated)


def _test(expression: Json | None) -> Test:
    """What a filter expression keeps. Raises GoogleError for one that the demo does not know."""
    match expression:
        case None:
            return lambda told: True
        case {"andGroup": {"expressions": [*parts]}}:
            tests = [_test(part) for part in parts]
            return lambda told: all(test(told) for test in tests)
        case {"notExpression": part}:
            test = _test(part)
            return lambda told: not test(told)
        case {"filter": {"fieldName": str(name), "stringFilter": {"matchType": kind, "value": str(value)}}}:
            of = itemgetter(name)
            if name in DIMENSIONS and kind == "EXACT":
                return lambda told: bool(of(told) == value)
            if name in DIMENSIONS and kind == "FULL_REGEXP":
                return lambda told: re.fullmatch(value, of(told)) is not None
    raise _bad(f"Invalid filter: {expression!r}")
