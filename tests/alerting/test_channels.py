"""What leaves the machine, over real HTTP and SMTP."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.alerting.channels import send
from seo_warehouse.alerting.messages import LONGEST, Message, as_json, as_mail, as_slack, plain
from seo_warehouse.alerting.settings import Channel
from seo_warehouse.client.access import Connection
from seo_warehouse.errors import ConfigError, TransientSourceError
from tests.alerting.receiving import taking_mail
from tests.sources.provider import Act, Provider, serving

KEY = "correct-horse-battery"
MESSAGE = Message("alerts-7", "alerts", "SEO warehouse: 1 held", ("held: load 7 is held",), ({"id": 7},))


def post(provider: Provider, **connection: Any) -> str:
    channel = Channel(name="hook", to="webhook", connection="hook")
    stated = {"host": f"{provider.base_url}/alerts", "password": KEY} | connection
    return send(channel, Connection(**stated), MESSAGE, pause=lambda seconds: None)


def test_a_webhook_gets_json_that_its_key_has_signed() -> None:
    with serving() as provider:
        assert post(provider) == "HTTP 200"
    (asked,) = provider.asked
    assert (asked.method, asked.path, asked.headers["Content-Type"]) == ("POST", "/alerts", "application/json")
    assert asked.json == as_json(MESSAGE)
    signed = asked.headers["X-SEO-Warehouse-Timestamp"].encode() + b"." + asked.body
    expected = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    assert asked.headers["X-SEO-Warehouse-Signature"] == f"sha256={expected}"


def test_who_fails_three_times_is_told_at_the_fourth() -> None:
    pauses: list[float] = []
    with serving() as provider:
        provider.script.extend([Act(status=500), Act(status=503), Act(is_reset=True)])
        channel = Channel(name="hook", to="webhook", connection="hook")
        connection = Connection(host=provider.base_url, password=KEY)
        assert send(channel, connection, MESSAGE, pause=pauses.append) == "HTTP 200"
    assert pauses == [0.5, 1.0, 2.0]
    assert len({asked.body for asked in provider.asked}) == 1


def test_who_takes_nothing_in_five_tries_is_left_alone() -> None:
    with serving() as provider:
        provider.answer = lambda asked: Act(status=404)
        with pytest.raises(TransientSourceError, match="not taken in 5 tries: HTTP 404"):
            post(provider)
    assert len(provider.asked) == 5


def test_a_redirect_is_not_followed() -> None:
    with serving() as provider, serving() as other:
        provider.answer = lambda asked: Act(status=307, headers={"Location": f"{other.base_url}/taken"})
        with pytest.raises(TransientSourceError, match="HTTP 307"):
            post(provider)
    assert other.asked == []


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("https://10.0.0.1/hook", "an address that not everyone reaches"),
        ("https://169.254.169.254/latest/meta-data", "an address that not everyone reaches"),
        ("http://example.com/hook", "everyone on the way reads the credentials"),
        ("https://user:word@example.com/hook", "credentials in an address"),
        ("ftp://example.com/hook", "cannot be called"),
        ("https://[::1/hook", "cannot be called: Invalid IPv6 URL"),
    ],
)
def test_an_address_that_is_not_everybodys_or_shows_secrets_is_not_called(host: str, said: str) -> None:
    with serving() as provider, pytest.raises((ConfigError, TransientSourceError), match=said) as error:
        post(provider, host=host)
    assert KEY not in str(error.value)


@pytest.mark.parametrize("lacking", [{"password": None}, {"host": None}])
def test_a_webhook_without_key_or_address_is_a_sentence_that_names_the_connection(lacking: dict[str, None]) -> None:
    with serving() as provider, pytest.raises(ConfigError, match="the connection 'hook' needs a"):
        post(provider, **lacking)


def test_slack_gets_text_under_an_address_whose_secret_nobody_reads() -> None:
    channel = Channel(name="chat", to="slack", connection="chat")
    with serving() as provider:
        connection = Connection(host=f"{provider.base_url}/services", password="T0/B0/secretpart")
        assert send(channel, connection, MESSAGE, pause=lambda seconds: None) == "HTTP 200"
        provider.answer = lambda asked: Act(status=404, body=b"no /services/T0/B0/secretpart")
        with pytest.raises(TransientSourceError) as error:
            send(channel, connection, MESSAGE, pause=lambda seconds: None)
    assert provider.asked[0].path == "/services/T0/B0/secretpart"
    assert provider.asked[0].json == {"text": MESSAGE.text}
    assert "secretpart" not in str(error.value)


def test_slack_is_told_of_no_channel_and_no_link_that_a_vendor_wrote() -> None:
    message = Message("1", "alerts", "held: <!channel> <https://evil.example|click> &amp;", ())
    assert as_slack(message) == {
        "text": "held: &lt;!channel&gt; &lt;https://evil.example|click&gt; &amp;amp;",
    }


def test_mail_goes_to_each_recipient_as_text() -> None:
    channel = Channel(name="team", to="mail", connection="team", recipients=("a@example.com", "b@example.com"))
    with taking_mail() as server:
        connection = _mail_connection(server.port)
        assert send(channel, connection, MESSAGE) == "taken"
        server.refused = {"b@example.com"}
        assert send(channel, connection, MESSAGE) == "taken, but not for b@example.com"
    (recipients, mail), (fewer, _) = server.mails
    assert (recipients, fewer) == (["a@example.com", "b@example.com"], ["a@example.com"])
    assert (mail["Subject"], mail["From"]) == (MESSAGE.title, "warehouse@example.com")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().split("\r\n") == [*MESSAGE.text.split("\n"), ""]


def test_a_password_is_not_sent_without_tls() -> None:
    channel = Channel(name="team", to="mail", connection="team", recipients=("a@example.com",))
    with taking_mail() as server:
        connection = _mail_connection(server.port, login="me", password=KEY)
        with pytest.raises(TransientSourceError, match="SMTPNotSupportedError"):
            send(channel, connection, MESSAGE, pause=lambda seconds: None)
    assert server.mails == []


def test_nobody_there_is_told_without_a_traceback() -> None:
    channel = Channel(name="team", to="mail", connection="team", recipients=("a@example.com",))
    with taking_mail() as server:
        port = server.port
    with pytest.raises(TransientSourceError, match=r"127\.0\.0\.1: ConnectionRefusedError"):
        send(channel, _mail_connection(port), MESSAGE, pause=lambda seconds: None)


@pytest.mark.parametrize("wrong", [{"host": "smtp..example.com"}, {"sender": "warehouse@example.com\nBcc: all"}])
def test_what_a_connection_states_of_mail_and_nobody_could_send_by_is_a_sentence(wrong: dict[str, str]) -> None:
    channel = Channel(name="team", to="mail", connection="team", recipients=("a@example.com",))
    with taking_mail() as server, pytest.raises(ConfigError, match="the connection 'team' cannot be used: "):
        send(channel, _mail_connection(server.port, **wrong), MESSAGE, pause=lambda seconds: None)
    assert server.mails == []


def _mail_connection(
    port: int, *, host: str = "127.0.0.1", sender: str = "warehouse@example.com", **more: Any
) -> Connection:
    extra = {"from_email": sender, "disable_ssl": True, "disable_tls": True}
    return Connection(host=host, port=port, extra=extra, **more)


@given(st.text())
def test_a_text_of_whatever_origin_is_one_line_without_controls(text: str) -> None:
    said = plain(text)
    assert len(said) <= LONGEST
    assert not set(said) & set("\r\n\t\x00\x1b\u202e\u2028")
    message = Message("1", "alerts", "title", (said,))
    assert "Bcc" not in as_mail(message, "w@example.com", ("a@example.com",))
    json.dumps(as_json(message))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("HTTP 500 of https://api.example/v3?key=secret&page=2, retry", "HTTP 500 of https://api.example/v3?... retry"),
        ("see HTTPS://a.example/#token=1", "see HTTPS://a.example/?..."),
        ("what is this?", "what is this?"),
        ("x" * 1001, "x" * 997 + "..."),
    ],
)
def test_queries_of_addresses_and_the_rest_of_long_texts_stay_here(text: str, said: str) -> None:
    assert plain(text) == said
