"""Chrome UX Report, history: how fast pages were for people with Chrome, by periods of 28 days that end a week apart.

POST https://chromeuxreport.googleapis.com/v1/records:queryHistoryRecord, with a key in the query
https://developer.chrome.com/docs/crux/history-api

Periods overlap: two rows are independent where four weeks lie between them. A period with too few people has no
figures: "NaN" of shares, null of percentiles, and never 0. 404 says that Chrome has no data of a target: a row without
figures. Percentiles are numbers or, of layout shifts, text. How often one may ask is documented nowhere: 429 is heeded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from math import isnan
from typing import Any

from pydantic import Field

from seo_warehouse.client.access import Access, QueryKey
from seo_warehouse.client.api import Api, Items
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, decimal, integer, mapping, number, sequence
from seo_warehouse.spec import DAY, OBSERVED_AT, Column, Feed, Kind, Period, Row, RowRule, Source, Table, Type

PATH = "/v1/records:queryHistoryRecord"
PERIODS = 40
"""The most that an answer holds."""
FORM_FACTORS = ("PHONE", "DESKTOP")
"""Few people open a page on a tablet, so that hardly one has data."""
NO_DATA = 404
SHARES = ("good_share", "needs_improvement_share", "poor_share")
"""The bins of a histogram, in their order."""

_METRIC_FIELDS = {"histogramTimeseries", "percentilesTimeseries", "fractionTimeseries"}
_RECORD_FIELDS = {"key", "collectionPeriods", "metrics"}


class CruxSettings(Strict):
    """Which origins and pages are asked about."""

    connection: str = Field("crux", description="Airflow connection whose password is the API's key.")
    origins: tuple[str, ...] = Field(
        min_length=1,
        description="Origins of the property, at least one.",
        examples=[["https://www.example.com"]],
    )
    max_pages: int = Field(
        150, ge=0, description="Pages that properties.yml states for keywords, asked about beside the origins."
    )
    interval_days: int = Field(7, ge=1, description="Days between two reads; a period is new each week.")


POINT = Shape(
    Column("first_date", Type.DATE, "First day of the period."),
    Column("p75", Type.FLOAT, "Three of four people met this or better; milliseconds, but for shifts.", minimum=0),
    *(Column(name, Type.FLOAT, f"Share of loads that were {name[:-6]}, 0-1.", minimum=0) for name in SHARES),
)
"""A point of a series, as made here of an answer's arrays."""
PLACE = (
    Column("target", Type.URL, "Page or origin asked about.", required=True),
    Column("is_origin", Type.BOOLEAN, "It is an origin: all its pages together.", required=True),
    Column("form_factor", Type.TEXT, "PHONE or DESKTOP.", required=True),
    Column("metric", Type.TEXT, "Name of the metric; NULL: Chrome has no data of the target."),
    Column("last_date", Type.DATE, "Last day of the period."),
)


def probe_key(api: Api, property: Property) -> None:
    """The key is accepted: an answer about the first origin, or that there is no data of it."""
    origin = property.settings_of(CRUX).origins[0]
    _ask(api, "origin", origin, FORM_FACTORS[0])


