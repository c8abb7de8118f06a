"""How a provider's API is reached: what of an Airflow connection makes its address and the signature of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from typing import Any, Protocol

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from seo_warehouse.errors import ConfigError


@dataclass(frozen=True)
class Connection:
    """An Airflow connection: `host` is the base URL of the provider's API."""

    host: str | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    extra: dict[str, Any] = field(default_factory=dict, repr=False)
    port: int | None = None

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks beside public addresses that it opens. Raises ConfigError where they are none."""
        stated = self.extra.get("allowed_networks", ())
        if isinstance(stated, str):
            raise ConfigError('has allowed_networks in its extra that are no list, as ["10.1.0.0/16"]')
        try:
            return tuple(str(ip_network(network, strict=False)) for network in stated)
        except ValueError as error:
            raise ConfigError(f"has allowed_networks in its extra that are none: {error}") from None

    def calls_per_minute(self, usual: int | None) -> int | None:
        """How fast its account may be asked; None: as fast as answers come. Raises ConfigError for no number."""
        stated: Any = self.extra.get("calls_per_minute", usual)
        if stated is not None and (not isinstance(stated, int) or stated < 1):
            raise ConfigError(f"has calls_per_minute in its extra that are no number: {stated!r}")
        return stated


class Auth(Protocol):
    """Signs each request, and names what is secret about that: it is cut out of whatever is kept or said."""

    def __call__(self, request: PreparedRequest, /) -> PreparedRequest: ...
    def secrets(self) -> Iterable[str]: ...


@dataclass(frozen=True, kw_only=True)
class Access:
    """A provider's API.

    `host` is its base URL, where the connection states no other. `auth` makes of a connection what signs requests; it
    raises ConfigError saying what the connection lacks ("needs a login and a password"). `example` is what a connection
    states beside the host, with harmless values. `calls_per_minute` is how fast it may be asked, where it says so and
    the connection does not.
    """

    host: str
    auth: Callable[[Connection], Auth]
    example: Mapping[str, Any]
    calls_per_minute: int | None = None


class Basic(HTTPBasicAuth):
    """Signs with login and password (RFC 7617)."""

    def __init__(self, connection: Connection) -> None:
        if not connection.login or not connection.password:
            raise ConfigError("needs a login and a password")
        super().__init__(connection.login, connection.password)

    def secrets(self) -> Iterable[str]:
        """The password."""
        yield str(self.password)


class QueryKey(AuthBase):
    """Signs with a key in the query, for Access(auth=QueryKey.named("apikey")): the connection's password."""

    def __init__(self, name: str, connection: Connection) -> None:
        self._name, self._key = name, _key_of(connection)

    @classmethod
    def named(cls, name: str) -> Callable[[Connection], QueryKey]:
        """What makes it of a connection, for a parameter of that name."""
        return partial(cls, name)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.prepare_url(request.url, {self._name: self._key})
        return request

    def secrets(self) -> Iterable[str]:
        """The key."""
        yield self._key


class HeaderKey(AuthBase):
    """Signs with a key in a header, for Access(auth=HeaderKey.named("x-api-key")): the connection's password."""

    def __init__(self, name: str, scheme: str, connection: Connection) -> None:
        self._name, self._scheme, self._key = name, scheme, _key_of(connection)

    @classmethod
    def named(cls, name: str, scheme: str = "") -> Callable[[Connection], HeaderKey]:
        """What makes it of a connection, for a header of that name; `scheme` stands before the key, as `Bearer `."""
        return partial(cls, name, scheme)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers[self._name] = self._scheme + self._key
        return request

    def secrets(self) -> Iterable[str]:
        """The key."""
        yield self._key


def _key_of(connection: Connection) -> str:
    if not connection.password:
        raise ConfigError("needs the API's key as its password")
    return connection.password
