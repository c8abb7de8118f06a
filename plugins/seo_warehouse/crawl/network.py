"""Scrapy's way to the network: addresses judged after DNS and before each connection, headers bounded."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Sequence
from ipaddress import IPv6Address as IPv6
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
)
from scrapy.exceptions import CannotResolveHostError, DownloadConnectionRefusedError
from scrapy.resolver import HostResolution
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from twisted.web._newclient import BODY, DONE
from zope.interface import implementer  # type: ignore[import-untyped]

from seo_warehouse.client.addresses import Endpoint, Guard

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.internet.base import ReactorBase
    from twisted.internet.interfaces import IAddress

    from seo_warehouse.crawl.pipe import Store

MAX_HEADER_BYTES = 262_144
"""All headers of one answer, continuation answers (1xx) included; Twisted bounds one line (16 kB), not their number."""


@implementer(IHostnameResolver)
class GuardedResolver:
    """Every connection's addresses come from here, those of literal addresses too, and are the ones connected to.

    A host with one refused address is refused whole: no honest one mixes public and private addresses.
    Answers are kept for the crawl.
    """

    def __init__(self, reactor: ReactorBase, guard: Guard) -> None:
        self._reactor = reactor
        self._dns: IHostnameResolver = reactor.nameResolver
        self._guard = guard
        self._known: dict[str, list[str]] = {}
        self.refused: set[str] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        networks, resolve = crawler.settings.getlist("CRAWL_NETWORKS"), crawler.settings.getdict("CRAWL_RESOLVE")
        return cls(reactor, Guard(networks, resolve))

    def install_on_reactor(self) -> None:
        """Become the reactor's resolver."""
        self._reactor.installNameResolver(self)

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Give the receiver the addresses of a host that may be connected to."""
        pinned = self._guard.pinned(hostName)
        if pinned or hostName in self._known:
            endpoints = [pinned] if pinned else [(address, portNumber) for address in self._known[hostName]]
            return _give(resolutionReceiver, hostName, endpoints)
        judge = _Judge(resolutionReceiver, hostName, portNumber, self._judged)
        return self._dns.resolveHostName(judge, hostName, portNumber, addressTypes, transportSemantics)

    async def addresses(self, host: str) -> list[str]:
        """A host's addresses that may be connected to, a stated one with its port; none where it has none."""
        pinned = self._guard.pinned(host)
        if pinned:
            return [f"{pinned[0]}:{pinned[1]}"]
        if host not in self._known:
            found: Future[None] = get_running_loop().create_future()
            self.resolveHostName(_Waiter(found), host)
            await found
        return self._known.get(host, [])

    def _judged(self, host: str, addresses: list[str]) -> list[str]:
        if not all(self._guard.allows(address) for address in addresses):
            self.refused.add(host)
            addresses = []
        if addresses:
            self._known[host] = addresses
        return addresses


@implementer(IResolutionReceiver)
class _Judge:
    """Collects what DNS answers, and passes on what is allowed when the answer is whole."""

    def __init__(self, receiver: IResolutionReceiver, host: str, port: int, judged: Any) -> None:
        self._receiver, self._host, self._port, self._judged = receiver, host, port, judged
        self._addresses: list[str] = []

    def resolutionBegan(self, resolution: IHostResolution) -> None:
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IAddress) -> None:
        self._addresses.append(address.host)

    def resolutionComplete(self) -> None:
        for address in self._judged(self._host, self._addresses):
            self._receiver.addressResolved(_address((address, self._port)))
        self._receiver.resolutionComplete()


@implementer(IResolutionReceiver)
class _Waiter:
    """Tells when an answer of DNS is whole."""

    def __init__(self, found: Future[None]) -> None:
        self._found = found

    def resolutionBegan(self, resolution: IHostResolution) -> None:
        """Nothing is known yet."""

    def addressResolved(self, address: IAddress) -> None:
        """The resolver has kept it."""

    def resolutionComplete(self) -> None:
        if not self._found.done():
            self._found.set_result(None)


def _give(receiver: IResolutionReceiver, host: str, endpoints: list[Endpoint]) -> IHostResolution:
    resolution = HostResolution(host)
    receiver.resolutionBegan(resolution)
    for endpoint in endpoints:
        receiver.addressResolved(_address(endpoint))
    receiver.resolutionComplete()
    return resolution


def _address(endpoint: Endpoint) -> IAddress:
    host, port = endpoint
    kind = IPv6Address if isinstance(ip_address(host.partition("%")[0]), IPv6) else IPv4Address
    return kind("TCP", host, port)


class BoundedHandler(HTTP11DownloadHandler):
    """Scrapy's own handler; records each call, bounds an answer's headers, times it to its last byte (`seconds`)."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._store: Store = crawler.spider.store
        self._pool._factory = _BoundedFactory

    async def download_request(self, request: Request) -> Response:
        """Fetch."""
        self._store.sending(request.url, is_first=not request.meta.get("retry_times"))
        started = monotonic()
        try:
            return await super().download_request(request)
        except (CannotResolveHostError, DownloadConnectionRefusedError):
            self._store.unsent(request.url)
            raise
        finally:
            request.meta["seconds"] = monotonic() - started


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    _header_bytes = 0

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        parser = self._parser
        if parser is None or parser.state in (BODY, DONE):
            self._header_bytes = 0
            return
        self._header_bytes += len(data)
        if self._header_bytes > MAX_HEADER_BYTES and self.transport is not None:
            self.transport.abortConnection()


class _BoundedFactory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: IAddress | None) -> _BoundedProtocol:
        return _BoundedProtocol(self._quiescentCallback)
