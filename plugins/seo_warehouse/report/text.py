"""The report in a terminal: the sentence first, then tables, then the limits."""

from __future__ import annotations

from collections.abc import Callable

from seo_warehouse.errors import ConfigError
from seo_warehouse.report import sections
from seo_warehouse.report.crawls_words import crawl_table, say_crawls
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.found_words import found_table, link_table, say_links, say_waits, waiting_table
from seo_warehouse.report.portfolio_words import (
    flag_table,
    portfolio_table,
    publisher_table,
    say_portfolio,
    survival_table,
)
from seo_warehouse.report.referral_words import referral_table, say_referral
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
from seo_warehouse.report.weekly_sentences import group_lines, say_lead, say_properties
from seo_warehouse.report.words import LIMITS
from seo_warehouse.terminal import say_table

Say = Callable[[str], None]


def say_effect(facts: Facts, say: Say, cut: str | None = None) -> None:
    """Say what links did; `cut` adds the kinds of one cut. Raises ConfigError for a cut that is not there."""
    if cut is not None and cut not in facts.cuts:
        known = ", ".join(facts.cuts) or "none yet: too few links are judged"
        raise ConfigError(f"no cut {cut!r}; there are: {known}" if cut else f"say which cut; there are: {known}")
    say(f"{facts.property_name}. {say_source(facts)}.\n")
    for sentence in facts.missing:
        say(f"Not every published day is in these figures: {sentence}\n")
    _say_verdict(facts, say)
    headline = facts.find()
    tables = [sections.week_table(facts), *([sections.cut_table(facts, cut)] if cut else []), sections.arm_table(facts)]
    tables += [sections.other_table(facts), sections.dropped_table(facts), sections.check_table(facts)]
    for table in sections.filled(*tables):
        say(f"\n{table.title}:")
        say_table(table.headings, table.rows, say)
    if remedies := say_remedies(facts):
        say("\nWhat would make them count:")
        for remedy in remedies:
            say(f"* {remedy}")
    said = (
        *say_depth(facts.depth),
        *say_late(facts),
        *say_method(headline, facts.find(arm="acquired_nofollow")),
        *say_bursts(facts),
        *say_surroundings(headline),
    )
    for sentence in ["", *said] if said else []:
        say(sentence)
    say("\nWhat these figures cannot say:")
    for limit in LIMITS:
        say(f"* {limit}")
    _say_found(facts, say)
    _say_crawls(facts, say)
    _say_portfolio(facts, say)
    _say_referral(facts, say)
    _say_relations(facts, say)
    _say_week(facts, say)
    if facts.cuts and not cut:
        say(f"\nBy kind of link: --cut {', --cut '.join(facts.cuts)}")


def _say_found(facts: Facts, say: Say) -> None:
    found = facts.found
    if not found.days and not found.links:
        return
    say("\nHow soon new pages are found:")
    for said in (*say_waits(found), *say_links(found)):
        say(f"* {said}")
    for table in sections.filled(found_table(found), link_table(found), waiting_table(found)):
        say(f"\n{table.title}:")
        say_table(table.headings, table.rows, say)


def _say_crawls(facts: Facts, say: Say) -> None:
    if not facts.crawlers:
        return
    say("\nWho crawls, and where that goes:")
    for said in say_crawls(facts.crawlers):
        say(f"* {said}")
    table = crawl_table(facts.crawlers)
    say(f"\n{table.title}:")
    say_table(table.headings, table.rows, say)


def _say_portfolio(facts: Facts, say: Say) -> None:
    portfolio = facts.portfolio
    if not portfolio.months and not portfolio.lives:
        return
    say("\nThe portfolio of links:")
    for said in say_portfolio(portfolio):
        say(f"* {said}")
    tables = (flag_table, publisher_table, survival_table, portfolio_table)
    for table in sections.filled(*(table_of(portfolio) for table_of in tables)):
        say(f"\n{table.title}:")
        say_table(table.headings, table.rows, say)


def _say_referral(facts: Facts, say: Say) -> None:
    if facts.referral.visits is None:
        return
    say("\nVisitors who come through links:")
    for said in say_referral(facts.referral):
        say(f"* {said}")
    for table in sections.filled(referral_table(facts.referral)):
        say(f"\n{table.title}:")
        say_table(table.headings, table.rows, say)


def _say_relations(facts: Facts, say: Say) -> None:
    relations = facts.relations
    if relations.all is None and relations.paid is None:
        return
    say("\nRelationships that earn links:")
    for said in say_relations(relations):
        say(f"* {said}")
    tables = (next_table, risk_table, unqualified_table, life_table)
    for table in sections.filled(*(table_of(relations) for table_of in tables)):
        say(f"\n{table.title}:")
        say_table(table.headings, table.rows, say)


def _say_week(facts: Facts, say: Say) -> None:
    if not facts.weekly:
        return
    say("\nThe last seven days:")
    if not facts.property_key:
        for name, said, _ in say_properties(facts):
            say(f"* {name}: {said}")
        return
    say(f"{say_lead(facts.weekly)}")
    for group in group_lines(facts.weekly):
        say(f"\n{group.title}:")
        say_table(("what", "last value", "in words"), [(line.name, line.value, line.said) for line in group.lines], say)


def _say_verdict(facts: Facts, say: Say) -> None:
    verdict = judge_facts(facts)
    say(verdict.lead)
    for detail in verdict.details:
        say(f"* {detail}")
    if facts.property_key and facts.find(pooled=True):
        say(f"All properties together: {judge_facts(facts, pooled=True).lead}")
