"""A person decides what is disavowed, and the file says that and nothing else, by the command of that name."""

from __future__ import annotations

import pwd
from collections.abc import Callable
from datetime import UTC, datetime
from os import getuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from seo_warehouse.cli import main
from seo_warehouse.exports.disavow import parse
from seo_warehouse.steps import drop
from tests.steps.dropping import NIGHT, Shop, open_shop

Command = Callable[..., Result]


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Shop:
    return open_shop(tmp_path, database)


@pytest.fixture
def disavow(shop: Shop) -> Command:
    """`seo-warehouse disavow <arguments> --property shop`."""

    def command(*arguments: str, prop: str = "shop") -> Result:
        return CliRunner().invoke(main, ["disavow", *arguments, "--property", prop], env=shop.environment)

    return command


def decide(disavow: Command, *arguments: str) -> str:
    done = disavow(*arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_file_is_what_people_decided_sorted_each_below_its_reason(disavow: Command) -> None:
    decide(disavow, "http://b.example/page#part", "domain:Bücher.example", "--why", "  sold  in bulk")
    said = decide(disavow, "domain:a.example", "--why", "hacked pages", "--evidence", "burst of 2026-05-03")
    assert said == "domain:a.example: disavowed; the file of shop has 3 entries now\n"
    assert disavow().output == (
        "# hacked pages\ndomain:a.example\n"
        "# sold in bulk\ndomain:xn--bcher-kva.example\n"
        "# sold in bulk\nhttp://b.example/page\n"
    )


def test_a_decision_is_kept_with_who_when_why_and_what_shows_it(disavow: Command, shop: Shop) -> None:
    before = datetime.now(UTC)
    decide(disavow, "domain:a.example", "--why", "hacked pages", "--evidence", "burst")
    decide(disavow, "domain:a.example", "--why", "mended", "--take-back")
    first, second = shop.fetch(
        "select property_key, entry, is_disavowed, decided_by, why, evidence, decided_at between %s and now()"
        " from ops.disavow_decision order by decision_id",
        (before,),
    )
    me = pwd.getpwuid(getuid()).pw_name
    assert first == (1, "domain:a.example", True, me, "hacked pages", "burst", True)
    assert second == (1, "domain:a.example", False, me, "mended", None, True)


def test_what_is_taken_back_leaves_the_file_and_may_come_again(disavow: Command) -> None:
    decide(disavow, "domain:a.example", "domain:b.example", "--why", "bought")
    assert "no longer disavowed" in decide(disavow, "domain:a.example", "--why", "removed", "--take-back")
    assert disavow().output == "# bought\ndomain:b.example\n"
    decide(disavow, "domain:a.example", "--why", "there again")
    decide(disavow, "domain:b.example", "--why", "bought in May")
    assert disavow().output == "# there again\ndomain:a.example\n# bought in May\ndomain:b.example\n"


def test_each_property_has_a_file_of_its_own_which_is_empty_without_a_decision(disavow: Command) -> None:
    decide(disavow, "domain:a.example", "--why", "bought")
    assert disavow(prop="blog").output == ""
    assert disavow(prop="blog").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a.example", "--why", "x"], "means nothing to Google"),
        (["domain:good.example", "domain:blogspot.com", "--why", "x"], "anybody may have a site"),
        (["domain:a.example", "--why", " "], "say why"),
        (["domain:a.example", "--why", "one\ntwo"], "say why"),
        (["domain:a.example", "--why", "x", "--evidence", "\x1b[2J"], "say why"),
        (["domain:a.example", "--why", "x", "--take-back"], "shop does not disavow domain:a.example"),
        (["domain:a.example"], "belong together"),
        (["--why", "x"], "belong together"),
        (["--take-back"], "say which ENTRIES"),
    ],
)
def test_what_cannot_be_decided_is_said_and_not_kept(
    disavow: Command, shop: Shop, arguments: list[str], reason: str
) -> None:
    done = disavow(*arguments)
    assert done.exit_code != 0
    assert reason in done.output
    assert shop.fetch("select count(*) from ops.disavow_decision") == [(0,)]


