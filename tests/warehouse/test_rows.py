"""An analyst reads the rows of the properties granted to it, and nothing else, whatever it tries.

Two properties with a day of every source: `alpha` is granted to the analyst, and `betasecret` stands in every row of
the other one. A row with that word in every column is put into each mart beside, so that no mart is left out.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.ledger import grants
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Warehouse

DAY = date(2026, 5, 1)
ALPHA, BETA = 1, 2
SECRET = "betasecret"
READER, EVERYONE = "test_reader_of_alpha", "test_reader_of_both"
PASSWORD = "test-analyst-of-one"
OPEN = {"dim_bot", "dim_click_curve", "dim_date", "dim_google_update"}
WITHOUT_PROPERTY = {*OPEN, "dim_domain", "dim_domain_current", "fct_domain_authority"}
OTHERS = 9_000_000
"""Keys of the rows that are put in by hand: this and the property's."""
NEVER_ANALYZED = """
    select relname from pg_class
    where relnamespace = 'marts'::regnamespace and relkind = 'r' and relname !~ '__dbt_' and reltuples < 0
    """
RENAMING = "select from pg_stat_activity where usename = 'seo_transformer' and query ~ 'rename_between_readers'"


def _publish(warehouse: Warehouse, key: int, word: str) -> None:
    site, blog = f"https://{word}.example", f"https://blog.{word}-fans.example/x"
    warehouse.add_property(key, f"{word}.example", depth=10)
    warehouse.add_keyword(key, f"{word} pans", f"{site}/pans")
    panel = {"location_code": 2840, "language_code": "en", "device": "desktop", "observed_at": f"{DAY}T03:00:00Z"}
    task = panel | {"tag": "t", "depth": 10, "status_code": 20000, "status_message": "Ok.", "se_results_count": 5_000}
    warehouse.publish("dataforseo_serp", "task", key, DAY, [task | {"keyword": f"{word} pans", "items_count": 1}])
    result = {"keyword": f"{word} pans", "item_no": 1, "rank_group": 1, "rank_absolute": 1, "type": "organic"}
    warehouse.publish("dataforseo_serp", "result", key, DAY, [panel | result | {"url": f"{site}/pans", "title": word}])
    page = {"url": f"{site}/pans", "status_code": 200, "final_status_code": 200, "redirect_urls": [], "depth": 1}
    page |= {"is_in_sitemap": False, "is_robots_allowed": True, "observed_at": f"{DAY}T02:00:00Z", "title": word}
    warehouse.publish("site_crawl", "page", key, DAY, [page])
    link = {"pull": "full", "item_no": 1, "url_from": blog, "url_to": f"{site}/pans", "anchor": word}
    link |= {"first_seen": "2026-04-01T00:00:00Z", "observed_at": f"{DAY}T04:00:00Z", "domain_from_rank": 300}
    link |= {"dofollow": True, "item_type": "anchor"}
    warehouse.publish("dataforseo_backlinks", "backlink", key, DAY, [link], is_full=True)
    counts = {"clicks": 3, "impressions": 30, "ctr": None, "position": 2.0}
    seen = {"page_url": f"{site}/pans", "country": "usa", "device": "MOBILE"}
    warehouse.publish("search_console", "performance", key, DAY, [seen | counts | {"query": f"{word} pans"}])
    warehouse.publish("search_console", "property_total", key, DAY, [counts], is_provisional=True)
    warehouse.publish("search_console", "page_total", key, DAY, [seen | counts])


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Iterator[Warehouse]:
    """Both properties modelled; one analyst of `alpha`, one of both, each granted by name."""
    _publish(warehouse, ALPHA, "alpha")
    _publish(warehouse, BETA, SECRET)
    warehouse.dbt("run", build_id=warehouse.claim())
    for analyst, keys in ((READER, [ALPHA]), (EVERYONE, [ALPHA, BETA])):
        grants.make_login(warehouse.connection, analyst, PASSWORD)
        for key in keys:
            grants.grant(warehouse.connection, analyst, key, by="a test")
    for mart in _marts(warehouse):
        if mart not in OPEN:
            _fill(warehouse, mart)
    yield warehouse
    for analyst in (READER, EVERYONE):
        warehouse.connection.execute(sql.SQL("drop role {}").format(sql.Identifier(analyst)))


