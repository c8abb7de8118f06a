"""Where the API's door leads, and what it takes in; the crawler's door is tried in tests/crawl."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from seo_warehouse.client.access import Connection
from seo_warehouse.errors import (
    BudgetError,
    ConfigError,
    MalformedAnswerError,
    RefusedAddressError,
    SourceError,
    TerminalSourceError,
    TransientSourceError,
)
from seo_warehouse.sources.google import ServiceAccount
from tests.sources.provider import QUICK, Act, Provider, open_api, serving

SCOPES = ("https://www.googleapis.com/auth/webmasters.readonly",)
ONCE = replace(QUICK, attempts=1)
INWARD = """
    127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.100.100.200 168.63.129.16 0.0.0.0
    ::1 fe80::1 fd00:ec2::254 ::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:7f00:1::
""".split()
PUBLIC = "93.184.215.14"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        yield server


Answers = Callable[..., list[str]]


def answer_names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let DNS answer `api.example` with these, one look after another. Returns where the looks are noted."""
    looks: list[str] = []
    real = socket.getaddrinfo

    def look(host: str, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "api.example":
            return real(host, port, *rest, **more)
        looks.append(host)
        found = answers[min(len(looks), len(answers)) - 1]
        kinds = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in found]
        return [(kind, socket.SOCK_STREAM, 6, "", (a, port)) for kind, a in zip(kinds, found, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return looks


def refuse(provider: Provider, folder: Path, host: str) -> None:
    """A call to a host is refused before anything is sent, and is not taken for one that was."""
    api = open_api(provider, folder)
    # Unsigned: credentials would not be sent over http at all.
    api.base_url, api.auth = f"http://{host}:{provider.server_port}", None
    api.__post_init__()
    with pytest.raises(RefusedAddressError, match=r"nothing was sent.*allowed_networks"):
        api.post("/order", {}, once=True)
    assert (api.usage.calls, api.is_cut("POST", "/order", {})) == (0, False)
    assert provider.asked == []


@pytest.mark.parametrize(
    "host", "2130706433 0x7f000001 0177.0.0.1 127.1 0.0.0.0 169.254.169.254 10.0.0.1 [fd00::1]".split()
)
def test_a_stated_address_must_be_public_however_it_is_written(provider: Provider, tmp_path: Path, host: str) -> None:
    refuse(provider, tmp_path, host)


@pytest.mark.parametrize("address", INWARD)
def test_a_name_that_leads_inward_is_refused(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    answer_names(monkeypatch, [PUBLIC, address])
    refuse(provider, tmp_path, "api.example")


def test_a_name_that_turns_inward_after_it_was_judged_is_reached_where_it_was_judged(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    looks = answer_names(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    api = open_api(provider, tmp_path)
    api.base_url, api.auth, api.networks = f"http://api.example:{provider.server_port}", None, ("127.0.0.0/8",)
    api.__post_init__()
    assert api.get("/x").json == {}
    assert provider.asked[0].headers["Host"] == f"api.example:{provider.server_port}"
    assert api.get("/y").json == {}
    assert looks == ["api.example"]
    api.close()
    with pytest.raises(RefusedAddressError, match=r"169\.254\.169\.254"):
        api.get("/z")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(provider: Provider, tmp_path: Path, status: int) -> None:
    with serving() as inner:
        provider.answer = lambda asked: Act(status=status, headers={"Location": f"{inner.base_url}/latest/meta-data/"})
        with pytest.raises(TerminalSourceError, match=f"HTTP {status}"):
            open_api(provider, tmp_path).get("/x")
        assert inner.asked == []


def service_account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {"client_email": "reader@example.com", "private_key": pem.decode(), "token_uri": token_uri}


def sign(token_uri: str) -> requests.PreparedRequest:
    request = requests.Request("GET", "https://searchconsole.googleapis.com/x").prepare()
    return ServiceAccount(service_account(token_uri), SCOPES)(request)


def test_tokens_are_asked_for_at_public_addresses_without_redirects_and_within_bounds(provider: Provider) -> None:
    with pytest.raises(RefusedAddressError, match=r"169\.254\.169\.254"):
        sign("https://169.254.169.254/token")
    provider.answer = lambda asked: Act(json.dumps({"access_token": "a-token", "expires_in": 3600}).encode())
    assert sign(f"{provider.base_url}/token").headers["authorization"] == "Bearer a-token"
    with serving() as inner:
        provider.answer = lambda asked: Act(status=307, headers={"Location": f"{inner.base_url}/latest/"})
        with pytest.raises(SourceError):
            sign(f"{provider.base_url}/token")
        assert inner.asked == []
    provider.answer = lambda asked: Act(b" " * 2_000_000)
    with pytest.raises(BudgetError, match="larger than 1,000,000 bytes"):
        sign(f"{provider.base_url}/token")


def test_networks_are_opened_by_the_connection_that_states_them() -> None:
    assert Connection(extra={"allowed_networks": ["10.1.0.0/16", "fd00::1"]}).networks == (
        "10.1.0.0/16",
        "fd00::1/128",
    )
    for wrong in (["10.1.0.0/99"], "10.1.0.0/16"):
        with pytest.raises(ConfigError, match="allowed_networks"):
            _ = Connection(extra={"allowed_networks": wrong}).networks


ZEROS = b" " * 100_000_000
BOMBS = {
    "gzip": lambda: gzip.compress(ZEROS),
    "deflate": lambda: zlib.compress(ZEROS),
    "raw deflate": lambda: zlib.compress(ZEROS, wbits=-15),
    "zstd": lambda: zstandard.compress(ZEROS),
    "gzip, gzip": lambda: gzip.compress(gzip.compress(ZEROS)),
    "br": lambda: b"\x5b\xff\xff\x3f\x00\x24",
}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_small_body_that_unpacks_large_is_given_up_before_it_is_large(
    provider: Provider, tmp_path: Path, encoding: str
) -> None:
    packed = BOMBS[encoding]()
    assert len(packed) < 200_000
    provider.answer = lambda asked: Act(packed, headers={"Content-Encoding": encoding.removeprefix("raw ")})
    api = open_api(provider, tmp_path, limits=replace(ONCE, answer_bytes=1_000_000))
    tracemalloc.start()
    try:
        with pytest.raises((BudgetError, MalformedAnswerError)):
            api.get("/x")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert provider.asked[0].headers["Accept-Encoding"] == "gzip, deflate"


def test_a_body_of_several_members_is_read_whole_and_one_cut_short_is_refused(
    provider: Provider, tmp_path: Path
) -> None:
    whole = gzip.compress(b'{"a": ') + gzip.compress(b"1}")
    provider.answer = lambda asked: Act(
        whole if asked.path == "/whole" else whole[:-4], headers={"Content-Encoding": "gzip"}
    )
    api = open_api(provider, tmp_path, limits=ONCE)
    assert api.get("/whole").json == {"a": 1}
    with pytest.raises(MalformedAnswerError, match="ends before its end"):
        api.get("/cut")


@contextmanager
def endless(
    head: bytes, again: bytes, pause: float, scheme: str = "http", tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """A server that says `head` and then `again` until nobody listens, within `tls`. Yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener.accept()[0] as plain, tls.wrap_socket(plain, server_side=True) if tls else plain as peer:
            peer.recv(65_536)
            try:
                peer.sendall(head)
                while True:
                    peer.sendall(again)
                    time.sleep(pause)
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(30)
    assert not thread.is_alive()


EMPTY_MEMBER = gzip.compress(b"")
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("head", "again", "error"),
    [
        (PAGE + b"\r\n", b" " * 65_536, BudgetError),
        (PAGE + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n", BudgetError),
        (PAGE + b"Content-Encoding: gzip\r\n\r\n", EMPTY_MEMBER * 1_000, SourceError),
        (PAGE, b"X-More: " + b"y" * 8_000 + b"\r\n", TransientSourceError),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, TransientSourceError),
        (b"HTTP/1.1 200 ", b"O" * 8_000, TransientSourceError),
        (b"HTTP/1.1 200 ", b"O", TransientSourceError),
    ],
    ids=["body", "chunks", "empty members", "headers", "continuations", "status line", "a drop at a time"],
)
def test_what_never_ends_is_given_up(
    provider: Provider, tmp_path: Path, head: bytes, again: bytes, error: type[SourceError]
) -> None:
    api = open_api(provider, tmp_path, limits=replace(ONCE, answer_bytes=1_000_000, answer_seconds=1.0))
    with endless(head, again, pause=0.05 if len(again) == 1 else 0) as url:
        api.base_url = url
        api.__post_init__()
        with pytest.raises(error):
            api.get("/x")
        api.close()


@pytest.mark.parametrize(
    ("head", "again"),
    [
        (b"", b"\x16\x03\x03\x00\x01\x00"),
        # A record of 16,384 bytes, of which a whole handshake may be made.
        (b"\x16\x03\x03\x40\x00", b"\x02"),
    ],
    ids=["records", "a drop at a time"],
)
def test_a_greeting_of_tls_that_never_ends_is_given_up(
    provider: Provider, tmp_path: Path, head: bytes, again: bytes
) -> None:
    api = open_api(provider, tmp_path, limits=replace(ONCE, connect_seconds=1.0))
    with endless(head, again, pause=0.05, scheme="https") as url:
        api.base_url = url
        api.__post_init__()
        with pytest.raises(TransientSourceError):
            api.get("/x")
        api.close()


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate of `api.example`, on this machine, that signs itself, and that this process is told to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("api.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, both = tmp_path / "certificate.pem", tmp_path / "both.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    both.write_bytes(key.private_bytes(*form) + pem.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    monkeypatch.setenv("NO_PROXY", "*")
    answer_names(monkeypatch, ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


@pytest.mark.parametrize(
    ("again", "pause", "error", "why"),
    [
        (b" " * 65_536, 0, BudgetError, "larger than 1,000,000 bytes"),
        (b" ", 0.05, TransientSourceError, "no whole answer within 1 s"),
    ],
    ids=["too much", "a drop at a time"],
)
def test_a_body_within_tls_that_never_ends_is_given_up_and_not_kept(
    provider: Provider,
    tmp_path: Path,
    tls: ssl.SSLContext,
    again: bytes,
    pause: float,
    error: type[SourceError],
    why: str,
) -> None:
    api = open_api(provider, tmp_path, limits=replace(ONCE, answer_bytes=1_000_000, answer_seconds=1.0))
    with endless(PAGE + b"\r\n", again, pause, "https", tls) as url:
        # By a name: of who is stated by a loopback address the environment's certificates are not read.
        api.base_url, api.auth, api.networks = url.replace("127.0.0.1", "api.example"), None, ("127.0.0.0/8",)
        api.__post_init__()
        tracemalloc.start()
        try:
            with pytest.raises(error, match=why):
                api.get("/x")
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()
            api.close()
