"""Where the sites that link to the demo stand, and whose they are: networks, owners and what they hide."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from seo_warehouse.demo.chance import draw, number, pick
from seo_warehouse.demo.links import Change, Link

NETWORKS = 60
"""Networks of one's own, the first of which has the most sites."""
CDN_SHARE, OWNED_SHARE, HIDDEN_SHARE = 0.3, 0.12, 0.03
OWNERS = 5
"""Who have several sites each."""
BURST, BURST_DAYS = 6, 14
BURST_NETWORK = "198.19.0"
_HIDING = (' style="display:none"', ' style="font-size:0"', ' style="color:#fff;background:white"')


def address_of(seed: int, host: str, burst: Collection[str]) -> str:
    """The address of a site: behind a CDN, or in a network of RFC 2544, where nobody's site stands."""
    last = 1 + number(seed, "address", host) % 254
    if host in burst:
        return f"{BURST_NETWORK}.{last}"
    if draw(seed, "cdn", host) < CDN_SHARE:
        return f"188.114.96.{last}"
    return f"198.18.{int(NETWORKS ** draw(seed, 'network', host))}.{last}"


def burst_of(links: Sequence[Link]) -> frozenset[str]:
    """The first six sites whose first links came one after the other within 14 days: all of one network.

    Sites of a viral week are nobody's network.
    """
    first: dict[str, Change] = {}
    told = ((link.changes[0], link.site.host) for link in links if not link.is_viral)
    for change, host in sorted(told, key=lambda pair: pair[0].at):
        first.setdefault(host, change)
    came = [(change.at, host) for host, change in first.items() if change.kind == "acquired"]
    for at in range(len(came) - BURST + 1):
        window = came[at : at + BURST]
        if window[-1][0] - window[0][0] < timedelta(days=BURST_DAYS):
            return frozenset(host for _, host in window)
    return frozenset()


def tag_of(seed: int, host: str) -> str | None:
    """The id of the analytics tag of a site whose owner has others; None of most."""
    if draw(seed, "owned", host) >= OWNED_SHARE:
        return None
    return f"G-DEMO00000{int(OWNERS * draw(seed, 'owner', host))}"


def hidden_by(seed: int, link: Link) -> str:
    """The attribute by which a page hides its link; empty of most."""
    if draw(seed, "hidden", link.property_key, link.link_id) >= HIDDEN_SHARE:
        return ""
    # An image is seen at any size and colour of text.
    return _HIDING[0] if link.is_image else pick(_HIDING, seed, "hiding", link.property_key, link.link_id)
