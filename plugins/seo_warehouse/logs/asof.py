"""Whose addresses were whose on a day, as the lists said that were read around it.

Lists are published late and change within weeks: a range holds on a day if a reading of the seven days before or after
has it. Of a list that nobody read then the nearest later reading stands, and it is said so; of one that was read only
before, nothing is known.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from seo_warehouse.logs.memo import Memo
from seo_warehouse.logs.ranges import LISTS, RangeList, Ranges

AROUND = timedelta(days=7)
MOST = 100_000
"""Addresses whose operator is remembered."""

Readings = Mapping[str, Mapping[date, frozenset[str]]]
"""By list and day: the ranges that were read."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """The ranges of a day, and the operators of whose lists only a later reading is had."""

    ranges: Ranges
    later: frozenset[str]


def make_as_of(readings: Readings) -> Callable[[date], AsOf]:
    """The ranges by day. Days of the same readings have the same."""

    @lru_cache(maxsize=8)
    def build(chosen: frozenset[tuple[str, frozenset[date]]], later: frozenset[str]) -> AsOf:
        lists = [_list(name, (readings[name][day] for day in days)) for name, days in sorted(chosen)]
        return AsOf(Ranges(lists), frozenset(LISTS[name][0] for name in later))

    return lambda day: build(*_choose(readings, day))


def make_key(readings: Readings, day: date) -> str:
    """What a day's verdicts follow from: equal while the same ranges hold."""
    chosen, later = _choose(readings, day)
    said = sorted((name, sorted(frozenset().union(*(readings[name][d] for d in days)))) for name, days in chosen)
    return _digest(repr((said, sorted(later))))


def _choose(readings: Readings, day: date) -> tuple[frozenset[tuple[str, frozenset[date]]], frozenset[str]]:
    """The days whose readings hold, by list, and the lists of which there are only later ones."""
    chosen: set[tuple[str, frozenset[date]]] = set()
    later: set[str] = set()
    for name, by_day in readings.items():
        around = frozenset(read for read in by_day if abs(read - day) <= AROUND)
        after = [read for read in by_day if read > day]
        if around:
            chosen.add((name, around))
        elif after:
            chosen.add((name, frozenset({min(after)})))
            later.add(name)
    return frozenset(chosen), frozenset(later)


def _list(name: str, readings: Iterable[frozenset[str]]) -> RangeList:
    networks = tuple(ipaddress.ip_network(prefix) for prefix in sorted(frozenset().union(*readings)))
    return RangeList(name, LISTS[name][0], networks)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_finder(lists: Mapping[str, Iterable[str]]) -> Callable[[str], str | None]:
    """The operator of an address by ranges of lists, whenever they were; of one that changed hands, any of them."""
    by_operator: dict[str, set[str]] = {}
    for name, prefixes in lists.items():
        by_operator.setdefault(LISTS[name][0], set()).update(prefixes)
    found = [
        Ranges([RangeList(operator, operator, tuple(map(ipaddress.ip_network, sorted(prefixes))))])
        for operator, prefixes in by_operator.items()
    ]
    memo = Memo(lambda address: next((owner for each in found if (owner := each.find_operator(address))), None), MOST)
    return memo.__getitem__