def _marts(warehouse: Warehouse) -> list[str]:
    rows = warehouse.rows("select relname from pg_class where relnamespace = 'marts'::regnamespace and relkind = 'r'")
    return sorted(row["relname"] for row in rows)


def _fill(warehouse: Warehouse, mart: str) -> None:
    """A row of each property, one of all together and one of a property that nobody knows, with a word of its own.

    It stands in each column, also in those that have none but words of ours.
    """
    checks = "select conname from pg_constraint where conrelid = %s::regclass and contype = 'c'"
    for check in warehouse.rows(checks, f"marts.{mart}"):
        warehouse.connection.execute(
            sql.SQL("alter table {} drop constraint {}").format(
                sql.Identifier("marts", mart), sql.Identifier(check["conname"])
            )
        )
    columns = warehouse.rows(
        "select attname as name, format_type(atttypid, atttypmod) as kind from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        f"marts.{mart}",
    )
    for key, word in ((ALPHA, "alpha"), (BETA, SECRET), (0, f"{SECRET} pooled"), (99, f"{SECRET} of nobody")):
        values: dict[str, Any] = {c["name"]: _value(c["kind"], key, word) for c in columns}
        if "property_key" in values:
            values["property_key"] = key
        elif key == 0:
            continue
        warehouse.connection.execute(
            sql.SQL("insert into {} values ({}) on conflict do nothing").format(
                sql.Identifier("marts", mart), sql.SQL(", ").join(sql.Placeholder() * len(values))
            ),
            list(values.values()),
        )


def _value(kind: str, key: int, word: str) -> Any:
    if kind.endswith("[]"):
        return [word] if kind == "text[]" else []
    known = {"text": word, "jsonb": f'"{word}"', "boolean": True, "date": DAY, "timestamp with time zone": DAY}
    return known[kind] if kind in known else OTHERS + key if kind == "bigint" else key


