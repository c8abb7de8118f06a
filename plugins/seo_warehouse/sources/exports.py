"""Exports: files that people and tools leave in the drop folder of a property.

What each file looks like, heading by heading, is in docs/exports.md; the room `exports/` reads them. A table takes the
rows of every vendor; `part` says whose they are. A column that a form lacks is NULL, as is an empty cell: unknown.

`day` is the day that a row speaks of. Where a form names none, it is the day of the export, and a later export adds to
it. What an export lacks means nothing, unless its name or the settings say that it lists all links.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field

from seo_warehouse.property import Strict
from seo_warehouse.spec import EXPORTED_AT, BatchRule, Column, Feed, Kind, RowRule, Source, Table, Type

DEVICES = ("desktop", "mobile", "tablet")
STATES = ("found", "not_found", "truncated", "failed")
REL_TOKENS = ("nofollow", "ugc", "sponsored")
ODD_ROWS = 0.01
"""Share of rows that may break a row rule: what people type and vendors crawl has odd rows, a wrong column many."""


class BacklinkExports(Strict):
    """What the property knows of its exports of backlinks and no file says."""

    whole_since: date | None = Field(
        default=None,
        ge=date(1990, 1, 1),
        lt=date(2100, 1, 1),
        examples=[date(2026, 5, 1)],
        description="From this day on each export of backlinks lists every link that its vendor knows. Absent: only"
        " files named `backlinks-whole-YYYY-MM-DD.csv` do ([whole exports](exports.md#whole-exports)).",
    )
    cadence_days: int | None = Field(
        default=None,
        ge=1,
        le=366,
        examples=[7],
        description="Days within which the vendor finds a new link: how uncertain its `first_seen` is after a whole"
        " export. Absent: the days since that export.",
    )


class ExportSettings(Strict):
    """Files in the property's drop folder, `<drop>/<property>/`. Nothing need be set: `exports: {}` has them read."""

    backlinks: BacklinkExports = Field(
        default=BacklinkExports(), description="Exports of backlinks, whoever their vendor is."
    )


def day_column(description: str) -> Column:
    """The day that a row speaks of."""
    return Column("day", Type.DATE, description, required=True)


AT = Column(
    EXPORTED_AT,
    Type.INSTANT,
    "Instant of the export: the file states it, else it is when the file was written. UTC.",
    required=True,
)

NOT_AHEAD = RowRule(
    name="day_is_not_ahead",
    sql="coalesce(day <= (exported_at at time zone 'UTC')::date + 1, true)",
    reason="An export tells of what was; one day more, since vendors' days begin in other time zones.",
)


def has_identity(url: str) -> RowRule:
    """The rule that a column holds URLs and nothing else."""
    return RowRule(
        name=f"{url}_is_one",
        sql=f"{url} is null or {url}_normalised is not null",
        reason="What is no URL to a browser is no page to the warehouse.",
    )


def of_this_property(url: str, where: str = "true") -> BatchRule:
    """A file in the wrong folder would give a property somebody else's links: its URLs are of another domain.

    However few they are: a property that is new has small files, and so has its neighbour. `where`: of rows `a` alone.
    """
    return _mostly_own(url, f"split_part(split_part(a.{url}_normalised, '/', 3), ':', 1)", f"a.{url}_domain", where)


def _mostly_own(name: str, host: str, domain: str, where: str = "true") -> BatchRule:
    # The names in it are this file's own.
    query = f"""
            select count(*) as row_count, count(*) filter (where is_own) as own_count
            from (
                select {domain} = p.domain
                    or ('.' || {host}) like '%.' || p.domain
                    or ('.' || p.domain) like '%.' || {domain} as is_own
                from {{batch}} a
                join ops.property p on p.property_key = {{property_key}}
                where {domain} is not null and {where}
            ) judged
            having count(*) filter (where is_own) < 0.5 * count(*)
        """  # noqa: S608
    return BatchRule(
        name=f"{name}_is_of_this_property",
        sql=query,
        reason="Most of its URLs are of another domain: the file was probably meant for another property's folder.",
    )


CLICKS = (
    Column("clicks", Type.FLOAT, "Clicks.", required=True, minimum=0),
    Column("impressions", Type.FLOAT, "Impressions.", required=True, minimum=0),
    Column(
        "position",
        Type.FLOAT,
        "Mean topmost position, from 1, as exported (the UI rounds to hundredths); 0 or NULL without impressions.",
        minimum=0,
    ),
)
CLICK_RULES = (
    RowRule(
        name="clicks_within_impressions",
        sql="coalesce(clicks <= impressions, true)",
        reason="A click needs a result that was shown.",
    ),
    RowRule(
        name="position_counts_from_one",
        sql="coalesce(impressions = 0 or position >= 0.99, true)",
        reason="Positions count from 1, and without an impression there is none.",
    ),
)

