"""Moz: links to a site, as Moz's index knows them now.

POST https://lsapi.seomoz.com/v2/links (https://moz.com/help/links-api/making-calls/links), the API's token in a header:
at most 50 rows an answer, and a token for the next; the last has none. Every row is billed. Answers state no total, so
no night proves that a link is gone. Pages are written without their scheme. `date_disappeared` is when a recrawl did
not meet the link; answers that public programs kept have links with a later last sight beside it, which are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from seo_warehouse.client.access import Access, HeaderKey
from seo_warehouse.client.answers import Items
from seo_warehouse.client.api import Api
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, day_or_blank, integer, mapping, sequence, text
from seo_warehouse.sources.links import link_table
from seo_warehouse.spec import Column, Kind, Period, Row, Source, Type

PATH = "/v2/links"
PAGE_ROWS = 50
"""The most rows of one answer."""
METRICS = (
    *("page", "subdomain", "root_domain", "title", "last_crawled", "http_code", "page_authority", "domain_authority"),
    *("spam_score", "link_propensity", "pages_crawled_from_root_domain", "external_indirect_pages_to_root_domain"),
    *("indirect_root_domains_to_page", "indirect_root_domains_to_root_domain"),
    *(f"{kind}{units}_from_{whole}" for kind in ("", "nofollow_") for units in ("pages", "root_domains")
      for whole in ("page", "root_domain")),
    *(f"{kind}pages_to_{whole}" for whole in ("page", "subdomain", "root_domain") for kind in (
        *("", "deleted_", "nofollow_", "redirect_", "external_", "external_nofollow_", "external_redirect_"),)),
    *(f"{kind}root_domains_to_{whole}" for whole in ("page", "subdomain", "root_domain")
      for kind in ("", "deleted_", "nofollow_")),
)  # fmt: skip
"""What an answer tells of the page at either end of a link."""
ENDS = ("source", "target")


def _page(value: Any, name: str) -> str:
    page = text(value, name)
    return page if "://" in page else f"https://{page}"


def _score(value: Any, name: str) -> int | None:
    """A score from 0 to 100; -1 where there is none."""
    return None if value == -1 else integer(value, name)


SCHEME = " Moz tells no scheme: https stands for it."
LINK = Shape(
    Column("source_page", Type.URL, "Page that links." + SCHEME, required=True),
    Column("source_root_domain", Type.TEXT, "Its domain, as Moz cuts it."),
    Column("source_title", Type.TEXT, "Its title."),
    Column("source_http_code", Type.INTEGER, "HTTP status of it."),
    Column("source_last_crawled", Type.DATE, "Moz's last visit to it."),
    Column("source_page_authority", Type.INTEGER, "Page Authority.", minimum=0, maximum=100),
    Column("source_domain_authority", Type.INTEGER, "Domain Authority.", minimum=0, maximum=100),
    Column("source_spam_score", Type.INTEGER, "Spam Score of its domain.", minimum=0, maximum=100),
    Column("target_page", Type.URL, "Literal target of the link." + SCHEME, required=True),
    Column("target_http_code", Type.INTEGER, "HTTP status of the target."),
    Column("anchor_text", Type.TEXT, "Anchor text."),
    Column("nofollow", Type.BOOLEAN, "All links from the page to the target are nofollow."),
    Column("redirect", Type.BOOLEAN, "The page redirects to the target."),
    Column("rel_canonical", Type.BOOLEAN, "The page names the target as its canonical."),
    Column("via_redirect", Type.BOOLEAN, "The link leads to the target through a redirect."),
    Column("via_rel_canonical", Type.BOOLEAN, "The link leads to the target through a canonical."),
    Column("date_first_seen", Type.DATE, "First seen by Moz."),
    Column("date_last_seen", Type.DATE, "Last seen by Moz."),
    Column("date_disappeared", Type.DATE, "Not met by a recrawl; NULL where it always was."),
    names=lambda column: column.replace("_", ".", 1) if column.startswith(ENDS) else column,
    takes={
        Type.URL: _page,
        Type.DATE: day_or_blank,
        **dict.fromkeys(("source_page_authority", "source_domain_authority", "source_spam_score"), _score),
    },
    unused=[f"{end}.{name}" for end in ENDS for name in METRICS],
)


class MozSettings(Strict):
    """Whose links are read."""

    connection: str = Field("moz", description="Airflow connection whose password is the API's token.")
    target: str = Field(description="Domain without www.", examples=["example.com"])
    interval_days: int = Field(7, ge=1, description="Days between two nights that read: every row is billed.")
    links: int = Field(10_000, ge=1, description="Links that are read, those of the strongest pages first.")


@dataclass(frozen=True)
class _Page(Items):
    """One answer, and the token that asks for the next."""

    next_token: str | None = None


def probe_account(api: Api, property: Property) -> None:
    """The token is accepted: how much of the quota is used."""
    api.post("/v2/usage_data", {})


def read_links(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The links to the domain from others, up to as many as the settings allow."""
    settings = property.settings_of(MOZ)
    asked: dict[str, Any] = {
        "target": settings.target,
        "target_scope": "root_domain",
        "filter": "external",
    }
    count = 0
    while True:
        reply = api.post(PATH, {**asked, "limit": min(PAGE_ROWS, settings.links - count)}, decode=decode_links)
        for row in api.rows(reply, period.last_day):
            count += 1
            yield {**row, "item_no": count}
        token = reply.json.next_token
        if token is None or not reply.json.rows:
            return
        if count >= settings.links:
            api.note(period.last_day, is_capped=True)
            return
        asked["next_token"] = token


def decode_links(document: Any) -> _Page:
    """The links of an answer. Raises MalformedAnswerError."""
    answer = mapping(document, "the answer")
    items = LINK.items([_flat(entry) for entry in sequence(answer.get("results"), "results")], "results")
    token = answer.get("next_token")
    return _Page(items.rows, items.unknown, items.missing, next_token=text(token, "next_token") if token else None)


def _flat(entry: Any) -> dict[str, Any]:
    """An item whose two pages' fields stand beside the link's own, as `source.page`."""
    item = mapping(entry, "results[]")
    ends: dict[str, Any] = {
        f"{end}.{name}": value for end in ENDS for name, value in mapping(item.get(end), f"results[].{end}").items()
    }
    return {name: value for name, value in item.items() if name not in ENDS} | ends


MOZ = Source(
    name="moz",
    description="Moz: links to the property, as its index knows them now.",
    kind=Kind.SNAPSHOT,
    cron="30 7 * * *",
    settings=MozSettings,
    access=Access(
        host="https://lsapi.seomoz.com", auth=HeaderKey.named("x-moz-token"), example={"password": "not-a-token"}
    ),
    probe=probe_account,
    tables=(link_table(read_links, LINK),),
)
