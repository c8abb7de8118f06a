"""The pace of a provider's account that all processes keep together."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from datetime import timedelta

from seo_warehouse.config import AccountLimit
from seo_warehouse.errors import TransientLoadError
from seo_warehouse.ledger import pace
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.turns import try_turn
from seo_warehouse.spec import Source
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
"""So often one looks whether another load has ended: each look asks for all places of the account."""
LONGEST_WAIT = timedelta(hours=6)
"""Longer than loads call: whoever has a place for so long hangs."""


class AccountPace:
    """Waits for the account's next call before each; a session of its own, opened with the first.

    Where loads that call at once are limited, it is one of them from its first call until it is closed, or killed.
    """

    def __init__(self, wh: Warehouse, account: str, limit: AccountLimit) -> None:
        self._wh, self._account, self._limit = wh, account, limit
        self._opened = ExitStack()
        self._session: Connection | None = None

    def wait(self) -> None:
        """Wait for the next call. Raises TransientLoadError where the warehouse is not there, or no place was free."""
        session = self._connection()
        if self._limit.calls_a_minute is not None:
            _, seconds = pace.allot_call(session, self._account, self._limit.calls_a_minute)
            time.sleep(seconds)

    def slow_down(self) -> None:
        """The provider asked for less."""
        pace.slow_down(self._connection(), self._account)

    def close(self) -> None:
        """End the session."""
        self._opened.close()
        self._session = None

    def _connection(self) -> Connection:
        if self._session is None:
            session = self._opened.enter_context(self._wh.connect("loader", autocommit=True))
            self._wait_for_place(session)
            self._session = session
        return self._session

    def _wait_for_place(self, session: Connection) -> None:
        if self._limit.at_once is None:
            return
        places = [f"call {self._account} {number}" for number in range(self._limit.at_once)]
        if any(try_turn(session, place) for place in places):
            return
        log.info("%s is called by as many loads as at_once allows: this one waits", self._account)
        deadline = time.monotonic() + LONGEST_WAIT.total_seconds()
        while not any(try_turn(session, place) for place in places):
            if time.monotonic() >= deadline:
                raise TransientLoadError(
                    f"{self._account} was called by {len(places)} other loads, as many as at_once allows, for"
                    f" {LONGEST_WAIT}: look which of them hangs"
                )
            time.sleep(LOOK_SECONDS)


def pace_of(wh: Warehouse, source: Source) -> AccountPace | None:
    """The pace of a source's account; None where properties.yml limits none."""
    limit = wh.properties.limits.get(source.account)
    if limit is None or (limit.calls_a_minute is None and limit.at_once is None):
        return None
    return AccountPace(wh, source.account, limit)