BACKLINK = Table(
    name="backlink",
    description="Links to the property as a vendor's export or a list of one's own states them, one row a link.",
    grain=("day", "source_url", "target_url", "anchor", "link_type"),
    feeds=Feed.LINKS,
    columns=(
        day_column(
            "Day of the observation; of the export where the file names none (then it is when the vendor said so)."
        ),
        AT,
        Column("source_url", Type.URL, "Page that links.", required=True),
        Column("target_url", Type.URL, "Literal target of the link; NULL where the form names none (Search Console)."),
        Column("anchor", Type.TEXT, "Anchor text; of an image its alternative text. NULL where unknown."),
        Column(
            "rel",
            Type.TEXTS,
            "nofollow, ugc, sponsored; empty is followed, NULL unknown. Tokens that the form does not know are absent.",
            values=REL_TOKENS,
        ),
        Column("first_seen", Type.DATE, "Day that the vendor first saw the link, UTC."),
        Column("last_seen", Type.DATE, "Day that the vendor last saw it or crawled its page, UTC."),
        Column("lost_on", Type.DATE, "Day that the vendor noted the loss, UTC: a claim. NULL: live or unknown."),
        Column("is_lost", Type.BOOLEAN, "The vendor says that the link is gone, with or without a day."),
        Column(
            "authority",
            Type.FLOAT,
            "Authority of the linking page on the vendor's own scale: Ahrefs UR, Semrush Page ascore, Majestic Trust"
            " Flow, all 0-100; never comparable between vendors.",
            minimum=0,
        ),
        Column(
            "domain_authority",
            Type.FLOAT,
            "Authority of the linking domain on the vendor's own scale: Ahrefs Domain rating, 0-100.",
            minimum=0,
        ),
        Column("link_type", Type.TEXT, "The vendor's word for the kind of link, lower case: text, image, redirect ..."),
        Column("page_title", Type.TEXT, "Title of the linking page."),
        Column("http_status", Type.INTEGER, "HTTP status of the linking page.", minimum=0, maximum=999),
        Column("external_links", Type.INTEGER, "External links on the linking page.", minimum=0),
    ),
    tolerance=ODD_ROWS,
    row_rules=(
        NOT_AHEAD,
        has_identity("source_url"),
        has_identity("target_url"),
        RowRule(
            name="seen_in_order",
            sql="coalesce(first_seen <= last_seen, true) and coalesce(first_seen <= lost_on, true)",
            reason="A link cannot be seen last or lost before it is seen first.",
        ),
        RowRule(
            name="lost_is_lost",
            sql="coalesce(lost_on is null or is_lost, true)",
            reason="A link with the day of its loss is lost.",
        ),
    ),
    batch_rules=(of_this_property("target_url"),),
)

RANKING = Table(
    name="ranking",
    description="Rank checks that others made, one row a check.",
    grain=("day", "keyword", "engine", "country", "language", "device"),
    feeds=Feed.CHECKS,
    columns=(
        day_column("Day of the check."),
        AT,
        Column("keyword", Type.TEXT, "The keyword, as written.", required=True),
        Column("engine", Type.TEXT, "Search engine, lower case: google, bing ...; NULL unknown.", pattern="^.{1,100}$"),
        Column("country", Type.TEXT, "ISO 3166-1 alpha-2, upper case; NULL unknown.", pattern="^[A-Z]{2}$"),
        Column(
            "language",
            Type.TEXT,
            "BCP 47, as in de or pt-BR; NULL unknown.",
            pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,6}$",
        ),
        Column("device", Type.TEXT, "Device; NULL unknown.", values=DEVICES),
        Column(
            "state",
            Type.TEXT,
            "found; not_found among `depth` results; truncated: the check ended before its depth; failed.",
            required=True,
            values=STATES,
        ),
        Column("position", Type.INTEGER, "Organic rank from 1; only where found.", minimum=1, maximum=10_000),
        Column("url", Type.URL, "The property's URL at that position."),
        Column(
            "depth",
            Type.INTEGER,
            "Results looked through; of not_found always known. Where a file states it with those alone, the least of"
            " them stands for what was found up to it.",
            minimum=1,
            maximum=10_000,
        ),
    ),
    tolerance=ODD_ROWS,
    row_rules=(
        NOT_AHEAD,
        RowRule(
            name="position_if_found",
            sql="coalesce((state = 'found') = (position is not null), true)",
            reason="A found check has a position, and no other has.",
        ),
        RowRule(
            name="not_found_to_a_depth",
            sql="coalesce(state <> 'not_found', true) or depth is not null",
            reason="Not found means nothing without the depth that was looked through.",
        ),
        RowRule(
            name="position_within_depth",
            sql="coalesce(position <= depth, true)",
            reason="What was found lies within the results looked through.",
        ),
    ),
    batch_rules=(of_this_property("url"),),
)

