"""A build that fails on one property's days costs that property alone: who it is is found out, and set aside.

The properties whose days wait are built by halves, until those are alone whose days fail. What waits of them is tried
alone by each later build, after the others are built, and hidden from every other (ledger/aside.py).

Where no waiting day is to blame, one is that was modelled before: the models are others now, or reach back to it. Then
half of the properties, or three quarters of them, are emptied, so that all their days wait, and these are tried
by halves in their turn. Never all are emptied: where nothing can be built, it is nobody's days that fail.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from seo_warehouse.errors import AuditFailedError, BuildError
from seo_warehouse.ledger import aside
from seo_warehouse.ledger.session import Connection
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildSummary:
    """What a build did. `build_id` is None where there was nothing to claim. `aside`: a sentence for each property
    that is set aside.
    """

    build_id: int | None
    days: int = 0
    nodes: int = 0
    is_full: bool = False
    missing_sources: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()


class Once(Protocol):
    """Builds once: the waiting days of all but the properties `left_out`, and nothing of those `emptied`.

    Raises BuildError.
    """

    def __call__(
        self,
        left_out: Collection[int],
        *,
        emptied: Collection[int] = (),
        full: bool = False,
        even_empty: bool = False,
    ) -> BuildSummary: ...


Attempt = Callable[[Collection[int]], BuildError | None]
"""Builds the waiting days of some properties, which may be none; why it failed."""
SOUND_PARTS = (2, 4)
"""Into how many parts the properties are divided to find one that can be built. Each part is a build."""
_OF_MACHINE = (
    "could not (access|connect|extend|fork|fsync|open|read|receive|resize|serialize|write) |out of (shared )?memory|"
    "FATAL|server closed |connection |terminating |canceling |deadlock |the database system |permission denied "
)
_OF_CODE = "syntax error |(column|relation|function|operator|schema|type) .* does not exist"
NOBODYS = re.compile(
    r"(build \d+: \d+ nodes did not pass: (\S+: error: )?)?"
    r"(the models cannot be parsed|(Compilation|Parsing|Runtime) Error"
    rf"|Database Error( in \w+ \S+ \(\S+\))?\s+({_OF_MACHINE}|{_OF_CODE}))"
)
"""Failures that no row can cause. Matched from the beginning, where nothing stands that others wrote."""


def build_apart(conn: Connection, once: Once, *, full: bool = False) -> BuildSummary:
    """Build what waits, each property that is set aside after and apart from the others.

    Raises BuildError where a build fails of which no property's days are the cause.
    """
    before = aside.aside_keys(conn)
    attempts = _Attempts(conn, once)
    try:
        attempts.note(once(before, full=full))
    except BuildError as error:
        attempts.is_whole = False
        if len(aside.published_keys(conn)) == 1 or is_nobodys(error):
            raise
        for key, why in _blame(conn, before, error, attempts):
            _set_aside(conn, key, why)
    for key in sorted(before):
        # Nothing waits of who was built before it was noted, or lost its days.
        failure = attempts((key,)) if key in aside.waiting_keys(conn) else None
        if failure is None:
            aside.take_back(conn, key)
        else:
            _set_aside(conn, key, failure)
    # What a build that failed left of a property is half made: it is made anew of what was modelled before.
    if not attempts.is_whole and (broken := attempts(())):
        raise broken
    return replace(attempts.summary, aside=tuple(map(str, aside.read_aside(conn))))


def verdict(wh: Warehouse) -> None:
    """Raises AuditFailedError naming each property that is set aside."""
    with wh.connect("loader") as connection:
        if found := aside.read_aside(connection):
            raise AuditFailedError("; ".join(map(str, found)))


def find_culprits(keys: Sequence[int], error: BuildError, attempt: Attempt) -> Iterator[tuple[int, BuildError]]:
    """Build all properties of `keys`, which failed together with `error`, but those that fail alone: each, and why.

    Raises BuildError where nothing can be built: if it fails without any waiting day too, no property is to blame.
    """
    is_sound = False
    groups = [(tuple(keys), error)]
    while groups:
        group, why = groups.pop()
        halves = [half for half in (group[: len(group) // 2], group[len(group) // 2 :]) if half and half != group]
        failed = [(half, broken) for half in halves if (broken := attempt(half))]
        is_sound |= len(failed) < len(halves)
        if not is_sound and (broken := attempt(())):
            raise broken
        is_sound = True
        if len(group) == 1:
            yield group[0], why
        groups += failed


def find_sound(keys: Sequence[int], active: Collection[int], attempt: Attempt) -> bool:
    """Build one part of several properties after another, and nothing of the others, until one can be built.

    A part in which nobody is `active` proves nothing. Returns whether there is one.
    """
    for count in sorted({min(count, len(keys)) for count in SOUND_PARTS} - {0, 1}):
        parts = [keys[number::count] for number in range(count)]
        if any(attempt(part) is None for part in parts if not set(part).isdisjoint(active)):
            return True
    return False


def is_nobodys(error: BuildError) -> bool:
    """Whether a build failed of what no property's days can cause."""
    return NOBODYS.match(str(error)) is not None


def _blame(
    conn: Connection, before: Collection[int], error: BuildError, attempts: _Attempts
) -> Iterator[tuple[int, BuildError]]:
    """Who failed, and why: of the waiting days, else of all. Raises BuildError where it is nobody."""
    waiting = sorted(aside.waiting_keys(conn) - set(before))
    is_found = False
    try:
        for found in find_culprits(waiting, error, attempts) if waiting else ():
            is_found = True
            yield found
    except BuildError as broken:
        if is_found or is_nobodys(broken):
            raise
    else:
        if waiting:
            return
    properties = aside.modelled_properties(conn)
    active = [key for key, is_active in properties.items() if is_active]
    if not find_sound(sorted(properties), active, attempts.emptying):
        # What was emptied in vain is made anew, as far as the models can.
        raise attempts(()) or error
    # Of whom this build saw nothing all days wait now.
    yield from find_culprits(sorted(aside.waiting_keys(conn) - set(before)), error, attempts)


@dataclass
class _Attempts:
    """Builds of some properties' waiting days, one after another, and what they did together."""

    conn: Connection
    once: Once
    summary: BuildSummary = field(default_factory=lambda: BuildSummary(None))
    is_whole: bool = True
    """Whether the last one passed."""

    def __call__(self, keys: Collection[int]) -> BuildError | None:
        return self._attempt(aside.waiting_keys(self.conn) - set(keys), ())

    def emptying(self, keys: Collection[int]) -> BuildError | None:
        """Build what was modelled of some properties, and nothing of the others."""
        others = aside.modelled_properties(self.conn).keys() - set(keys)
        return self._attempt(aside.waiting_keys(self.conn) | others, others)

    def _attempt(self, left_out: Collection[int], emptied: Collection[int]) -> BuildError | None:
        """Raises BuildError where it fails of what no property's days can cause."""
        self.is_whole = False
        try:
            self.note(self.once(left_out, emptied=emptied, even_empty=True))
        except BuildError as error:
            if is_nobodys(error):
                raise
            return error
        self.is_whole = True
        return None

    def note(self, done: BuildSummary) -> None:
        so_far = self.summary
        if done.build_id is not None:
            self.summary = BuildSummary(
                done.build_id,
                so_far.days + done.days,
                so_far.nodes + done.nodes,
                so_far.is_full or done.is_full,
                so_far.missing_sources or done.missing_sources,
            )


def _set_aside(conn: Connection, key: int, why: BuildError) -> None:
    log.error("property %s is set aside: %s", key, why)
    aside.set_aside(conn, key, str(why))
