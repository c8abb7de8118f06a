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
