"""Orders that cost, in a process of its own, to be killed: `python -m tests.chaos.buyer DSN URL FOLDER SEED [MONEY]`.

Each order is a few calls, each paid for; the client, the archive, the reservation and the bill are the product's own.
"""

from __future__ import annotations

import random
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import open_archive
from seo_warehouse.errors import DeferredError
from seo_warehouse.ledger.budgets import EVERYBODY, Budget, Order, reserve
from seo_warehouse.ledger.loads import note_order
from seo_warehouse.ledger.turns import end_turn, try_turn
from tests.sources.provider import QUICK

FIRST = date(2026, 6, 1)
ORDERS, CALLS, PRICE = 12, 3, Decimal("0.02")
MONEY = Decimal("0.50")


def buy(connection: psycopg.Connection[Any], url: str, folder: Path, number: int, budgets: list[Budget]) -> None:
    """Buy what an order lacks, as far as the budgets hold it, and note its bill."""
    night = FIRST + timedelta(days=number)
    order = Order("paid", 1, f"night={night}")
    with Api(
        base_url=url,
        auth=None,
        archive=open_archive(folder, source=order.source, property_key=1, scope=order.scope),
        may_call=True,
        explain=None,
        limits=QUICK,
        networks=("127.0.0.0/8",),
        reserve=lambda money: reserve(connection, order, money, budgets),
    ) as api:
        is_done = False
        try:
            for call in range(CALLS):
                asked = {"order": number, "call": call}
                if not api.holds("POST", "/buy", asked) and not api.is_cut("POST", "/buy", asked):
                    api.afford(PRICE)
                    api.post("/buy", asked, once=True)
                # A call that was cut may have been carried out: it counts.
                api.spend(money=PRICE)
            is_done = True
        except DeferredError:
            pass
        finally:
            note_order(connection, order.source, 1, night, api.usage, is_done=is_done)


def main(dsn: str, url: str, folder: str, seed: str, money: str = str(MONEY)) -> None:
    """Take up every order that nobody else is at, in an order of the seed's."""
    budgets = [
        Budget("paid", 1, ("paid",), Decimal(money) + 1, 0.8),
        Budget("vendor", EVERYBODY, ("paid",), Decimal(money), 0.8),
    ]
    with psycopg.connect(dsn, autocommit=True) as connection:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        for number in random.Random(seed).sample(range(ORDERS), ORDERS):
            if try_turn(connection, f"order {number}"):
                buy(connection, url, Path(folder), number, budgets)
                end_turn(connection, f"order {number}")


if __name__ == "__main__":
    main(*sys.argv[1:])
