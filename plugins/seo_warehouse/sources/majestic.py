"""Majestic: links to a site, as its index knows them now.

GET https://api.majestic.com/api/json?cmd=GetBackLinkData, with the key in the query
(https://developer-support.majestic.com/api/commands/get-back-link-data.shtml). Links that it met no more are told too,
with the day and the reason; mentions are not. A call costs 5,000 analysis units and a retrieval unit for each row: what
is sorted or filtered costs more, so neither is asked for. Answers state no total, so no night proves that a link is
gone. Errors come with HTTP 200, as a code beside a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from seo_warehouse.client.access import Access, QueryKey
from seo_warehouse.client.answers import Items
from seo_warehouse.client.api import Api, Reply
from seo_warehouse.errors import TerminalSourceError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, day_or_blank, integer, mapping, pascal
from seo_warehouse.sources.links import link_table, read_by_place
from seo_warehouse.spec import Column, Kind, Period, Row, Source, Type

PATH = "/api/json"
PAGE_ROWS = 10_000
"""Rows of one answer: of at most 50,000, some seven megabytes."""


def _flag(value: Any, name: str) -> bool:
    return bool(integer(value, name))


LINK = Shape(
    Column("source_url", Type.URL, "Page that links.", required=True),
    Column("target_url", Type.URL, "Literal target of the link.", required=True),
    Column("anchor_text", Type.TEXT, "Anchor text."),
    Column("flag_redirect", Type.BOOLEAN, "The page redirects to the target."),
    Column("flag_frame", Type.BOOLEAN, "The target is a frame of the page."),
    Column("flag_no_follow", Type.BOOLEAN, "The link is nofollow."),
    Column("flag_images", Type.BOOLEAN, "The link is an image."),
    Column("flag_deleted", Type.BOOLEAN, "Majestic met it no more."),
    Column("flag_mention", Type.BOOLEAN, "The address stands in a text, without a link."),
    Column("first_indexed_date", Type.DATE, "First seen by Majestic."),
    Column("last_seen_date", Type.DATE, "Last seen by Majestic."),
    Column("date_lost", Type.DATE, "Day of the loss; NULL where there was none."),
    Column("reason_lost", Type.TEXT, "Majestic's word for why."),
    Column("link_type", Type.TEXT, "TextLink, ImageLink, Redirect ..."),
    Column("link_sub_type", Type.TEXT, "The same, finer."),
    Column("source_citation_flow", Type.INTEGER, "Citation Flow of the page that links.", minimum=0, maximum=100),
    Column(
        "source_trust_flow", Type.INTEGER, "Trust Flow of it; many are 0, which is unknown.", minimum=0, maximum=100
    ),
    names=lambda column: pascal(column).removesuffix("Url") + "URL" * column.endswith("_url"),
    takes={Type.BOOLEAN: _flag, Type.DATE: day_or_blank},
    unused=(
        *("ACRank", "Date", "DomainID", "FlagAltText", "TargetCitationFlow", "TargetTrustFlow", "FlagOldCrawl"),
        *(
            f"{end}TopicalTrustFlow_{told}_0"
            for end in ("Source", "Target", "RefDomain")
            for told in ("Topic", "Value")
        ),
    ),
)


class MajesticSettings(Strict):
    """Whose links are read."""

    connection: str = Field("majestic", description="Airflow connection whose password is the API's key.")
    item: str = Field(description="Domain, subdomain or URL.", examples=["example.com"])
    datasource: Literal["fresh", "historic"] = Field("fresh", description="Which of Majestic's two indexes is asked.")
    interval_days: int = Field(7, ge=1, description="Days between two nights that read: every row is billed.")
    links: int = Field(10_000, ge=1, description="Links that are read, the strongest first.")


def probe_account(api: Api, property: Property) -> None:
    """The key is accepted: what the subscription has left."""
    api.get(PATH, {"cmd": "GetSubscriptionInfo"}, decode=_opened)


def read_links(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The links to the item, those that were lost too, up to as many as the settings allow."""
    settings = property.settings_of(MAJESTIC)
    asked = {"cmd": "GetBackLinkData", "item": settings.item, "datasource": settings.datasource}

    def ask(begin: int, count: int) -> Reply:
        return api.get(PATH, {**asked, "From": begin, "Count": count}, decode=decode_links)

    yield from read_by_place(api, period.last_day, settings.links, PAGE_ROWS, ask)


def decode_links(document: Any) -> Items:
    """The links of an answer. Raises TerminalSourceError where it tells of an error, MalformedAnswerError."""
    tables = mapping(_opened(document).get("DataTables"), "DataTables")
    return LINK.items(mapping(tables.get("BackLinks"), "BackLinks").get("Data"), "Data")


def _opened(document: Any) -> dict[str, Any]:
    answer = mapping(document, "the answer")
    if answer.get("Code") != "OK":
        raise TerminalSourceError(f"{answer.get('Code')}: {answer.get('ErrorMessage')}")
    return answer


MAJESTIC = Source(
    name="majestic",
    description="Majestic: links to the property, as its index knows them now.",
    kind=Kind.SNAPSHOT,
    cron="40 7 * * *",
    settings=MajesticSettings,
    access=Access(
        host="https://api.majestic.com", auth=QueryKey.named("app_api_key"), example={"password": "not-a-key"}
    ),
    probe=probe_account,
    tables=(link_table(read_links, LINK),),
)
