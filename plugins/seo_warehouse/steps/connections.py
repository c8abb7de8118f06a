"""Credentials: Airflow's connections, and the client of a provider made from them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport import Request as GoogleRequest
from google.oauth2 import service_account
from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import Archive, open_archive, open_root
from seo_warehouse.client.transport import Transport
from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError, TerminalSourceError, TransientSourceError
from seo_warehouse.spec import Source
from seo_warehouse.steps.warehouse import Warehouse

DEMO_CONNECTIONS = "demo_connections.json"
"""File in the state folder that holds the demo world's credentials, which are secrets to nobody."""
TOKEN_LIMITS = Limits(answer_bytes=1_000_000, read_seconds=60.0, answer_seconds=60.0)
GOOGLE_SCOPES = ("https://www.googleapis.com/auth/webmasters.readonly",)


@dataclass(frozen=True)
class Connection:
    """An Airflow connection: `host` is the base URL of the provider's API."""

    host: str | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    extra: dict[str, Any] = field(default_factory=dict, repr=False)


def connection(name: str, home: Path) -> Connection:
    """The connection `name`: in a demo's home the demo's own, else `AIRFLOW_CONN_<NAME>` as JSON, else Airflow's.

    Raises ConfigError where there is none, or it is not in its form.
    """
    variable = f"AIRFLOW_CONN_{name.upper()}"
    demo = home / DEMO_CONNECTIONS
    # First and alone: the demo must never spend a user's money, whatever credentials lie in the environment.
    if demo.exists():
        kept = json.loads(demo.read_text())
        if variable not in kept:
            raise ConfigError(f"the demo in {home} has no connection {name!r}")
        return _from_json(variable, kept[variable])
    if os.environ.get(variable):
        return _from_json(variable, os.environ[variable])
    # Outside a task Airflow's store is out of reach, and asking costs seconds of imports.
    if "AIRFLOW_CTX_DAG_ID" in os.environ:
        from airflow.sdk import Connection as AirflowConnection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            kept = AirflowConnection.get(name)
        except AirflowNotFoundException:
            raise ConfigError(f"Airflow has no connection {name!r}: add it, or set {variable}") from None
        return Connection(kept.host, kept.login, kept.password, kept.extra_dejson)
    raise ConfigError(f"no connection {name!r}: set {variable} (see .env.example)")


def _from_json(variable: str, text: str) -> Connection:
    try:
        document = json.loads(text)
        extra = document.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        return Connection(document.get("host"), document.get("login"), document.get("password"), extra)
    except (ValueError, AttributeError):
        raise ConfigError(f"{variable} is not a JSON object (see .env.example)") from None


def has_answers(wh: Warehouse, source: Source, prop: Property, *, scope: str) -> bool:
    """Whether the archive holds anything of a source and property within `scope`."""
    return _archive(wh, source, prop, scope).folder.exists()


def _archive(wh: Warehouse, source: Source, prop: Property, scope: str) -> Archive:
    root = open_root(wh.settings.archive)
    return open_archive(root, source=source.name, property_key=prop.key, scope=scope)


def open_api(wh: Warehouse, source: Source, prop: Property, *, scope: str, may_call: bool) -> Api:
    """The client of a source for one property, over the archive's `scope`. Credentials are read only if it may call.

    Raises ConfigError where a connection is missing or not in its form.
    """
    settings = getattr(prop.sources, source.settings)
    archive = _archive(wh, source, prop, scope)
    base_url, auth = getattr(settings, "base_url", ""), None
    networks: tuple[str, ...] = ()
    if may_call and source.connection is not None:
        conn = connection(settings.connection, wh.settings.home)
        networks = _networks(conn)
        base_url, auth = _client(source, conn)
    # The demo is our own server on loopback: nobody there asks for patience.
    is_demo = wh.properties.demo_control_url is not None
    money = getattr(settings, "money_per_night", None)
    limits = Limits(money=money, calls_per_minute=None) if is_demo else Limits(money=money)
    return Api(
        base_url=base_url,
        auth=auth,
        archive=archive,
        may_call=may_call,
        explain=source.explain,
        limits=limits,
        networks=networks,
    )


def _networks(conn: Connection) -> tuple[str, ...]:
    """The networks beside public addresses that a connection opens."""
    stated = conn.extra.get("allowed_networks", ())
    try:
        networks = tuple(str(ip_network(network, strict=False)) for network in stated)
    except ValueError as error:
        raise ConfigError(f"the connection's extra has allowed_networks that are none: {error}") from None
    if isinstance(stated, str):
        raise ConfigError('the connection\'s extra has allowed_networks that are no list, as ["10.1.0.0/16"]')
    return networks


class GoogleAuth(AuthBase):
    """Signs requests as a service account; tokens are fetched and renewed by google-auth, outside the archive.

    https://google-auth.readthedocs.io/en/stable/user-guide.html#service-account-private-key-files
    """

    def __init__(self, key: dict[str, Any], networks: tuple[str, ...] = ()) -> None:
        try:
            self._send = _TokenCall(Transport(str(key.get("token_uri")), None, TOKEN_LIMITS, networks))
            self._credentials = service_account.Credentials.from_service_account_info(key, scopes=GOOGLE_SCOPES)
        except (ValueError, TypeError, KeyError, GoogleAuthError):
            # The library's own message may quote the key.
            raise ConfigError("the Google connection's keyfile_dict is not a service-account key") from None

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        headers: dict[str, str] = {}
        try:
            self._credentials.before_request(self._send, request.method, request.url, headers)
        except RefreshError as error:
            kind = TransientSourceError if error.retryable else TerminalSourceError
            raise kind(f"Google refuses the service account: {error.args[0] if error.args else error}") from None
        request.headers.update(headers)
        return request


@dataclass(frozen=True)
class _TokenAnswer:
    """An answer in google-auth's form."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _TokenCall(GoogleRequest):
    """google-auth's way to the network through our own: judged addresses, no redirects, bounded answers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __call__(
        self, url: str, method: str = "GET", body: Any = None, headers: Any = None, timeout: Any = None, **_: Any
    ) -> _TokenAnswer:
        asked = requests.Request(method, url, data=body, headers={**(headers or {}), "Accept-Encoding": "identity"})
        answer = self._transport.send("Google's token endpoint", asked.prepare())
        return _TokenAnswer(answer.status, answer.headers, answer.body)


def _client(source: Source, conn: Connection) -> tuple[str, AuthBase]:
    if source.connection == "google_search_console":
        key = conn.extra.get("keyfile_dict")
        key = json.loads(key) if isinstance(key, str) else key
        if not isinstance(key, dict):
            raise ConfigError(f"the connection of {source.name} has no keyfile_dict in its extra")
        return conn.host or "https://searchconsole.googleapis.com", GoogleAuth(key, _networks(conn))
    if not conn.login or not conn.password:
        raise ConfigError(f"the connection of {source.name} needs a login and a password")
    return conn.host or "https://api.dataforseo.com", HTTPBasicAuth(conn.login, conn.password)
