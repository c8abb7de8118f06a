"""What readings that were killed had bought: their archive says it, and then it is spent and no longer set aside."""

from __future__ import annotations

import logging
from collections import deque

from seo_warehouse.client.api import Usage
from seo_warehouse.errors import SourceError
from seo_warehouse.ledger import budgets, loads
from seo_warehouse.ledger.budgets import Order
from seo_warehouse.load.retention import day_of
from seo_warehouse.sources import source_named
from seo_warehouse.spec import Period
from seo_warehouse.steps.connections import open_api
from seo_warehouse.steps.reading import night_scope, since
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)


def settle_dead(wh: Warehouse) -> None:
    """Note what was bought by readings that have set money aside and that nobody has taken up for a day.

    A night's is read once more from the archive, without a call. Of what cannot be read so, all that was set aside is
    taken for spent. Raises the last error that was none of a source's once all were tried.
    """
    with wh.connect("loader", autocommit=True) as connection:
        dead = budgets.expired(connection)
    failure: Exception | None = None
    for order, money in dead:
        try:
            bought = _archived(wh, order)
        except Exception as error:  # noqa: BLE001  one must keep no other from being noted
            log.error("%s: what it bought cannot be told: %s", order, error)
            failure = error
            continue
        night = day_of(order.scope) or wh.now().date()
        with wh.connect("loader") as connection:
            if not budgets.release(connection, order):
                continue
            if bought is None:
                loads.note_lost(connection, order, night, money)
            else:
                loads.note_order(connection, order.source, order.property_key, night, bought)
        spent = money if bought is None else bought.money
        log.warning("%s: a reading that was killed has bought for %s US dollars", order, spent)
    if failure is not None:
        raise failure


def _archived(wh: Warehouse, order: Order) -> Usage | None:
    """What the archive's answers of a night cost; None where this is no night, or not configured any more."""
    night = day_of(order.scope)
    if night is None or order.scope != night_scope(night):
        return None
    try:
        source = source_named(order.source)
        prop = next(prop for prop in wh.properties.with_source(source) if prop.key == order.property_key)
    except (KeyError, StopIteration):
        return None
    usage = Usage()
    with wh.connect("loader") as connection:
        period = Period(night, night, since(connection, source, prop, night))
    for table in source.tables if source.order is None else source.tables[:1]:
        with open_api(wh, source, prop, scope=order.scope, may_call=False) as api:
            try:
                if source.order is not None:
                    source.order(api, prop, period)
                else:
                    deque(table.read(api, prop, period), maxlen=0)
            except SourceError as error:
                log.info("%s: %s", order, error)
            usage.add(api.usage)
    return usage
