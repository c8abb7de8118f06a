"""Plans: what the last build says to ask for, taken over into a night's archive."""

from __future__ import annotations

import logging

import psycopg
from psycopg import sql

from seo_warehouse.client.archive import Archive
from seo_warehouse.client.plans import Ask, has_plan, keep_plan
from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.turns import wait_for_turn
from seo_warehouse.property import Property
from seo_warehouse.spec import Plan, Source
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)


def make_plan(wh: Warehouse, source: Source, prop: Property, archive: Archive) -> None:
    """Keep the plan of a source that has one, before its first call; one that is kept stays.

    Of two at once the first one's stays. Where no build has made the model yet, the plan is empty.
    """
    if source.plan is None or has_plan(archive):
        return
    with wh.connect("loader", autocommit=True) as connection:
        # The session holds it: a killed process lets it go, and has kept a whole plan or none.
        wait_for_turn(connection, f"plan {source.name} {prop.key} {archive.scope}")
        if has_plan(archive):
            return
        asks = _top(connection, source.plan, prop.key, int(getattr(prop.settings_of(source), source.plan.limit)))
        keep_plan(archive, f"plans.{source.plan.model}", asks, wh.now())
    log.info("%s %s %s: %d things are planned to be asked", source.name, prop.name, archive.scope, len(asks))


def _top(connection: Connection, plan: Plan, property_key: int, limit: int) -> list[Ask]:
    query = sql.SQL("select ask, score, reason from {} where property_key = %s order by place limit %s").format(
        sql.Identifier("plans", plan.model)
    )
    try:
        rows = connection.execute(query, (property_key, limit)).fetchall()
    except psycopg.errors.UndefinedTable:
        log.warning("plans.%s is not there: no build has made it yet, so nothing is planned to be asked", plan.model)
        return []
    except psycopg.errors.UndefinedColumn as error:
        raise ConfigError(f"plans.{plan.model} is no plan: {error.diag.message_primary}") from None
    return [Ask(ask, float(score), reason) for ask, score, reason in rows]
