"""The property's own site, crawled by us (crawl/): its pages and every link on them."""

from __future__ import annotations

from collections.abc import Iterator

from seo_warehouse.api import Api
from seo_warehouse.config import Property
from seo_warehouse.spec import Column, Kind, Period, Row, Source, Table, Type


def order_crawl(api: Api, property: Property, period: Period) -> bool:
    """Crawl in a child process, every answer into the archive; resumes what a kill cut short."""
    raise NotImplementedError


def read_pages(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row for each URL the crawl asked for, or was kept from asking for by robots.txt."""
    raise NotImplementedError


def read_links(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every link of every page, in document order."""
    raise NotImplementedError


SITE_CRAWL = Source(
    name="site_crawl",
    description="A crawl of the property's own site.",
    kind=Kind.SNAPSHOT,
    cron="0 2 * * *",
    settings="site_crawl",
    connection=None,
    interval_days=7,
    order=order_crawl,
    tables=(
        Table(
            name="page",
            description="One row for each URL asked for in a crawl.",
            read=read_pages,
            grain=("day", "url"),
            columns=(
                Column(name="day", type=Type.DATE, description="The night.", required=True),
                Column(name="url", type=Type.URL, description="URL as asked for.", required=True),
                Column(name="final_url", type=Type.URL, description="URL that answered, after redirects."),
                Column(name="status_code", type=Type.INTEGER, description="Status of the URL asked for itself (3xx where it redirects); NULL where nothing answered.", minimum=100, maximum=599),
                Column(name="final_status_code", type=Type.INTEGER, description="Status at the end of the redirects.", minimum=100, maximum=599),
                Column(name="error", type=Type.TEXT, description="Why nothing could be read: robots, timeout, dns, refused_address, too_large ..."),
                Column(name="redirect_urls", type=Type.TEXTS, description="Each URL of the chain after the first, in order; empty without redirects."),
                Column(name="depth", type=Type.INTEGER, description="Links from a start URL; NULL where only a sitemap names it.", minimum=0),
                Column(name="is_in_sitemap", type=Type.BOOLEAN, description="Named by a sitemap.", required=True),
                Column(name="is_robots_allowed", type=Type.BOOLEAN, description="robots.txt lets us fetch it.", required=True),
                Column(name="canonical_url", type=Type.URL, description="rel=canonical of page or header, resolved."),
                Column(name="meta_robots", type=Type.TEXTS, description="Directives of meta robots, lower case."),
                Column(name="x_robots_tag", type=Type.TEXTS, description="Directives of the X-Robots-Tag header, lower case."),
                Column(name="hreflangs", type=Type.JSON, description="[{lang, url}] of page, resolved."),
                Column(name="title", type=Type.TEXT, description="Title."),
                Column(name="headings", type=Type.JSON, description="[{level, text}] in document order."),
                Column(name="word_count", type=Type.INTEGER, description="Words of the visible text.", minimum=0),
                Column(name="structured_data_types", type=Type.TEXTS, description="schema.org types of JSON-LD, microdata and RDFa, sorted."),
                Column(name="content_type", type=Type.TEXT, description="Media type of the answer."),
                Column(name="byte_count", type=Type.BIGINT, description="Bytes of the decoded body.", minimum=0),
                Column(name="response_ms", type=Type.FLOAT, description="Milliseconds from request to the whole answer.", minimum=0),
                Column(name="content_hash", type=Type.TEXT, description="SHA-256 of title, headings and visible text, hexadecimal."),
                Column(name="internal_link_count", type=Type.INTEGER, description="Links to the property's own hosts.", minimum=0),
                Column(name="external_link_count", type=Type.INTEGER, description="Links to other hosts.", minimum=0),
                Column(name="observed_at", type=Type.INSTANT, description="Instant of the answer.", required=True),
            ),
        ),
        Table(
            name="link",
            description="Every link of every page in a crawl.",
            read=read_links,
            grain=("day", "source_url", "link_no"),
            columns=(
                Column(name="day", type=Type.DATE, description="The night.", required=True),
                Column(name="source_url", type=Type.URL, description="Page that holds the link.", required=True),
                Column(name="link_no", type=Type.INTEGER, description="Place on the page, from 1.", required=True, minimum=1),
                Column(name="target_url", type=Type.URL, description="Target, resolved, literal.", required=True),
                Column(name="anchor", type=Type.TEXT, description="Anchor text, or the alternative text of its image.", required=True),
                Column(name="rel", type=Type.TEXTS, description="rel tokens, lower case, in order; empty without rel.", required=True),
                Column(name="place", type=Type.TEXT, description="Part of the page.", required=True, values=("header", "nav", "main", "footer", "aside")),
                Column(name="is_internal", type=Type.BOOLEAN, description="Leads to one of the property's own hosts.", required=True),
                Column(name="observed_at", type=Type.INSTANT, description="Instant of the page's answer.", required=True),
            ),
        ),
    ),
)
