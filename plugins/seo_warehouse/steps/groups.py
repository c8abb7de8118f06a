"""Properties that share a task of a night: what one of them does holds up no other.

Each property is done in a thread, a few at a time, and a few more whenever none has ended for long: those that
take hours leave ways to the others, however many they are.
Which of them are done the ledger knows, so a task that is tried again does what is missing.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TypeVar

from seo_warehouse.errors import is_final
from seo_warehouse.ledger import loads
from seo_warehouse.steps import nightly, reading
from seo_warehouse.steps.warehouse import Warehouse, keeping_sessions

log = logging.getLogger(__name__)
T = TypeVar("T")
AT_ONCE = 4
"""Properties of a task at a time. Each needs connections of its own: few where many tasks run."""
PATIENCE_SECONDS = 600
"""Where no property has ended for so long, those at work crawl or hang, and as many more are begun beside them."""


def for_each(names: Sequence[str], do: Callable[[str], T]) -> dict[str, T]:
    """What `do` returns for each property.

    All are tried. Then raises what is most worth another try: the longest pause that a provider asks for, anything that
    may work later, and only where there is nothing else what no retry helps.
    """
    done, failed = _try_each(names, do)
    if failed:
        raise _worst(failed)
    return done


def order(wh: Warehouse, source_name: str, names: Sequence[str], night: date, since: datetime | None) -> bool:
    """One look at the orders of a night (nightly.order); True once no property waits for an answer.

    `since`: when the first look of this try of the task was. Whose order failed since then is not bothered again while
    others wait, and looked at once more when none does. Raises what `for_each` raises.
    """
    resting = _resting(wh, source_name, names, night, since) if since else []

    def look(name: str) -> bool:
        return nightly.order(wh, source_name, name, night)

    done, failed = _try_each([name for name in names if name not in resting], look)
    waiting = sorted(name for name, is_whole in done.items() if not is_whole)
    if waiting:
        log.info("%s: waiting for the answers of %s", source_name, ", ".join(waiting))
        return False
    again, still_failed = _try_each(resting, look)
    if failures := failed | still_failed:
        raise _worst(failures)
    return all(again.values())


def _resting(wh: Warehouse, source_name: str, names: Sequence[str], night: date, since: datetime) -> list[str]:
    with wh.connect("loader") as connection:
        failed = loads.failed_orders(connection, source_name, night, since)
    return [name for name in names if reading.configured(wh, source_name, name)[1].key in failed]


def _try_each(names: Sequence[str], do: Callable[[str], T]) -> tuple[dict[str, T], dict[str, Exception]]:
    """What was returned, and what was raised. The threads are daemons: one that hangs keeps no process from its end."""
    if len(names) == 1:  # nobody to hold up
        with keeping_sessions():
            return _try(names[0], do)
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    ended: queue.SimpleQueue[tuple[dict[str, T], dict[str, Exception]]] = queue.SimpleQueue()

    def work() -> None:
        with keeping_sessions():
            while True:
                try:
                    name = waiting.get_nowait()
                except queue.Empty:
                    return
                ended.put(_try(name, do))

    done: dict[str, T] = {}
    failed: dict[str, Exception] = {}
    patience: float = 0
    while len(done) + len(failed) < len(names):
        try:
            one_done, one_failed = ended.get(timeout=patience)
        except queue.Empty:
            for _ in range(min(AT_ONCE, waiting.qsize())):
                threading.Thread(target=work, daemon=True).start()
            patience = PATIENCE_SECONDS
        else:
            done |= one_done
            failed |= one_failed
    return done, failed


def _try(name: str, do: Callable[[str], T]) -> tuple[dict[str, T], dict[str, Exception]]:
    try:
        return {name: do(name)}, {}
    except Exception as error:  # noqa: BLE001  one property must keep no other from being read; raised by the callers
        log.error("%s: %s: %s", name, type(error).__name__, error)
        return {}, {name: error}


def _worst(failed: dict[str, Exception]) -> Exception:
    name, worst = max(failed.items(), key=lambda pair: _urgency(pair[1]))
    others = sorted(set(failed) - {name})
    worst.add_note(f"of {name}" + (f"; failed too, see above: {', '.join(others)}" if others else ""))
    return worst


def _urgency(error: Exception) -> tuple[bool, float]:
    return not is_final(error), getattr(error, "retry_after_seconds", None) or 0.0
