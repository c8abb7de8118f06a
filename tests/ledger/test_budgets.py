"""A month's money is set aside before it is spent, and what does not fit waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from seo_warehouse.client.api import Usage
from seo_warehouse.errors import DeferredError
from seo_warehouse.ledger.budgets import EVERYBODY, Budget, Order, read_standings, reserve, sync_budgets, why_deferred
from seo_warehouse.ledger.loads import note_order
from seo_warehouse.ledger.troubles import find_troubles
from tests.load.loading import fetch

NIGHT = datetime.now(UTC).date()
ONE, OTHER = (Order("serp", 1, f"night={NIGHT - timedelta(number)}") for number in range(2))
OWN = Budget("serp", 1, ("serp",), Decimal(2), 0.8)
ACCOUNT = Budget("vendor", EVERYBODY, ("serp", "links"), Decimal(3), 0.8)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened


def pay(connection: psycopg.Connection[Any], order: Order, money: str, *, is_done: bool = True) -> None:
    night = date.fromisoformat(order.scope.removeprefix("night="))
    usage = Usage(money=Decimal(money))
    note_order(connection, order.source, order.property_key, night, usage, is_done=is_done)


def reserved(connection: psycopg.Connection[Any]) -> Decimal:
    return Decimal(fetch(connection, "select coalesce(sum(money), 0) from ops.reservation")[0][0])


def test_an_order_fits_or_waits_and_says_why(connection: psycopg.Connection[Any]) -> None:
    reserve(connection, ONE, Decimal("1.50"), [OWN, ACCOUNT])
    with pytest.raises(
        DeferredError, match=r"this order \(0\.60\) .* 2\.00 US dollars for serp \(0\.00 spent, 1\.50 set"
    ):
        reserve(connection, OTHER, Decimal("0.60"), [OWN, ACCOUNT])
    assert why_deferred(connection, OTHER)
    assert why_deferred(connection, ONE) is None
    pay(connection, ONE, "1.30")
    assert reserved(connection) == 0
    reserve(connection, OTHER, Decimal("0.60"), [OWN, ACCOUNT])
    assert why_deferred(connection, OTHER) is None


def test_what_is_paid_takes_the_place_of_what_was_set_aside(connection: psycopg.Connection[Any]) -> None:
    reserve(connection, ONE, Decimal("1.50"), [OWN])
    pay(connection, ONE, "0.40", is_done=False)
    assert reserved(connection) == Decimal("1.10")
    # Taken up again, with the same answers in its archive.
    reserve(connection, ONE, Decimal("1.70"), [OWN])
    assert reserved(connection) == Decimal("1.30")


def test_an_account_is_everybodys_and_the_stricter_budget_holds(connection: psycopg.Connection[Any]) -> None:
    reserve(connection, Order("links", 2, "night=2026-05-06"), Decimal("2.50"), [ACCOUNT])
    with pytest.raises(DeferredError, match="for the account vendor"):
        reserve(connection, ONE, Decimal(1), [OWN, ACCOUNT])


def test_of_a_killed_process_nothing_is_set_aside_for_ever_and_last_month_is_paid(
    connection: psycopg.Connection[Any],
) -> None:
    reserve(connection, OTHER, Decimal(2), [OWN])
    connection.execute("update ops.reservation set until = now() - interval '1 second'")
    pay(connection, OTHER, "2")
    connection.execute("update ops.order_usage set noted_at = date_trunc('month', now()) - interval '1 hour'")
    reserve(connection, ONE, Decimal(2), [OWN])


def test_budgets_keep_their_history(connection: psycopg.Connection[Any]) -> None:
    for stated in ([OWN], [OWN], [OWN, ACCOUNT], [ACCOUNT], [ACCOUNT]):
        with connection.transaction():
            sync_budgets(connection, stated)
    assert fetch(connection, "select name, property_key, sources, money from ops.budget order by budget_id") == [
        ("serp", 1, ["serp"], 2),
        ("vendor", 0, ["serp", "links"], 3),
        ("serp", 1, ["serp"], None),
    ]


def test_people_are_told_how_a_budget_stands(connection: psycopg.Connection[Any]) -> None:
    def told() -> list[tuple[str, str]]:
        return [(each.kind, each.content) for each in find_troubles(connection, datetime.now(UTC))]

    with connection.transaction():
        sync_budgets(connection, [OWN, ACCOUNT])
    pay(connection, ONE, "1.50")
    assert told() == []
    pay(connection, ONE, "1.70")
    [(kind, text)] = told()
    assert (kind, text.partition(";")[0]) == ("budget_80", "?, serp: 1.70 of 2.00 US dollars spent (85%)")
    with pytest.raises(DeferredError):
        reserve(connection, OTHER, Decimal(1), [OWN])
    assert [(kind, "month's budget" in text) for kind, text in told()] == [("budget_100", True)]
    # More is allowed: what waited before says nothing of it.
    with connection.transaction():
        sync_budgets(connection, [replace(OWN, money=Decimal(20)), ACCOUNT])
    assert told() == []
    with pytest.raises(DeferredError):
        reserve(connection, OTHER, Decimal(2), [replace(OWN, money=Decimal(20)), ACCOUNT])
    [(kind, text)] = told()
    assert (kind, text.partition(":")[0]) == ("budget_100", "account vendor")


def test_a_pace_says_when_a_budget_ends(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        sync_budgets(connection, [OWN])
    spend(connection, date(2026, 6, 1), 14)
    (standing,) = read_standings(connection, date(2026, 6, 15))
    assert str(standing).endswith("1.40 of 2.00 US dollars spent (70%); at this pace it ends on 2026-06-21")
    # Two of the last fourteen nights cost 0.10 each, and four are left.
    (standing,) = read_standings(connection, date(2026, 6, 27))
    assert str(standing).endswith("at this pace 1.46 by the end of the month")
    # Tonight's is spent already: three are left.
    spend(connection, date(2026, 6, 27), 1)
    (standing,) = read_standings(connection, date(2026, 6, 27))
    assert str(standing).endswith("at this pace 1.54 by the end of the month")
    spend(connection, date(2026, 6, 30), 1)
    (standing,) = read_standings(connection, date(2026, 6, 30))
    assert str(standing).endswith("at this pace 1.60 by the end of the month")


def test_a_pace_is_of_the_nights_that_there_were(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        sync_budgets(connection, [OWN])
    spend(connection, date(2026, 6, 1), 2)
    (standing,) = read_standings(connection, date(2026, 6, 3))
    assert str(standing).endswith("0.20 of 2.00 US dollars spent (10%); at this pace it ends on 2026-06-21")


def spend(connection: psycopg.Connection[Any], first: date, nights: int) -> None:
    """Ten cents of each of so many nights."""
    for number in range(nights):
        connection.execute(
            "insert into ops.order_usage"
            " (source, property_key, night, calls, calls_reused, calls_cut, bytes_read, units, money, noted_at)"
            " values ('serp', 1, %s, 0, 0, 0, 0, 0, 0.1, %s)",
            (first, datetime.combine(first + timedelta(number), time(12), UTC)),
        )
