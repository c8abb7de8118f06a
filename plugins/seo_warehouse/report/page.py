"""The report as one HTML page that fetches nothing: sentence, picture, table, limits, and then the rest.

Texts from crawled pages are escaped by the template; the pictures are our own SVG, whose texts are escaped in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from seo_warehouse.effect.estimates import ESTIMATE_EVENTS, LEAST_EVENTS
from seo_warehouse.report import sections
from seo_warehouse.report.crawls_words import LIMITS as CRAWL_LIMITS
from seo_warehouse.report.crawls_words import crawl_table, say_crawls
from seo_warehouse.report.drawing import DARK, LIGHT, NARROW, WIDE, Picture, to_svg, variables
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.found_picture import curve_picture, link_picture
from seo_warehouse.report.found_words import LIMITS as FOUND_LIMITS
from seo_warehouse.report.found_words import found_table, link_table, say_links, say_waits, waiting_table
from seo_warehouse.report.pictures import arm_lines, comparison, cut_lines, event_study
from seo_warehouse.report.portfolio_picture import breadth_picture, lives_picture, loss_picture
from seo_warehouse.report.portfolio_words import LIMITS as PORTFOLIO_LIMITS
from seo_warehouse.report.portfolio_words import (
    flag_table,
    portfolio_table,
    publisher_table,
    say_portfolio,
    survival_table,
)
from seo_warehouse.report.referral_picture import referral_picture
from seo_warehouse.report.referral_words import LIMITS as REFERRAL_LIMITS
from seo_warehouse.report.referral_words import referral_table, say_referral
from seo_warehouse.report.relations_picture import relations_picture
from seo_warehouse.report.relations_words import LIMITS as RELATION_LIMITS
from seo_warehouse.report.relations_words import (
    life_table,
    next_table,
    risk_table,
    say_relations,
    unqualified_table,
)
from seo_warehouse.report.remedies import say_remedies
from seo_warehouse.report.sentences import (
    judge_facts,
    say_bursts,
    say_depth,
    say_late,
    say_method,
    say_source,
    say_surroundings,
)
from seo_warehouse.report.sparkline import to_sparkline
from seo_warehouse.report.timeline_picture import say_timeline, timeline_picture
from seo_warehouse.report.timelines import Timeline
from seo_warehouse.report.weekly_sentences import (
    Line,
    group_lines,
    say_lead,
    say_properties,
    say_untested,
    weekly_tables,
)
from seo_warehouse.report.words import LIMITS, capital, clean, count_of, measure_of


def _keep_together(value: object) -> object:
    """A figure and its per cent stay on one line."""
    return value.replace(" %", "\N{NO-BREAK SPACE}%") if type(value) is str else value


FOLDER = Path(__file__).parent / "templates"
TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_keep_together,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Report:
    """All that a report holds, before it becomes a page and files."""

    facts: Facts
    timelines: tuple[Timeline, ...]
    study: Picture | None
    cuts: Picture | None
    arms: Picture | None
    curves: Picture | None
    links: Picture | None
    lives: Picture | None
    breadth: Picture | None
    losses: Picture | None
    visitors: Picture | None
    partners: Picture | None
    pages: tuple[Picture, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture there is."""
        single = (
            *(self.study, self.cuts, self.arms, self.curves, self.links),
            *(self.lives, self.breadth, self.losses, self.visitors, self.partners),
        )
        return tuple(picture for picture in single if picture) + self.pages


def compose(facts: Facts, timelines: tuple[Timeline, ...]) -> Report:
    """What a report shows of its facts."""
    what = capital(measure_of(facts.outcome).title)
    return Report(
        facts,
        timelines,
        event_study(facts),
        comparison("by-kind-of-link", f"{what} by the kind of link", cut_lines(facts), facts.outcome),
        comparison("by-what-happened", f"{what} by what happened", arm_lines(facts), facts.outcome),
        curve_picture(facts.found),
        link_picture(facts.found),
        lives_picture(facts.portfolio),
        breadth_picture(facts.portfolio),
        loss_picture(facts.portfolio),
        referral_picture(facts.referral),
        relations_picture(facts.relations),
        tuple(timeline_picture(timeline, number) for number, timeline in enumerate(timelines, 1)),
    )


def render_page(report: Report) -> str:
    """The page."""
    facts = report.facts
    headline, nofollow = facts.find(), facts.find(arm="acquired_nofollow")
    return TEMPLATES.get_template("page.html").render(
        facts=facts,
        verdict=judge_facts(facts),
        pooled=judge_facts(facts, pooled=True) if facts.property_key and facts.find(pooled=True) else None,
        progress=_progress(facts),
        said_of=say_source(facts),
        week=_week(facts),
        study=_embed(report.study),
        around=sections.say_weeks(facts.weeks()),
        cuts=_embed(report.cuts),
        arms=_embed(report.arms),
        method=(*say_depth(facts.depth), *say_late(facts), *say_method(headline, nofollow), *say_bursts(facts)),
        surroundings=say_surroundings(headline),
        remedies=say_remedies(facts),
        limits=LIMITS,
        weeks=sections.week_table(facts) if report.study else None,
        tables=_tables(facts),
        found=_found(report),
        crawls=_crawls(report.facts),
        portfolio=_portfolio(report),
        referral=_referral(report),
        relations=_relations(report),
        pages=_pages(report),
        unjudged=count_of(sum(facts.unjudged_counts.values()), "link"),
        style=_style(),
    )


