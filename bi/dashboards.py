"""What the dashboards show, said once: datasets, charts, and the pages that they stand on.

A figure that a chart sums is a metric of `dbt_project/metrics.yml`, or a measure that a dataset below states with the
reason why it may be taken so. Estimates are text with their interval, so that nobody can add them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["line", "bar", "table"]
SHARE, WHOLE, DECIMAL, DOLLARS = ".1%", ",d", ",.2f", "$,.2f"


@dataclass(frozen=True)
class Dataset:
    """Rows that charts are made of. Of a mart of metrics they are its own, with the property's name and whole weeks.

    `sql`: instead of a mart's rows these, which have a column `property`; it may hold no `%`, which drivers take.
    `measures`: figures besides the metrics, in SQL. `max(...)` is of one row: charts that take it are cut so far.
    """

    name: str
    sql: str = ""
    measures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chart:
    """One picture. `along` is its axis, `by` its series or columns; `rows` are a table's columns, shown as they are."""

    title: str
    kind: Kind
    dataset: str
    note: str
    figures: tuple[str, ...] = ()
    along: str = ""
    by: tuple[str, ...] = ("property",)
    rows: tuple[str, ...] = ()
    order: tuple[str, bool] | None = None
    where: str = ""
    form: str = WHOLE
    is_upside_down: bool = False
    is_wide: bool = False


@dataclass(frozen=True)
class Dashboard:
    """A page of charts, drawn two in a row, or one where it is wide."""

    slug: str
    title: str
    note: str
    charts: tuple[Chart, ...]


def named(columns: str, source: str, *, joined: str = "") -> str:
    """Rows of a mart with the name of their property; what concerns all properties is named so, and kept."""
    name = "coalesce(p.property_name, 'all properties') as property"
    return (
        f"select {name}, {columns} from marts.{source} left join marts.dim_property as p using (property_key) {joined}"
    )


def weekly(
    title: str, dataset: str, note: str, figure: str, *, form: str = WHOLE, is_upside_down: bool = False
) -> Chart:
    """A line of whole weeks."""
    return Chart(
        title,
        "line",
        dataset,
        note,
        (figure,),
        along="week",
        where="week is not null",
        form=form,
        is_upside_down=is_upside_down,
    )


def interval(low: str, high: str, digits: str = "FM999990.00") -> str:
    """An estimate's interval as text."""
    return f"to_char({low}, '{digits}') || ' to ' || to_char({high}, '{digits}')"


