"""The property's own site, crawled by us (crawl/): its pages and every link on them.

The crawl is the order: it goes into the archive whole, and the readers see the archive only. A page that redirects
has a row of its own, and so has each page of its chain. `depth` counts links from a start URL, redirects none.
`target_url` is the link's URL resolved against the page (and its base element), without user name and password and
else as it stands, fragment included; references to a place on the same page ("#top") are no links. Links are followed
whatever their rel says: it speaks to search engines about trust, robots.txt to crawlers about access.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from seo_warehouse.client.api import Api
from seo_warehouse.config import Property
from seo_warehouse.errors import NotArchivedError, TerminalSourceError
from seo_warehouse.spec import BatchRule, Column, Feed, Kind, Period, Row, RowRule, Source, Table, Type

if TYPE_CHECKING:
    from seo_warehouse.crawl.rows import Crawl


def order_crawl(api: Api, property: Property, period: Period) -> bool:
    """Crawl in a child process, every answer into the archive; resumes what a kill cut short.

    Raises TransientSourceError where the crawler died or the site could not be read, TerminalSourceError where a
    setting cannot be used, NotArchivedError in a replay of a crawl that never ended.
    """
    # Here, as in the readers: DAGs are parsed with this module, and have no use for parsers of HTML.
    from seo_warehouse.crawl.plan import plan_of
    from seo_warehouse.crawl.process import run_crawl
    from seo_warehouse.crawl.rows import head_of

    settings = property.sources.site_crawl
    if settings is None:
        raise TerminalSourceError(f"site_crawl is not configured for {property.name}")
    if head_of(api.archive) is not None:
        return True
    if not api.may_call:
        raise NotArchivedError(
            f"site_crawl: the archive holds no whole crawl of {property.name} in {api.archive.scope}"
        )
    run_crawl(plan_of(settings, contact=property.domain), api)
    return True


def read_pages(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row for each URL the crawl asked for, or was kept from asking for by robots.txt."""
    from seo_warehouse.crawl.rows import page_rows

    crawl = _crawl(api, property, period)
    api.note(period.last_day, stated_count=crawl.head.url_count)
    yield from page_rows(crawl, period.last_day)


