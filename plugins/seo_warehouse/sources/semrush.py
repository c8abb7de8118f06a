"""Semrush: links to a site, as its index knows them now.

GET https://api.semrush.com/analytics/v1/?type=backlinks, with the key in the query
(https://developer.semrush.com/api/seo/backlinks/): lines of text, cells between semicolons and, as asked for, in double
quotes; instants are seconds since 1970. Each line costs 40 units. Errors are a line of text with HTTP 200; that nothing
was found is one too, and an answer without links. No total is stated beside the links, so no night proves that one is
gone.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from seo_warehouse.client.access import Access, QueryKey
from seo_warehouse.client.answers import Items, OfText, excerpt
from seo_warehouse.client.api import Api, Reply
from seo_warehouse.client.archive import Answer
from seo_warehouse.errors import CredentialsError, MalformedAnswerError, SourceError, TerminalSourceError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, of_the_web, text, whole
from seo_warehouse.sources.links import link_table, read_by_place
from seo_warehouse.spec import Column, Kind, Period, Row, Source, Type

PATH = "/analytics/v1/"
PAGE_ROWS = 1_000
LINE_UNITS = 40
NOTHING_FOUND = "ERROR 50 "
FAILURE = re.compile(rb"\s*(ERROR \d+|Validation Error)\b")
KEY_FAILURE = re.compile(rb"\s*ERROR (120|121|122|134) ")
"""A wrong key, one in a wrong form, or units that are used up (https://developer.semrush.com/api/v3/projects/basic-docs/)."""


def _cell(value: Any, name: str) -> str | None:
    return text(value, name) or None


def _integer(value: Any, name: str) -> int | None:
    return None if value == "" else whole(value, name)


def _instant(value: Any, name: str) -> datetime | None:
    try:
        return None if value == "" else of_the_web(datetime.fromtimestamp(whole(value, name), UTC))
    except (ValueError, OverflowError, OSError):
        raise MalformedAnswerError(f"{name} is {value!r}, expected seconds since 1970") from None


def _boolean(value: Any, name: str) -> bool | None:
    known = {"true": True, "false": False, "1": True, "0": False, "": None}
    written = text(value, name)
    if written not in known:
        raise MalformedAnswerError(f"{name} is {written!r}, expected true or false")
    return known[written]


LINK = Shape(
    Column("page_ascore", Type.INTEGER, "Authority Score of the page that links.", minimum=0, maximum=100),
    Column("source_title", Type.TEXT, "Its title."),
    Column("source_url", Type.URL, "Page that links.", required=True),
    Column("target_url", Type.URL, "Literal target of the link.", required=True),
    Column("anchor", Type.TEXT, "Anchor text."),
    Column("external_num", Type.INTEGER, "Links on the page to other sites."),
    Column("internal_num", Type.INTEGER, "Links on the page to its own site."),
    Column("first_seen", Type.INSTANT, "First seen by Semrush."),
    Column("last_seen", Type.INSTANT, "Last seen by Semrush."),
    Column("nofollow", Type.BOOLEAN, "The link is nofollow."),
    takes={
        Type.INTEGER: _integer,
        Type.INSTANT: _instant,
        Type.BOOLEAN: _boolean,
        Type.TEXT: _cell,
        Type.URL: _cell,
    },
)
HEADINGS = [column.name for column in LINK.columns]


class SemrushSettings(Strict):
    """Whose links are read."""

    connection: str = Field("semrush", description="Airflow connection whose password is the API's key.")
    target: str = Field(description="Domain without www.", examples=["example.com"])
    interval_days: int = Field(7, ge=1, description="Days between two nights that read: every line is billed.")
    links: int = Field(10_000, ge=1, description="Links that are read.")


def explain(answer: Answer) -> SourceError | None:
    """What a line of text that is no heading says. None where the answer is one of links, or has none."""
    if not FAILURE.match(answer.body) or answer.body.lstrip().startswith(NOTHING_FOUND.encode()):
        return None
    said = excerpt(answer.body)
    return CredentialsError(said) if KEY_FAILURE.match(answer.body) else TerminalSourceError(said)


def probe_account(api: Api, property: Property) -> None:
    """The key is accepted, for the price of one line: the count of units takes the key in its path."""
    target = property.settings_of(SEMRUSH).target
    asked = {"type": "backlinks_overview", "target": target, "target_type": "root_domain", "export_columns": "total"}
    api.get(PATH, asked, decode=OfText(str))


def read_links(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The links to the domain, up to as many as the settings allow."""
    settings = property.settings_of(SEMRUSH)
    asked = {
        "type": "backlinks",
        "target": settings.target,
        "target_type": "root_domain",
        "export_columns": ",".join(HEADINGS),
        "export_escape": 1,
    }

    def ask(begin: int, count: int) -> Reply:
        page = {**asked, "display_offset": begin, "display_limit": count}
        return api.get(PATH, page, decode=OfText(decode_links))

    yield from read_by_place(api, period.last_day, settings.links, PAGE_ROWS, ask, units=LINE_UNITS)


def decode_links(document: str) -> Items:
    """The links of an answer. Raises MalformedAnswerError where its first line is not what was asked for."""
    if document.lstrip().startswith(NOTHING_FOUND):
        return Items()
    try:
        headings, *lines = csv.reader(io.StringIO(document), delimiter=";", strict=True)
        items = [dict(zip(headings, line, strict=True)) for line in lines if line]
    except (csv.Error, ValueError) as error:
        raise MalformedAnswerError(f"the lines are not as documented: {error}") from None
    if headings != HEADINGS:
        raise MalformedAnswerError(f"the first line is {';'.join(headings)[:80]!r}, expected {';'.join(HEADINGS)}")
    return LINK.items(items, "lines")


SEMRUSH = Source(
    name="semrush",
    description="Semrush: links to the property, as its index knows them now.",
    kind=Kind.SNAPSHOT,
    cron="50 7 * * *",
    settings=SemrushSettings,
    access=Access(host="https://api.semrush.com", auth=QueryKey.named("key"), example={"password": "not-a-key"}),
    probe=probe_account,
    explain=explain,
    tables=(link_table(read_links, LINK),),
)
