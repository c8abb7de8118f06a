"""Links with what was counted of each, and what a browser sends of where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seo_warehouse.referral.habits import Evidence, Floats

HOST_SHARES = {"full": 0.05, "origin": 0.94, None: 0.7}
"""Of visits by a link of each policy (None: not known) those that name its host alone."""
PAGE_SHARE = 0.95
"""Of visits by a link of policy `full` those that name its page."""
PAST_DECAY = 4
"""Classes of age from which on, after 56 days, rates hardly change."""
WEEK_DAYS = 7


@dataclass(frozen=True)
class Link:
    """A row of int_referral__measure_links. Arrays are by class of age."""

    kind: int
    """Class of links that bring alike, from 0."""
    stated_policy: str | None
    days: Floats
    alone_days: Floats
    exact: Floats
    sole: Floats
    week_pairs: float

    @property
    def policy(self) -> str | None:
        """What the page lets through: `full` too where it was seen to."""
        return "full" if self.exact.any() else self.stated_policy

    @property
    def host_share(self) -> float:
        """Of its visits those that name its host alone."""
        return HOST_SHARES[self.policy]

    @property
    def is_readable(self) -> bool:
        """What it brings is counted, by its page or since it is alone, whether or not it brought any."""
        return self.stated_policy == "full" or bool(self.alone_days.any())

    @property
    def page_days(self) -> Floats:
        """Days times the share of its visits that name its page."""
        return self.days * (PAGE_SHARE if self.policy == "full" else 0.0)

    @property
    def read_days(self) -> Floats:
        """Days times the share of its visits that name its page, or its host while it was alone."""
        return self.page_days + self.alone_days * self.host_share


def evidence_of(links: Sequence[Link], ages: int) -> Evidence:
    """What the readable ones of links tell of all."""
    read = [link for link in links if link.is_readable]
    old = [link.read_days[PAST_DECAY:] > 0 for link in read]
    return Evidence(
        kind=np.array([link.kind for link in read], np.int64),
        exposure=np.array([link.read_days for link in read], np.float64).reshape(-1, ages),
        visits=np.array([link.exact + link.sole for link in read], np.float64).reshape(-1, ages),
        pairs=np.array([link.week_pairs for link in read], np.float64),
        old_visits=np.array([(link.exact + link.sole)[PAST_DECAY:].sum() for link in read], np.float64),
        old_weeks=np.array(
            [link.days[PAST_DECAY:][kept].sum() / WEEK_DAYS for link, kept in zip(read, old, strict=True)], np.float64
        ),
    )
