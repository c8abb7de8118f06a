"""The sample of the effect of links in numpy, fast enough for thousands of simulated panels.

The same definitions as tests/effect/builder.py, which is slow and plain, and as the models. Outcomes are summed as
whole numbers of 1e-12, so that no order of summation shows. P pages, S series, T days; N rows of a sample.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seo_warehouse.demo.panel import FOUND, NO_CHECK, NOT_FOUND, Panel
from seo_warehouse.demo.panel_links import FOLLOWED, LOST, NOFOLLOW, START, UNKNOWN
from tests.effect.windows import ARMS, BURST, BURST_DAYS, CLEAN_DAYS_BEFORE, CURVE, OUTCOMES, Window

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNIT = 10**12
CARRY_DAYS, MODAL_DAYS, ONPAGE_DAYS, UNCERTAIN_DAYS = 3, 28, 14, 14
BASE = (-7, -1)


@dataclass(frozen=True)
class Events:
    """Events, each (E,): one row of the panel's links stands for each. `own` counts its state changes.

    `arm` indexes ARMS; where the rel of a gain is unknown it is one more, and no arm.
    """

    arm: Ints
    row: Ints
    page: Ints
    day: Ints
    doubt: Ints
    own: Ints


@dataclass(frozen=True)
class Prepared:
    """A panel, summed.

    sums        outcome -> (S, T + 1) sums of carried values before a day, in 1e-12
    valued, measured, ranked   (S, T + 1) counts of days before a day
    changes, gains, edits      (P, T + 1) counts of state changes, gains among them, and on-page changes before a day
    checked     days with any check
    """

    panel: Panel
    sums: Mapping[str, Ints]
    valued: Ints
    measured: Ints
    ranked: Ints
    changes: Ints
    gains: Ints
    edits: Ints
    checked: Ints
    events: Events


@dataclass(frozen=True)
class Sample:
    """Rows of one arm and window, each (N,), by cell, page and device; a cell has both treated rows and controls.

    cell     0..C-1
    event    row of the panel's links for a treated row, -1 for a control
    base, change   outcome -> mean of the base; window less base (base less window for the placebo)
    """

    window: Window
    page: Ints
    day: Ints
    device: Ints
    topic: Ints
    is_treated: Flags
    cell: Ints
    event: Ints
    keyword_count: Ints
    base: Mapping[str, Floats]
    change: Mapping[str, Floats]

    def __len__(self) -> int:
        return self.page.size


def prepare(panel: Panel, outcomes: Sequence[str] = OUTCOMES, curve: Sequence[float] = CURVE) -> Prepared:
    """Sum a panel once for all windows and arms."""
    checks, depth = panel.checks, panel.knobs.depth
    is_found = checks.state == FOUND
    is_measured = (is_found | (checks.state == NOT_FOUND)) & (checks.depth >= depth)
    counted = np.where(is_found, np.minimum(checks.position, depth + 1), depth + 1)
    carried = np.where(is_measured, counted, 0)
    for _ in range(CARRY_DAYS):
        later = carried.copy()
        later[:, 1:] = np.where(carried[:, 1:] == 0, carried[:, :-1], carried[:, 1:])
        carried = later
    changes, gains, events = _state_changes(panel)
    edited = np.zeros_like(changes)
    edited[panel.edits.page, panel.edits.day] = 1
    return Prepared(
        panel=panel,
        sums={name: _before(table[carried]) for name, table in _tables(depth, curve).items() if name in outcomes},
        valued=_before(carried > 0),
        measured=_before(is_measured),
        ranked=_before(is_measured & (counted <= depth)),
        changes=_before(changes),
        gains=_before(gains),
        edits=_before(edited),
        checked=np.flatnonzero((checks.state != NO_CHECK).any(axis=0)),
        events=events,
    )


def _before(values: NDArray[np.generic]) -> Ints:
    """Sums over the days before each day, (rows, T + 1)."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1), dtype=np.int64)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _tables(depth: int, curve: Sequence[float]) -> dict[str, Ints]:
    """Outcome -> its value in 1e-12 by counted position; 0 where nothing is known."""
    places = range(1, depth + 2)
    rates = [curve[place - 1] if place <= len(curve) else 0.0 for place in places]
    values = {
        "log_position": [round(math.log(place) * UNIT) for place in places],
        "position": [place * UNIT for place in places],
        "expected_ctr": [round(rate * UNIT) for rate in rates],
        "top_10_share": [UNIT * (place <= 10) for place in places],
        "ranked_share": [UNIT * (place <= depth) for place in places],
    }
    return {name: np.array([0, *told], dtype=np.int64) for name, told in values.items()}


