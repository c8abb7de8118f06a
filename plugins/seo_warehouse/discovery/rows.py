"""Reading the waits and gaps that the models left, and writing what is published of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from seo_warehouse.discovery.curve import LAST_DAY, Curve
from seo_warehouse.discovery.linked import Gaps, Paths
from seo_warehouse.discovery.published import Effect
from seo_warehouse.discovery.waits import EVENT, GONE, WAITING, Ints, Waits

Connection = psycopg.Connection[Any]

ALL = ("all", "all")
"""Cut and level of all topics together."""
LONGEST_DAYS = 365
"""Waits are followed for a year; the curve shows half of it."""
ENDINGS = {"waiting": WAITING, "event": EVENT, "gone": GONE}

# Whole orders: what is drawn goes by the places of rows, and is to be the same wherever these lie.
SERIES = """
select distinct property_key, engine, milestone
from intermediate.int_discovery__place_waits order by property_key, engine, milestone
"""
WAITS = """
select topic, entered_day, least(after_day, %(longest)s) as after_day, coalesce(by_day, 0) as by_day,
       case when after_day >= %(longest)s then 'waiting' else ending end as ending
from intermediate.int_discovery__place_waits
where property_key = %(property_key)s and engine = %(engine)s and milestone = %(milestone)s
  and start_by_date is not null and entered_day < %(longest)s and after_day >= entered_day
order by 1, 2, 3, 4, 5
"""
GAPS = """
select page_key, topic, is_last_gap, is_disturbed, day_count, age_band, fortnight_no,
       followed_state, nofollow_state, internal_state