DATASETS = (
    Dataset("properties", "select property_name as property from marts.dim_property"),
    Dataset("rpt_serp_visibility"),
    Dataset("fct_serp_result"),
    Dataset("fct_search_total"),
    Dataset("fct_search_performance"),
    Dataset(
        "rpt_link_profile", measures={"referring_domains": "max(referring_domain_count)", "links": "max(link_count)"}
    ),
    Dataset("fct_page_crawl"),
    Dataset("fct_bot_crawl"),
    Dataset("fct_referral_visit"),
    Dataset("fct_placement"),
    Dataset("rpt_spend"),
    Dataset("rpt_completeness"),
    Dataset(
        "link_effects",
        named(
            "e.arm, e.panel, e.event_count as events, to_char(e.estimate, 'FMS0.000') as effect, "
            + interval("e.sample_honest_low", "e.sample_honest_high", "FMS0.000")
            + " as of_these_links, "
            + interval("e.honest_low", "e.honest_high", "FMS0.000")
            + " as of_another_link, e.status, coalesce(e.reason, '') as reason, e.needed_event_count as events_to_come",
            "rpt_link_effect as e",
            joined="where e.outcome = 'log_position' and e.window_name = 'headline' and e.cut = 'all'"
            " and e.weighting = 'variance'",
        ),
    ),
    Dataset(
        "link_events",
        named(
            "e.event_date, e.event_type, e.source_domain, e.source_url, e.literal_target_url as target, e.is_followed,"
            " e.evidence, e.witness",
            "fct_link_event as e",
            joined="where e.event_type in ('acquired', 'lost', 'restored', 'rel_changed') and e.event_date is not null",
        ),
    ),
    Dataset(
        "search_pages",
        "with newest as (select property_key, max(day) as day from marts.fct_search_page group by property_key), "
        "pages as (select f.property_key, f.page_key, sum(f.clicks) as clicks, sum(f.impressions) as impressions, "
        "sum(f.position_sum) / nullif(sum(f.impressions) filter (where f.position_sum is not null), 0) as position "
        "from marts.fct_search_page as f join newest using (property_key) "
        "where f.day > newest.day - 28 group by f.property_key, f.page_key) "
        + named(
            "d.url, f.clicks::bigint as clicks, f.impressions::bigint as impressions,"
            " to_char(f.position, 'FM99990.0') as position",
            "dim_page as d join pages as f using (property_key, page_key)",
        ),
    ),
    Dataset(
        "index_states",
        named(
            "s.engine, s.state, coalesce(s.reason, 'not told') as reason",
            "fct_index_state as s",
            joined="where s.to_date is null",
        ),
        measures={"pages": "count(*)"},
    ),
    Dataset(
        "crawl_pages",
        named(
            "c.url, c.topic, c.last_visit_day, c.impression_count as impressions, c.state, concat_ws(', ',"
            " case when c.is_uncrawled_important then 'important and not crawled' end,"
            " case when c.is_orphan then 'orphan' end,"
            " case when c.is_crawled_not_indexed then 'crawled, not indexed' end,"
            " case when c.is_lost_from_index then 'lost from the index' end) as what_may_be_wrong",
            "rpt_crawl_page as c",
            joined="where c.is_uncrawled_important or c.is_orphan or c.is_crawled_not_indexed or c.is_lost_from_index",
        ),
    ),
    Dataset(
        "breadth",
        named(
            "b.month, b.largest_share, b.common_1, b.hill_1, b.status",
            "rpt_portfolio as b",
            joined="where b.dimension = 'domain' and b.weight = 'link'",
        ),
        measures={"domains_if_all_alike": "max(common_1)", "largest_domain_share": "max(largest_share)"},
    ),
    Dataset(
        "expected_losses",
        named(
            "x.link_count as links, x.domain_count as domains,"
            " to_char(x.expected_loss_count, 'FM999990.0') as expected_to_go, "
            + interval("x.interval_low", "x.interval_high", "FM999990")
            + " as interval_95, x.status",
            "rpt_expected_loss as x",
        ),
    ),
    Dataset(
        "publishers",
        named(
            "s.publisher, s.link_count as links, round(100 * s.followed_share::numeric, 1)::text as share_of_links,"
            " s.page_count as pages, s.orphaned_page_count as pages_left_alone,"
            " round(s.hill_1::numeric, 1)::text || ' to ' || round(s.hill_1_after::numeric, 1)::text"
            " as breadth_without_it",
            "rpt_portfolio_stress as s",
        ),
    ),
    Dataset(
        "link_risks",
        named(
            "row_number() over (partition by r.property_key order by r.loss_probability_90 desc, r.link_key) as place,"
            " l.source_url, r.age_days, round(100 * r.loss_probability_90::numeric, 1)::text as lost_in_90_days_of_100,"
            " r.curve_class, r.last_check_grade",
            "rpt_link_risk as r join marts.dim_link as l using (property_key, link_key)",
            joined="where r.loss_probability_90 is not null",
        ),
    ),
    Dataset(
        "visit_sources",
        named(
            "v.witness, v.month, v.class, v.host, v.visit_count as visits, v.exact_count as exact,"
            " v.sole_count as sole, v.link_count as links",
            "rpt_referral_source as v",
            joined="where v.class in ('link', 'link_host', 'other_site')",
        ),
    ),
    Dataset(
        "outreach",
        named(
            "o.cut, o.span, o.level, o.tried_count as tried, o.replied_count as replied, o.placed_count as placed,"
            " o.verified_count as seen, round(o.money::numeric, 2) as dollars, to_char(o.money_per_live_day,"
            " 'FM999990.000') || ' (' || "
            + interval("o.money_per_live_day_low", "o.money_per_live_day_high", "FM999990.000")
            + " || ')' as dollars_a_day_of_a_link, o.status",
            "rpt_outreach_return as o",
        ),
    ),
    Dataset(
        "missing_days",
        named(
            "c.source, c.table_name, c.state, min(c.day) as first_day, max(c.day) as last_day, count(*) as days",
            "rpt_completeness as c",
            joined="where c.state not in ('final', 'restated', 'provisional') group by 1, 2, 3, 4",
        ),
    ),
)