def _state_changes(panel: Panel) -> tuple[Ints, Ints, Events]:
    """State changes, and gains among them, by page and day, (P, T), and the events."""
    links = panel.links
    seen = np.flatnonzero(links.seen_day < panel.knobs.days)
    groups: dict[tuple[int, int, int], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in seen[np.argsort(links.seen_day[seen], kind="stable")].tolist():
        key = int(links.page[row]), int(links.domain[row]), int(links.rel_class[row])
        groups[key][-1 if links.kind[row] == START else int(links.seen_day[row])].append(row)
    changes, gains = (np.zeros((panel.knobs.pages, panel.knobs.days), dtype=np.int64) for _ in range(2))
    together: Counter[tuple[int, int, int, bool]] = Counter()
    found: dict[tuple[int, int, int, bool], dict[int, int]] = defaultdict(dict)  # class -> row that stands for it
    for (page, domain, rel_class), days in groups.items():
        for day, is_gain, is_new in _turns(links.link, links.kind, days):
            changes[page, day] += 1
            gains[page, day] += is_gain
            event = (page, domain, day, is_gain)
            together[event] += 1
            if is_new if is_gain else rel_class == FOLLOWED:
                rows = [row for row in days[day] if (links.kind[row] != LOST) == is_gain]
                found[event][rel_class] = min(rows, key=lambda row: int(links.link[row]))
    arms = {(True, FOLLOWED): 0, (True, NOFOLLOW): 1, (False, FOLLOWED): 2, (True, UNKNOWN): 3}
    told = []
    for event, rows in found.items():
        page, _, day, is_gain = event
        rel_class = FOLLOWED if FOLLOWED in rows else NOFOLLOW if NOFOLLOW in rows else UNKNOWN
        row = rows[rel_class]
        doubt = int(links.seen_day[row] - links.earliest_day[row])
        told.append((arms[is_gain, rel_class], row, page, day, doubt, together[event]))
    return changes, gains, Events(*np.array(told, dtype=np.int64).reshape(-1, 6).T)


def _turns(link: Ints, kind: Ints, days: Mapping[int, Sequence[int]]) -> list[tuple[int, bool, bool]]:
    """Days on which a domain's liveness in a class turns: day, whether gained, whether after 56 days without."""
    live: set[int] = set()
    turns, was_live, lost = [], False, -(10**6)
    for day in sorted(days):
        for row in days[day]:
            (live.discard if kind[row] == LOST else live.add)(int(link[row]))
        if bool(live) != was_live:
            was_live = bool(live)
            if day >= 0:
                turns.append((day, was_live, lost <= day - CLEAN_DAYS_BEFORE))
            lost = lost if was_live else day
    return turns


def draw_sample(prepared: Prepared, window: Window, arm: str) -> Sample:
    """The sample of an arm and window."""
    panel = prepared.panel
    devices = panel.knobs.devices
    event = _bursts(prepared, window) if arm == BURST else _candidates(prepared, window, arm)
    events = prepared.events
    topic = panel.topic[events.page[event]]
    pair_code, pair_of_event = np.unique(events.day[event] * panel.knobs.topics + topic, return_inverse=True)
    pair_day, pair_topic = pair_code // panel.knobs.topics, pair_code % panel.knobs.topics
    series, page, pair = _frozen(panel, pair_day, pair_topic)
    # A unit's code orders rows by cell, page and device.
    unit_of_event = pair_of_event * panel.knobs.pages + events.page[event]
    treated_row = np.full(pair_code.size * panel.knobs.pages, -1)
    treated_row[unit_of_event] = events.row[event]
    is_treated = treated_row[pair * panel.knobs.pages + page] >= 0
    keep = is_treated | _is_clean(prepared, window, page, pair_day[pair], 0)
    keep &= _is_usable(prepared, series, pair_day[pair], *BASE)
    keep &= _is_usable(prepared, series, pair_day[pair], window.begin, window.end)
    series, page, pair = series[keep], page[keep], pair[keep]
    code = (pair * devices + panel.series.device[series]) * panel.knobs.pages + page
    unit, row_unit = np.unique(code, return_inverse=True)
    ranked = np.bincount(row_unit, _span(prepared.ranked, series, pair_day[pair], *BASE), unit.size) > 0
    cell = unit // panel.knobs.pages
    row = treated_row[cell // devices * panel.knobs.pages + unit % panel.knobs.pages]
    count = np.bincount(row_unit, minlength=unit.size)
    size = pair_code.size * devices
    has_both = (np.bincount(cell[ranked & (row >= 0)], minlength=size) > 0) & (
        np.bincount(cell[ranked & (row < 0)], minlength=size) > 0
    )
    stays = ranked & has_both[cell]
    base, change = _figures(prepared, window, series, pair_day[pair], row_unit, count)
    return Sample(
        window=window,
        page=(unit % panel.knobs.pages)[stays],
        day=pair_day[cell // devices][stays],
        device=(cell % devices)[stays],
        topic=pair_topic[cell // devices][stays],
        is_treated=(row >= 0)[stays],
        cell=np.unique(cell[stays], return_inverse=True)[1],
        event=row[stays],
        keyword_count=count[stays],
        base={name: values[stays] for name, values in base.items()},
        change={name: values[stays] for name, values in change.items()},
    )


def _candidates(prepared: Prepared, window: Window, arm: str) -> Ints:
    """Events of an arm that are dated, have a past and a future, and are clean of links and edits to the horizon."""
    events = prepared.events
    last_known = min(int(prepared.checked[-1]), prepared.panel.knobs.days - 1)
    is_timely = (events.day >= CLEAN_DAYS_BEFORE) & (events.day + window.horizon <= last_known)
    found = np.flatnonzero((events.arm == ARMS.index(arm)) & (events.doubt <= UNCERTAIN_DAYS) & is_timely)
    return found[_is_clean(prepared, window, events.page[found], events.day[found], events.own[found])]


def _bursts(prepared: Prepared, window: Window) -> Ints:
    """The first event of each burst that is dated, has a past and a future, and is clean to the horizon."""
    events, domain = prepared.events, prepared.panel.links.domain
    last_known = min(int(prepared.checked[-1]), prepared.panel.knobs.days - 1)
    found = []
    for page in np.unique(events.page).tolist():
        own = np.flatnonzero((events.page == page) & (events.arm != ARMS.index("lost_followed")))
        for day in np.unique(events.day[own]).tolist():
            end = day + window.horizon + 1
            if day < CLEAN_DAYS_BEFORE or end - 1 > last_known:
                continue
            members = own[(events.day[own] >= day) & (events.day[own] <= day + BURST_DAYS)]
            dose = np.unique(domain[events.row[members[events.arm[members] == 0]]]).size
            gained = prepared.gains[page, day + BURST_DAYS + 1] - prepared.gains[page, day]
            changed = prepared.changes[page, end] - prepared.changes[page, day - CLEAN_DAYS_BEFORE]
            edited = prepared.edits[page, end] - prepared.edits[page, day - ONPAGE_DAYS]
            if dose >= 2 and changed == gained and not edited and events.doubt[members].max() <= UNCERTAIN_DAYS:
                first = members[events.day[members] == day]
                found.append(first[np.argmin(events.row[first])])
    return np.array(found, dtype=np.int64)


def _is_clean(prepared: Prepared, window: Window, page: Ints, day: Ints, own: Ints | int) -> Flags:
    end = day + window.horizon + 1
    changes = prepared.changes[page, end] - prepared.changes[page, day - CLEAN_DAYS_BEFORE]
    edits = prepared.edits[page, end] - prepared.edits[page, day - ONPAGE_DAYS]
    return np.asarray((changes == own) & (edits == 0))


def _frozen(panel: Panel, pair_day: Ints, pair_topic: Ints) -> tuple[Ints, Ints, Ints]:
    """Series, its page frozen at the pair's day, and pair, for every series that stands in a pair of day and topic."""
    stated = panel.series.configured
    by_topic = [np.flatnonzero((stated >= 0) & (panel.topic[stated] == topic)) for topic in range(panel.knobs.topics)]
    series = [by_topic[topic] for topic in pair_topic]
    page = [stated[chosen] for chosen in series]
    pair = [np.full(chosen.size, number) for number, chosen in enumerate(series)]
    unstated = np.flatnonzero(stated < 0)
    if unstated.size:
        modal = {day: np.array([_modal(panel, each, day) for each in unstated]) for day in set(pair_day.tolist())}
        for number, (day, topic) in enumerate(zip(pair_day.tolist(), pair_topic.tolist(), strict=True)):
            stands = (modal[day] >= 0) & (panel.topic[modal[day]] == topic)
            series.append(unstated[stands])
            page.append(modal[day][stands])
            pair.append(np.full(series[-1].size, number))
    none = np.zeros(0, dtype=np.int64)
    return np.concatenate([none, *series]), np.concatenate([none, *page]), np.concatenate([none, *pair])


def _modal(panel: Panel, series: int, day: int) -> int:
    """The page that ranked on most of the 28 days before; of equals the later one, then the lower; -1 for none."""
    pages = panel.checks.ranking_page[series, max(day - MODAL_DAYS, 0) : day]
    found = {
        int(page): (np.count_nonzero(pages == page), np.flatnonzero(pages == page)[-1]) for page in pages if page >= 0
    }
    return max(found, key=lambda page: (*found[page], -page), default=-1)


def _is_usable(prepared: Prepared, series: Ints, day: Ints, begin: int, end: int) -> Flags:
    """Whether half of the expected checks of a window were made, and it has ended."""
    days = end - begin + 1
    expected = {each: max(1, math.floor(days / _gap(prepared, each) + 0.5)) for each in set(day.tolist())}
    needed = np.array([expected[each] for each in day.tolist()], dtype=np.int64)
    count = _span(prepared.measured, series, day, begin, end)
    return np.asarray((2 * count >= needed) & (day + end <= prepared.checked[-1]))


def _gap(prepared: Prepared, day: int) -> int:
    """The most frequent distance of check days in the 56 days before, the smallest of equals."""
    checked = prepared.checked
    distances = np.diff(checked[(checked >= day - CLEAN_DAYS_BEFORE) & (checked < day)])
    return int(np.bincount(distances).argmax()) if distances.size else 1


def _span(sums: Ints, row: Ints, day: Ints, begin: int, end: int) -> Ints:
    """Sums over days begin..end after a day."""
    return np.asarray(sums[row, day + end + 1] - sums[row, day + begin])


def _figures(
    prepared: Prepared, window: Window, series: Ints, day: Ints, unit: Ints, count: Ints
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Outcome -> mean of the base, and difference, by unit: unweighted means over its series."""
    base, change = {}, {}
    spans = (BASE, (window.begin, window.end))
    valued = [_span(prepared.valued, series, day, *span) for span in spans]
    for name, sums in prepared.sums.items():
        before, after = (
            np.bincount(unit, _span(sums, series, day, *span) / UNIT / days, count.size) / count
            for span, days in zip(spans, valued, strict=True)
        )
        base[name] = before
        change[name] = before - after if window.name == "placebo" else after - before
    return base, change
