"""The pace of a provider's account that all processes keep together."""

from __future__ import annotations

import time
from contextlib import ExitStack

from seo_warehouse.ledger import pace
from seo_warehouse.ledger.session import Connection
from seo_warehouse.spec import Source
from seo_warehouse.steps.warehouse import Warehouse


class AccountPace:
    """Waits for the account's next call before each; a session of its own, opened with the first."""

    def __init__(self, wh: Warehouse, account: str, a_minute: int) -> None:
        self._wh, self._account, self._a_minute = wh, account, a_minute
        self._opened = ExitStack()
        self._session: Connection | None = None

    def wait(self) -> None:
        """Wait for the next call. Raises TransientLoadError where the warehouse is not there."""
        _, seconds = pace.allot_call(self._connection(), self._account, self._a_minute)
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
            self._session = self._opened.enter_context(self._wh.connect("loader", autocommit=True))
        return self._session


def pace_of(wh: Warehouse, source: Source) -> AccountPace | None:
    """The pace of a source's account; None where properties.yml limits none."""
    limit = wh.properties.limits.get(source.account)
    if limit is None or limit.calls_a_minute is None:
        return None
    return AccountPace(wh, source.account, limit.calls_a_minute)