@pytest.fixture
def reader(built: Warehouse, postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """The analyst of `alpha`."""
    with psycopg.connect(postgres.dsn(DATABASE, READER, PASSWORD), autocommit=True) as connection:
        yield connection


@pytest.fixture
def everyone(built: Warehouse, postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """The analyst of both."""
    with psycopg.connect(postgres.dsn(DATABASE, EVERYONE, PASSWORD), autocommit=True) as connection:
        yield connection


def _keys(connection: psycopg.Connection[Any], mart: str) -> set[int]:
    return {key for (key,) in connection.execute(f"select distinct property_key from marts.{mart}")}


def test_the_rows_of_a_mart_are_those_of_granted_properties(built: Warehouse, reader: Any, everyone: Any) -> None:
    marts = [mart for mart in _marts(built) if mart not in WITHOUT_PROPERTY]
    assert len(marts) > 15
    assert {mart: _keys(reader, mart) for mart in marts} == {mart: {ALPHA} for mart in marts}
    # 99 is no property; 0 is read by who is granted each.
    assert {mart: _keys(everyone, mart) for mart in marts} == {mart: {ALPHA, BETA, 0} for mart in marts}


def test_rows_of_all_properties_are_hidden_again_once_there_is_another_property(
    built: Warehouse, everyone: Any, postgres: Postgres
) -> None:
    with psycopg.connect(postgres.dsn(DATABASE, "seo_analyst", PASSWORDS["analyst"])) as analyst:
        built.add_property(3, "third.example")
        assert _keys(everyone, "rpt_link_effect") == {ALPHA, BETA}
        assert _keys(analyst, "rpt_link_effect") == {ALPHA, BETA, 0}
        built.connection.execute("update ops.property set is_active = false where property_key = 3")
        # It is still in what is there of all together.
        assert _keys(everyone, "rpt_link_effect") == {ALPHA, BETA}
        built.connection.execute("update ops.property set pool_state = 'out' where property_key = 3")
        assert _keys(everyone, "rpt_link_effect") == {ALPHA, BETA, 0}
        # Domains that linked to it alone are still in dim_domain.
        query = "select count(*) from marts.dim_domain where domain = %s"
        assert everyone.execute(query, (f"{SECRET} of nobody",)).fetchone() == (0,)
        built.connection.execute("delete from ops.property where property_key = 3")


def test_a_domain_is_read_by_who_has_a_link_from_it(reader: Any, everyone: Any) -> None:
    query = "select domain from marts.dim_domain order by 1"
    alphas = ["alpha", "alpha-fans.example"]
    assert reader.execute(query).fetchall() == [(domain,) for domain in alphas]
    # The domain of no link is read by who reads each property.
    others = [SECRET, f"{SECRET} of nobody", f"{SECRET}-fans.example"]
    assert everyone.execute(query).fetchall() == [(domain,) for domain in [*alphas, *others]]


def test_what_concerns_every_property_is_open(reader: Any) -> None:
    for mart in OPEN:
        assert reader.execute(f"select count(*) > 0 from marts.{mart}").fetchone() == (True,)


def test_nothing_that_an_analyst_can_name_tells_of_another_property(reader: Any) -> None:
    names = reader.execute(
        """
        select format('%I.%I', n.nspname, c.relname) from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
          and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
        union
        select format('%I.%I', table_schema, table_name) from information_schema.tables
        """
    ).fetchall()
    assert len(names) > 200
    telling, readable_schemas = {}, set()
    for (name,) in names:
        query = sql.SQL("select r::text from {} as r where r::text ilike %s").format(sql.SQL(name))
        try:
            rows = reader.execute(query, (f"%{SECRET}%",)).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            continue
        readable_schemas.add(name.partition(".")[0])
        if rows:
            telling[name] = rows
    assert telling == {}
    assert readable_schemas == {"marts", "plans", "pg_catalog", "information_schema"}
    functions = reader.execute(
        "select p.oid::regprocedure::text from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace"
        " where has_schema_privilege(n.oid, 'usage') and n.nspname not in ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert functions == []


def test_the_statistics_of_marts_are_hidden(built: Warehouse, reader: Any) -> None:
    built.connection.execute("analyze marts.dim_page, marts.dim_link")
    told = "select count(*) from pg_stats where schemaname = 'marts' and tablename in ('dim_page', 'dim_link')"
    assert built.rows(told)[0]["count"] > 0
    assert reader.execute(told).fetchone() == (0,)
    built.connection.execute("create statistics marts.of_pages (mcv) on property_key, page_key from marts.dim_page")
    built.connection.execute("analyze marts.dim_page")
    assert built.rows("select count(*) from pg_stats_ext")[0]["count"] == 1
    assert reader.execute("select count(*) from pg_stats_ext").fetchone() == (0,)
    built.connection.execute("drop statistics marts.of_pages")


FREQUENT = """
insert into marts.dim_page
select (jsonb_populate_record(page, jsonb_build_object('page_key', %(other)s + n))).*
from marts.dim_page as page, generate_series(1, 300) as n where page.url = %(secret)s
"""
TEXTS = """
select c.relname, a.attname
from pg_attribute as a join pg_class as c on c.oid = a.attrelid
where c.relnamespace = 'marts'::regnamespace and c.relkind = 'r' and a.attnum > 0 and a.atttypid = 'text'::regtype
  and c.relrowsecurity and not exists (select from pg_policy where polrelid = c.oid and polname = 'open')
order by 1, 2
"""


def test_no_text_of_another_property_is_spelt_by_what_is_estimated(
    built: Warehouse, reader: Any, project: Path
) -> None:
    """A policy hides rows, and no statistics from what cannot leak by itself, as `=` and `<` of texts."""
    cursor = psycopg.ClientCursor(reader)

    def estimates(mart: str, column: str, word: str) -> list[float]:
        place = {"mart": sql.Identifier("marts", mart), "column": sql.Identifier(column)}
        after = word[:-1] + chr(ord(word[-1]) + 1)
        found = []
        for condition, values in (
            ("= %s", [word]),
            (">= %s and {column} < %s", [word, after]),
            ("like %s", [f"{word[:2]}%"]),
        ):
            query = "explain (format json) select from {mart}, generate_series(1, 1000000) where {column} " + condition
            plans = cursor.execute(sql.SQL(query).format(**place), values).fetchall()
            found.append(plans[0][0][0]["Plan"]["Plan Rows"])
        return found

    def is_told(mart: str, column: str) -> bool:
        return estimates(mart, column, SECRET) != estimates(mart, column, "q" * len(SECRET))

    built.connection.execute(FREQUENT, {"secret": SECRET, "other": OTHERS + 1_000})
    built.connection.execute("analyze")
    texts = {(row["relname"], row["attname"]) for row in built.rows(TEXTS)}
    assert len(texts) > 80
    hidden = {(mart, column) for mart, column in texts if column not in _own_words(project)}
    assert {(mart, column) for mart, column in hidden if is_told(mart, column)} == set()
    known = built.rows("select tablename, attname from pg_stats where schemaname in ('marts', 'plans')")
    assert hidden & {(row["tablename"], row["attname"]) for row in known} == set()
    # They would be, and this would see it.
    built.connection.execute("alter table marts.dim_page alter column url set statistics -1; analyze marts.dim_page")
    assert is_told("dim_page", "url")
    built.connection.execute("alter table marts.dim_page alter column url set statistics 0")
    # What was known stays known: a table must be new to have none.
    built.connection.execute("delete from pg_statistic where starelid = 'marts.dim_page'::regclass")
    built.connection.execute("analyze marts.dim_page")
    assert not is_told("dim_page", "url")
    built.connection.execute("delete from marts.dim_page where page_key > %s", (OTHERS + 1_000,))


def _own_words(project: Path) -> set[str]:
    """Names of columns that hold the project's own words, as the macro of that name lists them."""
    text = (project / "macros/rows.sql").read_text()
    words = set(re.findall(r"'(\w+)'", text.partition("macro own_words()")[2].partition("endmacro")[0]))
    assert len(words) > 15
    return words


@pytest.mark.parametrize(
    "query",
    [
        # A qual that raises what it meets, and one that calls a function which does.
        "select count(*) from marts.dim_page where url::integer = 1",
        "select count(*) from marts.dim_page where 1 / (property_key - 2) > -5 or url::integer = 1",
        "select count(*) from marts.fct_serp_position where 1 / (property_key - 2) > -5",
        "select count(*) from marts.dim_page as p join marts.dim_link as l on 1 / (l.property_key - 2) < 5",
    ],
)
def test_an_error_message_tells_nothing_of_another_property(reader: Any, query: str) -> None:
    told: psycopg.Error | None = None
    try:
        reader.execute(query)
    except psycopg.Error as error:
        told = error
    assert SECRET not in str(told)
    assert not isinstance(told, psycopg.errors.DivisionByZero)


def test_a_function_of_the_analysts_own_meets_no_row_of_another_property(reader: Any) -> None:
    """On a server whose owner may not take from everybody the right to make some (load/schema.py)."""
    told: list[str] = []
    reader.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    reader.execute(
        "create function pg_temp.tell(word text) returns boolean language plpgsql cost 0.0000001"
        " as $$ begin raise notice '%', word; return true; end $$"
    )
    for mart, column in (("dim_page", "url"), ("dim_link", "source_url"), ("dim_domain", "domain")):
        reader.execute(f"select * from marts.{mart} where pg_temp.tell({column})")
    assert any("alpha" in word for word in told)
    assert not any(SECRET in word for word in told)


@pytest.mark.parametrize(
    "query",
    [
        "select query_to_xml('table marts.dim_page', true, true, '')::text",
        "select schema_to_xml('marts', true, true, '')::text",
        "select string_agg(t::text, ' ') from marts.dim_page as t tablesample system (100)",
        "select string_agg(w.word, ' ') from ts_stat('select to_tsvector(url) from marts.dim_page') as w",
        "explain (analyze, verbose) select * from marts.dim_page",
        "with p as materialized (select * from marts.dim_page) select string_agg(p::text, ' ') from p",
    ],
)
def test_no_roundabout_way_leads_to_another_property(reader: Any, query: str) -> None:
    try:
        answer = " ".join(str(row) for row in reader.execute(query))
    except psycopg.errors.FeatureNotSupported as error:
        pytest.skip(str(error))  # The embedded server knows no XML.
    assert "alpha" in answer or "explain" in query
    assert SECRET not in answer


def test_a_copy_holds_the_granted_rows_alone(reader: Any) -> None:
    with reader.cursor().copy("copy marts.dim_page to stdout") as copy:
        content = b"".join(bytes(part) for part in copy).decode()
    assert "alpha" in content
    assert SECRET not in content


def test_row_security_cannot_be_turned_off(reader: Any) -> None:
    reader.execute("set row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        reader.execute("select * from marts.dim_page")


@pytest.mark.parametrize(
    "statement",
    [
        # Become another.
        *(f"set role seo_{role}" for role in ("analyst", "transformer", "loader")),
        "set role postgres",
        "set session authorization seo_analyst",
        "alter role seo_analyst password 'mine'",
        f"alter role {EVERYONE} password 'mine'",
        f"alter role {READER} bypassrls",
        f"alter role {READER} createrole",
        f"grant seo_transformer to {READER}",
        f"grant {EVERYONE} to {READER}",
        "create role mine superuser",
        # Read elsewhere.
        "select * from ops.grant",
        "select * from ops.granted_property",
        "select * from ops.linked_domains()",
        "select * from ops.load",
        "select * from raw.raw_search_console__performance",
        "select * from audit.load_1",
        "select * from staging.stg_ops__property",
        "select * from intermediate.int_link__find_spans",
        "select * from pg_authid",
        "select * from pg_statistic",
        "select pg_read_file('PG_VERSION')",
        "select pg_ls_dir('.')",
        "select pg_stat_file('PG_VERSION')",
        "select lo_import('/etc/passwd')",
        "select lo_get(4242)",
        "select * from pg_hba_file_rules",
        "copy marts.dim_date to '/tmp/mine'",
        "copy marts.dim_date to program 'cat'",
        "create extension dblink",
        "create foreign data wrapper mine",
        "load 'auto_explain'",
        "create function marts.mine() returns integer language c as 'mine'",
        # Change.
        f"insert into ops.grant values ('{READER}', 2, now(), 'me')",
        "insert into marts.dim_property (property_key) values (1)",
        "update marts.dim_property set domain = 'x' where property_key = 1",
        "delete from marts.dim_page where property_key = 1",
        "truncate marts.dim_page",
        "drop table marts.dim_page",
        "drop policy of_property on marts.dim_page",
        "alter table marts.dim_page disable row level security",
        f"create policy mine on marts.dim_page to {READER} using (true)",
        "create view marts.mine as select 1",
        "create table public.mine (n integer)",
        "set temp_file_limit = -1",
        "create table audit.mine (n integer)",
        "create schema mine",
        "create publication mine for all tables",
        "create rule mine as on select to marts.dim_page do instead select 1",
        "create trigger mine after insert on marts.dim_page execute function suppress_redundant_updates_trigger()",
        "do $$ begin lock table marts.dim_page in access exclusive mode; end $$",
        "alter system set log_statement = 'all'",
        "select pg_terminate_backend((select min(pid) from pg_stat_activity where usename = 'postgres'))",
    ],
)
def test_an_analyst_gains_no_power(built: Warehouse, reader: Any, statement: str) -> None:
    built.connection.execute("select lo_create(4242) where not exists (select from pg_largeobject_metadata)")
    with pytest.raises(psycopg.Error) as refused:
        reader.execute(statement)
    is_absent = "extension" in statement and "not available" in str(refused.value)
    assert refused.type is psycopg.errors.InsufficientPrivilege or is_absent


def test_the_role_that_analysts_share_has_no_rows_of_its_own(reader: Any) -> None:
    reader.execute("set role seo_reader")
    assert reader.execute("select count(*) from marts.dim_page").fetchone() == (0,)


def test_what_other_sessions_ask_is_hidden(built: Warehouse, reader: Any, postgres: Postgres) -> None:
    with psycopg.connect(postgres.dsn(DATABASE, "seo_analyst", PASSWORDS["analyst"])) as analyst:
        analyst.execute(f"select '{SECRET}'")
        seen = reader.execute("select query from pg_stat_activity where usename = 'seo_analyst'").fetchall()
    assert seen == [("<insufficient privilege>",)]


@pytest.mark.parametrize("where", ["where property_key = 1 and day > '2026-01-01'", "where day = '2026-05-01'", ""])
def test_a_policy_is_worked_out_once_a_query(reader: Any, where: str) -> None:
    query = f"explain (verbose, costs off) select * from marts.fct_search_performance {where}"
    plan = [line for (line,) in reader.execute(query)]
    conditions = [line for line in plan if "ANY" in line and "search_performance.property_key" in line]
    assert conditions
    assert [line for line in conditions if "granted" in line or "SubPlan" in line] == []
    assert "InitPlan" in " ".join(plan)


def test_the_policies_of_citus_keep_the_same_rows_and_ask_once_a_scan(
    built: Warehouse, reader: Any, everyone: Any
) -> None:
    marts = [mart for mart in _marts(built) if mart not in WITHOUT_PROPERTY]
    change = "alter policy of_property on marts.{} using (property_key = any ({}))".format
    try:
        for mart in marts:
            built.connection.execute(change(mart, "ops.granted_properties()"))
        assert {mart: _keys(reader, mart) for mart in marts} == {mart: {ALPHA} for mart in marts}
        assert {mart: _keys(everyone, mart) for mart in marts} == {mart: {ALPHA, BETA, 0} for mart in marts}
        plan = [line for (line,) in reader.execute("explain (costs off) select * from marts.fct_search_performance")]
        assert [line for line in plan if "granted_properties" in line and "Index Cond" not in line] == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select ops.granted_properties()")
    finally:
        for mart in marts:
            built.connection.execute(change(mart, "array(select property_key from ops.granted_property)"))


def test_a_night_that_adds_days_waits_for_no_reader(built: Warehouse, reader: Any) -> None:
    patience = "alter role seo_transformer in database {} {} lock_timeout".format
    built.connection.execute(patience(DATABASE, "set") + " = '5s'")
    try:
        with reader.transaction():
            reader.execute("select count(*) from marts.fct_search_performance")
            built.dbt("run", "--select", "fct_search_performance")
    finally:
        built.connection.execute(patience(DATABASE, "reset"))


def test_a_rebuild_that_waits_for_a_reader_keeps_nobody_else_from_the_mart(
    built: Warehouse, reader: Any, everyone: Any
) -> None:
    before = _table(built, "fct_search_performance")
    with ThreadPoolExecutor(1) as pool:
        with reader.transaction():
            reader.execute("select count(*) from marts.fct_search_performance")
            rebuild = pool.submit(built.dbt, "run", "--select", "fct_search_performance", "--full-refresh")
            while not rebuild.done() and not built.rows(RENAMING):
                time.sleep(0.05)
            everyone.execute("set statement_timeout = '20s'")
            assert _keys(everyone, "fct_search_performance") >= {ALPHA, BETA}
            assert not rebuild.done()
        rebuild.result()
    assert _table(built, "fct_search_performance") != before


def test_no_reader_meets_a_table_without_its_policy_or_statistics_while_everything_is_rebuilt(
    built: Warehouse, postgres: Postgres
) -> None:
    marts = [mart for mart in _marts(built) if mart not in WITHOUT_PROPERTY]
    tables = {mart: _table(built, mart) for mart in _marts(built)}
    stop = threading.Event()
    reads: list[tuple[str, set[int]]] = []
    wrong: list[tuple[str, Any]] = []

    def read() -> None:
        with psycopg.connect(postgres.dsn(DATABASE, READER, PASSWORD), autocommit=True) as connection:
            while not stop.is_set():
                for mart in marts:
                    try:
                        reads.append((mart, _keys(connection, mart)))
                        domains = connection.execute(
                            "select domain from marts.dim_domain where domain ~ %s", (SECRET,)
                        ).fetchall()
                    except psycopg.Error as error:
                        wrong.append((mart, error))
                    else:
                        wrong.extend(("dim_domain", domain) for domain in domains)

    def look() -> set[str]:
        found: set[str] = set()
        with psycopg.connect(postgres.dsn(DATABASE), autocommit=True) as connection:
            while not stop.wait(0.005):
                found.update(name for (name,) in connection.execute(NEVER_ANALYZED).fetchall())
        return found

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        looking = pool.submit(look)
        try:
            for arguments in (["--full-refresh"], []):
                built.dbt("run", "--select", "marts", *arguments)
        finally:
            stop.set()
    for reader in readers:
        reader.result()
    assert wrong == []
    assert [(mart, keys) for mart, keys in reads if not keys <= {ALPHA}] == []
    assert looking.result() == set(), "queries of these were planned blind"
    # Nor is one ever found empty that is not.
    filled = {mart for mart in marts if built.rows(f"select 1 from marts.{mart} where property_key = 1 limit 1")}
    assert {"dim_property", "dim_link", "fct_serp_position", "fct_search_performance"} <= filled
    assert [mart for mart, keys in reads if mart in filled and keys != {ALPHA}] == []
    assert len(reads) > 100
    assert [mart for mart in tables if _table(built, mart) == tables[mart]] == []


def _table(warehouse: Warehouse, mart: str) -> int:
    return int(warehouse.rows(f"select 'marts.{mart}'::regclass::oid::bigint as number")[0]["number"])
