"""Google's Search Status Dashboard: ranking updates and incidents, as its JSON history states them.

GET https://status.search.google.com/incidents.json, no credentials.
https://developers.google.com/search/help/status-dashboard

The answer is an array of the ten newest incidents of all of Google Search, newest first; a longer history exists as
web pages only. `end` is null while an update rolls out, and is corrected afterwards, so every night keeps the whole
answer. It concerns all properties and is loaded under property 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from seo_warehouse.client.api import Api
from seo_warehouse.config import Property
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.sources.dataforseo import check_night
from seo_warehouse.sources.fields import mapping, sequence, text
from seo_warehouse.spec import BatchRule, Column, Feed, Kind, Period, Row, RowRule, Source, Table, Type

PATH = "/incidents.json"
_TEXTS = ("id", "number", "external_desc", "status_impact", "severity", "service_key", "service_name", "uri")
_INSTANTS = {"begin": "begin_at", "created": "created_at", "end": "end_at", "modified": "modified_at"}
_DOCUMENTS = {"updates": sequence, "most_recent_update": mapping, "affected_products": sequence}
_FIELDS = {*_TEXTS, *_INSTANTS, *_DOCUMENTS}
_OPTIONAL = {"end"}
"""Null, and in Google's other dashboards left out, while an incident lasts."""


def read_incidents(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The incidents that the dashboard lists now."""
    reply = api.get(PATH, decode=_incidents)
    check_night(reply.observed_at, period.last_day)
    incidents: list[dict[str, Any]] = reply.json
    unknown = sorted({name for incident in incidents for name in incident.keys() - _FIELDS})
    missing = sorted({name for incident in incidents for name in _FIELDS - _OPTIONAL - incident.keys()})
    for name, found in (("unknown_fields", unknown), ("missing_fields", missing)):
        if found:
            api.note(period.last_day, **{name: found})
    for incident in incidents:
        yield {**_row(incident), "day": period.last_day, "observed_at": reply.observed_at}


def _incidents(document: Any) -> list[dict[str, Any]]:
    if not isinstance(document, list):
        raise MalformedAnswerError("the answer is no array of incidents")
    incidents = [mapping(entry, "incident") for entry in document]
    for incident in incidents:
        _row(incident)
    return incidents


def _row(incident: Mapping[str, Any]) -> Row:
    row: Row = {name: _or_none(text, incident.get(name), name) for name in _TEXTS}
    row |= {column: _or_none(_instant, incident.get(name), name) for name, column in _INSTANTS.items()}
    return row | {name: _or_none(take, incident.get(name), name) for name, take in _DOCUMENTS.items()}


def _or_none(take: Any, value: Any, name: str) -> Any:
    return None if value is None else take(value, name)


def _instant(value: Any, name: str) -> datetime:
    """An instant written `2026-05-21T15:40:00+00:00`, as UTC."""
    try:
        instant = datetime.fromisoformat(text(value, name))
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedAnswerError(f"{name} is {value!r}, expected an instant like 2026-05-21T15:40:00+00:00") from None


COLUMNS = (
    Column(name="day", type=Type.DATE, description="The night.", required=True),
    Column(name="id", type=Type.TEXT, description="The incident's identifier.", required=True),
    Column(name="number", type=Type.TEXT, description="Another identifier, of digits."),
    Column(name="begin_at", type=Type.INSTANT, description="When it began (`begin`).", required=True),
    Column(name="created_at", type=Type.INSTANT, description="When the entry was made (`created`)."),
    Column(name="end_at", type=Type.INSTANT, description="When it ended (`end`); NULL while it lasts."),
    Column(name="modified_at", type=Type.INSTANT, description="When the entry was changed last (`modified`)."),
    Column(name="external_desc", type=Type.TEXT, description="Its title, such as a core update's name.", required=True),
    Column(name="updates", type=Type.JSON, description="What was posted: created, modified, when, text, status."),
    Column(name="most_recent_update", type=Type.JSON, description="The last of them."),
    Column(
        name="status_impact",
        type=Type.TEXT,
        description="SERVICE_INFORMATION for an update, else SERVICE_DISRUPTION or SERVICE_OUTAGE.",
    ),
    Column(name="severity", type=Type.TEXT, description="low, medium or high."),
    Column(name="service_key", type=Type.TEXT, description="The service's identifier."),
    Column(name="service_name", type=Type.TEXT, description="Crawling, Indexing, Ranking or Serving.", required=True),
    Column(name="affected_products", type=Type.JSON, description="Services concerned: title and id."),
    Column(name="uri", type=Type.TEXT, description="Path of its page on the dashboard.", required=True),
    Column(name="observed_at", type=Type.INSTANT, description="Instant of the answer.", required=True),
)

GOOGLE_UPDATES = Source(
    name="google_updates",
    description="Google's Search Status Dashboard: ranking updates and incidents.",
    kind=Kind.SNAPSHOT,
    cron="30 0 * * *",
    settings="google_updates",
    connection=None,
    tables=(
        Table(
            name="incident",
            description="The incidents that the dashboard lists on a night, the ten newest.",
            read=read_incidents,
            columns=COLUMNS,
            grain=("day", "id"),
            feeds=Feed.INCIDENTS,
            row_rules=(
                RowRule(
                    name="ends_after_it_begins",
                    sql="coalesce(begin_at <= end_at, true)",
                    reason="Else begin and end are not what their names say.",
                ),
            ),
            batch_rules=(
                BatchRule(
                    name="lists_an_incident",
                    sql="select 'nothing' as listed where not exists (select from {batch})",
                    reason="The dashboard keeps years of history: an empty list is a broken answer.",
                ),
            ),
        ),
    ),
)