from intermediate.int_discovery__cut_gaps
where property_key = %(property_key)s and engine = %(engine)s and milestone = %(milestone)s
order by page_key, is_last_gap, age_band, fortnight_no, day_count, followed_state, nofollow_state, internal_state
"""
PATHS = """
select arm, page_key, topic, early_day_count, day_count, age_band, fortnight_no
from intermediate.int_discovery__follow_links
where property_key = %(property_key)s and engine = %(engine)s and milestone = %(milestone)s
order by 1, 2, 3, 4, 5, 6, 7
"""


@dataclass(frozen=True)
class Series:
    """Pages of a property that wait for a milestone."""

    property_key: int
    engine: str
    milestone: str


@dataclass(frozen=True)
class CurveRow:
    """A row of marts.rpt_discovery, column by column; shares are None where nothing may be shown."""

    property_key: int
    cut: str
    level: str
    milestone_from: str
    milestone: str
    engine: str
    day: int
    share: float | None
    share_low: float | None
    share_high: float | None
    at_risk_count: float | None
    reached_count: float | None
    gone_share: float | None
    page_count: int
    reached_page_count: int
    gone_page_count: int
    median_day: int | None
    median_low_day: int | None
    median_high_day: int | None
    status: str
    reason: str | None


@dataclass(frozen=True)
class EffectRow:
    """A row of marts.rpt_discovery_effect, column by column."""

    property_key: int
    cut: str
    level: str
    milestone: str
    engine: str
    arm: str
    band: str
    hazard_ratio: float | None
    standard_error: float | None
    interval_low: float | None
    interval_high: float | None
    honest_low: float | None
    honest_high: float | None
    placebo_ratio: float | None
    placebo_p_value: float | None
    detectable_ratio: float | None
    share_with_14: float | None
    share_with_14_low: float | None
    share_with_14_high: float | None
    share_without_14: float | None
    share_without_14_low: float | None
    share_without_14_high: float | None
    share_with_28: float | None
    share_with_28_low: float | None
    share_with_28_high: float | None
    share_without_28: float | None
    share_without_28_low: float | None
    share_without_28_high: float | None
    exposed_event_count: int
    exposed_page_count: int
    event_count: int
    page_count: int
    left_out_page_count: int
    disturbed_page_count: int
    status: str
    reason: str | None


@dataclass(frozen=True)
class GapsRead:
    """Gaps without those that touch a change of the page, the names of topics by number, and the topics of pages.

    page_topic            of each page with a gap
    disturbed_page_topic  of each page that lost one
    """

    gaps: Gaps
    topics: tuple[str, ...]
    page_topic: Ints
    disturbed_page_topic: Ints


def read_series(conn: Connection) -> list[Series]:
    """What there are waits of."""
    return [Series(*row) for row in conn.execute(SERIES)]


def read_waits(conn: Connection, series: Series) -> tuple[Waits, np.ndarray[Any, np.dtype[np.str_]]]:
    """Waits since publication, and the topic of each."""
    rows = conn.execute(WAITS, asdict(series) | {"longest": LONGEST_DAYS}).fetchall()
    topics = np.array([row[0] for row in rows], dtype=str)
    days = np.array([row[1:4] for row in rows], dtype=np.int64).reshape(-1, 3)
    ending = np.array([ENDINGS[row[4]] for row in rows], dtype=np.int64)
    # An end that is known to lie before the day on which it was last seen waiting: doubt of the start on both sides.
    by = np.maximum(days[:, 2], days[:, 1] + 1)
    return Waits(days[:, 0], days[:, 1], by, ending), topics


def read_gaps(conn: Connection, series: Series) -> GapsRead:
    """Gaps: each piece of quiet days is one, and the pieces in which the event came are one together."""
    with conn.cursor() as cursor:
        names: dict[str, int] = {}
        lines = (
            (row[0], names.setdefault(row[1], len(names)), *row[2:]) for row in cursor.stream(GAPS, asdict(series))
        )
        found = np.asarray(np.fromiter(lines, dtype=np.dtype((np.int64, 10))), dtype=np.int64)
    page, last, disturbed = found[:, 0], found[:, 2] > 0, found[:, 3] > 0
    begins = np.ones(page.size, dtype=bool)
    begins[1:] = ~(last[1:] & last[:-1] & (page[1:] == page[:-1]))
    gap = np.cumsum(begins) - 1
    gaps = Gaps(
        page=page[begins],
        is_event=last[begins],
        gap=gap,
        days=found[:, 4].astype(np.float64),
        age=found[:, 5],
        period=found[:, 6],
        topic=found[:, 1],
        state=found[:, 7:],
    )
    touched = gaps.touched(disturbed)
    topic = gaps.topic[begins]
    return GapsRead(
        gaps.where(~touched),
        tuple(names),
        page_topic=topic[np.unique(gaps.page, return_index=True)[1]],
        disturbed_page_topic=topic[touched][np.unique(gaps.page[touched], return_index=True)[1]],
    )


def read_paths(conn: Connection, series: Series, topics: tuple[str, ...]) -> dict[str, Paths]:
    """By arm: the 28 days after their link of pages that waited on its day."""
    number = {name: place for place, name in enumerate(topics)}
    by_arm: dict[str, list[tuple[int, ...]]] = {}
    for arm, page, topic, *rest in conn.execute(PATHS, asdict(series)):
        by_arm.setdefault(arm, []).append((page, number.get(topic, -1), *rest))
    return {arm: _paths(np.array(rows, dtype=np.int64)) for arm, rows in by_arm.items()}


def _paths(rows: np.ndarray[Any, np.dtype[np.int64]]) -> Paths:
    return Paths(
        page=rows[:, 0],
        early=rows[:, 2].astype(np.float64),
        all_days=rows[:, 3].astype(np.float64),
        age=rows[:, 4],
        period=rows[:, 5],
        topic=rows[:, 1],
    )


def curve_rows(series: Series, cut: tuple[str, str], curve: Curve) -> Iterator[CurveRow]:
    """A row a day that may be shown; one with counts alone where none may."""
    median = curve.median
    for day in range(min(curve.share.size, LAST_DAY + 1) or 1):
        is_shown = day < curve.share.size
        yield CurveRow(
            property_key=series.property_key,
            cut=cut[0],
            level=cut[1],
            milestone_from="published",
            milestone=series.milestone,
            engine=series.engine,
            day=day,
            share=_told(curve.share[day]) if is_shown else None,
            share_low=_told(curve.lower[day]) if is_shown else None,
            share_high=_told(curve.upper[day]) if is_shown else None,
            at_risk_count=_told(curve.at_risk[day]) if is_shown else None,
            reached_count=_told(curve.event_count[day]) if is_shown else None,
            gone_share=_told(curve.gone_share[day]) if is_shown else None,
            page_count=curve.page_count,
            reached_page_count=curve.page_event_count,
            gone_page_count=curve.page_gone_count,
            median_day=median.day if median else None,
            median_low_day=median.low if median else None,
            median_high_day=median.high if median else None,
            status=curve.status,
            reason=curve.reason,
        )


def effect_row(series: Series, cut: tuple[str, str], effect: Effect, disturbed_page_count: int) -> EffectRow:
    """An effect as a row."""
    shares: dict[str, float | None] = {}
    for word, with_link in (("with", True), ("without", False)):
        for day in (14, 28):
            share = effect.shares.get((with_link, day))
            shares[f"share_{word}_{day}"] = share.middle if share else None
            shares[f"share_{word}_{day}_low"] = share.low if share else None
            shares[f"share_{word}_{day}_high"] = share.high if share else None
    ratio = effect.ratio
    return EffectRow(
        property_key=series.property_key,
        cut=cut[0],
        level=cut[1],
        milestone=series.milestone,
        engine=series.engine,
        arm=effect.arm,
        band=effect.band,
        hazard_ratio=ratio.middle if ratio else None,
        standard_error=effect.standard_error,
        interval_low=ratio.low if ratio else None,
        interval_high=ratio.high if ratio else None,
        honest_low=effect.honest_low,
        honest_high=effect.honest_high,
        placebo_ratio=effect.placebo_ratio,
        placebo_p_value=effect.placebo_p_value,
        detectable_ratio=effect.detectable_ratio,
        **shares,
        exposed_event_count=effect.exposed_event_count,
        exposed_page_count=effect.exposed_page_count,
        event_count=effect.event_count,
        page_count=effect.page_count,
        left_out_page_count=effect.left_out_page_count,
        disturbed_page_count=disturbed_page_count,
        status=effect.status,
        reason=effect.reason,
    )


def write(conn: Connection, curves: Iterable[CurveRow], effects: Iterable[EffectRow]) -> None:
    """Replace what was published, in one transaction."""
    with conn.transaction():
        _replace(conn, "discovery_curve", CurveRow, curves)
        _replace(conn, "discovery_effect", EffectRow, effects)


def _replace(
    conn: Connection, table: str, kind: type[CurveRow | EffectRow], rows: Iterable[CurveRow | EffectRow]
) -> None:
    conn.execute(sql.SQL("delete from {}").format(sql.Identifier("ops", table)))
    names = [field.name for field in fields(kind)]
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier("ops", table), sql.SQL(", ").join([sql.Identifier(name) for name in names])
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([getattr(row, name) for name in names])


def _told(value: Any) -> float | None:
    """As SQL has it: nothing for what is not a number."""
    return None if np.isnan(value) else float(value)
