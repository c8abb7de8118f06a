"""Our own visits to pages that link to the property: is the link there, followed, indexable, with its words?

The visits are the order: every answer goes into the archive, and the readers see the archive only. The night's plan
(`plans.plan_link_check`) says which pages, each as JSON: its `url`, and the `links` looked for on it: `target`, `urls`
that lead to the same page, and `rel`, `anchor` and `place` as they were seen last (null: unknown). A page is fetched
once for all links on it. What the grades mean: docs/link-check.md. A whole page is a complete look for all links from
it to the property, so those nobody knew are told too (`is_expected` false).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import Field

from seo_warehouse.client.api import Api
from seo_warehouse.errors import NotArchivedError, TerminalSourceError
from seo_warehouse.property import Property, Strict
from seo_warehouse.spec import DAY, OBSERVED_AT, Column, Feed, Kind, Period, Plan, Row, RowRule, Source, Table, Type

if TYPE_CHECKING:
    from seo_warehouse.crawl.visit_rows import Asked, Visits

OUTCOMES = ("came", "blocked", "unreachable", "unsupported", "page_gone", "redirected")
GRADES = (
    "blocked unreachable unsupported page_gone redirected js_only gone target_changed rel_changed anchor_changed"
    " noindex_source canonicalised live"
).split()


class LinkCheckSettings(Strict):
    """Limits of our visits to pages that link to the property."""

    max_pages: int = Field(500, ge=1, description="Pages of one night, the most valuable first.")
    max_page_bytes: int = Field(
        5_000_000, ge=1_000, description="Bytes of one page after decompression, at least 1,000."
    )
    max_redirects: int = Field(5, ge=0, description="Hops of one redirect chain.")
    delay_seconds: float = Field(10, ge=0, description="Least pause between two requests to a host or an address.")
    timeout_seconds: float = Field(20, gt=0, description="For one request.")
    max_seconds: float = Field(6 * 3600, gt=0, description="For the visits of one night (6 hours).")
    allowed_networks: tuple[str, ...] = Field(
        (),
        description="Private networks (CIDR) that the visits may enter. Without it, private and loopback addresses are"
        " refused.",
        examples=[["10.1.0.0/16"]],
    )
    resolve: dict[str, str] = Field(
        default_factory=dict,
        description="Host to `address:port`, instead of DNS.",
        examples=[{"blog.example.com": "10.1.2.3:8080"}],
    )


def order_visits(api: Api, property: Property, period: Period) -> bool:
    """Visit in a child process, every answer into the archive; resumes what a kill cut short.

    Raises TransientSourceError where the crawler died, TerminalSourceError where a setting cannot be used,
    NotArchivedError in a replay of visits that never ended.
    """
    # Here, as in the readers: DAGs are parsed with this module, and have no use for parsers of HTML.
    from seo_warehouse.crawl.process import run_crawl
    from seo_warehouse.crawl.visit_rows import visit_head_of
    from seo_warehouse.crawl.visits import Errand, visit_plan_of

    if visit_head_of(api.archive) is not None:
        return True
    if not api.may_call:
        raise NotArchivedError(
            f"link_check: the archive holds no whole visits of {property.name} ({api.archive.scope})"
        )
    errands = (Errand(one.url, tuple(tuple(sorted(link.expected.urls)) for link in one.links)) for one in _asked(api))
    settings = property.settings_of(LINK_CHECK)
    run_crawl(visit_plan_of(settings, errands, domain=property.domain, night=period.last_day), api)
    return True


def probe_nothing(api: Api, property: Property) -> None:
    """There is nobody to ask for leave: each host's robots.txt is read before its pages."""