def read_links(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every link of every page, in document order."""
    from seo_warehouse.crawl.rows import link_rows

    yield from link_rows(_crawl(api, property, period), period.last_day)


def _crawl(api: Api, property: Property, period: Period) -> Crawl:
    """The crawl in the archive, and its facts noted."""
    from seo_warehouse.crawl.rows import Crawl, head_of

    head = head_of(api.archive)
    if head is None:
        raise NotArchivedError(
            f"site_crawl: the archive holds no whole crawl of {property.name} in {api.archive.scope}"
        )
    api.note(
        period.last_day,
        is_full=True,
        is_complete=not head.caps,
        is_capped=bool(head.caps),
        caps=list(head.caps),
        robots_statuses=head.robots,
        sitemap_count=head.sitemap_count,
    )
    return Crawl(api, head)


LEAST_SHARE = 0.5
"""A site that shrank by half in a week was relaunched, or could not be read: a person should look either way."""


def _server_errors(share: float, severity: Literal["fail", "warn"], reason: str) -> BatchRule:
    query = f"""select 1 from {{batch}} having count(*) filter (where status_code >= 500) > {share} * count(*)"""  # noqa: S608
    return BatchRule(name=f"server_errors_{severity}", sql=query, reason=reason, severity=severity)


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
            feeds=Feed.CRAWLS,
            least_share=LEAST_SHARE,
            row_rules=(
                RowRule(
                    name="outcome_is_known",
                    sql="status_code is not null or error is not null",
                    reason="what was asked for either answered or failed, and says how",
                ),
                RowRule(
                    name="robots_is_obeyed",
                    sql="is_robots_allowed or status_code is null",
                    reason="what robots.txt forbids is never fetched",
                ),
            ),
            batch_rules=(
                _server_errors(0.2, "fail", "a site in which every fifth page fails was down, not changed"),
                _server_errors(0.02, "warn", "more than stray failures: somebody should look at the site"),
            ),
            columns=(
                Column(name="day", type=Type.DATE, description="The night.", required=True),
                Column(name="url", type=Type.URL, description="URL as asked for.", required=True),
                Column(name="final_url", type=Type.URL, description="URL that answered, after redirects."),
                Column(
                    name="status_code",
                    type=Type.INTEGER,
                    description="Status of the URL itself (3xx where it redirects); NULL where nothing answered.",
                    minimum=100,
                    maximum=599,
                ),
                Column(
                    name="final_status_code",
                    type=Type.INTEGER,
                    description="Status at the end of the redirects.",
                    minimum=100,
                    maximum=599,
                ),
                Column(
                    name="error",
                    type=Type.TEXT,
                    description="Why nothing could be read: robots, timeout, dns, refused_address, too_large ...",
                ),
                Column(
                    name="redirect_urls",
                    type=Type.TEXTS,
                    description="Each URL of the chain after the first, in order; empty without redirects.",
                ),
                Column(
                    name="depth",
                    type=Type.INTEGER,
                    description="Links from a start URL; NULL where only a sitemap names it.",
                    minimum=0,
                ),
                Column(name="is_in_sitemap", type=Type.BOOLEAN, description="Named by a sitemap.", required=True),
                Column(
                    name="is_robots_allowed",
                    type=Type.BOOLEAN,
                    description="robots.txt lets us fetch it.",
                    required=True,
                ),
                Column(name="canonical_url", type=Type.URL, description="rel=canonical of page or header, resolved."),
                Column(name="meta_robots", type=Type.TEXTS, description="Directives of meta robots, lower case."),
                Column(
                    name="x_robots_tag",
                    type=Type.TEXTS,
                    description="Directives of the X-Robots-Tag header, lower case.",
                ),
                Column(name="hreflangs", type=Type.JSON, description="[{lang, url}] of page, resolved."),
                Column(name="title", type=Type.TEXT, description="Title."),
                Column(name="headings", type=Type.JSON, description="[{level, text}] in document order."),
                Column(name="word_count", type=Type.INTEGER, description="Words of the visible text.", minimum=0),
                Column(
                    name="structured_data_types",
                    type=Type.TEXTS,
                    description="schema.org types of JSON-LD, microdata and RDFa, sorted.",
                ),
                Column(name="content_type", type=Type.TEXT, description="Media type of the answer."),
                Column(name="byte_count", type=Type.BIGINT, description="Bytes of the decoded body.", minimum=0),
                Column(
                    name="response_ms",
                    type=Type.FLOAT,
                    description="Milliseconds from request to the whole answer.",
                    minimum=0,
                ),
                Column(
                    name="content_hash",
                    type=Type.TEXT,
                    description="SHA-256 of title, headings and visible text, hexadecimal.",
                ),
                Column(
                    name="internal_link_count",
                    type=Type.INTEGER,
                    description="Links to the property's own hosts.",
                    minimum=0,
                ),
                Column(name="external_link_count", type=Type.INTEGER, description="Links to other hosts.", minimum=0),
                Column(name="observed_at", type=Type.INSTANT, description="Instant of the answer.", required=True),
            ),
        ),
        Table(
            name="link",
            description="Every link of every page in a crawl.",
            read=read_links,
            grain=("day", "source_url", "link_no"),
            feeds=Feed.CRAWL_LINKS,
            least_share=LEAST_SHARE,
            columns=(
                Column(name="day", type=Type.DATE, description="The night.", required=True),
                Column(name="source_url", type=Type.URL, description="Page that holds the link.", required=True),
                Column(
                    name="link_no",
                    type=Type.INTEGER,
                    description="Place on the page, from 1.",
                    required=True,
                    minimum=1,
                ),
                Column(name="target_url", type=Type.URL, description="Target, resolved, literal.", required=True),
                Column(
                    name="anchor",
                    type=Type.TEXT,
                    description="Anchor text, or the alternative text of its image.",
                    required=True,
                ),
                Column(
                    name="rel",
                    type=Type.TEXTS,
                    description="rel tokens, lower case, in order; empty without rel.",
                    required=True,
                ),
                Column(
                    name="place",
                    type=Type.TEXT,
                    description="Part of the page.",
                    required=True,
                    values=("header", "nav", "main", "footer", "aside"),
                ),
                Column(
                    name="is_internal",
                    type=Type.BOOLEAN,
                    description="Leads to one of the property's own hosts.",
                    required=True,
                ),
                Column(
                    name="observed_at", type=Type.INSTANT, description="Instant of the page's answer.", required=True
                ),
            ),
        ),
    ),
)
