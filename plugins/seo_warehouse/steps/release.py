"""Releases: a person's decision about a quarantined load, taken and carried out."""

from __future__ import annotations

import logging

from seo_warehouse.errors import ConfigError, LoadError
from seo_warehouse.ledger import loads
from seo_warehouse.ledger.session import Connection
from seo_warehouse.load import decisions
from seo_warehouse.sources import source_named
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
OUTCOMES = {
    "published": "published; the next build models it",
    "unchanged": "unchanged: the same is published already",
    "superseded": "superseded: a later reading of its days is published, and stays",
    "rejected": "rejected; its days stay as they are",
}


def release(wh: Warehouse, load_id: int, decision: decisions.Verb, *, who: str, why: str) -> str:
    """Keep a person's decision about a load and carry it out. Returns what became of the load, as a sentence.

    To call it again with the same decision is safe, whatever was killed in between. Raises LoadError where there is
    nothing to decide or the other decision was taken.
    """
    with wh.connect("loader", autocommit=True) as connection:
        decisions.decide(connection, load_id, decision, who=who, why=why)
        return _carry_out(connection, load_id)


def carry_out_decisions(wh: Warehouse) -> list[str]:
    """Carry out every decision that a killed process left. Raises the last LoadError once all were tried."""
    said: list[str] = []
    failure: LoadError | ConfigError | None = None
    with wh.connect("loader", autocommit=True) as connection:
        for load_id in decisions.undone(connection):
            try:
                said.append(_carry_out(connection, load_id))
            except (LoadError, ConfigError) as error:
                log.error("the decision about load %s is not carried out: %s", load_id, error)
                failure = error
    if failure is not None:
        raise failure
    return said


def _carry_out(connection: Connection, load_id: int) -> str:
    source_name, table_name = loads.table_of(connection, load_id)
    try:
        source = source_named(source_name)
        table = source.table(table_name)
    except KeyError as error:
        raise ConfigError(f"load {load_id} is of a table that is not read any more: {error.args[0]}") from None
    return f"load {load_id} is {OUTCOMES[decisions.carry_out(connection, source, table, load_id)]}"
