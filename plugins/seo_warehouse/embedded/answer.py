"""What `run` ends with: what there is, what links did, of a demo what they truly did, and where to go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean

from seo_warehouse import demo
from seo_warehouse.config import Property
from seo_warehouse.embedded import parts
from seo_warehouse.embedded.airflow import ADMIN, Airflow
from seo_warehouse.errors import ConfigError
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.querying import EARLIER
from seo_warehouse.report.sentences import judge_facts, show
from seo_warehouse.report.words import measure_of
from seo_warehouse.steps.build import is_modelled_otherwise
from seo_warehouse.steps.report import read_effect
from seo_warehouse.steps.status import say_facts, say_loads
from seo_warehouse.steps.warehouse import Warehouse

Say = Callable[[str], None]
MOST_TOLD = 6
"""Properties of which a sentence each is said; of more, how many have which status."""
# Alone too few of their authority for a contribution each, links are in the estimate all the same.
JUDGED = """
    select distinct link.source_url
    from marts.rpt_link_contribution as judged
    inner join marts.dim_link as link using (property_key, link_key)
    where judged.property_key = %s and judged.panel = 'google' and judged.outcome = 'log_position'
        and judged.window_name = 'headline' and judged.arm = 'acquired_followed'
        and coalesce(judged.reason, 'too_few_events') = 'too_few_events'
"""


def say_result(wh: Warehouse, airflow: Airflow, say: Say) -> None:
    """What is there now, and where to look."""
    say_loads(wh, say)
    say_facts(wh, say)
    if is_modelled_otherwise(wh):
        say(f"To do: {EARLIER}.")
    stated = wh.properties.properties
    told = {prop.name: facts for prop in stated if (facts := _facts(wh, prop)) is not None}
    if len(stated) <= MOST_TOLD:
        _say_each(wh, told, say)
    else:
        _say_counts(told, say)
    best = _best(told)
    page = wh.settings.home / "reports" / best / "index.html"
    say("")
    # None is written of a night whose build failed, nor of what the analyst may not read.
    if page.exists():
        say(f"Reports    {page.as_uri()}   (one for each property)")
    say(f"Airflow    {airflow.url}  user {ADMIN}  password {airflow.admin_password}")
    say(f'Warehouse  psql "{wh.dsn("analyst")}"   (schema marts; other roles: seo-warehouse dsn --role ...)')
    command = Path(sys.executable).with_name("seo-warehouse")
    say(f"Next       {command} effect --property {best}   (what links did, in the terminal)")


def _facts(wh: Warehouse, prop: Property) -> Facts | None:
    """What links did to a property's positions; None where the analyst may not know, or the marts do not say."""
    try:
        return read_effect(wh, prop.name, panel=None, outcome=None)
    except ConfigError:
        return None


def _say_each(wh: Warehouse, told: Mapping[str, Facts], say: Say) -> None:
    world = demo.stored_world(wh.settings.home / "demo") if parts.is_demo(wh.settings) else None
    truths = {} if world is None else demo.effects(world)
    say("What a new followed link did, days 21 to 34 after it against the week before:")
    for name, facts in told.items():
        verdict, shown = judge_facts(facts), show(facts.find())
        say(f"* {name}. {verdict.lead}")
        if shown.estimate is not None and shown.honest is not None:
            say(f"  Honest interval: {measure_of(facts.outcome).say_between(*shown.honest)}.")
        if truths and shown.honest is not None:
            truth = true_effect(wh, wh.properties.named(name), truths)
            say(f"  The demo's truth: {'not known' if truth is None else measure_of('log_position').say(truth)}.")


def true_effect(wh: Warehouse, prop: Property, truths: Mapping[tuple[int, str], float]) -> float | None:
    """What the links that were judged truly did to log position, on average; None where that is not known."""
    with wh.connect("analyst") as connection:
        judged = connection.execute(JUDGED, (prop.key,)).fetchall()
    # A world of an earlier release may have had other pages.
    known = [truths[prop.key, url] for (url,) in judged if (prop.key, url) in truths]
    return fmean(known) if known else None


def _say_counts(told: Mapping[str, Facts], say: Say) -> None:
    labels = [judge_facts(facts).label for facts in told.values()]
    counted = ", ".join(f"{labels.count(label)} {label}" for label in dict.fromkeys(labels))
    say(f"What a new followed link did, by property: {counted}")


def _best(told: Mapping[str, Facts]) -> str:
    """The first property of which the most can be said."""
    ranks = ("estimate", "exploratory", "not_enough_data")
    return min(told, key=lambda name: ranks.index(judge_facts(told[name]).status), default="all")
