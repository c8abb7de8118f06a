"""One HTTP request sent and its answer read whole, within limits and without secrets."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3

from seo_warehouse.client.access import Auth
from seo_warehouse.client.addresses import Guard
from seo_warehouse.client.archive import Answer
from seo_warehouse.client.connecting import guard_session, why_exposed
from seo_warehouse.client.redaction import Redactor
from seo_warehouse.client.sieve import MAX_BYTES, MAX_SECONDS, Sieve, sift
from seo_warehouse.client.unpacking import ACCEPTED, PackedWrongError, Unpacker
from seo_warehouse.errors import BudgetError, ConfigError, MalformedAnswerError, TransientSourceError

USER_AGENT = "seo-warehouse (+https://pypi.org/project/seo-warehouse/)"
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one load may cost. Money is in US dollars, reused answers included, and checked before it is spent.

    `max_wait_seconds` is the longest that one call waits between its attempts, all waits together: a provider
    that asks for more is asked again by the scheduler, not here. `answer_seconds` bounds one answer as a whole,
    `read_seconds` each silence within it. `money` None: no limit; `calls_per_minute` None: as fast as answers come.
    """

    money: float | None = None
    calls: int = 100_000
    bytes: int = 20 * 2**30
    answer_bytes: int = 256 * 2**20
    attempts: int = 5
    backoff_seconds: float = 1.0
    max_wait_seconds: float = 60.0
    connect_seconds: float = 10.0
    read_seconds: float = 120.0
    answer_seconds: float = 600.0
    calls_per_minute: int | None = 1_200


class UnsentError(TransientSourceError):
    """No connection was had, so the provider has not seen the call."""


class Transport:
    """A session with one provider, at public addresses and those of `networks` only.

    `guard`: what judges addresses instead, and states some in the place of DNS.
    `redactor` knows the secrets of every request signed so far: what `auth` names, and what it has put into headers and
    address.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth | None,
        limits: Limits,
        networks: tuple[str, ...] = (),
        guard: Guard | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._auth = auth
        self._limits = limits
        self._networks = networks
        self._guard = guard
        self._session: requests.Session | None = None
        self.redactor = Redactor()

    def sign(self, method: str, path: str, payload: Any) -> requests.PreparedRequest:
        """The request as it will go out.

        Raises ConfigError where the address is none or would show credentials to others, or what `auth` raises.
        """
        try:
            reason = why_exposed(self._base_url, is_signed=self._auth is not None)
        except ValueError as error:
            raise ConfigError(f"{self.redactor.text(self._base_url)} cannot be called: {error}") from None
        if reason:
            raise ConfigError(f"{self.redactor.text(self._base_url)} is not called: {reason}")
        session = self._session = self._session or self._new_session()
        is_get = method == "GET"
        request = requests.Request(
            method,
            self._base_url + path,
            params=payload if is_get else None,
            data=None if is_get else orjson.dumps(payload),
            headers={} if is_get else {"Content-Type": "application/json"},
            # Also where nothing is signed: else requests would look for a login in ~/.netrc.
            auth=self._sign,
        )
        try:
            signed = session.prepare_request(request)
            session.get_adapter(signed.url or "")
        except requests.RequestException as error:
            refusal = type(error).__name__
        else:
            self.redactor.learn(signed.headers)
            return signed
        # Outside: an error remembers the one in whose handling it was raised, and that one says the address.
        raise ConfigError(f"{self.redactor.text(self._base_url + path)} cannot be called: {refusal}")

    def send(self, name: str, request: requests.PreparedRequest, sieve: Sieve | None = None) -> Answer:
        """The whole answer, whatever its status; redirects are not followed.

        `sieve`: the answer is a packed file, of which that is kept which it lets through (sieve.py).
        Raises UnsentError, TransientSourceError or MalformedAnswerError where there is none, BudgetError where it
        is too large.
        """
        session = self._session = self._session or self._new_session()
        settings = session.merge_environment_settings(request.url, {}, True, None, None)
        timeout = (self._limits.connect_seconds, self._limits.read_seconds)
        started = time.monotonic()
        try:
            with session.send(request, timeout=timeout, allow_redirects=False, **settings) as response:
                if sieve is not None and response.status_code == requests.codes.ok:
                    body = self._sifted(name, response, sieve)
                else:
                    body = self._body(name, response, started)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failure = self._explained(name, error)
        else:
            return self._answer(response, body, started)
        raise failure

    def _answer(self, response: requests.Response, body: bytes, started: float) -> Answer:
        return Answer(
            url=self.redactor.text(response.url),
            status=response.status_code,
            headers=self.redactor.headers(response.headers),
            body=self.redactor.body(body),
            received_at=datetime.now(UTC),
            seconds=round(time.monotonic() - started, 6),
        )

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        auth, address = self._auth, request.url or ""
        if auth is None:
            return request
        # Before, too: what cannot be signed may be said.
        self.redactor.know(auth.secrets())
        signed: requests.PreparedRequest = auth(request)
        self.redactor.learn_query(address, signed.url or "")
        return signed

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": ACCEPTED})
        guard_session(session, self._base_url, self._networks, self._limits.answer_seconds, self._guard)
        return session

    def _body(self, name: str, response: requests.Response, started: float) -> bytes:
        pieces: list[bytes] = []
        arrived = size = 0
        try:
            unpacker = Unpacker(response.headers.get("Content-Encoding", ""))
            # read1 returns what has come: a body that drips in cannot outlive the check of the time.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
                arrived += len(chunk)
                for piece in unpacker.feed(chunk):
                    size += len(piece)
                    if max(size, arrived) > self._limits.answer_bytes:
                        raise BudgetError(f"{name}: the answer is larger than {self._limits.answer_bytes:,} bytes")
                    pieces.append(piece)
                if time.monotonic() - started > self._limits.answer_seconds:
                    raise TransientSourceError(f"{name}: no whole answer within {self._limits.answer_seconds:g} s")
            unpacker.end()
        except PackedWrongError as error:
            raise MalformedAnswerError(f"{name}: {error}") from None
        return b"".join(pieces)

    def _sifted(self, name: str, response: requests.Response, sieve: Sieve) -> bytes:
        started, arrived = time.monotonic(), 0

        def chunks() -> Iterator[bytes]:
            nonlocal arrived
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
                arrived += len(chunk)
                if arrived > MAX_BYTES:
                    raise BudgetError(f"{name}: the file is larger than {MAX_BYTES:,} bytes")
                if time.monotonic() - started > MAX_SECONDS:
                    raise TransientSourceError(f"{name}: no whole file within {MAX_SECONDS:g} s")
                yield chunk

        try:
            return sift(chunks(), sieve)
        except PackedWrongError as error:
            raise MalformedAnswerError(f"{name}: {error}") from None

    def _explained(self, name: str, error: Exception) -> TransientSourceError:
        if (reason := _why_unconnected(error)) is not None:
            return UnsentError(
                self.redactor.text(f"{name}: no connection to {urlsplit(self._base_url).netloc}: {reason}")
            )
        return TransientSourceError(self.redactor.text(f"{name}: {type(error).__name__}: {error}"))


def _why_unconnected(error: Exception) -> str | None:
    """Why no connection was had, as far as known; None where one was."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3.exceptions.SSLError):
        cause = reason.args[0] if reason.args else None
        return str(cause) if isinstance(cause, ssl.SSLCertVerificationError) else None
    if isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        # Before it stands the connection, as urllib3 writes one.
        return str(reason).partition("): ")[2] or str(reason)
    return type(error).__name__ if isinstance(error, requests.ConnectTimeout) else None
