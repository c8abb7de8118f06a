"""The demo's Google: a token for a service account, and the Search Analytics query.

https://developers.google.com/webmaster-tools/v1/searchanalytics/query
https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import add
from typing import Any

import numpy as np
from google.auth import exceptions as google_errors
from google.auth import jwt
from numpy.typing import NDArray

from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DemoProperty
from seo_warehouse.demo.demand import FINAL_AGE_DAYS, SHARE_BY_AGE, Demand

SCOPES = (
    "https://www.googleapis.com/auth/webmasters",
    "https://www.googleapis.com/auth/webmasters.readonly",
    "https://www.googleapis.com/auth/analytics.readonly",
)
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DIMENSIONS = ("date", "query", "page", "country", "device")
NEWEST_AGE_DAYS = min(SHARE_BY_AGE)

Json = dict[str, Any]


@dataclass(frozen=True)
class GoogleError(Exception):
    """An error in Google's own form."""

    code: int
    status: str
    reason: str
    message: str
    domain: str = "global"

    def body(self) -> Json:
        """The JSON body."""
        detail = {"message": self.message, "domain": self.domain, "reason": self.reason}
        return {"error": {"code": self.code, "message": self.message, "errors": [detail], "status": self.status}}


def quota_error() -> GoogleError:
    """Too many queries for now."""
    message = "Search Analytics QPS quota exceeded. Try again later."
    return GoogleError(403, "PERMISSION_DENIED", "quotaExceeded", message, "usageLimits")


def _bad(message: str) -> GoogleError:
    return GoogleError(400, "INVALID_ARGUMENT", "badRequest", message)


class Tokens:
    """Access tokens handed out to the demo's service account."""

    def __init__(self, public_key: str, email: str) -> None:
        self._public_key = public_key
        self._email = email
        self._given: set[str] = set()

    def grant(self, form: dict[str, str], audience: str) -> tuple[int, Json]:
        """Status and body of a token request."""
        if form.get("grant_type") != GRANT:
            return 400, {"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                certs=self._public_key,
                # google-auth always signs for Google's own endpoint, whatever token_uri it then calls.
                audience=[audience, "https://oauth2.googleapis.com/token"],
                clock_skew_in_seconds=30,
            )
        except (ValueError, google_errors.GoogleAuthError) as error:
            return 400, {"error": "invalid_grant", "error_description": f"Invalid JWT: {error}"}
        if claims.get("iss") != self._email:
            return 400, {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}
        if not set(str(claims.get("scope", "")).split()).intersection(SCOPES):
            return 400, {
                "error": "invalid_scope",
                "error_description": "Invalid OAuth scope or ID token audience provided.",
            }
        token = f"demo-{secrets.token_urlsafe(24)}"
        self._given.add(token)
        return 200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def check(self, authorization: str | None) -> None:
        """Raises GoogleError unless the header carries a token of ours."""
        token = (authorization or "").removeprefix("Bearer ")
        if token not in self._given:
            raise GoogleError(
                401,
                "UNAUTHENTICATED",
                "authError",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
                "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
            )


@dataclass(frozen=True)
class Query:
    """A validated Search Analytics request."""

    first_day: date
    last_day: date
    dimensions: tuple[str, ...]
    row_limit: int
    start_row: int
    is_fresh: bool
    is_by_page: bool
    search_type: str
    tests: tuple[Callable[[dict[str, str]], bool], ...]


def _day(body: Json, name: str) -> date:
    try:
        return date.fromisoformat(body[name])
    except (KeyError, TypeError, ValueError):
        raise _bad(f"Invalid value at '{name}': expected YYYY-MM-DD") from None