def test_all_properties_together_have_no_file(disavow: Command) -> None:
    done = disavow(prop="all")
    assert (done.exit_code, "is no site" in done.output) == (1, True)


@pytest.mark.parametrize("role", ["loader", "transformer"])
def test_no_night_decides(shop: Shop, role: Any) -> None:
    with shop.wh.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            "insert into ops.disavow_decision (property_key, entry, is_disavowed, decided_by, why)"
            " values (1, 'domain:a.example', true, 'x', 'x')"
        )


def test_the_owner_who_is_no_superuser_decides_and_writes(shop: Shop) -> None:
    """As on a server where the warehouse's owner is a plain role."""
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("create role test_owner login password 'x'")
        connection.execute("alter table ops.disavow_decision owner to test_owner")
        connection.execute("grant usage on schema ops to test_owner")
    environment = shop.environment | {"SEO_WAREHOUSE_DSN": shop.dsn.replace("postgres:test-superuser", "test_owner:x")}
    try:
        for arguments in (["domain:a.example", "--why", "bought"], []):
            done = CliRunner().invoke(main, ["disavow", *arguments, "--property", "shop"], env=environment)
            assert done.exit_code == 0, done.output
        assert done.output == "# bought\ndomain:a.example\n"
    finally:
        with psycopg.connect(shop.dsn, autocommit=True) as connection:
            connection.execute("drop owned by test_owner")
            connection.execute("drop role test_owner")


def test_what_is_written_is_read_by_a_night_as_it_is(disavow: Command, shop: Shop) -> None:
    decide(disavow, "domain:a.example", "http://b.example/page", "--why", "bought")
    content = disavow().stdout_bytes
    shop.drop("disavow-2026-06-01.txt", content)
    assert drop.ingest(shop.wh, "exports", "shop", NIGHT, shop.say) == ["published"]
    read = shop.fetch("select host, url from raw.raw_exports__disavowal where source_domain is not null")
    assert {f"domain:{host}" if host else url for host, url in read} == set(map(str, parse("x", content).entries))
    assert any("is a complete statement of 2 entries" in line for line in shop.said)


def test_a_file_of_one_day_takes_the_place_of_an_earlier_one_of_that_day(shop: Shop) -> None:
    """What is in force is what has the statement of the file's own row."""
    shop.drop("disavow.txt", "domain:a.example\ndomain:b.example\n", "2026-06-01T08:00:00+00:00")
    shop.drop("disavow-new.txt", "domain:b.example\ndomain:c.example\n", "2026-06-01T09:00:00+00:00")
    drop.ingest(shop.wh, "exports", "shop", NIGHT, shop.say)
    in_force = """
        select d.host from raw.raw_exports__disavowal as d
        join raw.raw_exports__disavowal as f using (property_key, part, day, statement)
        where f.source_domain is null and d.host is not null order by 1
        """
    assert shop.fetch(in_force) == [("b.example",), ("c.example",)]
    # Of the same instant by their names: the one that is read later stands.
    shop.drop("disavow-2026-05-02.txt", "domain:d.example\n")
    drop.ingest(shop.wh, "exports", "shop", NIGHT, shop.say)
    shop.drop("disavow-b-2026-05-02.txt", "domain:e.example\n")
    drop.ingest(shop.wh, "exports", "shop", NIGHT, shop.say)
    assert shop.fetch(in_force) == [("b.example",), ("c.example",), ("e.example",)]


def test_a_refused_file_says_its_lines_and_changes_nothing(shop: Shop) -> None:
    shop.drop("disavow.txt", "domain:a.example\nb.example\n")
    with pytest.raises(Exception, match=r"disavow\.txt, line 2: is 'b\.example', neither"):
        drop.ingest(shop.wh, "exports", "shop", NIGHT, shop.say)
    assert shop.fetch("select count(*) from raw.raw_exports__disavowal") == [(0,)]
