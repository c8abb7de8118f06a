"""Whose turn it is: one request at a time, and a pause after it, by host and by address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from time import monotonic


class Turns:
    """Of those who have a name in common one at a time goes, and none before `pause` seconds after another has ended.

    `at_once`: how many go at the same time, whoever they are. Who waits holds nothing.
    """

    def __init__(self, *, pause: float, at_once: int, clock: Callable[[], float] = monotonic) -> None:
        self._pause, self._clock = pause, clock
        self._room = asyncio.Semaphore(at_once)
        self._free_at: dict[str, float] = {}
        self._busy: set[str] = set()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def turn(self, names: Collection[str], *, pause: float = 0.0) -> AsyncIterator[None]:
        """A turn of those who have these names. `pause`: theirs after it, where it is longer than everybody's."""
        await self._wait(names)
        try:
            async with self._room:
                yield
        finally:
            self.hold(names, max(self._pause, pause))
            self._busy.difference_update(names)
            async with self._changed:
                self._changed.notify_all()

    def hold(self, names: Collection[str], seconds: float) -> None:
        """Let nobody of these names go for a while."""
        end = self._clock() + seconds
        for name in names:
            self._free_at[name] = max(end, self._free_at.get(name, end))

    async def _wait(self, names: Collection[str]) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._busy.isdisjoint(names))
                wait = max((self._free_at.get(name, 0.0) for name in names), default=0.0) - self._clock()
                if wait <= 0:
                    self._busy.update(names)
                    return
            await asyncio.sleep(wait)
