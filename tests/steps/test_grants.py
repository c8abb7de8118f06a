"""An administrator grants a property to an analyst and takes it back, by the command of that name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from psycopg.conninfo import make_conninfo

from seo_warehouse.cli import main
from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError
from seo_warehouse.steps.report import read_effect, write_reports
from seo_warehouse.steps.warehouse import open_warehouse
from tests.conftest import PASSWORDS

ANALYST = "test grants; drop table ops.grant"
"""A name as awkward as PostgreSQL allows."""
PROPERTIES = """
properties:
  - {key: 1, name: alderwood, domain: alderwood.example, history_start: 2026-05-01, sources: {}}
  - {key: 2, name: teaharbour, domain: teaharbour.example, history_start: 2026-05-01, sources: {}}
"""
Command = Callable[..., Result]


@pytest.fixture
def home(database: str, tmp_path: Path) -> Settings:
    """A warehouse of two properties."""
    (tmp_path / "properties.yml").write_text(PROPERTIES)
    secrets = PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x")
    (tmp_path / "secrets.json").write_text(json.dumps(secrets))
    settings = Settings({"SEO_WAREHOUSE_HOME": str(tmp_path), "SEO_WAREHOUSE_DSN": database})
    open_warehouse(settings).sync_properties()
    return settings


@pytest.fixture
def grant(home: Settings, database: str) -> Iterator[Command]:
    """`seo-warehouse grant <arguments>`; the roles that it made are dropped afterwards."""

    def command(*arguments: str, stdin: str | None = None) -> Result:
        variables = {"SEO_WAREHOUSE_HOME": str(home.home), "SEO_WAREHOUSE_DSN": database}
        meant = ["--odd-name"] if ANALYST in arguments else []
        return CliRunner().invoke(main, ["grant", *arguments, *meant], env=variables, input=stdin)

    yield command
    with psycopg.connect(database, autocommit=True) as connection:
        for name in (ANALYST, "test_group", "test_admin", "test_becomes"):
            connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))


@pytest.mark.parametrize("name", ["Alice", "alice.b", "alice@shop.example", "alice smith", "2alice", "--property"])
def test_a_name_that_sql_has_to_quote_is_made_no_role_unless_it_is_meant(
    grant: Command, database: str, name: str
) -> None:
    done = grant("--property", "alderwood", "--", name)
    assert done.exit_code == 1
    assert "--odd-name" in done.output
    with psycopg.connect(database) as connection:
        assert connection.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone() is None


def _keys(database: str, analyst: str) -> list[int]:
    with psycopg.connect(database) as connection:
        rows = connection.execute("select property_key from ops.analyst_property where analyst = %s", (analyst,))
        return sorted(key for (key,) in rows)


def test_a_grant_makes_the_login_and_says_its_password_once(grant: Command, database: str) -> None:
    done = grant(ANALYST, "--property", "alderwood")
    made, address, granted = done.output.splitlines()
    assert (done.exit_code, made) == (0, f"made the login role {ANALYST}; shown this once:")
    assert granted == f"{ANALYST} reads alderwood"
    with psycopg.connect(address) as connection:
        assert connection.execute("select current_user::text").fetchone() == (ANALYST,)
    assert _keys(database, ANALYST) == [1]
    assert grant(ANALYST, "--property", "alderwood").output == f"{ANALYST} reads alderwood already\n"
    assert grant(ANALYST, "--property", "teaharbour").output == f"{ANALYST} reads teaharbour\n"
    # Both are all there are: what is said of all together may be read too.
    assert _keys(database, ANALYST) == [0, 1, 2]


def test_a_password_may_come_from_stdin_and_is_then_not_shown(grant: Command, database: str) -> None:
    done = grant(ANALYST, "--property", "all", "--password-stdin", stdin="p'w \\ß\n")
    assert done.output == f"made the login role {ANALYST}\n{ANALYST} reads all\n"
    with psycopg.connect(make_conninfo(database, user=ANALYST, password="p'w \\ß")) as connection:
        assert connection.execute("select current_user::text").fetchone() == (ANALYST,)
    again = grant(ANALYST, "--property", "all", "--password-stdin", stdin="other\n")
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    assert grant(ANALYST, "--property", "all", "--password-stdin", stdin="\n").exit_code == 2


def test_a_revoked_property_is_read_no_more_and_the_login_stays(grant: Command, database: str) -> None:
    for name in ("alderwood", "teaharbour"):
        grant(ANALYST, "--property", name)
    assert grant(ANALYST, "--property", "alderwood", "--revoke").output == f"{ANALYST} no longer reads alderwood\n"
    assert _keys(database, ANALYST) == [2]
    assert grant(ANALYST, "--property", "alderwood", "--revoke").output == f"{ANALYST} was not granted alderwood\n"
    grant(ANALYST, "--property", "all")
    covered = grant(ANALYST, "--property", "teaharbour", "--revoke")
    assert (covered.exit_code, "is granted all properties" in covered.output) == (1, True)
    assert grant(ANALYST, "--property", "all", "--revoke").exit_code == 0
    assert _keys(database, ANALYST) == [2]


def test_the_list_says_who_reads_what(grant: Command, database: str) -> None:
    grant(ANALYST, "--property", "alderwood")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("insert into ops.grant values ('gone', 2, '2026-05-01', 'somebody')")
    heading, gone, everything, ours = grant().output.splitlines()
    assert heading.split() == ["analyst", "property", "since", "granted", "by"]
    assert gone.split() == ["gone", "teaharbour", "2026-05-01", "somebody;", "no", "such", "role"]
    assert everything.split()[:2] == ["seo_analyst", "all"]
    assert ours.startswith(f"{ANALYST}  alderwood")
    assert [line.split() for line in grant(ANALYST).output.splitlines()] == [heading.split(), ours.split()]


def test_what_cannot_be_granted_is_told_in_one_sentence(grant: Command, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create role test_group")
        connection.execute("create role test_admin login createrole")
        connection.execute("create role test_becomes login")
        connection.execute("grant seo_analyst to test_becomes")
    for analyst, name, reason in (
        (ANALYST, "nowhere", "no property 'nowhere'; there are: alderwood, teaharbour; or all"),
        ("seo_loader", "alderwood", "is no analyst"),
        ("seo_reader", "alderwood", "is no analyst"),
        ("pg_monitor", "alderwood", "is no analyst"),
        ("public", "alderwood", "is no analyst"),
        ("postgres", "alderwood", "reads every row whatever is granted"),
        ("test_admin", "alderwood", "reads every row whatever is granted"),
        ("test_becomes", "alderwood", "reads every row whatever is granted"),
        ("test_group", "alderwood", "cannot log in"),
        ("x" * 64, "alderwood", "cannot be a role"),
        ("", "alderwood", "cannot be a role"),
    ):
        done = grant(analyst, "--property", name)
        assert (done.exit_code, reason in done.output) == (1, True), done.output
    unknown = grant("nobody", "--property", "alderwood", "--revoke")
    assert (unknown.exit_code, "there is no role nobody" in unknown.output) == (1, True)
    assert grant(ANALYST, "--revoke").exit_code == 2
    assert grant("--property", "all").exit_code == 2
    assert _keys(database, ANALYST) == []


def test_a_new_login_inherits_nothing_from_an_earlier_one_of_its_name(grant: Command, database: str) -> None:
    grant(ANALYST, "--property", "teaharbour")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(ANALYST)))
    grant(ANALYST, "--property", "alderwood")
    assert _keys(database, ANALYST) == [1]


def test_the_loader_grants_nothing(home: Settings) -> None:
    with open_warehouse(home).connect("loader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("insert into ops.grant values ('seo_analyst', 1, now(), 'me')")


def test_what_was_taken_from_the_installations_analyst_stays_taken(
    grant: Command, home: Settings, database: str
) -> None:
    assert _keys(database, "seo_analyst") == [0, 1, 2]
    grant("seo_analyst", "--property", "alderwood")
    grant("seo_analyst", "--property", "all", "--revoke")
    open_warehouse(home).migrate()
    assert _keys(database, "seo_analyst") == [1]
    said: list[str] = []
    write_reports(open_warehouse(home), said.append)
    assert [line for line in said if "no report" in line] == [
        "teaharbour: no report, since seo_analyst is not granted it",
        "all: no report, since seo_analyst is not granted it",
    ]
    for name in ("teaharbour", "all"):
        with pytest.raises(ConfigError, match=f"seo_analyst is not granted {name}"):
            read_effect(open_warehouse(home), name, panel=None, outcome=None)
        with pytest.raises(ConfigError, match=f"seo_analyst is not granted {name}"):
            write_reports(open_warehouse(home), property_name=name)
