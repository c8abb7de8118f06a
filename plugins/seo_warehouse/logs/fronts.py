"""Addresses that stand before a server and are no visitor's: networks of one's own, and CDNs."""

from __future__ import annotations

import ipaddress

from seo_warehouse.logs.memo import Memo
from seo_warehouse.logs.ranges import RangeList, Ranges
from seo_warehouse.networks import CDNS

FRONTS = {
    "one's own": (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    ),
    **CDNS,
}
WRONG_SHARE = 0.5
"""Of a log's lines, from which on its addresses are not the visitors'."""
MOST = 100_000
_RANGES = Ranges(RangeList(name, name, tuple(map(ipaddress.ip_network, networks))) for name, networks in FRONTS.items())


def is_front(address: str) -> bool:
    """Whether an address is of a network of one's own or of a CDN, where no visitor comes from."""
    return _RANGES.find_operator(address) is not None


def make_memo() -> Memo[bool]:
    """`is_front`, remembered by address."""
    return Memo(is_front, MOST)
