"""The property's own site, crawled by us (crawl/): its pages and every link on them.

The crawl is the order: it goes into the archive whole, and the readers see the archive only. A page that redirects
has a row of its own, and so has each page of its chain; an instant refresh is a redirect of a page with status 200.
`depth` counts links from a start URL, redirects none. `target_url` is the link's URL resolved against the page (and its
base element), without user name and password and else as it stands, fragment included; references to a place on the
same page ("#top") are no links. Links are followed whatever their rel says: it speaks to search engines about trust,
robots.txt to crawlers about access. What other sites link to and no page or sitemap of the property leads to is visited
too, on any host of its domain, as the night's plan says: only then is it known where such a link leads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from seo_warehouse.client.api import Api
from seo_warehouse.errors import NotArchivedError
from seo_warehouse.property import Property, Strict
from seo_warehouse.spec import (
    DAY,
    OBSERVED_AT,
    BatchRule,
    Column,
    Feed,
    Kind,
    Period,
    Plan,
    Row,
    RowRule,
    Source,
    Table,
    Type,
)

if TYPE_CHECKING:
    from seo_warehouse.crawl.rows import Crawl


class CrawlSettings(Strict):
    """Limits of the crawl of a property's own site."""

    start_urls: tuple[str, ...] = Field(
        min_length=1,
        description="At least one URL; their hosts are the property's own.",
        examples=[["https://www.example.com/"]],
    )
    interval_days: int = Field(7, ge=1, description="Days between crawls.")
    max_pages: int = Field(5_000, ge=1, description="Pages of one crawl.")
    backlinked_pages: int = Field(
        250,
        ge=0,
        description="Of these, addresses that other sites link to and the site itself does not: old ones, http, other"
        " hosts of the domain. With their redirects half of `max_pages` at most.",
    )
    max_depth: int = Field(30, ge=0, description="Links from a start URL.")
    max_page_bytes: int = Field(
        5_000_000, ge=1_000, description="Bytes of one page after decompression, at least 1,000."
    )
    max_redirects: int = Field(10, ge=0, description="Hops of one redirect chain.")
    max_links_per_page: int = Field(5_000, ge=1, description="Links kept of one page.")
    delay_seconds: float = Field(0.5, ge=0, description="Least pause between two requests to a host.")
    timeout_seconds: float = Field(20, gt=0, description="For one request.")
    max_seconds: float = Field(6 * 3600, gt=0, description="For one crawl (6 hours).")
    allowed_networks: tuple[str, ...] = Field(
        (),
        description="Private networks (CIDR) that the crawl may enter. Without it, private and loopback addresses are"
        " refused.",
        examples=[["10.1.0.0/16"]],
    )
    resolve: dict[str, str] = Field(
        default_factory=dict,
        description="Host to `address:port`, instead of DNS.",
        examples=[{"www.example.com": "10.1.2.3:8080"}],
    )


def order_crawl(api: Api, property: Property, period: Period) -> bool:
    """Crawl in a child process, every answer into the archive; resumes what a kill cut short.

    Raises TransientSourceError where the crawler died or the site could not be read, TerminalSourceError where a
    setting cannot be used, NotArchivedError in a replay of a crawl that never ended.
    """
    # Here, as in the readers: DAGs are parsed with this module, and have no use for parsers of HTML.
    from seo_warehouse.crawl.plan import plan_of
    from seo_warehouse.crawl.process import run_crawl
    from seo_warehouse.crawl.rows import head_of

    if head_of(api.archive) is not None:
        return True
    if not api.may_call:
        raise NotArchivedError(
            f"site_crawl: the archive holds no whole crawl of {property.name} in {api.archive.scope}"
        )
    backlinked = [ask.ask for ask in api.plan()]
    run_crawl(plan_of(property.settings_of(SITE_CRAWL), domain=property.domain, backlinked=backlinked), api)
    return True


def probe_site(api: Api, property: Property) -> None:
    """robots.txt lets the crawl in where it starts."""
    from seo_warehouse.crawl.doorstep import expect_open
    from seo_warehouse.crawl.plan import plan_of

    expect_open(plan_of(property.settings_of(SITE_CRAWL), domain=property.domain), api.limits)


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


