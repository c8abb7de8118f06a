"""Credentials go to nobody but the provider: not over plain http, not in an address, not to a neighbour."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from seo_warehouse.client.access import Basic, Connection
from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import open_archive
from seo_warehouse.client.transport import Transport
from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError, RefusedAddressError
from seo_warehouse.sources.google import EXAMPLE, ServiceAccount
from tests.sources.provider import IMPATIENT, Act, serving

SECRET = "p-4711-secret"


def ask(base_url: str, folder: Path, auth: Any = None, networks: tuple[str, ...] = ()) -> Any:
    archive = open_archive(folder, source="any", property_key=1, scope="night=2026-11-22")
    with Api(
        base_url=base_url,
        auth=auth,
        archive=archive,
        may_call=True,
        explain=None,
        limits=IMPATIENT,
        networks=networks,
    ) as api:
        return api.get("/x").json


@pytest.mark.parametrize("host", ["api.example", "10.1.2.3", "127.0.0.1.example", "localhost.example", "[2001:db8::1]"])
def test_credentials_are_not_sent_over_http(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="over http everyone on the way reads the credentials") as refused:
        ask(f"HTTP://{host}:8080", tmp_path, Basic(Connection(login="me", password=SECRET)), networks=("10.0.0.0/8",))
    assert SECRET not in str(refused.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("login", [f"me:{SECRET}", f"me:{SECRET}@more", SECRET])
def test_an_address_with_credentials_is_refused_and_not_repeated(tmp_path: Path, scheme: str, login: str) -> None:
    with pytest.raises(ConfigError, match="state them as login and password") as refused:
        ask(f"{scheme}://{login}@127.0.0.1:9", tmp_path)
    assert SECRET not in str(refused.value)


def test_credentials_are_sent_over_http_to_this_machine(tmp_path: Path) -> None:
    with serving() as provider:
        provider.answer = lambda asked: Act(b'{"was": "signed"}' if asked.headers["Authorization"] else b"{}")
        assert ask(provider.base_url, tmp_path, Basic(Connection(login="me", password=SECRET))) == {"was": "signed"}


def test_a_public_feed_may_be_read_over_http_and_gets_no_login_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"default login me password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    signed = Transport("http://feed.example", None, IMPATIENT).sign("GET", "/x", None)
    assert signed.url == "http://feed.example/x"
    assert "Authorization" not in signed.headers


def test_a_name_that_only_sounds_like_this_machine_is_not_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS may say anything of a name below localhost; here it says a public address."""
    real = socket.getaddrinfo

    def elsewhere(host: str, *rest: Any, **more: Any) -> Any:
        return real("93.184.215.14" if host == "api.localhost" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
    with pytest.raises(RefusedAddressError, match="leads to 93"):
        ask("http://api.localhost:9", tmp_path, Basic(Connection(login="me", password=SECRET)))


def test_a_service_accounts_token_is_not_asked_for_over_http() -> None:
    key = EXAMPLE["extra"]["keyfile_dict"] | {"token_uri": "http://oauth2.example/token"}
    with pytest.raises(ConfigError, match=r"token_uri is not called: over http"):
        ServiceAccount(key, ("a scope",))


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://u:{SECRET}#x@127.0.0.1/db",
        f"postgresql://u:{SECRET}/x@127.0.0.1/db",
        f"postgresql://u:{SECRET}?x@127.0.0.1/db",
        f"postgresql://u:%ss{SECRET}@127.0.0.1/db",
        f"postgresql://u:a@{SECRET}@127.0.0.1/db",
        f"postgresql://u:a:{SECRET}@127.0.0.1/db",
        f"postgresql://u:a {SECRET}@127.0.0.1/db",
        f"host=127.0.0.1 password={SECRET}",
    ],
)
def test_an_address_of_a_database_that_can_be_misread_is_refused_without_its_password(dsn: str) -> None:
    with pytest.raises(ConfigError, match="SEO_WAREHOUSE_DSN is not a URI") as refused:
        Settings({"SEO_WAREHOUSE_DSN": dsn})
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:p%40s%2Fs@127.0.0.1:5432/db?sslmode=require",
        "postgres://u@db.example/db",
        "postgresql://u:p@[::1]:5432/db",
        "postgresql://u:p!$&'()*+,;=-._~@a.example:1,b.example:2/db",
        "postgresql:///db?host=%2Fvar%2Frun%2Fpostgresql",
    ],
)
def test_other_addresses_of_databases_are_taken(dsn: str) -> None:
    assert Settings({"SEO_WAREHOUSE_DSN": dsn}).owner_dsn == dsn