PAGE = Table(
    name="page",
    description="Topics of pages and days on which they were published, stated by people.",
    grain=("day", "url"),
    feeds=Feed.PAGES,
    columns=(
        day_column("Day of the export."),
        AT,
        Column("url", Type.URL, "The page.", required=True),
        Column("topic", Type.TEXT, "Its topic; NULL unknown."),
        Column("published_on", Type.DATE, "Day on which it was published; NULL unknown."),
    ),
    tolerance=ODD_ROWS,
    row_rules=(
        NOT_AHEAD,
        has_identity("url"),
        RowRule(
            name="published_by_then",
            sql="coalesce(published_on <= (exported_at at time zone 'UTC')::date + 1, true)",
            reason="A list tells of pages that are there, not of plans.",
        ),
    ),
    batch_rules=(of_this_property("url"),),
)

PAGE_CHANGE = Table(
    name="page_change",
    description="Changes made to pages, stated by people.",
    grain=("day", "url", "kind"),
    feeds=Feed.PAGE_CHANGES,
    columns=(
        day_column("Day of the change."),
        AT,
        Column("url", Type.URL, "The page.", required=True),
        Column(
            "kind",
            Type.TEXT,
            "What changed, in the writer's own words, lower case: title, content, redirect ...",
            required=True,
        ),
    ),
    tolerance=ODD_ROWS,
    row_rules=(NOT_AHEAD, has_identity("url")),
    batch_rules=(of_this_property("url"),),
)

KEYWORD = Table(
    name="keyword",
    description="Facts about keywords, stated by people.",
    grain=("day", "keyword"),
    feeds=Feed.KEYWORDS,
    columns=(
        day_column("Day of the export."),
        AT,
        Column("keyword", Type.TEXT, "The keyword, as written.", required=True),
        Column("page_url", Type.URL, "Page meant to rank for it; NULL: none stated."),
        Column("topic", Type.TEXT, "Its topic; NULL unknown."),
        Column("is_brand", Type.BOOLEAN, "Names the brand; NULL unknown."),
    ),
    tolerance=ODD_ROWS,
    row_rules=(NOT_AHEAD,),
)

PERFORMANCE = Table(
    name="performance",
    description="Search Console by day and whichever dimensions the file has; rows without a query are no totals of"
    " rows with one.",
    grain=("day", "page_url", "query", "country", "device"),
    feeds=Feed.SEARCHES,
    columns=(
        day_column("The day, Pacific time."),
        AT,
        Column("page_url", Type.URL, "Canonical URL that Google shows; NULL: not by page."),
        Column("query", Type.TEXT, "The query as Google shows it; NULL: not by query."),
        Column(
            "country",
            Type.TEXT,
            "ISO 3166-1 alpha-3, lower case, zzz unknown, as in the API; NULL: not by country.",
            pattern="^[a-z]{3}$",
        ),
        Column(
            "device", Type.TEXT, "Device as in the API; NULL: not by device.", values=("DESKTOP", "MOBILE", "TABLET")
        ),
        *CLICKS,
    ),
    totals=("clicks", "impressions"),
    tolerance=ODD_ROWS,
    row_rules=(NOT_AHEAD, *CLICK_RULES),
    batch_rules=(of_this_property("page_url"),),
)

SEARCH_TOTAL = Table(
    name="search_total",
    description="Search Console's totals of the property by day, anonymised queries included.",
    grain=("day",),
    feeds=Feed.SEARCH_TOTALS,
    columns=(day_column("The day, Pacific time."), AT, *CLICKS),
    totals=("clicks", "impressions"),
    tolerance=ODD_ROWS,
    row_rules=(NOT_AHEAD, *CLICK_RULES),
)

PAGE_HOST = "lower(split_part(split_part(split_part(a.value, '/', 3), ':', 1), '?', 1))"
"""The host of a list's value that is a page: a list's values are texts, which have no domain beside them."""
SEARCH_SUMMARY = Table(
    name="search_summary",
    description="Search Console's lists for a whole range of days, at most 1,000 values each.",
    grain=("day", "last_day", "dimension", "value"),
    feeds=Feed.SEARCH_LISTS,
    columns=(
        day_column("First day of the range, Pacific time."),
        AT,
        Column("last_day", Type.DATE, "Last day of the range, Pacific time.", required=True),
        Column("dimension", Type.TEXT, "What is listed.", required=True, values=("query", "page", "country", "device")),
        Column(
            "value",
            Type.TEXT,
            "Query, page's URL, country (alpha-3, lower case, zzz unknown) or DEVICE.",
            required=True,
        ),
        *CLICKS,
    ),
    tolerance=ODD_ROWS,
    row_rules=(
        NOT_AHEAD,
        RowRule(
            name="range_in_order",
            sql="coalesce(day <= last_day, true)",
            reason="A range does not end before it begins.",
        ),
        *CLICK_RULES,
    ),
    batch_rules=(_mostly_own("page", PAGE_HOST, PAGE_HOST, where="a.dimension = 'page'"),),
)

