"""What an analyst may see, and what it says about itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import zstandard

from seo_warehouse.embedded import parts
from seo_warehouse.embedded.airflow import DATABASE
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import read_ports
from tests.pipeline.conftest import Running, secrets_of

MARTS = {
    "dim_bot", "dim_click_curve", "dim_date", "dim_google_update", "dim_property", "dim_domain",
    "dim_domain_current", "dim_page", "dim_page_url", "dim_keyword", "dim_link", "dim_query",
    "rpt_link_profile", "rpt_anchor", "fct_disavowal",
    "fct_link_burst", "fct_link_check", "fct_link_event", "fct_link_flag", "fct_link_lifespan", "fct_page_link_profile",
    "fct_link_rank_change", "fct_link_effect_cell", "fct_link_effect_page", "fct_serp_position", "fct_serp_result",
    "fct_search_performance", "fct_search_page", "fct_search_total", "fct_page_crawl", "fct_page_change",
    "fct_bot_crawl", "fct_log_day", "rpt_crawl_budget", "rpt_crawl_rate_effect",
    "rpt_crawl_page", "fct_page_vitals",
    "fct_index_look", "fct_index_state", "fct_page_milestone", "rpt_discovery", "rpt_discovery_effect",
    "fct_domain_authority",
    "fct_page_authority", "rpt_expected_loss", "rpt_link_risk", "rpt_link_survival", "rpt_portfolio",
    "rpt_portfolio_stress", "rpt_scale_shift", "rpt_witness", "rpt_witness_bound",
    "fct_referral_visit", "rpt_referral_balance", "rpt_referral_effect", "rpt_referral_link", "rpt_referral_source",
    "rpt_referral_witness",
    "dim_partner", "dim_partner_site", "dim_campaign", "fct_placement", "fct_outreach", "rpt_outreach_return",
    "rpt_outreach_curve", "rpt_outreach_visit", "rpt_partner",
    "rpt_completeness", "rpt_spend", "rpt_serp_visibility", "rpt_weekly", "rpt_weekly_change",
    "rpt_search_summary", "rpt_link_effect", "rpt_link_effect_check", "rpt_link_contribution",
    "metric_daily",
}  # fmt: skip
OF_OTHERS = {
    "fct_disavowal", "rpt_search_summary", "fct_link_flag", "fct_page_vitals",
}  # fmt: skip
"""What only files fill that are not among the demo's samples, a source that no property of the demo has, or chance."""


def test_an_analyst_reads_every_mart_and_each_holds_something(running: Running) -> None:
    marts = {
        name
        for (name,) in running.rows("select table_name from information_schema.tables where table_schema = 'marts'")
    }
    assert marts == MARTS
    for name in sorted(marts - OF_OTHERS):
        assert running.rows(f"select true from marts.{name} limit 1", role="analyst") == [(True,)], name


@pytest.mark.parametrize(
    "statement",
    [
        "select 1 from raw.raw_search_console__performance limit 1",
        "select 1 from ops.load limit 1",
        "select 1 from ops.grant limit 1",
        "select 1 from intermediate.int_link__find_spans limit 1",
        "select 1 from staging.stg_dataforseo_backlinks__backlink limit 1",
        "create table audit.mine (n integer)",
        "create table marts.mine (n integer)",
        "create table public.mine (n integer)",
        "insert into marts.dim_date select * from marts.dim_date",
        "update marts.dim_property set domain = 'x'",
        "delete from marts.fct_serp_position",
        "truncate marts.fct_link_event",
        "drop table marts.dim_link",
    ],
)
def test_an_analyst_reads_nothing_else_and_writes_nothing(running: Running, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        running.rows(statement, role="analyst")


def test_every_mart_and_each_of_its_columns_has_a_comment(running: Running) -> None:
    silent = running.rows(
        """
        select c.relname, a.attname
        from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace = 'marts'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
          and coalesce(col_description(c.oid, a.attnum), '') = ''
        union all
        select c.relname, null
        from pg_class as c
        where c.relnamespace = 'marts'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
          and coalesce(obj_description(c.oid, 'pg_class'), '') = ''
        """
    )
    assert silent == []


def test_the_transformer_writes_no_raw_row_and_the_loader_no_mart(running: Running) -> None:
    for role, statement in (
        ("transformer", "delete from raw.raw_site_crawl__page"),
        ("transformer", "update ops.load set state = 'published'"),
        ("loader", "delete from marts.dim_link"),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            running.rows(statement, role=role)  # type: ignore[arg-type]


VISITOR = ("somebody@example.com", "somebody%40example.com")
"""What pages of the demo's first site are opened with, as its logs and Google Analytics tell."""


def test_no_secret_and_nothing_of_a_visitor_stands_where_people_look(running: Running) -> None:
    secrets = secrets_of(running)
    assert len(secrets) > 8
    secrets |= {f"a visitor's mail, {mail}": mail for mail in VISITOR}
    # The logs themselves lie there: what is dropped is never changed.
    assert any(VISITOR[0].encode() in path.read_bytes() for path in (running.home / "drop").rglob("access.log"))
    found = [(place, name) for place, text in _looked_at(running) for name, secret in secrets.items() if secret in text]
    assert [(place, name) for place, name in found if not place.startswith(str(running.home / "drop"))] == []


def test_nothing_of_a_visitor_is_in_any_table(running: Running) -> None:
    tables = running.rows(
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace::regnamespace::text in ('audit', 'raw', 'staging', 'intermediate', 'marts', 'plans')
            and c.relkind = 'r' and exists (
                select from pg_attribute as a
                where a.attrelid = c.oid and a.attnum > 0
                    and a.atttypid in ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
            )
        """
    )
    assert len(tables) > 100
    told = [
        table
        for (table,) in tables
        if running.rows(
            f"select from {table} as t where strpos(t::text, 'somebody') > 0 limit 1",
            role="loader" if table.startswith(("audit", "raw")) else "transformer",
        )
    ]
    assert told == []


def _looked_at(running: Running) -> Iterator[tuple[str, str]]:
    """What Airflow keeps and shows, the ledgers, the archive unpacked, every log, and what runs."""
    airflow = parts.postgres(running.wh.settings, read_ports(running.home)).dsn(DATABASE)
    with psycopg.connect(airflow) as connection:
        tables = ("xcom", "rendered_task_instance_fields", "log", "serialized_dag", "dag_run", "task_instance", "job")
        for table in tables:
            texts = [text for (text,) in connection.execute(f"select t::text from {table} as t")]  # type: ignore[arg-type]
            assert texts, table
            yield table, "\n".join(texts)
    for (table,) in running.rows(
        "select relname from pg_class where relnamespace = 'ops'::regnamespace and relkind = 'r'"
    ):
        yield table, "\n".join(text for (text,) in running.rows(f"select t::text from ops.{table} as t", role="loader"))
    own = ("secrets.json", CONNECTIONS_FILE, "passwords.json")
    for path in running.home.rglob("*"):
        inside = path.relative_to(running.home).parts
        if path.is_file() and path.name not in own and inside[0] != "demo" and inside[:2] != ("postgres", "data"):
            content = path.read_bytes()
            if content.startswith(b"\x28\xb5\x2f\xfd"):
                content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
            yield str(path), content.decode("utf-8", "replace")
    yield "the server's log", (running.home / "postgres/data/server.log").read_text(encoding="utf-8", errors="replace")
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield str(process), process.read_text(errors="replace")
