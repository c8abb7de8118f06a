"""Which budgets of properties.yml an order has to fit, and how it is made to."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from seo_warehouse.config import Property
from seo_warehouse.ledger import budgets
from seo_warehouse.ledger.budgets import EVERYBODY, Order
from seo_warehouse.ledger.settings import budgets_of
from seo_warehouse.spec import Source
from seo_warehouse.steps.warehouse import Warehouse


def reserving(wh: Warehouse, source: Source, prop: Property, scope: str) -> Callable[[Decimal], None] | None:
    """What sets aside the money of a reading before it pays (Api.reserve); None where no budget is stated for it."""
    stated = [
        each
        for each in budgets_of(wh.properties)
        if source.name in each.sources and each.property_key in (EVERYBODY, prop.key)
    ]
    if not stated:
        return None
    order = Order(source.name, prop.key, scope)

    def reserve(money: Decimal) -> None:
        with wh.connect("loader", autocommit=True) as connection:
            budgets.reserve(connection, order, money, stated)

    return reserve
