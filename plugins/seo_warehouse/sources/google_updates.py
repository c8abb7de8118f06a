"""Google's Search Status Dashboard: ranking updates and incidents, as its JSON history states them.

GET https://status.search.google.com/incidents.json, no credentials.
https://developers.google.com/search/help/status-dashboard

The answer is an array of the ten newest incidents of all of Google Search, newest first; a longer history exists as
web pages only. `end` is null while an update rolls out, and is corrected afterwards, so every night keeps the whole
answer. It concerns all properties and is loaded under property 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from seo_warehouse.client.api import Api, Items
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, mapping, sequence
from seo_warehouse.spec import (
    BatchRule,
    Column,
    Feed,
    Kind,
    Period,
    Row,
    RowRule,
    Source,
    Table,
    Type,
)

PATH = "/incidents.json"


class GoogleUpdatesSettings(Strict):
    """Google's Search Status Dashboard. It needs no credentials, so its address is stated here."""

    base_url: str = Field(
        "https://status.search.google.com",
        pattern=r"^https?://[^/]+$",
        description="Where the dashboard's `/incidents.json` is.",
    )


def read_incidents(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The incidents that the dashboard lists now."""
    yield from api.rows(api.get(PATH, decode=_incidents), period.last_day)


def probe_dashboard(api: Api, property: Property) -> None:
    """The dashboard answers."""
    api.get(PATH, decode=_incidents)


def _incidents(document: Any) -> Items:
    if not isinstance(document, list):
        raise MalformedAnswerError("the answer is no array of incidents")
    return INCIDENT.items(document, "incidents")


INCIDENT = Shape(
    Column("id", Type.TEXT, "The incident's identifier.", required=True),
    Column("number", Type.TEXT, "Another identifier, of digits."),
    Column("begin_at", Type.INSTANT, "When it began (`begin`).", required=True),
    Column("created_at", Type.INSTANT, "When the entry was made (`created`)."),
    Column("end_at", Type.INSTANT, "When it ended (`end`); NULL while it lasts."),
    Column("modified_at", Type.INSTANT, "When the entry was changed last (`modified`)."),
    Column("external_desc", Type.TEXT, "Its title, such as a core update's name.", required=True),
    Column("updates", Type.JSON, "What was posted: created, modified, when, text, status."),
    Column("most_recent_update", Type.JSON, "The last of them."),
    Column("status_impact", Type.TEXT, "SERVICE_INFORMATION for an update, else SERVICE_DISRUPTION or SERVICE_OUTAGE."),
    Column("severity", Type.TEXT, "low, medium or high."),
    Column("service_key", Type.TEXT, "The service's identifier."),
    Column("service_name", Type.TEXT, "Crawling, Indexing, Ranking or Serving.", required=True),
    Column("affected_products", Type.JSON, "Services concerned: title and id."),
    Column("uri", Type.TEXT, "Path of its page on the dashboard.", required=True),
    names={"begin_at": "begin", "created_at": "created", "end_at": "end", "modified_at": "modified"},
    takes={"updates": sequence, "most_recent_update": mapping, "affected_products": sequence},
    # Null, and in Google's other dashboards left out, while an incident lasts.
    optional={"end"},
)

GOOGLE_UPDATES = Source(
    name="google_updates",
    description="Google's Search Status Dashboard: ranking updates and incidents.",
    kind=Kind.SNAPSHOT,
    cron="30 0 * * *",
    settings=GoogleUpdatesSettings,
    is_shared=True,
    probe=probe_dashboard,
    tables=(
        Table(
            name="incident",
            description="The incidents that the dashboard lists on a night, the ten newest.",
            read=read_incidents,
            shape=INCIDENT,
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