CRAWL_PAGE = Table(
    name="crawl_page",
    description="URLs of the property as a crawler on somebody's desk met them.",
    grain=("day", "url"),
    feeds=Feed.CRAWLS,
    columns=(
        day_column("Day that the URL was crawled, by the crawler's clock; of the export where the file does not say."),
        AT,
        Column("url", Type.URL, "URL as crawled (Address).", required=True),
        Column("status_code", Type.INTEGER, "HTTP status; 0 or NULL: no answer.", minimum=0, maximum=999),
        Column("content_type", Type.TEXT, "Content-Type of the answer."),
        Column(
            "indexability",
            Type.TEXT,
            "Indexable or Non-Indexable, by the crawler.",
            values=("Indexable", "Non-Indexable"),
        ),
        Column("indexability_status", Type.TEXT, "Why it is not: Canonicalised, noindex, Redirected ..."),
        Column("canonical_url", Type.URL, "First rel=canonical of the page."),
        Column("redirect_url", Type.URL, "Where the URL redirects."),
        Column("title", Type.TEXT, "First title."),
        Column("h1", Type.TEXT, "First h1."),
        Column("meta_robots", Type.TEXT, "First meta robots, as written."),
        Column("x_robots_tag", Type.TEXT, "First X-Robots-Tag, as written."),
        Column("word_count", Type.INTEGER, "Words of the body's text.", minimum=0),
        Column("crawl_depth", Type.INTEGER, "Clicks from the start page.", minimum=0),
        Column("inlinks", Type.INTEGER, "Internal links to the URL.", minimum=0),
        Column("unique_inlinks", Type.INTEGER, "Internal pages that link to the URL.", minimum=0),
        Column("outlinks", Type.INTEGER, "Internal links on the page.", minimum=0),
        Column("external_outlinks", Type.INTEGER, "Links to other sites on the page.", minimum=0),
        Column("size_bytes", Type.BIGINT, "Bytes of the page, decoded.", minimum=0),
        Column("response_seconds", Type.FLOAT, "Seconds until the answer.", minimum=0),
        Column("last_modified", Type.TEXT, "Last-Modified of the answer, as exported."),
        Column("content_hash", Type.TEXT, "The crawler's hash of the page (MD5 of its bytes)."),
    ),
    tolerance=ODD_ROWS,
    row_rules=(NOT_AHEAD, has_identity("url")),
    batch_rules=(of_this_property("url"),),
)

DISAVOWAL = Table(
    name="disavowal",
    description="Domains and URLs that a disavow file lists, one row each, and one of the file itself. A file is a"
    " complete statement: what it lacks is no longer disavowed.",
    grain=("day", "host", "url"),
    feeds=Feed.DISAVOWALS,
    columns=(
        day_column("Day of the file."),
        AT,
        Column(
            "statement",
            Type.TEXT,
            "Hash of all that the file lists. Rows that share it with the row without host and URL are of the last file"
            " of the day, others of earlier ones.",
            required=True,
            pattern="^[0-9a-f]{64}$",
        ),
        Column("host", Type.TEXT, "Of a domain: its host in punycode, disavowed with its subdomains."),
        Column("url", Type.URL, "Of a single page: its URL."),
        Column("source_domain", Type.TEXT, "Registrable domain of the host or URL; NULL in the row of the file."),
    ),
    row_rules=(
        NOT_AHEAD,
        has_identity("url"),
        RowRule(
            name="domain_or_url",
            sql="host is null or url is null",
            reason="A line disavows a domain or a URL.",
        ),
    ),
)

EXPORTS = Source(
    name="exports",
    description="Files from the drop folder: exports of vendors and lists of one's own.",
    kind=Kind.DROP,
    cron="0 5 * * *",
    settings=ExportSettings,
    tables=(
        BACKLINK,
        RANKING,
        PAGE,
        PAGE_CHANGE,
        KEYWORD,
        PERFORMANCE,
        SEARCH_TOTAL,
        SEARCH_SUMMARY,
        CRAWL_PAGE,
        DISAVOWAL,
    ),
)