def _number(body: Json, name: str, default: int, low: int, high: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or not low <= value <= high:
        raise _bad(f"Invalid value at '{name}': must be {low} to {high}")
    return value


def _test(filter: Json) -> Callable[[dict[str, str]], bool]:
    name = str(filter.get("dimension", "")).lower()
    operator = str(filter.get("operator", "equals")).lower().replace("_", "")
    expression = str(filter.get("expression", ""))
    word = expression.lower()
    if name not in DIMENSIONS[1:]:
        raise _bad(f"Invalid value at 'dimension_filter_groups.filters.dimension': {name!r}")
    tests: dict[str, Callable[[str], bool]] = {
        "equals": lambda value: value.lower() == word,
        "notequals": lambda value: value.lower() != word,
        "contains": lambda value: word in value.lower(),
        "notcontains": lambda value: word not in value.lower(),
        "includingregex": lambda value: re.search(expression, value) is not None,
        "excludingregex": lambda value: re.search(expression, value) is None,
    }
    if operator not in tests:
        raise _bad(f"Invalid value at 'dimension_filter_groups.filters.operator': {operator!r}")
    test = tests[operator]
    return lambda keys: test(keys[name])


def parse(body: Json) -> Query:
    """The request as Google takes it: names in any case, with or without underscores. Raises GoogleError."""
    first_day, last_day = _day(body, "startDate"), _day(body, "endDate")
    if last_day < first_day:
        raise _bad("'startDate' must be less than or equal to 'endDate'")
    dimensions = tuple(str(name).lower() for name in body.get("dimensions", ()))
    unknown = [name for name in dimensions if name not in DIMENSIONS]
    if unknown or len(set(dimensions)) < len(dimensions):
        raise _bad(f"Invalid value at 'dimensions': {', '.join(unknown) or 'a dimension is stated twice'}")
    filters = [f for group in body.get("dimensionFilterGroups", ()) for f in group.get("filters", ())]
    touches_page = "page" in dimensions or any(str(f.get("dimension")).lower() == "page" for f in filters)
    aggregation = str(body.get("aggregationType", "auto")).lower().replace("_", "")
    if aggregation not in ("auto", "bypage", "byproperty"):
        raise _bad(f"Invalid value at 'aggregation_type': {aggregation!r}")
    if aggregation == "byproperty" and touches_page:
        raise _bad("'BY_PROPERTY' is not a valid aggregation type when grouping or filtering by page.")
    state = str(body.get("dataState", "final")).lower()
    if state not in ("final", "all"):
        raise _bad(f"Invalid value at 'data_state': {state!r}")
    return Query(
        first_day,
        last_day,
        dimensions,
        _number(body, "rowLimit", 1_000, 1, 25_000),
        _number(body, "startRow", 0, 0, 10**9),
        state == "all",
        touches_page or aggregation == "bypage",
        str(body.get("type", body.get("searchType", "web"))).lower(),
        tuple(_test(each) for each in filters),
    )


Sums = list[float]
"""Clicks, impressions, and positions weighted by impressions."""


class SearchConsole:
    """Search Analytics of the demo's properties."""

    def __init__(self, demand: Demand, day_cap: int) -> None:
        self._demand = demand
        self._day_cap = day_cap
        self._sites = {p.search_console_site: p for p in DEMO_PROPERTIES}
        self._known_keys: dict[tuple[int, tuple[str, ...]], list[tuple[str, ...]]] = {}
        self._first = {key: np.array([not cell.is_second for cell in cells]) for key, cells in demand.cells.items()}

    def property_of(self, site: str | None) -> DemoProperty | None:
        """The property that Search Console knows by this name."""
        return self._sites.get(site or "")

    def permission(self, site: str) -> Json:
        """What the service account may do with a site. Raises GoogleError."""
        return {"siteUrl": self._permitted(site).search_console_site, "permissionLevel": "siteFullUser"}

    def _permitted(self, site: str) -> DemoProperty:
        prop = self._sites.get(site)
        if prop is None:
            message = (
                f"User does not have sufficient permission for site '{site}'. "
                "See also: https://support.google.com/webmasters/answer/2451999."
            )
            raise GoogleError(403, "PERMISSION_DENIED", "forbidden", message)
        return prop

    def query(self, site: str, body: Json, now: datetime) -> tuple[Json, list[Json]]:
        """The answer, and what it disclosed by day (totals of the rows answered). Raises GoogleError."""
        prop = self._permitted(site)
        query = parse(body)
        rows = self._rows(prop, query, now) if query.search_type == "web" else []
        page = rows[query.start_row : query.start_row + query.row_limit]
        answer: Json = {"responseAggregationType": "byPage" if query.is_by_page else "byProperty"}
        if page:
            answer = {"rows": [_row(keys, sums) for keys, sums in page], **answer}
        first_incomplete = now.date() - timedelta(days=FINAL_AGE_DAYS - 1)
        if query.is_fresh and "date" in query.dimensions and query.last_day >= first_incomplete:
            answer["metadata"] = {"firstIncompleteDate": max(first_incomplete, query.first_day).isoformat()}
        return answer, _disclosed(prop, query, page)

    def _rows(self, prop: DemoProperty, query: Query, now: datetime) -> list[tuple[tuple[str, ...], Sums]]:
        newest = now.date() - timedelta(days=NEWEST_AGE_DAYS if query.is_fresh else FINAL_AGE_DAYS)
        place = query.dimensions.index("date") if "date" in query.dimensions else None
        groups: dict[tuple[str, ...], Sums] = {}
        kept = self._kept(prop, query)
        day = query.first_day
        while day <= min(query.last_day, newest):
            iso = day.isoformat()
            for keys, sums in self._day_rows(prop, query, kept, day, now.date()):
                if place is not None:
                    groups[(*keys[:place], iso, *keys[place:])] = sums
                elif (into := groups.get(keys)) is None:
                    groups[keys] = sums
                else:
                    into[:] = map(add, into, sums)
            day += timedelta(days=1)
        if query.dimensions == ("date",):
            return sorted(groups.items())
        return sorted(groups.items(), key=_by_clicks)

    def _keys(self, prop: DemoProperty, names: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The keys of each cell by the dimensions named."""
        found = self._known_keys.get((prop.key, names))
        if found is None:
            columns = {
                "query": [cell.query for cell in self._demand.cells[prop.key]],
                "page": [prop.url(cell.path) for cell in self._demand.cells[prop.key]],
                "country": [cell.country for cell in self._demand.cells[prop.key]],
                "device": [cell.device for cell in self._demand.cells[prop.key]],
            }
            size = len(columns["query"])
            found = list(zip(*(columns[name] for name in names), strict=True)) if names else [()] * size
            self._known_keys[prop.key, names] = found
        return found

    def _kept(self, prop: DemoProperty, query: Query) -> NDArray[np.bool_]:
        """Which cells the query may show."""
        cells = self._demand.cells[prop.key]
        hides = "query" in query.dimensions
        names = DIMENSIONS[1:]
        return np.array(
            [
                not (hides and cell.is_anonymous)
                and all(test(dict(zip(names, keys, strict=True))) for test in query.tests)
                for cell, keys in zip(cells, self._keys(prop, names), strict=True)
            ]
        )

    def _day_rows(
        self, prop: DemoProperty, query: Query, kept: NDArray[np.bool_], day: date, today: date
    ) -> list[tuple[tuple[str, ...], Sums]]:
        """A day's rows by all dimensions but the date, most clicks first, cut at the day's cap."""
        figures = self._demand.on(prop.key, day, today)
        if figures is None:
            return []
        keys = self._keys(prop, tuple(name for name in query.dimensions if name != "date"))
        shown = np.flatnonzero(kept & (figures.impressions > 0))
        # By property one search counts once, at its topmost result.
        counted = figures.impressions if query.is_by_page else figures.impressions * self._first[prop.key]
        columns = (figures.clicks[shown], counted[shown], counted[shown] * figures.positions[shown])
        groups: dict[tuple[str, ...], Sums] = {}
        for number, clicks, impressions, weighted in zip(shown.tolist(), *(c.tolist() for c in columns), strict=True):
            into = groups.get(keys[number])
            if into is None:
                groups[keys[number]] = [float(clicks), float(impressions), weighted]
            else:
                into[0] += clicks
                into[1] += impressions
                into[2] += weighted
        return sorted(groups.items(), key=_by_clicks)[: self._day_cap]


def _by_clicks(row: tuple[tuple[str, ...], Sums]) -> tuple[float, float, tuple[str, ...]]:
    return -row[1][0], -row[1][1], row[0]


def _row(keys: tuple[str, ...], sums: Sums) -> Json:
    clicks, impressions, weighted = sums
    row: Json = {
        "clicks": clicks,
        "impressions": impressions,
        "ctr": min(1.0, clicks / impressions) if impressions else 0.0,
        "position": weighted / impressions if impressions else 0.0,
    }
    return {"keys": list(keys), **row} if keys else row


def _disclosed(prop: DemoProperty, query: Query, page: list[tuple[tuple[str, ...], Sums]]) -> list[Json]:
    place = query.dimensions.index("date") if "date" in query.dimensions else None
    days: dict[str, Json] = {}
    for keys, sums in page:
        day = keys[place] if place is not None else f"{query.first_day}..{query.last_day}"
        into = days.setdefault(
            day,
            {
                "property_key": prop.key,
                "dimensions": list(query.dimensions),
                "is_fresh": query.is_fresh,
                "start_row": query.start_row,
                "day": day,
                "rows": 0,
                "clicks": 0.0,
                "impressions": 0.0,
            },
        )
        into["rows"] += 1
        into["clicks"] += sums[0]
        into["impressions"] += sums[1]
    return list(days.values())
