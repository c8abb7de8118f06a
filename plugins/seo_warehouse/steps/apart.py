"""A build that fails on one property's days costs that property alone: who it is is found out, and set aside.

The properties whose days wait are built by halves, until those are alone whose days fail. What waits of them is tried
alone by each later build, after the others are built, and hidden from every other (ledger/aside.py).
"""

from __future__ import annotations

import logging
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
    """Builds once: the waiting days of all but the properties `left_out`. Raises BuildError."""

    def __call__(self, left_out: Collection[int], *, full: bool = False, even_empty: bool = False) -> BuildSummary: ...


Attempt = Callable[[Collection[int]], BuildError | None]
"""Builds the waiting days of some properties, which may be none; why it failed."""


def build_apart(conn: Connection, once: Once, *, full: bool = False) -> BuildSummary:
    """Build what waits, each property that is set aside after and apart from the others.

    Raises BuildError where a build fails that sees no waiting day: then it is no property's.
    """
    before = aside.aside_keys(conn)
    attempts = _Attempts(conn, once)
    try:
        attempts.note(once(before, full=full))
    except BuildError as error:
        attempts.is_whole = False
        keys = aside.waiting_keys(conn) - before
        if not keys or len(keys | aside.published_keys(conn)) == 1:
            raise
        for key, why in find_culprits(sorted(keys), error, attempts):
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


@dataclass
class _Attempts:
    """Builds of some properties' waiting days, one after another, and what they did together."""

    conn: Connection
    once: Once
    summary: BuildSummary = field(default_factory=lambda: BuildSummary(None))
    is_whole: bool = True
    """Whether the last one passed."""

    def __call__(self, keys: Collection[int]) -> BuildError | None:
        try:
            self.note(self.once(aside.waiting_keys(self.conn) - set(keys), even_empty=True))
        except BuildError as error:
            self.is_whole = False
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
