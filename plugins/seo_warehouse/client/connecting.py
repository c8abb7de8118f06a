"""Connections of requests to judged addresses only: after DNS, and to the very address that was judged.

A name says nothing of where it leads, and may lead elsewhere at the next look; so each connection resolves once, and
one refused address refuses the host. Loopback is open to an API that is stated by a loopback address.
Where the environment states a proxy, the proxy resolves names, and judges them or not.
"""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from seo_warehouse.client.addresses import Guard
from seo_warehouse.errors import RefusedAddressError

MAX_INTERIM = 10
_LOOPBACK = ("127.0.0.0/8", "::1/128")


def is_loopback(url: str) -> bool:
    """Whether a URL itself states this machine, by address or as localhost."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def why_exposed(url: str, *, is_signed: bool) -> str | None:
    """Why requests to a URL would show credentials to who reads it, or who listens on the way; None: they do not."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return "credentials in an address are written wherever the address is: state them as login and password"
    if is_signed and parts.scheme.lower() == "http" and not is_loopback(url):
        return "over http everyone on the way reads the credentials: state it with https, or by a loopback address"
    return None


def _is_ours_to_say(_: logging.LogRecord) -> bool:
    return False


for _speaker in ("urllib3.connectionpool", "urllib3.util.retry"):
    # They write whole addresses, a key in the query included; the door says what came of a call, without secrets.
    logging.getLogger(_speaker).addFilter(_is_ours_to_say)


def guard_session(
    session: requests.Session,
    base_url: str,
    networks: Iterable[str],
    head_seconds: float,
    guard: Guard | None = None,
) -> None:
    """Let a session connect to `networks`, and to loopback if `base_url` states it, else to public addresses.

    A `guard` that is handed in judges instead, loopback too.
    An answer whose status and headers have not come after `head_seconds` is cut off, however busily they come.
    """
    # Whatever DNS says of localhost: what is sent there without TLS stays here.
    is_here = is_loopback(base_url)
    if guard is None:
        guard = Guard((*networks, *_LOOPBACK), is_public_open=False) if is_here else Guard(networks)
    # A proxy of the environment cannot reach this machine's own loopback, nor does it know addresses of ours.
    session.trust_env = not is_here and not guard.pinned(urlsplit(base_url).hostname or "")
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(guard, head_seconds))


class _Adapter(HTTPAdapter):
    def __init__(self, guard: Guard, head_seconds: float) -> None:
        self._guard, self._head_seconds = guard, head_seconds
        super().__init__()

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        super().init_poolmanager(*args, **settings)

        class Plain(_Judged, HTTPConnection):
            judge, head_seconds = self._guard, self._head_seconds

        class Tls(_Judged, HTTPSConnection):
            judge, head_seconds = self._guard, self._head_seconds

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = Tls

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}


class _Head(http.client.HTTPResponse):
    """An answer before which a few interim ones may come; http.client itself waits for as many as there are."""

    _looks = 0

    def _read_status(self) -> Any:
        self._looks += 1
        if self._looks > MAX_INTERIM:
            raise http.client.HTTPException(f"more than {MAX_INTERIM} interim answers")
        return super()._read_status()  # type: ignore[misc]


class _Judged(HTTPConnection):
    """A connection that is made to an address which the guard allows."""

    judge: Guard
    head_seconds: float

    response_class = _Head

    def getresponse(self) -> Any:
        # The socket's own time-out bounds each silence only: a head that drips in would outlive it.
        watch = threading.Timer(self.head_seconds, self._cut)
        watch.daemon = True
        watch.start()
        try:
            return super().getresponse()
        finally:
            watch.cancel()

    def _cut(self) -> None:
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def _new_conn(self) -> socket.socket:
        stated, port, refusal = self._dns_host, self.port, None
        pinned = self.judge.pinned(stated)
        for endpoint in [pinned] if pinned else [(address, port) for address in self._resolve(stated)]:
            # The name stays the one that TLS and the Host header speak of.
            self._dns_host, self.port = endpoint
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as error:
                refusal = error
            finally:
                self._dns_host, self.port = stated, port
        raise refusal or NewConnectionError(self, f"{self.host} has no address")

    def _resolve(self, host: str) -> list[str]:
        try:
            found = socket.getaddrinfo(host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from None
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        if refused := [address for address in addresses if not self.judge.allows(address)]:
            raise RefusedAddressError(
                f"{self.host} leads to {refused[0]}, an address that not everyone reaches: nothing was sent."
                " Where that is meant, state its network in the connection's extra, as allowed_networks"
            )
        return addresses
