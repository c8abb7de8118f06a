"""`seo-warehouse check`, and the first step of `run`."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from seo_warehouse.cli import main
from seo_warehouse.config import Settings
from seo_warehouse.embedded import check
from seo_warehouse.embedded.postgres import free_port
from seo_warehouse.errors import ConfigError
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from tests.sources.provider import PASSWORD, Asked, Provider, said, serving


def write_properties(folder: Path, **sources: Any) -> Path:
    site = {"key": 1, "name": "shop", "domain": "shop.example", "history_start": "2026-05-01", "sources": sources}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "own.yml"
    path.write_text(json.dumps({"properties": [site | {"keywords": [{"keyword": "teapot"}]}]}))
    return path


def connect(home: Path, provider: Provider) -> None:
    home.mkdir(exist_ok=True)
    login = {"host": provider.base_url, "login": "me@example.com", "password": PASSWORD}
    (home / CONNECTIONS_FILE).write_text(json.dumps({"AIRFLOW_CONN_DATAFORSEO": json.dumps(login)}))


def connect_none(home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / CONNECTIONS_FILE).write_text("{}")


def look(home: Path, *arguments: str, **environment: str) -> Result:
    environment = {"SEO_WAREHOUSE_HOME": str(home), **environment}
    return CliRunner().invoke(main, ["check", *arguments], env=environment)


def account(balance: float) -> Any:
    task = {"status_code": 20000, "status_message": "Ok.", "cost": 0, "result": [{"money": {"balance": balance}}]}
    return lambda asked: said({"status_code": 20000, "status_message": "Ok.", "tasks_error": 0, "tasks": [task]})


def test_where_nothing_is_wrong_the_price_of_a_night_is_said_and_nothing_is_written(
    tmp_path: Path, database: str
) -> None:
    with serving() as provider:
        provider.answer = account(50)
        home = tmp_path / "home"
        connect(home, provider)
        own = write_properties(tmp_path, dataforseo_serp={}, dataforseo_backlinks={"target": "shop.example"})
        done = look(home, "--properties", str(own), SEO_WAREHOUSE_DSN=database)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "price of a night of dataforseo_serp for shop: 0.0093 US dollars; money_per_night allows 20 US dollars",
        "price of a night of dataforseo_backlinks for shop: by what there is to read;"
        " money_per_night allows 20 US dollars",
        "price of a night: 0.0093 US dollars by the price lists",
        "nothing is wrong with settings, disk and ports; 2 sources of properties answer",
    ]
    assert [path.name for path in home.iterdir()] == [CONNECTIONS_FILE]


def test_every_fault_is_said_at_once_with_what_to_do(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "LEAST_FREE_BYTES", 10**18)
    with serving() as provider, socket.create_server(("127.0.0.1", 0)) as other:
        provider.answer = account(0)
        connect(tmp_path / "home", provider)
        taken = str(other.getsockname()[1])
        crawl = {"start_urls": [f"{provider.base_url}/"]}
        own = write_properties(tmp_path, dataforseo_serp={"money_per_night": 0.001}, site_crawl=crawl)
        wrong = database.replace(f":{urlsplit(database).password}@", ":not-it@")
        done = look(
            tmp_path / "home",
            "--properties",
            str(own),
            SEO_WAREHOUSE_DSN=wrong,
            SEO_WAREHOUSE_AIRFLOW_PORT=taken,
        )
    assert done.exit_code == 1
    said_lines = [line for line in done.output.splitlines() if line.startswith("to mend: ")]
    for words in (
        "make room, or state another folder by SEO_WAREHOUSE_HOME",
        f"port {taken} (SEO_WAREHOUSE_AIRFLOW_PORT) is in use by another program",
        "PostgreSQL does not accept the password of postgres: mend it in SEO_WAREHOUSE_DSN",
        "by the price list, and money_per_night allows 0.001 US dollars: raise it or ask for less",
        "has 0 US dollars left, and a night costs some 0.0093: top it up",
        "site_crawl of shop: 127.0.0.1 leads to 127.0.0.1, an address that not everyone reaches",
    ):
        assert any(words in line for line in said_lines), (words, done.output)
    assert "seo-warehouse: 6 found" in done.output
    assert PASSWORD not in done.output


def test_a_user_that_may_not_make_what_is_needed_is_told_of(tmp_path: Path, database: str) -> None:
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create role meek login password 'meek-password'")
    try:
        meek = database.replace(f"{urlsplit(database).username}:{urlsplit(database).password}@", "meek:meek-password@")
        done = look(tmp_path, "--properties", str(write_properties(tmp_path)), SEO_WAREHOUSE_DSN=meek)
        assert "meek may not create roles: `alter role meek createrole`, or another user" in done.output
        assert "meek may not create schemas: `grant create on database" in done.output
        assert "meek may not create databases, and Airflow needs one: `alter role meek createdb`" in done.output
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("drop role meek")


def test_a_database_of_somebody_elses_under_the_name_of_airflows_is_told_of_before_anything_is_done(
    tmp_path: Path, database: str
) -> None:
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create database seo_warehouse_airflow")
        told = "the server has a database seo_warehouse_airflow that is none of ours: rename it, or use another server"
        try:
            settings = Settings({"SEO_WAREHOUSE_HOME": str(tmp_path / "home"), "SEO_WAREHOUSE_DSN": database})
            heard: list[str] = []
            with pytest.raises(ConfigError, match="nothing was started: 1 to mend first"):
                check.expect_no_fault(settings, write_properties(tmp_path), heard.append)
            assert heard == [f"to mend: {told}"]
            elsewhere = "postgresql+psycopg2://airflow@elsewhere/airflow"
            done = look(tmp_path / "home", SEO_WAREHOUSE_DSN=database, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=elsewhere)
            assert done.exit_code == 0, done.output
            assert f"to mend: {told}" in look(tmp_path / "home", SEO_WAREHOUSE_DSN=database).output
            connection.execute("comment on database seo_warehouse_airflow is 'apache-airflow 3.3.2'")
            check.expect_no_fault(settings, write_properties(tmp_path), heard.append)
        finally:
            connection.execute("drop database seo_warehouse_airflow")


def test_all_that_is_wrong_with_properties_yml_is_said_beside_the_rest(tmp_path: Path) -> None:
    own = write_properties(tmp_path, dataforseo_serp={"money_per_nigth": 1}, site_crawl={})
    done = look(tmp_path / "home", "--properties", str(own), SEO_WAREHOUSE_AIRFLOW_PORT="99999")
    assert done.exit_code == 1
    assert "dataforseo_serp.money_per_nigth: is no setting: did you mean money_per_night?" in done.output
    assert "site_crawl.start_urls: Field required" in done.output
    assert "SEO_WAREHOUSE_AIRFLOW_PORT='99999' is no port number" in done.output


def test_one_port_for_two_parts_is_a_fault(tmp_path: Path) -> None:
    port = str(free_port())
    done = look(tmp_path, SEO_WAREHOUSE_AIRFLOW_PORT=port, SEO_WAREHOUSE_POSTGRES_PORT=port)
    assert f"port {port} (SEO_WAREHOUSE_POSTGRES_PORT) is stated for another part too" in done.output


def test_a_home_of_nothing_yet_is_the_demos(tmp_path: Path) -> None:
    done = look(tmp_path / "not" / "there")
    assert (done.exit_code, done.output) == (
        0,
        "nothing is wrong with settings, disk and ports; `make run` starts the demo\n",
    )
    assert not (tmp_path / "not").exists()


def test_a_run_begins_with_nothing_while_a_provider_refuses_and_serves_on_where_it_served(tmp_path: Path) -> None:
    home, told = tmp_path / "home", []
    with serving() as provider:
        provider.answer = account(0)
        connect(home, provider)
        own = write_properties(tmp_path, dataforseo_serp={})
        settings = Settings({"SEO_WAREHOUSE_HOME": str(home)})
        with pytest.raises(ConfigError, match="nothing was started: 1 to mend first"):
            check.expect_no_fault(settings, own, told.append)
        (home / "ports.json").write_text('{"airflow": 1}')
        check.expect_no_fault(settings, own, told.append)
    assert len(told) == 2
    assert len(set(told)) == 1
    assert settings.properties_path == home / "properties.yml"


def test_a_run_begins_while_a_provider_is_away(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Any:
        return said({"status_code": 50000, "status_message": "Internal Error.", "tasks": None})

    told: list[str] = []
    with serving() as provider:
        provider.answer = answer
        connect(tmp_path / "home", provider)
        settings = Settings({"SEO_WAREHOUSE_HOME": str(tmp_path / "home")})
        check.expect_no_fault(settings, write_properties(tmp_path, dataforseo_serp={}), told.append)
    (line,) = told
    assert line.startswith("for now: dataforseo_serp of shop: ")


def test_a_run_of_an_odd_home_begins_with_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "LEAST_FREE_BYTES", 10**18)
    (tmp_path / "ports.json").write_text("{}")
    with pytest.raises(ConfigError, match="nothing was started"):
        check.expect_no_fault(Settings({"SEO_WAREHOUSE_HOME": str(tmp_path)}), None, lambda _: None)


def test_a_run_says_every_fault_before_it_starts_or_takes_over_anything(tmp_path: Path) -> None:
    home, own = tmp_path / "home", write_properties(tmp_path, dataforseo_serp={}, bing_webmaster={"site": "shop"})
    connect_none(home)
    environment = {"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_AIRFLOW_PORT": "none"}
    done = CliRunner().invoke(main, ["run", "--properties", str(own)], env=environment)
    assert done.exit_code == 1
    told = [line for line in done.output.splitlines() if line.startswith("to mend: ")]
    expected = (
        "SEO_WAREHOUSE_AIRFLOW_PORT='none' is no port number",
        "dataforseo_serp of shop: ",
        "bing_webmaster of shop: ",
    )
    assert [words in line for words, line in zip(expected, told, strict=True)] == [True] * 3, done.output
    assert "nothing was started: 3 to mend first" in done.output
    assert sorted(path.name for path in home.iterdir()) == [CONNECTIONS_FILE, "run.lock"]
