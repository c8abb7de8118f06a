"""What a report of one property speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from seo_warehouse.report.crawls import Crawler
from seo_warehouse.report.found import Found
from seo_warehouse.report.portfolio import Portfolio
from seo_warehouse.report.referral import Referral
from seo_warehouse.report.relations import Relations
from seo_warehouse.report.words import rank_level

POOLED = 0
"""Key under which the marts hold the figures of all properties together."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A row of marts.rpt_link_effect."""

    property_key: int
    panel: str
    cut: str
    level: str
    arm: str
    outcome: str
    window_name: str
    begin_day: int
    end_day: int
    weighting: str
    status: str
    reason: str | None = None
    estimate: float | None = None
    standard_error: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None
    honest_low: float | None = None
    honest_high: float | None = None
    sample_standard_error: float | None = None
    sample_low: float | None = None
    sample_high: float | None = None
    sample_honest_low: float | None = None
    sample_honest_high: float | None = None
    p_value: float | None = None
    holm_p_value: float | None = None
    placebo_estimate: float | None = None
    placebo_p_value: float | None = None
    pretrend_p_value: float | None = None
    lead_p_value: float | None = None
    is_found_late: bool | None = None
    nofollow_estimate: float | None = None
    nofollow_p_value: float | None = None
    followed_minus_nofollow: float | None = None
    followed_minus_nofollow_low: float | None = None
    followed_minus_nofollow_high: float | None = None
    spill_estimate: float | None = None
    spill_standard_error: float | None = None
    spill_p_value: float | None = None
    spill_row_count: int | None = None
    smallest_detectable_effect: float | None = None
    event_count: int = 0
    treated_page_count: int = 0
    control_count: int = 0
    cluster_count: int = 0
    cell_count: int = 0
    base_mean: float | None = None
    base_position: float | None = None
    needed_event_count: int | None = None
    dropped_events: dict[str, int] | None = None
    onpage_unknown_count: int | None = None
    update_overlap_count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """A row of marts.rpt_link_effect_check: the method tried on the user's own data."""

    check_name: str
    outcome: str
    estimate: float | None
    standard_error: float | None
    honest_low: float | None
    honest_high: float | None
    event_count: int | None
    run_count: int | None
    false_alarm_count: int | None
    is_warning: bool | None
    sentence: str | None


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """A row of marts.rpt_link_contribution with what the link says of itself."""

    event_key: int
    event_date: date | None
    arm: str | None
    outcome: str | None
    reason: str | None
    base_mean: float | None
    window_mean: float | None
    control_change: float | None
    own_effect: float | None
    group_event_count: int | None
    group_effect: float | None
    shrunk_effect: float | None
    shrunk_low: float | None
    shrunk_high: float | None
    own_weight: float | None
    page_url: str | None
    source_url: str | None
    source_title: str | None
    source_domain: str | None
    anchor: str | None
    authority: int | None


@dataclass(frozen=True, kw_only=True)
class Week:
    """A row of marts.rpt_weekly."""

    property_key: int
    property_name: str
    measure: str
    device: str
    week_no: int
    first_day: date
    last_day: date
    value: float | None
    usual_low: float | None
    usual_high: float | None
    usual_week_count: int
    state: str


@dataclass(frozen=True, kw_only=True)
class WeeklyChange:
    """A row of marts.rpt_weekly_change."""

    measure: str
    device: str
    locale: str
    item: str | None
    authority: int | None
    witness: str | None
    previous_position: int | None
    position: int | None
    depth: int | None
    indexability: str | None


@dataclass(frozen=True)
class Depth:
    """Checks of the last week that found or did not: how many, how many of them too shallow, and how deep most are."""

    check_count: int
    shallow_count: int
    usual_depth: int
    panel_depth: int


@dataclass(frozen=True)
class Bursts:
    """Bursts of links: how many there were, and how many followed domains those that could be judged had on average."""

    burst_count: int
    domain_mean: float | None


@dataclass(frozen=True)
class Facts:
    """All that a report says of effects. `is_built` is false where the marts hold no such tables.

    `missing`: sentences about published days that are in no figure. `weekly`: the weeks of the property; of all
    together, the newest of each. `found`: how soon new pages are found. `crawlers`: who crawled. `portfolio`: how broad
    links are, and how long they live. `referral`: whom they bring. `relations`: who was asked for them.
    """

    property_name: str
    property_key: int
    panel: str
    outcome: str
    is_built: bool
    effects: tuple[Effect, ...] = ()
    other_outcomes: tuple[Effect, ...] = ()
    checks: tuple[Check, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    unjudged: tuple[Contribution, ...] = ()
    unjudged_counts: dict[str, int] = field(default_factory=dict)
    last_day: date | None = None
    depth: Depth | None = None
    bursts: Bursts = Bursts(0, None)
    missing: tuple[str, ...] = ()
    weekly: tuple[Week, ...] = ()
    weekly_changes: tuple[WeeklyChange, ...] = ()
    found: Found = field(default_factory=Found)
    portfolio: Portfolio = field(default_factory=Portfolio)
    crawlers: tuple[Crawler, ...] = ()
    referral: Referral = field(default_factory=Referral)
    relations: Relations = field(default_factory=Relations)

    def alone(self) -> Facts:
        """The same without the figures of all properties together."""
        return replace(self, effects=tuple(row for row in self.effects if row.property_key == self.property_key))

    def find(
        self, *, arm: str = "acquired_followed", weighting: str = "variance", pooled: bool = False
    ) -> Effect | None:
        """The headline of an arm: the property's own, or that of all properties together."""
        return self._find("headline", POOLED if pooled else self.property_key, arm, weighting)

    @property
    def donut(self) -> Effect | None:
        """The headline of new followed links, against days -28 to -22 in place of the week before."""
        return self._find("donut", self.property_key, "acquired_followed", "variance")

    @property
    def burst(self) -> Effect | None:
        """What bursts of links did, in the eighth and ninth week after their first."""
        return self._find("burst", self.property_key, "burst_followed", "variance")

    def _find(self, window_name: str, key: int, arm: str, weighting: str) -> Effect | None:
        rows = self._rows(key, arm, weighting)
        return next((row for row in rows if row.cut == "all" and row.window_name == window_name), None)

    def weeks(self, arm: str = "acquired_followed") -> tuple[Effect, ...]:
        """The windows of the event study, in the order of their days; headline and placebo overlap them."""
        rows = self._rows(self.property_key, arm, "variance")
        weekly = (row for row in rows if row.cut == "all" and row.window_name.startswith("week_"))
        return tuple(sorted(weekly, key=lambda row: row.begin_day))

    def levels(self, cut: str | None = None, arm: str = "acquired_followed") -> tuple[Effect, ...]:
        """The headline by the levels of one cut, or of every cut."""
        rows = self._rows(self.property_key, arm, "variance")
        levels = [r for r in rows if r.window_name == "headline" and (r.cut == cut if cut else r.cut != "all")]
        return tuple(sorted(levels, key=lambda row: rank_level(row.cut, row.level)))

    @property
    def cuts(self) -> tuple[str, ...]:
        """Names of the cuts there are."""
        return tuple(dict.fromkeys(row.cut for row in self.levels()))

    def _rows(self, key: int, arm: str, weighting: str) -> Iterable[Effect]:
        return (r for r in self.effects if (r.property_key, r.arm, r.weighting) == (key, arm, weighting))
