"""DataForSEO Backlinks, live.

POST https://api.dataforseo.com/v3/backlinks/backlinks/live
https://docs.dataforseo.com/v3/backlinks/backlinks/live/
"""

from __future__ import annotations

from collections.abc import Iterator

from seo_warehouse.api import Api
from seo_warehouse.config import Property
from seo_warehouse.spec import Column, Kind, Period, Row, Source, Table, Type


def read_backlinks(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every live backlink (full pull), or the new and the lost ones since `period.since`."""
    raise NotImplementedError


def _column(name: str, type: Type, description: str, **rules: object) -> Column:
    return Column(name=name, type=type, description=description, **rules)  # type: ignore[arg-type]


DATAFORSEO_BACKLINKS = Source(
    name="dataforseo_backlinks",
    description="DataForSEO: backlinks of the property as its crawler knows them now.",
    kind=Kind.SNAPSHOT,
    cron="0 4 * * *",
    settings="dataforseo_backlinks",
    connection="dataforseo",
    tables=(
        Table(
            name="backlink",
            description="Backlinks as answered in a night, one row for each item.",
            read=read_backlinks,
            grain=("day", "pull", "item_no"),
            columns=(
                _column("day", Type.DATE, "The night.", required=True),
                _column("pull", Type.TEXT, "What was asked for.", required=True, values=("full", "new", "lost")),
                _column("item_no", Type.INTEGER, "Place in the pull's answers, from 1.", required=True, minimum=1),
                _column("url_from", Type.URL, "Page that links.", required=True),
                _column("url_to", Type.URL, "Literal target of the link.", required=True),
                _column("domain_from", Type.TEXT, "Referring domain as the vendor cuts it."),
                _column("domain_to", Type.TEXT, "Target domain as the vendor cuts it."),
                _column("is_new", Type.BOOLEAN, "Found at the vendor's last visit."),
                _column("is_lost", Type.BOOLEAN, "The link or the whole page was removed."),
                _column("backlink_spam_score", Type.INTEGER, "Vendor's spam score.", minimum=0, maximum=100),
                _column("rank", Type.INTEGER, "Rank the link passes, 0-1000.", minimum=0, maximum=1000),
                _column("page_from_rank", Type.INTEGER, "Rank of the page, 0-1000.", minimum=0, maximum=1000),
                _column("domain_from_rank", Type.INTEGER, "Rank of the domain, 0-1000.", minimum=0, maximum=1000),
                _column("domain_from_platform_type", Type.TEXTS, "Kinds of the referring site."),
                _column("domain_from_country", Type.TEXT, "ISO country code."),
                _column("page_from_external_links", Type.INTEGER, "External links on the page."),
                _column("page_from_internal_links", Type.INTEGER, "Internal links on the page."),
                _column("page_from_title", Type.TEXT, "Title of the page."),
                _column("page_from_status_code", Type.INTEGER, "HTTP status of the page."),
                _column("page_from_language", Type.TEXT, "ISO 639-1."),
                _column("first_seen", Type.INSTANT, "First seen by the vendor.", required=True),
                _column("prev_seen", Type.INSTANT, "Visit before the last."),
                _column("last_seen", Type.INSTANT, "Last seen by the vendor."),
                _column("item_type", Type.TEXT, "anchor, image, meta, canonical, alternate, redirect ..."),
                _column("attributes", Type.TEXTS, "rel tokens; NULL where the vendor gives none."),
                _column("dofollow", Type.BOOLEAN, "No nofollow, ugc or sponsored, by the vendor."),
                _column("original", Type.BOOLEAN, "Present when the page was first indexed."),
                _column("anchor", Type.TEXT, "Anchor text."),
                _column("alt", Type.TEXT, "Alternative text of an image link."),
                _column("image_url", Type.TEXT, "Address of the image of an image link."),
                _column("text_pre", Type.TEXT, "Text before the anchor."),
                _column("text_post", Type.TEXT, "Text after the anchor."),
                _column("semantic_location", Type.TEXT, "HTML element around the link."),
                _column("links_count", Type.INTEGER, "Identical links on the page."),
                _column("group_count", Type.INTEGER, "Backlinks left out by grouping."),
                _column("is_broken", Type.BOOLEAN, "Target answers 4xx or 5xx."),
                _column("url_to_status_code", Type.INTEGER, "HTTP status of the target."),
                _column("url_to_spam_score", Type.INTEGER, "Spam score of the target."),
                _column("url_to_redirect_target", Type.TEXT, "Where the target redirects."),
                _column("is_indirect_link", Type.BOOLEAN, "The link leads through a redirect or canonical."),
                _column("observed_at", Type.INSTANT, "Instant of the answer.", required=True),
            ),
        ),
    ),
)
