"""What a simulated world is made of: sizes of effects, shares of failures, delays."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """Sizes are in log position unless named otherwise: -0.13 is 13 % nearer to the top.

    followed_effect          of a followed link of average authority on a page with few links
    nofollow_effect          of a nofollow, ugc or sponsored link
    effect_delay_days        until a link begins to tell
    effect_ramp_days         from the beginning to the whole effect, linear
    edit_effect              mean effect of an edit of a page's text
    edit_days                mean distance of two edits of one page
    walk_sd, noise_sd        daily step of a keyword's walk; daily noise of a check
    update_days, update_sd   mean distance and size of the engine's updates, by topic
    start_links              links that a property has on the first day
    events_per_week          link events of a property
    tracked_share            share of new links that lead to a page with tracked keywords
    disclosure_delay_days    mean days until the backlink vendor sees a change; 0: at the instant
    failed_share             rank checks that end in a task error
    truncated_share          rank checks whose SERP ends before the depth although more results exist
    serp_delay_seconds       real seconds until an ordered task is ready
    demand                   multiplies searches, hence impressions and clicks
    day_cap                  rows that Search Console exposes a day
    offset_cap               largest `offset` of the backlink vendor; beyond it only its token pages
    """

    followed_effect: float = -0.13
    nofollow_effect: float = 0.0
    effect_delay_days: int = 2
    effect_ramp_days: int = 16
    edit_effect: float = -0.06
    edit_days: float = 110.0
    walk_sd: float = 0.018
    noise_sd: float = 0.05
    update_days: float = 60.0
    update_sd: float = 0.10
    start_links: int = 80
    events_per_week: float = 4.0
    tracked_share: float = 0.2
    disclosure_delay_days: float = 0.0
    failed_share: float = 0.008
    truncated_share: float = 0.006
    serp_delay_seconds: float = 0.0
    demand: float = 1.0
    day_cap: int = 50_000
    offset_cap: int = 20_000

    def to_dict(self) -> dict[str, Any]:
        """All knobs by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Knobs:
        """Knobs from a stored dict. Raises ValueError for a name that is no knob."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"no such knobs: {', '.join(unknown)}")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class PanelKnobs:
    """A simulated panel with known effects: its size and what makes an effect hard to see.

    Sizes are in log position unless named otherwise. Shares are 0-1. Rates are per page and day.

    pages, keywords, days         pages; keywords of each page; days of the panel
    topics, devices               topics that share the engine's updates; devices checked
    depth                         results that a check asks for
    start_position, start_spread  median position of a keyword on the first day, and its spread (sd of the log)
    followed_effect               of a followed link of average authority on a page without links
    nofollow_worth                a nofollow link's effect as a share of a followed one's
    authority_growth              0: no matter who links; 1: from nothing at authority 0 to twice the effect at 1000
    effect_spread                 how unequally domains' links tell beside that (sd of the log); their mean stays
    spill_share                   of a link's effect, what each other page of its topic gains too; below 0: loses
    effect_delay_days, effect_ramp_days   until a link begins to tell; from then to the whole effect, linear
    rise_selection                s: a page whose trend rises by one standard deviation more gets exp(s) times the links
    spell_selection               the same for a page that has stood above its usual place in the last week
    edit_share                    new links that come with an on-page edit, within about a week
    unseen_edit_share             of those edits, which no crawl sees
    edit_effect, edit_days        mean effect of an edit; mean distance of two edits of one page
    discovery_days                mean days until a change of a link is seen
    gain_rate, loss_rate, restore_rate   links won; links lost; lost links that come back
    pull_spread                   how unequally links fall on pages (sd of the log)
    burst_share                   new links after which more come to the same page within four weeks
    pr_days, pr_links             days on which links come to many pages at once; how many on each
    repeat_share                  new links from a domain that links to the page already; without effect
    nofollow_share, unknown_share new links that are nofollow; whose rel nobody told
    uncertain_share               changes whose date is known to within three to six weeks only
    start_links                   links of a page on the first day, mean
    trend_sd, trend_memory        daily slope of a page's own trend; how much of a slope is left a day later
    page_walk_sd, walk_sd         daily step of a page's walk, and of a keyword's
    walk_memory                   how much of a walk's distance from its usual place is left a day later
    noise_sd                      daily noise of a check
    update_days, update_sd        mean distance of the engine's updates, and their size by topic
    calendar                      panels of the same number have updates on the same days; 0: on days of their own
    core_effect                   of the update nearest the middle, on a page that attracts links by one deviation more
    season_sd                     how far pages swing with the year, each in its own time
    check_every                   days from one night of checks to the next
    later_depth                   what checks ask for from the middle of the panel on; 0: `depth` all along
    unmeasured_share              nights of checks that were left out
    skipped_share                 checks that were left out, each by itself
    failed_share, truncated_share, shallow_share   checks that failed; ended early; asked for half of the depth only
    unconfigured_share            keywords for which nobody stated a page
    switch_share                  checks in which another page of the topic ranks
    """

    pages: int = 800
    keywords: int = 3
    days: int = 270
    topics: int = 8
    devices: int = 1
    depth: int = 100
    start_position: float = 9.0
    start_spread: float = 0.6
    followed_effect: float = -0.17
    nofollow_worth: float = 0.0
    authority_growth: float = 0.6
    effect_spread: float = 0.0
    spill_share: float = 0.0
    effect_delay_days: int = 2
    effect_ramp_days: int = 16
    rise_selection: float = 0.0
    spell_selection: float = 0.0
    edit_share: float = 0.0
    unseen_edit_share: float = 0.0
    edit_effect: float = -0.06
    edit_days: float = 110.0
    discovery_days: float = 0.0
    gain_rate: float = 0.004
    loss_rate: float = 0.0006
    restore_rate: float = 0.0001
    pull_spread: float = 0.3
    burst_share: float = 0.05
    pr_days: int = 0
    pr_links: int = 25
    repeat_share: float = 0.04
    nofollow_share: float = 0.31
    unknown_share: float = 0.02
    uncertain_share: float = 0.02
    start_links: float = 0.8
    trend_sd: float = 0.0008
    trend_memory: float = 0.99
    page_walk_sd: float = 0.02
    walk_sd: float = 0.018
    walk_memory: float = 0.99
    noise_sd: float = 0.05
    update_days: float = 60.0
    update_sd: float = 0.10
    calendar: int = 0
    core_effect: float = 0.0
    season_sd: float = 0.0
    check_every: int = 1
    later_depth: int = 0
    unmeasured_share: float = 0.0
    skipped_share: float = 0.0
    failed_share: float = 0.008
    truncated_share: float = 0.006
    shallow_share: float = 0.0
    unconfigured_share: float = 0.0
    switch_share: float = 0.02
