"""Whom links of the demo bring, and what a browser says of where they came from: one truth for pages and logs."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime
from math import exp

from seo_warehouse.demo.chance import draw
from seo_warehouse.demo.links import Change, Link, Rel

POLICIES = ((0.15, "full", "unsafe-url"), (0.23, "none", "no-referrer"), (1.0, "origin", "origin-when-cross-origin"))
"""What sites let through, and the header that says so. Of one that says nothing the demo's sites, which have no TLS,
would learn nothing."""
FEWEST, SPREAD = 0.03, 0.9
DECAY, DECAY_DAYS = 5.0, 7.0
"""A link that came a moment ago brings so many times more than later, and that fades within so many days."""


def state_of(link: Link, now: datetime) -> Change | None:
    """The last that happened to a link by an instant; None before it came."""
    count = bisect_right([change.at for change in link.changes], now)
    return link.changes[count - 1] if count else None


def passed(seed: int, link: Link, rel: Rel) -> str:
    """What a link tells of its page while it has a rel: full, origin or none."""
    return "none" if "noreferrer" in rel else _policy(seed, link.site.host)[1]


def header_of(seed: int, host: str) -> dict[str, str]:
    """The header by which a host says so."""
    return {"Referrer-Policy": _policy(seed, host)[2]}


def rate_of(seed: int, link: Link, day: date) -> float:
    """How many people a day a link that lives brings: few bring many, and most of them soon."""
    steady = FEWEST / float((0.02 + draw(seed, "rate", link.property_key, link.link_id)) ** SPREAD)
    return steady * (1 + DECAY * exp(-max((day - link.changes[0].at.date()).days, 0) / DECAY_DAYS))


def _policy(seed: int, host: str) -> tuple[float, str, str]:
    chance = draw(seed, "policy", host)
    return next(policy for policy in POLICIES if chance <= policy[0])
