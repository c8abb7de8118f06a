"""Nothing that comes from outside is ever read as SQL: neither a value nor a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.config import Properties, Settings, load_properties
from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger import loads
from seo_warehouse.ledger.completeness import read_days, sync_source_tables
from seo_warehouse.ledger.known import published_days
from seo_warehouse.ledger.roles import make_roles
from seo_warehouse.ledger.settings import sync_properties
from seo_warehouse.load import decisions
from seo_warehouse.load.publish import publish
from seo_warehouse.load.retention import drop_old_months
from seo_warehouse.spec import Column, Source, Type
from seo_warehouse.steps.warehouse import Warehouse
from tests.load.loading import (
    DAY,
    business_rows,
    fetch,
    make_row,
    make_source,
    make_table,
    open_warehouse,
    passed,
    reading,
    write,
)

PACKAGE = Path(__file__).parents[2] / "plugins" / "seo_warehouse"
HOSTILE = "'\"); drop table ops.load; -- \\ % %s %(x)s {} {0} :x $1 $$ \t\n ü 漢 \U0001f600"

OF_OUR_OWN = {
    ("audit/gate.py", "text"): "built of our own words and of composed identifiers",
    ("audit/rules.py", "rule.sql"): "a rule of a source's declaration",
    ("audit/rules.py", "sign"): "one of two constants",
    ("effect/rows.py", "SHIFTED if is_shifted else UNITS"): "one of two constants of the module",
    ("ledger/guests.py", "condition"): "one of the module's conditions",
    ("load/batch.py", "kind"): "a type of spec.Type",
    ("load/merge.py", "statement"): "a constant of the module",
    ("load/schema.py", "kind"): "a type of spec.Type",
}


def _calls(name: str) -> Iterator[tuple[str, ast.expr]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                yield path.relative_to(PACKAGE).as_posix(), node.args[0] if node.args else ast.Constant("")


def _is_constant(argument: ast.expr) -> bool:
    if isinstance(argument, ast.IfExp):
        return _is_constant(argument.body) and _is_constant(argument.orelse)
    return isinstance(argument, ast.Constant)


def test_sql_is_made_of_constants_and_the_rest_is_known() -> None:
    made = [(file, argument) for file, argument in _calls("SQL") if not _is_constant(argument)]
    assert {(file, ast.unparse(argument)) for file, argument in made} == set(OF_OUR_OWN)


@pytest.mark.parametrize("method", ["execute", "executemany", "copy"])
def test_no_statement_is_put_together_where_it_is_sent(method: str) -> None:
    sent = list(_calls(method))
    assert sent
    put_together = [(file, ast.unparse(a)) for file, a in sent if isinstance(a, ast.JoinedStr | ast.BinOp)]
    # The frontier's settings are constants beside it, and its database is SQLite's.
    assert put_together == ([("crawl/frontier.py", "f'pragma {setting}'")] if method == "execute" else [])


def hostile_source() -> Source:
    """Names of source, table and columns are our own words; here they are what they must never become.

    All but a percent sign, with which psycopg refuses a statement.
    """
    table = make_table()
    columns = (
        *(column for column in table.columns if column.name in ("day", "url", "device", "clicks", "tags", "extra")),
        Column(name='co"lumn; drop table ops.load', type=Type.TEXT, description=HOSTILE),
        Column(name="{} {0} :x $1", type=Type.URL, description=HOSTILE),
    )
    table = make_table(
        name="t'able\"; --", description=HOSTILE, columns=columns, row_rules=(), grain=("day", "url", columns[-2].name)
    )
    return make_source(table)


def hostile_row(source: Source) -> dict[str, Any]:
    row = make_row(url=HOSTILE, device=HOSTILE, tags=[HOSTILE], extra={HOSTILE: HOSTILE})
    more = {'co"lumn; drop table ops.load': HOSTILE, "{} {0} :x $1": HOSTILE}
    return {column.name: (row | more)[column.name] for column in source.tables[0].columns}


def test_a_load_whose_every_name_and_value_is_sql_is_stored_as_it_is(database: str) -> None:
    source = hostile_source()
    table = source.tables[0]
    with open_warehouse(database, source) as connection:
        for _ in range(2):
            load_id = write(connection, [hostile_row(source)], source=source, part=HOSTILE)
            state = publish(connection, source, table, passed(connection, load_id))
        assert state == "unchanged"
        # Made again, as by the next migration: the names are found.
        open_warehouse(database, source).close()
        (row,) = business_rows(connection, source)
        assert row.count("drop table ops.load") == 8
        assert published_days(connection, source.name, table.name, 1) == {DAY}
        assert fetch(connection, "select distinct part from ops.publication") == [(HOSTILE,)]
        held = write(connection, [], source=source, part=HOSTILE)
        loads.move(connection, held, "quarantined", reason=HOSTILE)
        decisions.decide(connection, held, "reject", who=HOSTILE, why=HOSTILE)
        assert fetch(connection, "select decided_by, why from ops.quality_decision") == [(HOSTILE, HOSTILE)]
        connection.execute(
            """
            insert into ops.build (state) values ('finished');
            insert into ops.build_day
            select 1, publication_id, source, table_name, property_key, day from ops.publication where is_current
            """
        )
        assert len(drop_old_months(connection, source, table, before=date(2027, 1, 1))) == 1
        assert business_rows(connection, source) == []


def test_what_properties_yml_says_is_stored_as_it_is(database: str) -> None:
    site = {
        "key": 1, "name": "shop", "domain": "shop.example", "history_start": DAY,
        "panel": {"language_code": HOSTILE}, "topics": [{"pattern": "'; drop table ops.load; --", "topic": HOSTILE}],
        "keywords": [{"keyword": HOSTILE, "page": f"https://example.com/{HOSTILE}"}],
    }  # fmt: skip
    stated = Properties.model_validate({"properties": [site]})
    # What is no domain is refused when it is stated; whatever else may bring one in, it is no SQL.
    hostile = stated.properties[0].model_copy(update={"domain": HOSTILE})
    properties = stated.model_copy(update={"properties": (hostile,)})
    with psycopg.connect(database, autocommit=True) as connection:
        sync_properties(connection, properties)
        sync_source_tables(connection, [hostile_source()], reading(properties, hostile_source()))
        assert fetch(connection, "select domain, language_code from ops.property") == [(HOSTILE, HOSTILE)]
        assert fetch(connection, "select keyword from ops.tracked_keyword") == [(HOSTILE,)]
        assert fetch(connection, "select topic from ops.topic_rule") == [(HOSTILE,)]
        assert isinstance(read_days(connection, datetime(2026, 6, 1, tzinfo=UTC)), list)


def test_a_propertys_name_is_a_plain_word(tmp_path: Path) -> None:
    path = tmp_path / "properties.yml"
    path.write_text('properties: [{key: 1, name: "a\'; drop", domain: a.example, history_start: 2026-01-01}]')
    with pytest.raises(ConfigError, match=r"properties\.0\.name"):
        load_properties(path)


def test_a_password_is_no_sql_fits_into_the_address_and_is_not_sent_to_the_servers_log(
    database: str, tmp_path: Path
) -> None:
    passwords = {"loader": f"{HOSTILE}@/?#:", "transformer": "a'b", "analyst": 'a"b', "operator": "a b"}
    with psycopg.connect(database) as connection:
        sent: list[str] = []
        execute = connection.execute

        def noted(query: Any, *rest: Any) -> Any:
            sent.append(query if isinstance(query, str) else query.as_string(connection))
            return execute(query, *rest)

        connection.execute = noted  # type: ignore[method-assign]
        make_roles(connection, passwords)
        assert not any(password in statement for password in passwords.values() for statement in sent)
        stored = execute("select rolpassword from pg_authid where rolname = 'seo_loader'").fetchone()
        assert stored is not None
        assert stored[0].startswith("SCRAM-SHA-256$")
        connection.rollback()
    wh = Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(tmp_path), "SEO_WAREHOUSE_DSN": database}))
    wh.__dict__["_secrets"] = passwords
    assert psycopg.conninfo.conninfo_to_dict(wh.dsn("loader"))["password"] == passwords["loader"]
