"""What Google's APIs share: requests signed as a service account, and what their errors mean.

https://google-auth.readthedocs.io/en/stable/user-guide.html#service-account-private-key-files
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import orjson
import requests
from requests import PreparedRequest
from requests.auth import AuthBase

from seo_warehouse.client.access import Connection
from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import Answer
from seo_warehouse.client.connecting import why_exposed
from seo_warehouse.client.transport import Limits, Transport
from seo_warehouse.errors import (
    ConfigError,
    CredentialsError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
    TransientSourceError,
)
from seo_warehouse.sources.fields import mapping, text

SITES_CONNECTION = "google_search_console"
"""The usual name of the connection whose account may read what Google knows of a site."""
TOKEN_LIMITS = Limits(answer_bytes=1_000_000, read_seconds=60.0, answer_seconds=60.0)
EXAMPLE: Mapping[str, Any] = {
    "conn_type": "google_cloud_platform",
    "extra": {
        "keyfile_dict": {
            "type": "service_account",
            "client_email": "reader@example.iam.gserviceaccount.com",
            "private_key": "not-a-key",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    },
}
"""A connection, beside its host."""
DAY_SECONDS = 3_600.0
"""How long to wait where a day's quota is used up: asking sooner uses up the next one."""
_THROTTLED = {
    "quotaexceeded",
    "ratelimitexceeded",
    "userratelimitexceeded",
    "rate_limit_exceeded",
    "resource_exhausted",
    "concurrentlimitexceeded",
    "servinglimitexceeded",
}
_DAY_THROTTLED = {"dailylimitexceeded", "dailylimitexceededunreg"}


def service_account(*scopes: str) -> Callable[[Connection], ServiceAccount]:
    """What signs requests for `scopes` by a connection's `keyfile_dict`: the downloaded key, or its text."""

    def auth(connection: Connection) -> ServiceAccount:
        key = connection.extra.get("keyfile_dict")
        try:
            key = json.loads(key) if isinstance(key, str) else key
        except ValueError:
            key = None
        if not isinstance(key, dict):
            raise ConfigError("has no keyfile_dict in its extra")
        return ServiceAccount(key, scopes, connection.networks)

    return auth


class ServiceAccount(AuthBase):
    """Signs requests as a service account; tokens are fetched and renewed by google-auth, outside the archive."""

    def __init__(self, key: dict[str, Any], scopes: Iterable[str], networks: tuple[str, ...] = ()) -> None:
        # Here: DAGs are parsed with this module, and a library of cryptography takes longer than all of ours.
        from google.auth.exceptions import GoogleAuthError

        self._key = key
        if reason := why_exposed(str(key.get("token_uri")), is_signed=True):
            raise ConfigError(f"has a keyfile_dict whose token_uri is not called: {reason}")
        try:
            self._send = _TokenCall(Transport(str(key.get("token_uri")), None, TOKEN_LIMITS, networks))
            self._credentials = _account(json.dumps(key)).with_scopes(tuple(scopes))
        except (ValueError, TypeError, KeyError, GoogleAuthError):
            # The library's own message may quote the key.
            raise ConfigError("has a keyfile_dict that is no service-account key") from None

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        from google.auth.exceptions import RefreshError

        headers: dict[str, str] = {}
        try:
            self._credentials.before_request(self._send, request.method, request.url, headers)
        except RefreshError as error:
            kind = TransientSourceError if error.retryable else CredentialsError
            raise kind(f"Google refuses the service account: {error.args[0] if error.args else error}") from None
        request.headers.update(headers)
        return request

    def secrets(self) -> Iterable[str]:
        """The private key; tokens come and go in a header."""
        yield str(self._key.get("private_key"))


@lru_cache(maxsize=64)
def _account(key: str) -> Any:
    """The account of a key's text, without scopes or a token. Kept: OpenSSL tests the primes of each key that it reads,
    which takes longer than a small load.
    """
    from google.oauth2 import service_account

    return service_account.Credentials.from_service_account_info(json.loads(key))


@dataclass(frozen=True)
class _TokenAnswer:
    """An answer in google-auth's form."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _TokenCall:
    """google-auth's way to the network through our own: judged addresses, no redirects, bounded answers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __call__(
        self, url: str, method: str = "GET", body: Any = None, headers: Any = None, timeout: Any = None, **_: Any
    ) -> _TokenAnswer:
        asked = requests.Request(method, url, data=body, headers={**(headers or {}), "Accept-Encoding": "identity"})
        answer = self._transport.send("Google's token endpoint", asked.prepare())
        return _TokenAnswer(answer.status, answer.headers, answer.body)


def probe_site(api: Api, site: str) -> None:
    """The service account may read a site of Search Console's.

    https://developers.google.com/webmaster-tools/v1/sites/get; the level is siteFullUser there, SITE_FULL_USER in
    Google's description of the API.
    """
    level: str = api.get(f"/webmasters/v3/sites/{quote(site, safe='')}", decode=_level).json
    if level.replace("_", "").lower() == "siteunverifieduser":
        raise TerminalSourceError(f"the service account may not read {site}: make it a user there, in Search Console")


def _level(document: Any) -> str:
    return text(mapping(document, "the answer").get("permissionLevel"), "permissionLevel")


def explain(answer: Answer) -> SourceError | None:
    """Tells a quota from a refusal: Google answers both with 403.

    https://developers.google.com/webmaster-tools/limits
    """
    if answer.status < 400 or answer.status >= 500:
        return None
    reasons, message = _reasons(answer.body)
    sentence = f"HTTP {answer.status}: {message}"
    if reasons & _DAY_THROTTLED:
        return ThrottledError(sentence, DAY_SECONDS)
    if answer.status == 429 or reasons & _THROTTLED:
        return ThrottledError(sentence)
    if answer.status == 401:
        return CredentialsError(f"{sentence} (the service account's credentials are not accepted)")
    if answer.status == 403:
        return TerminalSourceError(f"{sentence} (is the service account a user of this Search Console property?)")
    return TerminalSourceError(sentence) if reasons else None


def _reasons(body: bytes) -> tuple[set[str], str]:
    """Lower-cased reasons and the message of an error in Google's form; none where the body is of another."""
    try:
        error = orjson.loads(body)["error"]
        details = [entry for name in ("errors", "details") for entry in error.get(name) or []]
        reasons = [error.get("status"), *(detail.get("reason") for detail in details)]
        return {r.lower() for r in reasons if isinstance(r, str)}, str(error.get("message"))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return set(), "without an explanation"