def read_sitemap_urls(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """What each sitemap of the site names."""
    from seo_warehouse.crawl.rows import listed_rows

    yield from listed_rows(_crawl(api, property, period), period.last_day)


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


OWN_ROWS = "The crawl makes the rows by itself: pages of HTML have no documented fields."
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
    settings=CrawlSettings,
    interval_days=7,
    order=order_crawl,
    plan=Plan("plan_backlinked_page", limit="backlinked_pages"),
    probe=probe_site,
    tables=(
        Table(
            name="page",
            description="One row for each URL asked for in a crawl.",
            read=read_pages,
            unshaped=OWN_ROWS,
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
                DAY,
                Column("url", Type.URL, "URL as asked for.", required=True),
                Column("final_url", Type.URL, "URL that answered, after redirects."),
                Column(
                    "status_code",
                    Type.INTEGER,
                    "Status of the URL itself (3xx where it redirects, unless by a refresh); NULL without an answer.",
                    minimum=100,
                    maximum=599,
                ),
                Column(
                    "final_status_code", Type.INTEGER, "Status at the end of the redirects.", minimum=100, maximum=599
                ),
                Column(
                    "error",
                    Type.TEXT,
                    "Why nothing could be read: robots, timeout, dns, refused_address, too_large, unreadable ...",
                ),
                Column(
                    "redirect_urls",
                    Type.TEXTS,
                    "Each URL of the chain after the first, in order; empty without redirects.",
                ),
                Column(
                    "depth",
                    Type.INTEGER,
                    "Links from a start URL; NULL where only a sitemap or another site's link leads there.",
                    minimum=0,
                ),
                Column("is_in_sitemap", Type.BOOLEAN, "Named by a sitemap.", required=True),
                Column("is_robots_allowed", Type.BOOLEAN, "robots.txt lets us fetch it.", required=True),
                Column("canonical_url", Type.URL, "rel=canonical of page or header, resolved."),
                Column("meta_robots", Type.TEXTS, "Directives of meta robots, lower case."),
                Column("x_robots_tag", Type.TEXTS, "Directives of the X-Robots-Tag header, lower case."),
                Column("hreflangs", Type.JSON, "[{lang, url}] of page, resolved."),
                Column("title", Type.TEXT, "Title."),
                Column("headings", Type.JSON, "[{level, text}] in document order."),
                Column("word_count", Type.INTEGER, "Words of the visible text.", minimum=0),
                Column("structured_data_types", Type.TEXTS, "schema.org types of JSON-LD, microdata and RDFa, sorted."),
                Column("content_type", Type.TEXT, "Media type of the answer."),
                Column("byte_count", Type.BIGINT, "Bytes of the decoded body.", minimum=0),
                Column("response_ms", Type.FLOAT, "Milliseconds from request to the whole answer.", minimum=0),
                Column("content_hash", Type.TEXT, "SHA-256 of title, headings and visible text, hexadecimal."),
                Column("internal_link_count", Type.INTEGER, "Links to the property's own hosts.", minimum=0),
                Column("external_link_count", Type.INTEGER, "Links to other hosts.", minimum=0),
                OBSERVED_AT,
            ),
        ),
        Table(
            name="link",
            description="Every link of every page in a crawl.",
            read=read_links,
            unshaped=OWN_ROWS,
            grain=("day", "source_url", "link_no"),
            feeds=Feed.CRAWL_LINKS,
            least_share=LEAST_SHARE,
            columns=(
                DAY,
                Column("source_url", Type.URL, "Page that holds the link.", required=True),
                Column("link_no", Type.INTEGER, "Place on the page, from 1.", required=True, minimum=1),
                Column("target_url", Type.URL, "Target, resolved, literal.", required=True),
                Column("anchor", Type.TEXT, "Anchor text, or the alternative text of its image.", required=True),
                Column("rel", Type.TEXTS, "rel tokens, lower case, in order; empty without rel.", required=True),
                Column(
                    "place",
                    Type.TEXT,
                    "Part of the page.",
                    required=True,
                    values=("header", "nav", "main", "footer", "aside"),
                ),
                Column("is_internal", Type.BOOLEAN, "Leads to one of the property's own hosts.", required=True),
                Column("observed_at", Type.INSTANT, "Instant of the page's answer.", required=True),
            ),
        ),
        Table(
            name="sitemap_url",
            description="What each sitemap of the site names.",
            read=read_sitemap_urls,
            unshaped=OWN_ROWS,
            grain=("day", "sitemap_url", "url"),
            columns=(
                DAY,
                Column("sitemap_url", Type.URL, "Sitemap, as it answered.", required=True),
                Column("url", Type.URL, "URL that it names, resolved, without fragment.", required=True),
                Column("lastmod", Type.TEXT, "When the page was changed last, as the sitemap writes it."),
                Column("lastmod_date", Type.DATE, "The same as a day; NULL where it is none, or a month or year."),
                OBSERVED_AT,
            ),
        ),
    ),
)