def _week(facts: Facts) -> dict[str, object] | None:
    """The newest seven days: of a property, or a sentence for each of all together; None where nothing is known."""
    if not facts.weekly:
        return None
    if not facts.property_key:
        return {"properties": say_properties(facts)}
    return {
        "properties": (),
        "lead": say_lead(facts.weekly),
        "untested": say_untested(facts.weekly),
        "groups": [
            (group.title, [(line, _spark(line)) for line in group.lines]) for group in group_lines(facts.weekly)
        ],
        "tables": weekly_tables(facts),
    }


def _found(report: Report) -> dict[str, object] | None:
    """How soon new pages are found; None where nothing is known of it."""
    found = report.facts.found
    if not found.days and not found.links:
        return None
    return {
        "said": (*say_waits(found), *say_links(found)),
        "curves": _embed(report.curves),
        "links": _embed(report.links),
        "tables": (found_table(found), link_table(found)),
        "waiting": waiting_table(found),
        "limits": FOUND_LIMITS,
    }


def _crawls(facts: Facts) -> dict[str, object] | None:
    """Who crawled, and where that went; None where no log tells of it."""
    if not facts.crawlers:
        return None
    return {"said": say_crawls(facts.crawlers), "table": crawl_table(facts.crawlers), "limits": CRAWL_LIMITS}


def _portfolio(report: Report) -> dict[str, object] | None:
    """How broad the links are and how long they live; None where nothing is known of it."""
    portfolio = report.facts.portfolio
    if not portfolio.months and not portfolio.lives:
        return None
    return {
        "said": say_portfolio(portfolio),
        "lives": _embed(report.lives),
        "breadth": _embed(report.breadth),
        "losses": _embed(report.losses),
        "tables": (
            *(flag_table(portfolio), publisher_table(portfolio)),
            *(survival_table(portfolio), portfolio_table(portfolio)),
        ),
        "limits": PORTFOLIO_LIMITS,
    }


def _referral(report: Report) -> dict[str, object] | None:
    """Whom links bring; None where no witness counts visits."""
    referral = report.facts.referral
    if referral.visits is None:
        return None
    return {
        "said": say_referral(referral),
        "picture": _embed(report.visitors),
        "table": referral_table(referral),
        "limits": REFERRAL_LIMITS,
    }


def _relations(report: Report) -> dict[str, object] | None:
    """Who was asked for links; None where nobody keeps it."""
    relations = report.facts.relations
    if relations.all is None and relations.paid is None:
        return None
    return {
        "said": say_relations(relations),
        "picture": _embed(report.partners),
        "tables": (next_table(relations), risk_table(relations), unqualified_table(relations), life_table(relations)),
        "limits": RELATION_LIMITS,
    }


def _spark(line: Line) -> Markup:
    # Our own SVG: its title was escaped when it was drawn.
    title = f"{line.name}: {line.value}, {line.said}"
    return Markup(to_sparkline(line.weeks, title, is_news=line.is_news))  # noqa: S704


def _style() -> Markup:
    rules = (FOLDER / "page.css").read_text(encoding="utf-8")
    return Markup(rules.replace("LIGHT", variables(LIGHT)).replace("DARK", variables(DARK)))  # noqa: S704


def _tables(facts: Facts) -> dict[str, sections.Table]:
    return {
        "cuts": sections.cut_table(facts),
        "arms": sections.arm_table(facts),
        "others": sections.other_table(facts),
        "checks": sections.check_table(facts),
        "dropped": sections.dropped_table(facts),
        "contributions": sections.contribution_table(facts),
        "unjudged": sections.unjudged_table(facts),
        "reasons": sections.legend_table(),
    }


def _pages(report: Report) -> list[dict[str, object]]:
    return [
        {
            "url": clean(timeline.url, 300),
            "title": clean(timeline.title, 160),
            "said": say_timeline(timeline),
            "picture": _embed(picture),
            "table": sections.event_table(timeline),
        }
        for timeline, picture in zip(report.timelines, report.pages, strict=True)
    ]


def _progress(facts: Facts) -> dict[str, object] | None:
    """How far the isolated links are on the way to an estimate; None where there is one."""
    headline = facts.find()
    if headline is None or headline.status == "estimate":
        return None
    have = min(headline.event_count, headline.treated_page_count)
    goal = LEAST_EVENTS if headline.status != "exploratory" else ESTIMATE_EVENTS
    return {
        "share": round(min(100, 100 * have / ESTIMATE_EVENTS)),
        "first": round(100 * LEAST_EVENTS / ESTIMATE_EVENTS),
        "said": f"{have} of {goal} isolated links that a first "
        f"{'interval' if goal == LEAST_EVENTS else 'estimate'} takes",
    }


def _embed(picture: Picture | None) -> dict[str, Markup] | None:
    """The picture for wide and for narrow windows; the page shows one of them."""
    if picture is None:
        return None
    # Our own SVG: every text in it was escaped when it was drawn.
    return {"wide": Markup(to_svg(picture, WIDE)), "narrow": Markup(to_svg(picture, NARROW))}  # noqa: S704
