"""Two workers and a back-fill spend from one budget, in whatever order, killed anywhere (tests/chaos has processes)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg

from seo_warehouse.client.api import Usage
from seo_warehouse.errors import DeferredError
from seo_warehouse.ledger.budgets import EVERYBODY, Budget, Order, expired, release, reserve
from seo_warehouse.ledger.loads import note_order
from tests.load.loading import fetch

SCHEDULES, BUYERS, ORDERS, CALLS = 200, 3, 4, 2
PRICE = Decimal("0.10")
TODAY = datetime.now(UTC).date()


@dataclass
class World:
    """One month: what the provider billed, what the archive holds, and who is at which order."""

    connection: psycopg.Connection[Any]
    source: str
    dice: random.Random
    money: Decimal
    billed: Counter[tuple[int, int]] = field(default_factory=Counter)
    archive: dict[tuple[int, int], Decimal] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    @property
    def budget(self) -> Budget:
        return Budget(self.source, EVERYBODY, (self.source,), self.money, 0.8)

    @property
    def dearer(self) -> Decimal:
        """What answers cost beyond their price, which nobody knows before."""
        return sum((cost - PRICE for cost in self.archive.values()), Decimal(0))

    def night(self, order: int) -> date:
        return TODAY - timedelta(days=order)

    def bought(self, order: int) -> Decimal:
        return sum((cost for (number, _), cost in self.archive.items() if number == order), Decimal(0))

    def buy(self, order: int) -> Iterator[None]:
        """An order as the client places it: a reservation before each call that the archive lacks, then the bill.

        It may be killed wherever it yields. Raises DeferredError.
        """
        place = Order(self.source, 1, f"night={self.night(order)}")
        for call in range(CALLS):
            if (order, call) not in self.archive:
                reserve(self.connection, place, self.bought(order) + PRICE, [self.budget])
                yield
                self.billed[order, call] += 1
                self.archive[order, call] = PRICE + self.dice.choice((0, 0, 0, 1)) * Decimal("0.03")
                yield
        usage = Usage(money=self.bought(order))
        note_order(self.connection, self.source, 1, self.night(order), usage, is_done=True)
        self.done.add(order)

    def run(self, orders: list[int], kills: float) -> None:
        """Have the orders placed by some buyers at once, step by step in any order."""
        waiting, living = list(orders), dict[int, Iterator[None]]()
        while waiting or living:
            while waiting and len(living) < BUYERS:
                order = waiting.pop(self.dice.randrange(len(waiting)))
                living[order] = self.buy(order)
            order = self.dice.choice(list(living))
            try:
                next(living[order])
                is_over = self.dice.random() < kills
            except (StopIteration, DeferredError):
                is_over = True
            if is_over:
                del living[order]
            assert sum(self.archive.values()) <= self.money + self.dearer

    def settle(self) -> None:
        self.connection.execute("update ops.reservation set until = now() where source = %s", (self.source,))
        for place, _ in expired(self.connection):
            assert release(self.connection, place)
            usage = Usage(money=sum(self.bought(n) for n in range(ORDERS) if place.scope == f"night={self.night(n)}"))
            night = date.fromisoformat(place.scope.removeprefix("night="))
            note_order(self.connection, self.source, 1, night, usage)

    def undone(self) -> list[int]:
        return [order for order in range(ORDERS) if order not in self.done]


def test_no_schedule_passes_the_budget_buys_twice_or_defers_for_ever(database: str) -> None:
    deferred = 0
    with psycopg.connect(database, autocommit=True) as connection:
        for seed in range(SCHEDULES):
            dice = random.Random(seed)
            world = World(connection, f"paid_{seed}", dice, PRICE * dice.randrange(2, ORDERS * CALLS))
            world.run(world.undone(), kills=0.2)
            # A day later what the killed ones had bought is noted, as by steps/settling.py; nobody is killed any more.
            world.settle()
            world.run(world.undone(), kills=0)
            left = world.money - sum(world.archive.values())
            for order in world.undone():
                assert left < PRICE or world.bought(order) + left < PRICE * CALLS, (seed, order)
            deferred += len(world.undone())
            waiting = fetch(connection, "select count(*) from ops.deferral where source = %s", (world.source,))
            assert waiting == [(len(world.undone()),)], seed
            world.money = Decimal(100)
            world.run(world.undone(), kills=0)
            assert world.undone() == []
            assert set(world.billed.values()) == {1}, seed
            spent = "select sum(money), count(distinct night) from ops.order_usage where source = %s"
            assert fetch(connection, spent, (world.source,)) == [(sum(world.archive.values()), ORDERS)], seed
            kept = "select (select count(*) from ops.deferral where source = %(s)s),"
            kept += " (select count(*) from ops.reservation where source = %(s)s)"
            assert fetch(connection, kept, {"s": world.source}) == [(0, 0)], seed
    assert deferred > SCHEDULES / 4