def read_pages(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row for each page of the plan."""
    from seo_warehouse.crawl.visit_rows import page_rows

    visits = _visits(api, property, period)
    api.note(period.last_day, stated_count=visits.head.count)
    yield from page_rows(visits, period.last_day)


def read_links(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row for each link looked for on a page, and each other to the property that it has."""
    from seo_warehouse.crawl.visit_rows import link_rows

    yield from link_rows(_visits(api, property, period), period.last_day)


def _visits(api: Api, property: Property, period: Period) -> Visits:
    """The visits in the archive, and their facts noted."""
    from seo_warehouse.crawl.visit_rows import Visits, visit_head_of

    head = visit_head_of(api.archive)
    if head is None:
        raise NotArchivedError(
            f"link_check: the archive holds no whole visits of {property.name} ({api.archive.scope})"
        )
    # Of the property's links a night sees those that the plan names, so that it says nothing of the others.
    api.note(period.last_day, is_full=False, is_complete=False, robots_count=len(head.robots))
    return Visits(api, head, _asked(api), property.domain)


def _asked(api: Api) -> tuple[Asked, ...]:
    from seo_warehouse.crawl.visit_rows import Asked

    asked: dict[str, Asked] = {}
    for ask in api.plan():
        try:
            page = orjson.loads(ask.ask)
            asked[page["url"]] = Asked(page["url"], ask.reason, tuple(map(_looked, page["links"])))
        except (ValueError, TypeError, KeyError) as error:
            raise TerminalSourceError(f"plans.plan_link_check asks for what is no page: {ask.ask!r}: {error}") from None
    return tuple(asked.values())


def _looked(link: dict[str, Any]) -> Any:
    from seo_warehouse.crawl.visit_rows import Looked
    from seo_warehouse.linkcheck.grades import Expected

    rel = None if link["rel"] is None else frozenset(link["rel"])
    urls = frozenset((link["target"], *link["urls"]))
    return Looked(link["target"], Expected(urls, rel, link["anchor"], link["place"]))


OWN_ROWS = "The visits make the rows by themselves: pages of HTML have no documented fields."

LINK_CHECK = Source(
    name="link_check",
    description="Our own visits to pages that link to the property.",
    kind=Kind.SNAPSHOT,
    cron="30 2 * * *",
    settings=LinkCheckSettings,
    order=order_visits,
    plan=Plan("plan_link_check", limit="max_pages"),
    probe=probe_nothing,
    tables=(
        Table(
            name="page",
            description="One row for each page that a night was to visit.",
            read=read_pages,
            unshaped=OWN_ROWS,
            grain=("day", "url"),
            feeds=Feed.PAGE_VISITS,
            row_rules=(
                RowRule(
                    name="outcome_has_a_reason",
                    sql="outcome = 'came' or reason is not null",
                    reason="a page that did not come says why",
                ),
                RowRule(
                    name="robots_is_obeyed",
                    sql="robots_state = 'allowed' or status_code is null",
                    reason="what robots.txt forbids, or does not tell, is never fetched",
                ),
                RowRule(
                    name="who_is_not_asked_does_not_answer",
                    sql="is_asked or status_code is null",
                    reason="a host that is left alone for the night is",
                ),
            ),
            columns=(
                DAY,
                Column("url", Type.URL, "Page that links, as asked for.", required=True),
                Column(
                    "due_reason",
                    Type.TEXT,
                    "Why the plan named it.",
                    required=True,
                    values=("confirm", "claim", "promised", "new", "schedule"),
                ),
                Column("is_asked", Type.BOOLEAN, "False where its host was left alone for the night.", required=True),
                Column("outcome", Type.TEXT, "What came of it.", required=True, values=OUTCOMES),
                Column("reason", Type.TEXT, "Why no page came: http_404, dns, robots, challenge ..."),
                Column("status_code", Type.INTEGER, "Status at the end of the redirects.", minimum=100, maximum=599),
                Column("final_url", Type.URL, "URL that answered, after redirects; NULL without an answer."),
                Column("redirect_urls", Type.TEXTS, "Each URL after the first, in order.", required=True),
                Column(
                    "robots_state",
                    Type.TEXT,
                    "What robots.txt says of it; unknown: it could not be had.",
                    required=True,
                    values=("allowed", "forbidden", "unknown"),
                ),
                Column("meta_robots", Type.TEXTS, "Directives of meta robots, lower case; NULL without a page."),
                Column("x_robots_tag", Type.TEXTS, "Directives of X-Robots-Tag, lower case; NULL without a page."),
                Column("canonical_url", Type.URL, "rel=canonical of page or header, resolved."),
                Column("content_hash", Type.TEXT, "SHA-256 of title, headings and visible text, hexadecimal."),
                Column("is_shell", Type.BOOLEAN, "Scripts are to make the page: next to no text, and scripts."),
                Column("tag_ids", Type.TEXTS, "Hashed ids of its tags of analytics and ads; NULL without a page."),
                Column("link_count", Type.INTEGER, "URLs of the property that it links to.", minimum=0),
                Column("response_ms", Type.FLOAT, "Milliseconds of the last request.", minimum=0),
                OBSERVED_AT,
            ),
        ),
        Table(
            name="link",
            description="One row for each link looked for at a visit, and each other to the property met there.",
            read=read_links,
            unshaped=OWN_ROWS,
            grain=("day", "source_url", "target_url"),
            feeds=Feed.LINK_LOOKS,
            row_rules=(
                RowRule(
                    name="a_grade_is_an_observation_or_none",
                    sql="(presence = 'unknown') = (grade in ('blocked', 'unreachable', 'unsupported', 'js_only'))",
                    reason="what was not seen is neither there nor gone",
                ),
                RowRule(
                    name="what_is_there_was_counted",
                    sql="presence <> 'present' or (link_count > 0 and rel is not null)",
                    reason="a link that is there is on the page once at least",
                ),
            ),
            columns=(
                DAY,
                Column("source_url", Type.URL, "Page that links, as asked for.", required=True),
                Column("target_url", Type.URL, "Target, normalised.", required=True),
                Column("is_expected", Type.BOOLEAN, "The plan named it; false: met there beside.", required=True),
                Column(
                    "presence",
                    Type.TEXT,
                    "Whether it was there; unknown is no observation.",
                    required=True,
                    values=("present", "absent", "unknown"),
                ),
                Column("grade", Type.TEXT, "The first that applies.", required=True, values=tuple(GRADES)),
                Column("reason", Type.TEXT, "Why this grade: http_404, soft_404, redirected_link ..."),
                Column("link_count", Type.INTEGER, "How often it stands on the page.", minimum=0),
                Column("rel", Type.TEXTS, "nofollow, sponsored, ugc; the page's nofollow too; empty is followed."),
                Column("anchor", Type.TEXT, "Its words, or the alternative text of its image."),
                Column("place", Type.TEXT, "Part of the page.", values=("header", "nav", "main", "footer", "aside")),
                Column("found_url", Type.URL, "Where it leads instead, where its target changed."),
                Column("is_rel_changed", Type.BOOLEAN, "Another rel than when seen last; NULL where unknown."),
                Column("is_anchor_changed", Type.BOOLEAN, "Other words than when seen last; NULL where unknown."),
                Column("is_hidden", Type.BOOLEAN, "By inline style nobody sees it; NULL where it was not there."),
                Column("is_noindex", Type.BOOLEAN, "The page may not be indexed."),
                Column("is_canonicalised", Type.BOOLEAN, "Its canonical has not the link; NULL where it was not seen."),
                Column(
                    "referrer_policy",
                    Type.TEXT,
                    "What of the page's URL comes with a visitor.",
                    values=("full", "origin", "none"),
                ),
                OBSERVED_AT,
            ),
        ),
    ),
)
