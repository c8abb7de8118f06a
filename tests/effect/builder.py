"""The sample of the effect of links, built slowly and plainly with pandas, to compare others with row by row.

One property at a time. Every rule is written as the definition reads: a day, a series and a page at a time.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from statistics import fmean
from typing import Any

import pandas as pd

from tests.effect.windows import OUTCOMES, Window

SeriesKey = tuple[int, str, str]
"""Keyword, locale, device."""
BASE = (-7, -1)
CARRY_DAYS = 3
MODAL_DAYS = 28


@dataclass(frozen=True)
class Tables:
    """What the builder reads, with the columns of tests/effect/tables.py; `looks` are complete looks of a witness."""

    checks: pd.DataFrame
    links: pd.DataFrame
    edits: pd.DataFrame
    pages: pd.DataFrame
    keywords: pd.DataFrame
    looks: tuple[date, ...]


@dataclass(frozen=True)
class Built:
    """What the builder makes.

    rows      arm, window, horizon, event_date, page_key, locale, device, topic, is_treated, keyword_count,
              base_<outcome> and dy_<outcome>; controls once for each arm in whose cells they stand
    reasons   event_key, arm, window, horizon, locale, device, reason; "" for one in the sample
    """

    rows: pd.DataFrame
    reasons: pd.DataFrame


def build(tables: Tables, chosen: Iterable[Window], *, depth: int = 100, curve: Sequence[float] = ()) -> Built:
    """The sample of a property over the windows."""
    builder = Builder(tables, depth, curve)
    rows: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    for window in chosen:
        made, dropped = builder.window(window)
        rows += made
        reasons += dropped
    return Built(pd.DataFrame(rows), pd.DataFrame(reasons))


class Builder:
    """One property's tables, read into dictionaries. Days are ordinals."""

    def __init__(self, tables: Tables, depth: int, curve: Sequence[float]) -> None:
        self.depth, self.curve = depth, curve
        self.topic: dict[int, str] = dict(zip(tables.pages["page_key"], tables.pages["topic"], strict=True))
        self.configured = {
            int(row.keyword_key): int(row.page_key)
            for row in tables.keywords.itertuples()
            if row.page_key is not None and not pd.isna(row.page_key)
        }
        self.edit_days = defaultdict(set)
        for row in tables.edits.itertuples():
            self.edit_days[int(row.page_key)].add(row.change_date.toordinal())
        self.looks = sorted(day.toordinal() for day in tables.looks)
        self._read_checks(tables.checks)
        self._read_links(tables.links)
        self.last_known = min(self.published[-1], self.looks[-1])
        self.units_at, self.gap_at = cache(self.units), cache(self.gap)

    def _read_checks(self, checks: pd.DataFrame) -> None:
        self.measured: dict[SeriesKey, dict[int, int]] = defaultdict(dict)
        self.found: dict[SeriesKey, dict[int, int]] = defaultdict(dict)
        self.first_check: dict[SeriesKey, int] = {}
        published = set()
        for row in checks.itertuples():
            key, day = (int(row.keyword_key), row.locale, row.device), row.day.toordinal()
            published.add(day)
            self.first_check[key] = min(day, self.first_check.get(key, day))
            if row.state == "found":
                self.found[key][day] = int(row.ranking_page_key)
            if row.state in {"found", "not_found"} and row.depth >= self.depth:
                deeper = self.depth + 1
                self.measured[key][day] = min(int(row.position), deeper) if row.state == "found" else deeper
        self.published = sorted(published)

    def value(self, key: SeriesKey, day: int) -> int | None:
        """Counted position of the day, carried forward three days at most."""
        for back in range(CARRY_DAYS + 1):
            if day - back in self.measured[key]:
                return self.measured[key][day - back]
        return None

    def outcomes(self, position: int) -> tuple[float, ...]:
        """A counted position in the terms of OUTCOMES."""
        click_rate = self.curve[position - 1] if position <= len(self.curve) else 0.0
        is_top, is_ranked = float(position <= 10), float(position <= self.depth)
        return round(math.log(position), 12), float(position), round(click_rate, 12), is_top, is_ranked

    def means(self, key: SeriesKey, first: int, last: int) -> tuple[float, ...]:
        """A series' window means."""
        values = [self.value(key, day) for day in range(first, last + 1)]
        told = [self.outcomes(value) for value in values if value is not None]
        return tuple(math.fsum(column) / len(told) for column in zip(*told, strict=True))

    def gap(self, t: int) -> int:
        """The usual distance of check days before t."""
        days = [day for day in self.published if t - 56 <= day <= t - 1]
        distances = Counter(later - earlier for earlier, later in itertools.pairwise(days))
        return min(distances, key=lambda distance: (-distances[distance], distance)) if distances else 1

    def is_usable(self, key: SeriesKey, t: int, begin: int, end: int) -> bool:
        """Whether a series has half of its expected checks in a window that has ended."""
        share = Decimal(end - begin + 1) / self.gap_at(t)
        expected = max(1, int(share.quantize(Decimal(1), ROUND_HALF_UP)))
        count = sum(day in self.measured[key] for day in range(t + begin, t + end + 1))
        return 2 * count >= expected and t + end <= self.published[-1]

    def page_of(self, key: SeriesKey, t: int) -> int | None:
        """The page of a series, frozen at t."""
        if self.first_check[key] >= t:
            return None
        if key[0] in self.configured:
            return self.configured[key[0]]
        pages: dict[int, list[int]] = defaultdict(list)
        for day in range(t - MODAL_DAYS, t):
            if day in self.found[key]:
                pages[self.found[key][day]].append(day)
        return min(pages, key=lambda page: (-len(pages[page]), -max(pages[page]), page)) if pages else None

    def _read_links(self, links: pd.DataFrame) -> None:
        self.told = []
        histories: dict[tuple[int, int, str], dict[int, list[tuple[int, bool]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for row in links.itertuples():
            rel_class = "unknown" if row.is_followed is None else "followed" if row.is_followed else "nofollow"
            is_live = row.event_type != "lost"
            day = 0 if row.event_type == "present_at_start" else row.event_date.toordinal()
            histories[int(row.page_key), int(row.source_domain_key), rel_class][int(row.link_key)].append(
                (day, is_live)
            )
            if day:
                self.told.append((row, rel_class, is_live, day))
        self.live_days = {key: _live_days(list(links.values())) for key, links in histories.items()}
        self.changes: dict[int, set[tuple[int, int, str, bool]]] = defaultdict(set)  # day, domain, class, is gain
        for (page, domain, rel_class), stretches in self.live_days.items():
            for first, last in stretches:
                if first > 0:
                    self.changes[page].add((first, domain, rel_class, True))
                if last is not None:
                    self.changes[page].add((last, domain, rel_class, False))

    def arm_of(self, page: int, domain: int, rel_class: str, is_gain: bool, t: int) -> str | None:
        """The arm of the event that a state change is; None where it is none."""
        if (t, domain, rel_class, is_gain) not in self.changes[page]:
            return None
        if not is_gain:
            return "lost_followed" if rel_class == "followed" else None
        if any(self.is_live(page, domain, rel_class, day) for day in range(t - 56, t)):
            return None
        if rel_class == "nofollow" and self.arm_of(page, domain, "followed", True, t):
            return None
        return f"acquired_{rel_class}" if rel_class != "unknown" else None

    def is_live(self, page: int, domain: int, rel_class: str, day: int) -> bool:
        """Whether a domain's link of the class to the page is live on a day."""
        stretches = self.live_days.get((page, domain, rel_class), [])
        return any(first <= day and (last is None or day < last) for first, last in stretches)

    def is_clean_of_links(self, page: int, t: int, horizon: int, *, but: tuple[int, bool] | None = None) -> bool:
        """No state change from 56 days before t to the horizon; `but` those of a domain and direction on t itself."""
        return not any(
            t - 56 <= day <= t + horizon and not (day == t and (domain, is_gain) == but)
            for day, domain, _, is_gain in self.changes[page]
        )

    def is_clean_of_edits(self, page: int, t: int, horizon: int) -> bool:
        """No on-page change from 14 days before t to the horizon."""
        return not any(t - 14 <= day <= t + horizon for day in self.edit_days[page])

    def units(self, t: int) -> dict[tuple[int, str, str], list[SeriesKey]]:
        """Frozen series by page, locale and device."""
        found = defaultdict(list)
        for key in sorted(self.first_check):
            page = self.page_of(key, t)
            if page is not None:
                found[page, key[1], key[2]].append(key)
        return found

    def usable(self, keys: list[SeriesKey], t: int, window: Window) -> list[SeriesKey]:
        """The series that count in both base and window."""
        spans = (BASE, (window.begin, window.end))
        return [key for key in keys if all(self.is_usable(key, t, *span) for span in spans)]

    def is_ranking(self, keys: list[SeriesKey], t: int) -> bool:
        """Whether any of the series ranked on a measured day of the base."""
        base = range(t + BASE[0], t + BASE[1] + 1)
        return any(self.measured[key].get(day, self.depth + 1) <= self.depth for key in keys for day in base)

    def figures(self, keys: list[SeriesKey], t: int, window: Window) -> dict[str, float]:
        """Means of the base and differences of a unit."""
        base = [self.means(key, t + BASE[0], t + BASE[1]) for key in keys]
        then = [self.means(key, t + window.begin, t + window.end) for key in keys]
        found: dict[str, float] = {}
        for place, name in enumerate(OUTCOMES):
            before, after = fmean(each[place] for each in base), fmean(each[place] for each in then)
            found[f"base_{name}"] = before
            found[f"dy_{name}"] = before - after if window.name == "placebo" else after - before
        return found

    def window(self, window: Window) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows and reasons of one window."""
        treated: list[dict[str, Any]] = []
        reasons = []
        devices = sorted({key[1:] for key in self.first_check})
        for row, rel_class, is_gain, t in sorted(self.told, key=lambda each: int(each[0].link_key)):
            if rel_class == "unknown" or (not is_gain and rel_class != "followed"):
                continue
            arm = f"acquired_{rel_class}" if is_gain else "lost_followed"
            page = int(row.page_key)
            for locale, device in devices:
                keys = self.units_at(t).get((page, locale, device), [])
                reason = self.reason(row, rel_class, is_gain, t, keys, window)
                place = {
                    "arm": arm,
                    "window": window.name,
                    "horizon": window.horizon,
                    "event_date": date.fromordinal(t),
                }
                place |= {"locale": locale, "device": device}
                reasons.append(place | {"event_key": int(row.event_key), "page_key": page, "reason": reason})
                if not reason:
                    used = self.usable(keys, t, window)
                    treated.append(
                        place
                        | {"page_key": page, "topic": self.topic[page], "is_treated": True, "keyword_count": len(used)}
                        | {"domain_key": int(row.source_domain_key)}
                        | self.figures(used, t, window)
                    )
        controls = self.controls(treated, window)
        told = {_cell(row) for row in controls}
        for reason in reasons:
            if not reason["reason"] and _cell(reason | {"topic": self.topic[reason["page_key"]]}) not in told:
                reason["reason"] = "no_controls"
        return [row for row in treated if _cell(row) in told] + controls, reasons

    def reason(self, row: Any, rel_class: str, is_gain: bool, t: int, keys: list[SeriesKey], window: Window) -> str:
        """Why a link's event is in no sample; "" where only controls may be missing."""
        page, domain = int(row.page_key), int(row.source_domain_key)
        uncertainty = row.date_uncertainty_days
        used = self.usable(keys, t, window)
        checks = (
            ("no_keyword", not keys),
            ("same_event", not self.stands_for_event(row, rel_class, is_gain, t)),
            ("uncertain_date", pd.isna(uncertainty) or uncertainty > 14),
            ("short_history", not any(look <= t - 56 for look in self.looks)),
            ("future_incomplete", t + window.horizon > self.last_known),
            ("unmeasured", not used),
            ("not_ranking", not self.is_ranking(used, t)),
            ("other_link", not self.is_clean_of_links(page, t, window.horizon, but=(domain, is_gain))),
            ("onpage_change", not self.is_clean_of_edits(page, t, window.horizon)),
        )
        return next((name for name, holds in checks if holds), "")

    def stands_for_event(self, row: Any, rel_class: str, is_gain: bool, t: int) -> bool:
        """Whether a link's event is its domain's, and the lowest link's of those that came or went with it."""
        page, domain = int(row.page_key), int(row.source_domain_key)
        if self.arm_of(page, domain, rel_class, is_gain, t) is None:
            return False
        together = [
            int(other.link_key)
            for other, other_class, other_gain, day in self.told
            if (int(other.page_key), int(other.source_domain_key), other_class, other_gain, day)
            == (page, domain, rel_class, is_gain, t)
        ]
        return int(row.link_key) == min(together)

    def controls(self, treated: list[dict[str, Any]], window: Window) -> list[dict[str, Any]]:
        """The control rows of the cells in which there are treated units."""
        rows = []
        for arm, day, topic, locale, device in sorted({_cell(row) for row in treated}):
            t = day.toordinal()
            for (page, *where), keys in sorted(self.units_at(t).items()):
                if where != [locale, device] or self.topic.get(page) != topic:
                    continue
                used = self.usable(keys, t, window)
                if (
                    used
                    and self.is_ranking(used, t)
                    and self.is_clean_of_links(page, t, window.horizon)
                    and self.is_clean_of_edits(page, t, window.horizon)
                ):
                    place = {"arm": arm, "window": window.name, "horizon": window.horizon, "event_date": day}
                    place |= {"locale": locale, "device": device, "page_key": page, "topic": topic}
                    place |= {"is_treated": False, "keyword_count": len(used)}
                    rows.append(place | self.figures(used, t, window))
        return rows


def _cell(row: dict[str, Any]) -> tuple[str, date, str, str, str]:
    return row["arm"], row["event_date"], row["topic"], row["locale"], row["device"]


def _live_days(histories: list[list[tuple[int, bool]]]) -> list[tuple[int, int | None]]:
    """Stretches (first live day, first day without; None for one that lasts) in which any of the links is live."""
    stretches = []
    for history in histories:
        begun: int | None = None
        for day, is_live in sorted(history, key=lambda change: change[0]):
            if is_live and begun is None:
                begun = day
            elif not is_live and begun is not None:
                if begun < day:
                    stretches.append((begun, day))
                begun = None
        if begun is not None:
            stretches.append((begun, None))
    merged: list[tuple[int, int | None]] = []
    for first, last in sorted(stretches, key=lambda stretch: stretch[0]):
        before = merged[-1] if merged else None
        if before and (before[1] is None or first <= before[1]):
            end = None if before[1] is None or last is None else max(before[1], last)
            merged[-1] = (before[0], end)
        else:
            merged.append((first, last))
    return merged
