"""Which network addresses may be connected to: by the crawler, and by the door to the providers' APIs.

A page or a setting can name any host and DNS can answer anything, so the address itself is judged, after DNS and before
the connection: only what is reachable by everyone is allowed, and the networks and addresses that a property states for
its crawl, or a connection for its provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from seo_warehouse.errors import TerminalSourceError

Address = IPv4Address | IPv6Address
Endpoint = tuple[str, int]

_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        # Looks public, answers only inside a cloud:
        # https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
        "168.63.129.16/32",
        # Of IANA's special-purpose registries, what Python 3.11's is_global lets pass, as later versions do not.
        "192.0.0.0/24",
        "192.88.99.0/24",
        "2001::/23",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given to anybody. What lies outside stands for IPv4, for this machine or its links, or for nobody
yet, and kernels and translators do not agree which (RFC 4291, RFC 6052, RFC 2765):
https://www.iana.org/assignments/ipv6-address-space/
"""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""Third quarter of an address whose last quarter is the IPv4 address that it is tunnelled to (RFC 5214)."""


def is_public(address: Address) -> bool:
    """Whether an address is reachable by everyone, through whatever form of IPv6 it is written in."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, IPv6Address):
        is_tunnel = int(address) >> 32 & 0xFFFFFFFF in _ISATAP
        if address not in _GLOBAL_UNICAST or (is_tunnel and not is_public(_last_quarter(address))):
            return False
    return address.is_global and not address.is_multicast and not any(address in n for n in _NOT_PUBLIC)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return _last_quarter(address)
    if address.teredo:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def _last_quarter(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


class Guard:
    """The judgement of addresses, and the addresses that stand in for DNS.

    Raises TerminalSourceError where a network or an address cannot be read.
    """

    def __init__(
        self, networks: Iterable[str] = (), resolve: Mapping[str, str] | None = None, *, is_public_open: bool = True
    ) -> None:
        self._is_public_open = is_public_open
        try:
            self._networks = [ip_network(network, strict=False) for network in networks]
        except ValueError as error:
            raise TerminalSourceError(f"allowed_networks: {error}") from None
        self._pinned = {host.lower().rstrip("."): endpoint(text) for host, text in (resolve or {}).items()}

    def pinned(self, host: str) -> Endpoint | None:
        """The address and port stated for a host. A person wrote it, so it is allowed, wherever it lies."""
        return self._pinned.get(host.lower().rstrip("."))

    def allows(self, address: str) -> bool:
        """Whether an address that DNS (or the URL itself) gave may be connected to."""
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        inner = _embedded(found) or found
        return (self._is_public_open and is_public(found)) or any(inner in network for network in self._networks)


def endpoint(text: str) -> Endpoint:
    """`address:port` or `[address]:port`. Raises TerminalSourceError where it is neither."""
    address, _, port = text.rpartition(":")
    try:
        number = int(port)
        if not 0 < number < 65536:
            raise ValueError(f"{port} is no port")
        return str(ip_address(address.strip("[]"))), number
    except ValueError as error:
        raise TerminalSourceError(f"resolve: {text!r} is not address:port ({error})") from None
