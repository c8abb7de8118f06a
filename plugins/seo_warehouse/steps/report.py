"""The reports of what links did: read as the analyst, written under `<home>/reports`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from seo_warehouse.config import SHARED_KEY, SHARED_NAME, Property
from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger import pool
from seo_warehouse.ledger.aside import read_aside
from seo_warehouse.ledger.grants import ANALYST, hidden_keys
from seo_warehouse.ledger.session import Connection
from seo_warehouse.report.crawls import read_crawlers
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.found import read_found
from seo_warehouse.report.portfolio import read_portfolio
from seo_warehouse.report.reading import read_facts
from seo_warehouse.report.referral import read_referral
from seo_warehouse.report.relations import read_relations
from seo_warehouse.report.timelines import Timeline, read_timelines
from seo_warehouse.report.weekly import read_weeks
from seo_warehouse.report.words import clean
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
SHOWN_REASON = 400
"""Characters of why a day cannot be modelled."""


def write_reports(wh: Warehouse, progress: Progress = log.info, *, property_name: str | None = None) -> list[Path]:
    """Write the report of a property, or of each, and of all together where there are several. Returns the pages.

    Raises ConfigError for a property that is not there, or not granted to the analyst; of several those are left out.
    """
    stated = wh.properties.properties
    wanted = (wh.properties.named(property_name),) if property_name else stated
    if not property_name and len(stated) > 1:
        wanted += (wh.properties.shared,)
    if property_name:
        _expect_readable(wh, wanted[0])
    hidden = _hidden_keys(wh)
    for prop in wanted:
        if prop.key in hidden:
            progress(f"{prop.name}: no report, since {ANALYST} is not granted it")
    return [_write_report(wh, prop, progress) for prop in wanted if prop.key not in hidden]


def read_effect(wh: Warehouse, property_name: str, *, panel: str | None, outcome: str | None) -> Facts:
    """What the marts say of a property; `all` are all together. Raises ConfigError."""
    prop = wh.properties.named(property_name)
    _expect_readable(wh, prop)
    with wh.connect("analyst") as connection:
        return _read_facts(wh, connection, prop, panel=panel, outcome=outcome)


def _read_facts(
    wh: Warehouse, connection: Connection, prop: Property, *, panel: str | None = None, outcome: str | None = None
) -> Facts:
    facts = read_facts(connection, prop.name, prop.key, panel=panel, outcome=outcome)
    weeks, changes = read_weeks(connection, prop.key)
    return replace(
        facts,
        missing=_missing(wh, prop),
        weekly=weeks,
        weekly_changes=changes,
        found=read_found(connection, prop.key),
        portfolio=read_portfolio(connection, prop.key),
        crawlers=read_crawlers(connection, prop.key),
        referral=read_referral(connection, prop.key),
        relations=read_relations(connection, prop.key, facts.panel),
    )


def _expect_readable(wh: Warehouse, prop: Property) -> None:
    """An analyst that may not read a property finds no row, which must not be told as a finding."""
    if prop.key in _hidden_keys(wh):
        raise ConfigError(
            f"{ANALYST} is not granted {prop.name}: `seo-warehouse grant {ANALYST} --property {prop.name}`"
        )


def _missing(wh: Warehouse, prop: Property) -> tuple[str, ...]:
    """What is said of days that no build could model: of the property, or, of all together, of any."""
    with wh.connect("loader") as connection:
        found = read_aside(connection)
    if prop.name == SHARED_NAME:
        return tuple(f"{each.waiting} of {each.name} cannot be modelled." for each in found)
    return tuple(
        f"{each.waiting} cannot be modelled: {clean(each.reason, SHOWN_REASON)}"
        for each in found
        if each.property_key == prop.key
    )


def _hidden_keys(wh: Warehouse) -> set[int]:
    with wh.connect("loader") as connection:
        return hidden_keys(connection, ANALYST)


def _write_report(wh: Warehouse, prop: Property, progress: Progress) -> Path:
    facts, timelines = _read(wh, prop)
    # Late: matplotlib takes a second to import, and other commands of this module do not draw.
    from seo_warehouse.report.files import write_files

    name = "all properties together" if prop.name == SHARED_NAME else prop.name
    progress(f"{name}: {len(facts.effects)} estimates, {len(timelines)} pages")
    paths = write_files(wh.settings.home / "reports" / prop.name, facts, timelines)
    for path in paths:
        progress(str(path))
    return paths[0]


def _read(wh: Warehouse, prop: Property) -> tuple[Facts, tuple[Timeline, ...]]:
    """Everything in one snapshot: a build may go on meanwhile.

    A property's report is handed on: of a small pool, whose other figures its reader could work out, it says nothing.
    """
    with wh.connect("loader") as connection:
        is_told = pool.count_pool(connection) >= pool.FEWEST_TO_TELL
    with wh.connect("analyst") as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        facts = _read_facts(wh, connection, prop)
        timelines = read_timelines(connection, facts)
    return (facts if is_told or prop.key == SHARED_KEY else facts.alone()), timelines
