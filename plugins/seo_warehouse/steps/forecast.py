"""What a property's history and nights will read and cost, as far as that is known before: nobody is asked anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from seo_warehouse.config import Property
from seo_warehouse.ledger import known, usage
from seo_warehouse.ledger.budgets import EVERYBODY, read_standings
from seo_warehouse.ledger.holes import month_periods
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.settings import budgets_of
from seo_warehouse.ledger.usage import Usual
from seo_warehouse.spec import Kind, Source
from seo_warehouse.steps.check import dollars
from seo_warehouse.steps.history import Progress, days_to_ask, span
from seo_warehouse.steps.warehouse import Warehouse


def foretell(wh: Warehouse, property_name: str, first: date | None, last: date | None, say: Progress) -> None:
    """Say what `onboard` would load of a property, what each night after it takes, and what its budgets hold.

    Raises ConfigError where the nights lie ahead or end before they begin.
    """
    prop = wh.properties.named(property_name)
    begin, end = span(wh, prop, first, last, say)
    asked = [source for source in wh.sources if prop.reads(source) and source.kind is not Kind.DROP]
    with wh.connect("loader", autocommit=True) as connection:
        for source in asked:
            for line in _of_history(wh, connection, source, prop, begin, end, say):
                say(line)
        prices: dict[str, Decimal] = {}
        for source in asked:
            prices[source.name], line = _of_night(connection, source, prop)
            say(line)
        say(f"{prop.name}: a night costs some {dollars(round(sum(prices.values(), Decimal(0)), 4))} in all")
        standings = {(each.name, each.property_key): each for each in read_standings(connection, wh.now().date())}
    for budget in budgets_of(wh.properties):
        night = sum((prices.get(name, Decimal(0)) for name in budget.sources), Decimal(0))
        if night and budget.property_key in (EVERYBODY, prop.key):
            standing = standings.get((budget.name, budget.property_key))
            left = max(Decimal(0), budget.money - (standing.spent if standing else 0))
            rest = f"{left:.2f} US dollars left, {int(left / night)} such nights"
            say(f"{prop.name}: the month's budget for {budget} has {rest}")


def _of_history(
    wh: Warehouse, connection: Connection, source: Source, prop: Property, first: date, last: date, say: Progress
) -> Iterator[str]:
    if source.kind is Kind.SNAPSHOT:
        yield f"{prop.name}: {source.name} answers for now only; its history begins tonight"
        return
    days = days_to_ask(wh, source, prop, first, last, say)
    for table in source.tables:
        there = known.published_days(connection, source.name, table.name, prop.key)
        missing = [day for day in days if day not in there]
        months = len(list(month_periods(missing)))
        what = f"{prop.name}: history of {source.name}.{table.name}: {len(missing)} days in {months} loads"
        usual = usage.usual_day(connection, source.name, table.name, prop.key)
        yield f"{what}, {_taking(usual, len(missing))}" if missing else f"{what}: nothing is asked for"


def _of_night(connection: Connection, source: Source, prop: Property) -> tuple[Decimal, str]:
    """US dollars of a night, 0 where nobody knows, and the sentence."""
    what = f"{prop.name}: each night {source.name}"
    usual = usage.usual_night(connection, source.name, prop.key)
    allowed = getattr(prop.settings_of(source), "money_per_night", None)
    if usual is not None:
        limit = f"; money_per_night allows {allowed:g}" if allowed is not None else ""
        return usual.money, f"{what}: {_taking(usual, 1)}{limit}"
    if allowed is None:
        return Decimal(0), f"{what}: has no price in US dollars; how many calls is not known before its first night"
    if source.price is not None:
        price = source.price(prop)
        return price, f"{what}: {dollars(price)} by the price list; money_per_night allows {allowed:g}"
    return Decimal(0), f"{what}: by what there is to read, {allowed:g} US dollars at most (money_per_night)"


def _taking(usual: Usual | None, times: int) -> str:
    if usual is None:
        return "calls are not known before the first of them"
    whose = "its own" if usual.is_own else "other properties'"
    money = f", {dollars(round(usual.money * times, 4))}" if usual.money else ""
    return (
        f"some {usual.calls * times:,.0f} calls and {usual.rows * times:,.0f} rows{money}"
        f" (by {whose} last {usual.count})"
    )
