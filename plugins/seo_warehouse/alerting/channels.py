"""Sending: by webhook, signed; to Slack's incoming webhook; by mail. Each waits seconds, never minutes."""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import ssl
import time
from collections.abc import Callable, Iterable

from requests import PreparedRequest
from requests.auth import AuthBase

from seo_warehouse.alerting.messages import Message, as_json, as_mail, as_slack
from seo_warehouse.alerting.settings import Channel
from seo_warehouse.client.access import Auth, Connection
from seo_warehouse.client.transport import Limits, Transport
from seo_warehouse.errors import ConfigError, SeoWarehouseError, TransientSourceError

SECONDS = 10.0
"""How long a channel may take to answer."""
TRIES = 5
FIRST_PAUSE_SECONDS = 0.5
"""Before the second try; each further pause is twice as long."""
LIMITS = Limits(
    answer_bytes=65_536, connect_seconds=SECONDS, read_seconds=SECONDS, answer_seconds=SECONDS, calls_per_minute=None
)


class Signature(AuthBase):
    """Signs a POST: `X-SEO-Warehouse-Signature: sha256=<hex>` is the HMAC-SHA256 (RFC 2104) of timestamp, dot and body.

    The timestamp, Unix seconds, is beside it (`X-SEO-Warehouse-Timestamp`), so that a receiver can refuse old ones. The
    key is the connection's password. Raises ConfigError where it has none.
    """

    def __init__(self, connection: Connection) -> None:
        if not connection.password:
            raise ConfigError("needs a password: the key that signs what is sent")
        self._key = connection.password

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        timestamp = str(int(time.time()))
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        digest = hmac.new(self._key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        request.headers["X-SEO-Warehouse-Timestamp"] = timestamp
        request.headers["X-SEO-Warehouse-Signature"] = f"sha256={digest}"
        return request

    def secrets(self) -> Iterable[str]:
        """The key."""
        yield self._key


class SlackHook(AuthBase):
    """Puts the secret part of an incoming webhook's address behind its host: the connection's password, T.../B.../....

    Raises ConfigError where it has none.
    """

    def __init__(self, connection: Connection) -> None:
        if not connection.password:
            raise ConfigError("needs a password: what stands behind https://hooks.slack.com/services/")
        self._path = connection.password.strip("/")

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.prepare_url(f"{(request.url or '').rstrip('/')}/{self._path}", None)
        return request

    def secrets(self) -> Iterable[str]:
        """The path, and each part of it."""
        yield self._path


def opened(channel: Channel, connection: Connection) -> Callable[[Message], str]:
    """What delivers a message once, and asks nobody before. Raises ConfigError where the connection lacks something."""
    try:
        return {"webhook": _webhook, "slack": _slack, "mail": _mail}[channel.to](channel, connection)
    except ConfigError as error:
        raise ConfigError(f"the connection {channel.connection!r} {error}") from None


def send(
    channel: Channel, connection: Connection, message: Message, pause: Callable[[float], None] = time.sleep
) -> str:
    """Send a message, trying five times. Returns what the receiver answered.

    Raises ConfigError where the connection cannot be used, TransientSourceError where nobody took the message.
    """
    deliver = opened(channel, connection)
    for number in range(1, TRIES + 1):
        try:
            return deliver(message)
        except TransientSourceError as error:
            if number == TRIES:
                raise TransientSourceError(f"not taken in {TRIES} tries: {error}") from None
            pause(FIRST_PAUSE_SECONDS * 2 ** (number - 1))
        except ValueError as error:
            # An address that is none, a password that SMTP has no letters for: some of it may be secret.
            raise ConfigError(
                f"the connection {channel.connection!r} cannot be used: {type(error).__name__} of what it states"
            ) from None
    raise AssertionError("a try either returns or raises")


def _webhook(channel: Channel, connection: Connection) -> Callable[[Message], str]:
    if not connection.host:
        raise ConfigError("needs a host: the address that is posted to, as https://example.com/alerts")
    auth, host = Signature(connection), connection.host
    return lambda message: _post(channel, host, auth, connection.networks, as_json(message))


def _slack(channel: Channel, connection: Connection) -> Callable[[Message], str]:
    auth, host = SlackHook(connection), connection.host or "https://hooks.slack.com/services"
    return lambda message: _post(channel, host, auth, connection.networks, as_slack(message))


def _post(channel: Channel, host: str, auth: Auth, networks: tuple[str, ...], body: dict[str, object]) -> str:
    transport = Transport(host, auth, LIMITS, networks)
    try:
        answer = transport.send(channel.name, transport.sign("POST", "", body))
    except ConfigError:
        raise
    except SeoWarehouseError as error:
        raise TransientSourceError(str(error)) from None
    finally:
        transport.close()
    if not 200 <= answer.status < 300:
        raise TransientSourceError(f"HTTP {answer.status}")
    return f"HTTP {answer.status}"


def _mail(channel: Channel, connection: Connection) -> Callable[[Message], str]:
    """By a connection of Airflow's type smtp: its extra `from_email`, `disable_ssl` and `disable_tls` are known too.

    Source: https://airflow.apache.org/docs/apache-airflow-providers-smtp/stable/connections/smtp.html
    """
    host, sender = connection.host, connection.extra.get("from_email")
    if not host or not sender:
        raise ConfigError("needs a host and, in its extra, from_email")

    def deliver(message: Message) -> str:
        try:
            with _server(connection, host) as server:
                refused = server.send_message(as_mail(message, str(sender), channel.recipients))
        except (OSError, smtplib.SMTPException) as error:
            raise TransientSourceError(f"{host}: {type(error).__name__}") from None
        return f"taken, but not for {', '.join(refused)}" if refused else "taken"

    return deliver


def _server(connection: Connection, host: str) -> smtplib.SMTP:
    """Raises OSError or SMTPException. Passwords go out over TLS only."""
    is_ssl = not connection.extra.get("disable_ssl", False)
    is_tls = not connection.extra.get("disable_tls", False)
    if is_ssl:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, connection.port or 0, timeout=SECONDS, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, connection.port or 0, timeout=SECONDS)
        if is_tls:
            server.starttls(context=ssl.create_default_context())
    if connection.login and connection.password:
        if not is_ssl and not is_tls:
            server.close()
            raise smtplib.SMTPNotSupportedError("a password is not sent without TLS")
        server.login(connection.login, connection.password)
    return server
