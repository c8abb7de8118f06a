"""Google Search Console, sitemaps: which it knows of a site, when it fetched them last, and what it found wrong.

GET https://searchconsole.googleapis.com/webmasters/v3/sites/{site}/sitemaps
https://developers.google.com/webmaster-tools/v1/sitemaps/list

Without paging. Those of an index come by a call for it. `contents[].indexed` is deprecated and never read; counts are
written as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pydantic import Field

from seo_warehouse.client.access import Access
from seo_warehouse.client.api import Api, Items
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources import google
from seo_warehouse.sources.fields import Shape, camel, mapping, sequence, text, whole
from seo_warehouse.spec import DAY, OBSERVED_AT, Column, Kind, Period, Row, Source, Table, Type

_CONTENT_FIELDS = {"type", "submitted", "indexed"}


def _contents(value: Any, name: str) -> list[dict[str, Any]]:
    """What a sitemap holds, by type; what Google once said is indexed of it is left out."""
    found = [mapping(entry, f"{name}[]") for entry in sequence(value, name)]
    return [
        {
            "type": text(entry.get("type"), f"{name}[].type"),
            "submitted": None if (count := entry.get("submitted")) is None else whole(count, f"{name}[].submitted"),
        }
        for entry in found
    ]


SITEMAP = Shape(
    Column("path", Type.URL, "Address of the sitemap.", required=True),
    Column("type", Type.TEXT, "Its format, in Google's word."),
    Column("is_sitemaps_index", Type.BOOLEAN, "It names sitemaps, not pages."),
    Column("is_pending", Type.BOOLEAN, "Google has not processed it yet."),
    Column("last_submitted", Type.INSTANT, "When it was submitted last."),
    Column("last_downloaded", Type.INSTANT, "When Google fetched it last; NULL: never."),
    Column("warnings", Type.BIGINT, "Warnings about its URLs.", minimum=0),
    Column("errors", Type.BIGINT, "Errors in it.", minimum=0),
    Column("contents", Type.JSON, "[{type, submitted}]: URLs that it holds, by type."),
    names=camel,
    takes={"warnings": whole, "errors": whole, "contents": _contents},
    optional=[
        *("type", "isSitemapsIndex", "isPending", "lastSubmitted", "lastDownloaded", "warnings", "errors"),
        "contents",
    ],
)
INDEX = Column("sitemap_index", Type.URL, "The index that names it; NULL where it was submitted itself.")


class GoogleSitemapsSettings(Strict):
    """Whose sitemaps are read."""

    connection: str = Field(
        google.SITES_CONNECTION, description="Airflow connection with a service account that may read the site."
    )
    site: str = Field(
        description="As Search Console names it: `sc-domain:example.com`, or a URL prefix.",
        examples=["sc-domain:example.com"],
    )


def probe_site(api: Api, property: Property) -> None:
    """The service account may read the site."""
    google.probe_site(api, property.settings_of(GOOGLE_SITEMAPS).site)


def read_sitemaps(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every sitemap that was submitted, and those of each index."""
    path = f"/webmasters/v3/sites/{quote(property.settings_of(GOOGLE_SITEMAPS).site, safe='')}/sitemaps"
    indexes = []
    for row in api.rows(api.get(path, decode=_decode), period.last_day):
        yield {**row, "sitemap_index": None}
        if row["is_sitemaps_index"]:
            indexes.append(row["path"])
    for index in dict.fromkeys(indexes):
        for row in api.rows(api.get(path, {"sitemapIndex": index}, decode=_decode), period.last_day):
            yield {**row, "sitemap_index": index}


def _decode(document: Any) -> Items:
    """The sitemaps of an answer. One without any has no such field."""
    answer = mapping(document, "the answer")
    entries = sequence(answer.get("sitemap"), "sitemap")
    items = SITEMAP.items(entries, "sitemap")
    inner = {name for entry in entries for content in entry.get("contents") or () for name in content}
    return Items(items.rows, items.unknown | (answer.keys() - {"sitemap"}) | (inner - _CONTENT_FIELDS), items.missing)


GOOGLE_SITEMAPS = Source(
    name="google_sitemaps",
    description="Google Search Console: the sitemaps that it knows of a site.",
    kind=Kind.SNAPSHOT,
    cron="40 8 * * *",
    settings=GoogleSitemapsSettings,
    access=Access(
        host="https://searchconsole.googleapis.com",
        auth=google.service_account("https://www.googleapis.com/auth/webmasters.readonly"),
        example=google.EXAMPLE,
    ),
    probe=probe_site,
    explain=google.explain,
    tables=(
        Table(
            name="sitemap",
            description="One row for each sitemap, and index that names it.",
            read=read_sitemaps,
            shape=SITEMAP,
            columns=(DAY, INDEX, *SITEMAP.columns, OBSERVED_AT),
            grain=("sitemap_index", "path"),
        ),
    ),
)