def read_records(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every period of each target and form factor."""
    settings = property.settings_of(CRUX)
    pages = dict.fromkeys(keyword.page for keyword in property.keywords if keyword.page)
    targets = [("origin", origin) for origin in settings.origins]
    targets += [("url", page) for page in list(pages)[: settings.max_pages]]
    for kind, target in targets:
        for form_factor in FORM_FACTORS:
            yield from api.rows(_ask(api, kind, target, form_factor), period.last_day)


def _ask(api: Api, kind: str, target: str, form_factor: str) -> Any:
    body = {kind: target, "formFactor": form_factor, "collectionPeriodCount": PERIODS}
    place = {"target": target, "is_origin": kind == "origin", "form_factor": form_factor}
    return api.post(PATH, body, accepts={NO_DATA}, decode=_decoder(place))


def _decoder(place: Row) -> Callable[[Any], Items]:
    """Makes of an answer about a target its rows: of none at all, too, for that is an answer."""

    def decode(document: Any) -> Items:
        answer = mapping(document, "the answer")
        if "error" in answer:
            if mapping(answer["error"], "error").get("status") != "NOT_FOUND":
                raise MalformedAnswerError("an error that is none of the documented ones")
            return Items([{**place, **dict.fromkeys(("metric", "last_date", "first_date", "p75", *SHARES))}])
        record = mapping(answer.get("record"), "record")
        periods = [_dates(entry) for entry in sequence(record.get("collectionPeriods"), "collectionPeriods")]
        metrics = mapping(record.get("metrics"), "metrics")
        series = {name: mapping(each, f"metrics.{name}") for name, each in metrics.items()}
        strange = answer.keys() - {"record", "urlNormalizationDetails"}
        strange |= record.keys() - _RECORD_FIELDS
        strange |= {name for each in series.values() for name in each.keys() - _METRIC_FIELDS}
        rows = [
            {**place, "metric": name, "last_date": last, "first_date": first, **point}
            for name, each in series.items()
            if "histogramTimeseries" in each
            for (first, last), point in zip(periods, _points(each, len(periods)), strict=True)
        ]
        return Items(rows, unknown=frozenset(strange))

    return decode


def _points(series: dict[str, Any], count: int) -> Iterator[Row]:
    """The figures of each period. Raises MalformedAnswerError where the arrays are of another length."""
    bins = [mapping(each, "histogramTimeseries[]") for each in sequence(series["histogramTimeseries"], "bins")]
    percentiles = mapping(series.get("percentilesTimeseries") or {}, "percentilesTimeseries")
    columns = [sequence(each.get("densities"), "densities") for each in bins]
    columns.append(sequence(percentiles.get("p75s", [None] * count), "p75s"))
    if len(bins) != len(SHARES) or any(len(column) != count for column in columns):
        raise MalformedAnswerError(f"a metric has {[len(c) for c in columns]} values of {count} periods")
    for *densities, p75 in zip(*columns, strict=True):
        shares = {name: _figure(value, name) for name, value in zip(SHARES, densities, strict=True)}
        yield {"p75": _figure(p75, "p75"), **shares}


def _figure(value: Any, name: str) -> float | None:
    """A number, also as text; None for what stands where there were too few people."""
    if value is None or value == "NaN" or (isinstance(value, float) and isnan(value)):
        return None
    return decimal(value, name) if isinstance(value, str) else number(value, name)


def _dates(entry: Any) -> tuple[date, date]:
    """First and last day of a period."""
    period = mapping(entry, "collectionPeriods[]")
    return _day(period, "firstDate"), _day(period, "lastDate")


def _day(period: dict[str, Any], name: str) -> date:
    parts = mapping(period.get(name), name)
    try:
        return date(*(integer(parts.get(part), f"{name}.{part}") for part in ("year", "month", "day")))
    except ValueError:
        raise MalformedAnswerError(f"{name} is no day of the calendar: {parts}") from None


CRUX = Source(
    name="crux",
    description="Chrome UX Report: how fast pages were for people with Chrome.",
    kind=Kind.SNAPSHOT,
    cron="50 8 * * *",
    settings=CruxSettings,
    access=Access(
        host="https://chromeuxreport.googleapis.com",
        auth=QueryKey.named("key"),
        example={"password": "not-a-key"},
    ),
    probe=probe_key,
    interval_days=7,
    tables=(
        Table(
            name="record",
            description="One row for each target, form factor, metric and period, and for each target without data.",
            read=read_records,
            shape=POINT,
            columns=(DAY, *PLACE, *POINT.columns, OBSERVED_AT),
            grain=("target", "form_factor", "metric", "last_date"),
            feeds=Feed.PAGE_VITALS,
            row_rules=(
                RowRule(
                    name="shares_make_a_whole",
                    sql="coalesce(abs(good_share + needs_improvement_share + poor_share - 1) < 0.02, true)",
                    reason="They are shares of one number of loads; 0.02: each is rounded.",
                ),
            ),
        ),
    ),
)