LINKS = Dashboard(
    "links-and-rankings",
    "Links and rankings",
    "What came and went, where the property stands, and what links did, with how sure that is.",
    (
        Chart(
            "Referring domains",
            "line",
            "rpt_link_profile",
            "Domains with a living link, day by day; they do not add up over days. The last days grow still: a witness"
            " tells of a link days after it came.",
            ("referring_domains",),
            along="day",
        ),
        Chart(
            "Links gained and lost by week",
            "bar",
            "rpt_link_profile",
            "Whole weeks. Losses that our own visits deny are not among them.",
            ("links_gained", "links_lost"),
            along="week",
            by=(),
            where="week is not null",
        ),
        weekly(
            "Share of checks in the first ten",
            "rpt_serp_visibility",
            "Of valid checks, not of found ones.",
            "share_of_top10",
            form=SHARE,
        ),
        weekly(
            "Mean position of what was found",
            "rpt_serp_visibility",
            "1 on top. What was not found is in no mean: read it beside the share that was found.",
            "check_position",
            form=DECIMAL,
            is_upside_down=True,
        ),
        weekly(
            "Share of checks that found the property",
            "rpt_serp_visibility",
            "Beside every mean position: alone that flatters.",
            "found_share",
            form=SHARE,
        ),
        weekly(
            "Share of searches that end on the property",
            "rpt_serp_visibility",
            "By the curve of dim_click_curve: a statement about positions, no count of clicks.",
            "click_share",
            form=SHARE,
        ),
        weekly(
            "Share of voice",
            "fct_serp_result",
            "Own organic results among all organic ones of the result pages that were kept, by the same curve.",
            "share_of_voice",
            form=SHARE,
        ),
        Chart(
            "What links did",
            "table",
            "link_effects",
            "Change of log position: -0.1 is about a tenth nearer to the top. Estimates of one property and arm each:"
            " nothing here is ever added up.",
            rows=(
                *("property", "arm", "panel", "events", "effect", "of_these_links", "of_another_link"),
                *("status", "reason", "events_to_come"),
            ),
            order=("property", True),
            is_wide=True,
        ),
        Chart(
            "Newest events of links",
            "table",
            "link_events",
            "The newest first.",
            rows=("property", "event_date", "event_type", "source_url", "target", "is_followed", "evidence", "witness"),
            order=("event_date", False),
            is_wide=True,
        ),
    ),
)
SEARCH = Dashboard(
    "search-console",
    "Search Console",
    "Google's own totals, by whole weeks of days that are final.",
    (
        weekly("Clicks by week", "fct_search_total", "Google's total, anonymised queries included.", "clicks"),
        weekly("Impressions by week", "fct_search_total", "Once for a result page.", "impressions"),
        weekly("Click-through rate", "fct_search_total", "Clicks by impressions of the week.", "ctr", form=SHARE),
        weekly(
            "Mean position in searches",
            "fct_search_total",
            "Weighted by impressions; 1 on top.",
            "search_position",
            form=DECIMAL,
            is_upside_down=True,
        ),
        weekly(
            "Share of clicks on the brand",
            "fct_search_performance",
            "Of clicks whose query Google shows.",
            "brand_click_share",
            form=SHARE,
        ),
        weekly(
            "Share of clicks without a query",
            "fct_search_total",
            "Of days on which Google's limit of rows was not reached.",
            "anonymised_click_share",
            form=SHARE,
        ),
        Chart(
            "Pages by clicks in four weeks",
            "table",
            "search_pages",
            "The 28 days up to the newest of each property.",
            rows=("property", "url", "clicks", "impressions", "position"),
            order=("clicks", False),
            is_wide=True,
        ),
    ),
)
CRAWL = Dashboard(
    "crawl-and-index",
    "Crawl and index",
    "What our crawl met, what crawlers fetch by the property's own logs, and what Google has in its index.",
    (
        Chart(
            "Pages of each crawl by what may become of them",
            "bar",
            "fct_page_crawl",
            "Whole weeks; a page counts once in each crawl.",
            ("crawled_pages",),
            along="week",
            by=("indexability",),
            where="week is not null",
        ),
        weekly(
            "Share of crawled pages that may be indexed",
            "fct_page_crawl",
            "As the crawl met them.",
            "indexable_share",
            form=SHARE,
        ),
        Chart(
            "Visits of verified crawlers",
            "bar",
            "fct_bot_crawl",
            "Whole weeks, by the property's own logs; whoever only says that it is a crawler is not among them.",
            ("crawler_visits",),
            along="week",
            by=("operator",),
            where="week is not null",
        ),
        Chart(
            "Where their visits went",
            "bar",
            "fct_bot_crawl",
            "All but `good` is waste, `static` mostly needed.",
            ("crawler_visits",),
            along="week",
            by=("visit_kind",),
            where="week is not null",
        ),
        Chart(
            "Pages by their state in the index",
            "table",
            "index_states",
            "By the newest look of each page; a page that nobody looked at is in no row.",
            ("pages",),
            by=("property", "engine", "state", "reason"),
        ),
        Chart(
            "Pages with which something may be wrong",
            "table",
            "crawl_pages",
            "As rpt_crawl_page tells, those that are shown most first.",
            rows=("property", "url", "topic", "last_visit_day", "impressions", "state", "what_may_be_wrong"),
            order=("impressions", False),
            is_wide=True,
        ),
    ),
)
PORTFOLIO = Dashboard(
    "portfolio",
    "Portfolio",
    "How broad the portfolio of links is, and what hangs on the largest who link.",
    (
        Chart(
            "How many domains, if all had equally many links",
            "line",
            "breadth",
            "Followed links, at the coverage that all months reach, so that months compare. By month.",
            ("domains_if_all_alike",),
            along="month",
            form=DECIMAL,
            where="common_1 is not null",
        ),
        Chart(
            "Share of the largest domain",
            "line",
            "breadth",
            "Of living followed links, by month.",
            ("largest_domain_share",),
            along="month",
            form=SHARE,
        ),
        weekly(
            "Share of link days that are followed",
            "rpt_link_profile",
            "One whose rel nobody knows is not followed here.",
            "follow_share",
            form=SHARE,
        ),
        Chart(
            "Links that are expected to go within 90 days",
            "table",
            "expected_losses",
            "Links of one domain go together, so intervals of properties are not to be added up.",
            rows=("property", "links", "domains", "expected_to_go", "interval_95", "status"),
            order=("property", True),
        ),
        Chart(
            "What would go with a publisher",
            "table",
            "publishers",
            "Share in per cent; breadth as above.",
            rows=(
                "property",
                "publisher",
                "links",
                "share_of_links",
                "pages",
                "pages_left_alone",
                "breadth_without_it",
            ),
            order=("links", False),
            is_wide=True,
        ),
        Chart(
            "Links that are most likely to go",
            "table",
            "link_risks",
            "Of a hundred links of its sort and age, how many went within 90 days.",
            rows=("property", "place", "source_url", "age_days", "lost_in_90_days_of_100", "last_check_grade"),
            order=("place", True),
            is_wide=True,
        ),
    ),
)
VISITS = Dashboard(
    "visits-and-partners",
    "Visits and partners",
    "Who came by links, how surely, and what partners cost and brought.",
    (
        Chart(
            "Visits from other sites",
            "bar",
            "fct_referral_visit",
            "Whole weeks, by the property's own logs.",
            ("referral_visits",),
            along="week",
            by=("class",),
            where="week is not null and class in ('link', 'link_host', 'other_site')",
        ),
        weekly(
            "Share of these that are tied to one link",
            "fct_referral_visit",
            "Exact or sole.",
            "tied_visit_share",
            form=SHARE,
        ),
        Chart(
            "Hosts that visitors came from",
            "table",
            "visit_sources",
            "By month and witness, which are never added up.",
            rows=("property", "witness", "month", "class", "host", "visits", "exact", "sole", "links"),
            order=("visits", False),
            is_wide=True,
        ),
        Chart(
            "Links that were agreed, by month",
            "bar",
            "fct_placement",
            "By the day on which they were agreed, seen or not.",
            ("placements",),
            along="month",
            by=("kind",),
        ),
        Chart(
            "US dollars spent on links that were agreed",
            "table",
            "fct_placement",
            "With what came to nothing. What a link costs is below, where it can be told.",
            ("placements", "placements_seen", "placement_spend"),
            by=("property", "kind"),
            form=DOLLARS,
        ),
        Chart(
            "What came of asking",
            "table",
            "outreach",
            "Costs of a day of a link with their 95 % interval; none below ten partners with a link that was seen.",
            rows=(
                *("property", "cut", "level", "span", "tried", "replied", "placed", "seen", "dollars"),
                *("dollars_a_day_of_a_link", "status"),
            ),
            order=("tried", False),
            is_wide=True,
        ),
    ),
)
HEALTH = Dashboard(
    "data-health",
    "Data health",
    "Whether everything is there that should be, and what it cost.",
    (
        Chart(
            "Days of tables by state",
            "bar",
            "rpt_completeness",
            "Whole weeks: each property, source, table and day that was to be read.",
            ("wanted_days",),
            along="week",
            by=("state",),
            where="week is not null",
        ),
        weekly("Share of wanted days that are there", "rpt_completeness", "", "there_share", form=SHARE),
        Chart(
            "US dollars by month",
            "bar",
            "rpt_spend",
            "By the date of the calls, held and failed loads included.",
            ("spend",),
            along="month",
            by=("source",),
            form=DOLLARS,
        ),
        Chart(
            "What is there, by table",
            "table",
            "rpt_completeness",
            "Of all days that were to be read.",
            ("wanted_days", "there_share"),
            by=("property", "source", "table_name"),
        ),
        Chart(
            "Days that are not there",
            "table",
            "missing_days",
            "Late, held, or lost for good.",
            rows=("property", "source", "table_name", "state", "first_day", "last_day", "days"),
            order=("last_day", False),
            is_wide=True,
        ),
    ),
)
DASHBOARDS = (LINKS, SEARCH, CRAWL, PORTFOLIO, VISITS, HEALTH)
