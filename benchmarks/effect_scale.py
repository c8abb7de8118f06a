"""How the models of a link's effect grow: a year of 27,300 keywords of 9,100 pages, 10 M checks, 16,000 link events.

Measured: a full refresh in seconds and scratch (growth of the database but for the marts, and temporary files at their
peak); the share of it that a night's increment takes; and the estimate of 2 M rows beside pyfixest's. Prints shares and
ratios, and writes them to results/effect_scale.json with the machine. dbt's start and parse are left out of every time.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import psycopg
import pyfixest
from psycopg import sql

from benchmarks.measuring import Figure, apart, keep, load_average, peak_mebibytes, repeatedly
from seo_warehouse.embedded.postgres import Postgres, free_port
from seo_warehouse.ledger.roles import ROLES
from seo_warehouse.load.schema import prepare
from seo_warehouse.sources import SOURCES
from seo_warehouse.urls import identity, key64
from tests.warehouse.effects import EFFECT, HOST, LOADED, spread_checks, spread_link_events
from tests.warehouse.world import DATABASE, Dbt, Warehouse

LIMIT_SECONDS = 600
LIMIT_BYTES = 3_000_000_000
LIMIT_INCREMENT = 0.1
FIRST_DAY = date(2025, 1, 1)
PASSWORD = secrets.token_hex(16)


@dataclass(frozen=True)
class Size:
    """How much there is."""

    pages: int = 9_100
    keywords: int = 3
    days: int = 366
    topics: int = 300
    events: int = 16_000
    edits: int = 9_100
    sample_rows: int = 2_000_000

    @property
    def series(self) -> int:
        """What is checked every day."""
        return self.pages * self.keywords

    def scaled(self, share: float) -> Size:
        """The same world with fewer pages."""
        numbers = {name: round(getattr(self, name) * share) for name in ("pages", "topics", "events", "edits")}
        return Size(**numbers, sample_rows=round(self.sample_rows * share))


@dataclass
class World:
    """A made-up site: what its series and pages are called, and what chance does to them."""

    size: Size
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def __post_init__(self) -> None:
        """Name pages and keywords."""
        urls = [f"{HOST}/p/{number}" for number in range(self.size.pages)]
        found = [identity(url) for url in urls]
        self.urls = [each.url for each in found if each]
        self.page_keys = np.array([key64(url) for url in self.urls])
        self.topics = self.rng.integers(self.size.topics, size=self.size.pages)
        self.keywords = [f"keyword {number}" for number in range(self.size.series)]
        self.keyword_keys = np.array([key64(keyword) for keyword in self.keywords])

    def positions(self, days: int) -> np.ndarray:
        """Positions by series and day: pages wander, and with them their keywords. 0 is a failed check."""
        size = self.size
        steps = self.rng.normal(0, 0.04, (size.pages, days)).cumsum(axis=1)
        level = np.repeat(self.rng.uniform(0.7, 4.2, size.pages)[:, None] + steps, size.keywords, axis=0)
        level += self.rng.normal(0, 0.3, (size.series, 1)) + self.rng.normal(0, 0.1, (size.series, days))
        found = np.exp(level).round().clip(1, 150).astype(np.int16)
        found[self.rng.random(found.shape) < 0.02] = 0
        return found


@dataclass
class Scratch:
    """What a build takes beside what it publishes: the most of temporary files, and what the database grew by."""

    folder: Path
    connection: psycopg.Connection[Any]
    peak_temporary: int = 0
    growth: int = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch until the block is left."""
        before = self._database()
        with repeatedly(self._take, 0.25):
            yield
        self.growth = self._database() - before

    def _take(self) -> None:
        self.peak_temporary = max(self.peak_temporary, self._temporary())

    def _temporary(self) -> int:
        total = 0
        for path in (self.folder / "base/pgsql_tmp").rglob("*"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue
        return total

    def _database(self) -> int:
        """Bytes of all that is not published: what lies in `marts` is no scratch."""
        return int(scalar(self.connection, "select pg_database_size(current_database())")) - published(self.connection)


def published(connection: psycopg.Connection[Any]) -> int:
    """Bytes of the marts."""
    query = """
        select coalesce(sum(pg_total_relation_size(oid)), 0)
        from pg_class where relnamespace = 'marts'::regnamespace and relkind = 'r'
        """
    return int(scalar(connection, query))


def scalar(connection: psycopg.Connection[Any], query: str, *parameters: Any) -> Any:
    """The one value of a query."""
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


@contextmanager
def open_warehouse(home: Path) -> Iterator[tuple[Warehouse, Postgres]]:
    """A throw-away PostgreSQL as the embedded one is set, with every model's relation."""
    home.chmod(0o755)
    server = Postgres(home / "postgres", free_port(), PASSWORD)
    server.initialise()
    server.start()
    os.environ.update(
        {
            "SEO_DBT_HOST": "127.0.0.1",
            "SEO_DBT_PORT": str(server.port),
            "SEO_DBT_USER": "seo_transformer",
            "SEO_DBT_PASSWORD": PASSWORD,
            "SEO_DBT_DATABASE": DATABASE,
        }
    )
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}")
        with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
            prepare(connection, SOURCES, dict.fromkeys(("owner", *ROLES), PASSWORD))
            yield Warehouse(connection, Dbt(home)), server
    finally:
        server.stop()


def load(w: Warehouse, world: World) -> None:
    """A year of the world."""
    size = world.size
    w.add_property(1, "shop.example")
    stated = zip(world.keywords, np.repeat(world.urls, size.keywords).tolist(), strict=True)
    names: tuple[str, ...] = ("property_key", "keyword", "page_url", "page_url_normalised", "is_brand")
    copy(w, "ops.tracked_keyword", names, ((1, keyword, url, url, False) for keyword, url in stated))
    pages = zip(world.page_keys.tolist(), world.urls, world.topics.tolist(), strict=True)
    names = (
        "property_key",
        "page_key",
        "url",
        "host",
        "path",
        "topic",
        "topic_source",
        "current_page_key",
        "is_current",
    )
    lines = (
        (1, key, url, "shop.example", url.removeprefix(HOST), f"topic-{topic}", "rule", key, True)
        for key, url, topic in pages
    )
    copy(w, "marts.dim_page", names, lines)
    add_checks(w, world, 0, size.days)
    add_links(w, world, world.rng.integers(1, size.days, size.events), first=1)
    add_edits(w, world, world.rng.integers(0, size.days, size.edits))
    for table in ("marts.fct_serp_position", "marts.fct_link_event", "marts.dim_page", "ops.tracked_keyword"):
        w.connection.execute(f"vacuum analyze {table}")


def add_checks(w: Warehouse, world: World, first: int, days: int) -> None:
    """Checks of every series on some days, written day by day, and their publications."""
    size = world.size
    w.connection.execute("create temp table told (keyword_key bigint, page_key bigint, positions smallint[])")
    lines = zip(
        world.keyword_keys.tolist(),
        np.repeat(world.page_keys, size.keywords).tolist(),
        world.positions(days).tolist(),
        strict=True,
    )
    copy(w, "told", ("keyword_key", "page_key", "positions"), lines)
    w.connection.execute(
        """
        insert into marts.fct_serp_position
            (property_key, day, keyword_key, engine, locale, device, origin, state, depth, position, ranking_page_key)
        select
            1, %(first)s::date + day.number - 1, told.keyword_key, 'google', '2840-en', 'desktop', 'dataforseo',
            case when found.position = 0 then 'failed' when found.position > 100 then 'not_found' else 'found' end,
            100,
            case when found.position between 1 and 100 then found.position end,
            case when found.position between 1 and 100 then told.page_key end
        from generate_series(1, %(days)s) as day(number)
        cross join told
        cross join lateral (select told.positions[day.number]) as found(position)
        """,
        {"first": FIRST_DAY + timedelta(first), "days": days},
    )
    w.connection.execute("drop table told")
    spread_checks(w)
    looks = []
    with w.connection.transaction():
        for number in range(first, first + days):
            day = FIRST_DAY + timedelta(number)
            w.publish("dataforseo_serp", "task", 1, day, [])
            looks.append((1, "dataforseo", day, True, False, False))
    names = ("property_key", "witness", "day", "is_complete_look", "is_snapshot", "is_watching")
    copy(w, "intermediate.int_link__judge_looks", names, looks)


def add_links(w: Warehouse, world: World, days: np.ndarray, first: int) -> None:
    """Link events on these days: six in ten gains are followed, one in six events is the loss of an old link."""
    count = len(days)
    pages = world.page_keys[world.rng.integers(world.size.pages, size=count)].tolist()
    domains = world.rng.integers(1, 4_000, count).tolist()
    kinds = world.rng.choice(["acquired", "lost"], count, p=[5 / 6, 1 / 6]).tolist()
    is_followed = (world.rng.random(count) < 0.6).tolist()
    lines: list[tuple[Any, ...]] = []
    for number, (day, page, domain, kind, followed) in enumerate(
        zip(days.tolist(), pages, domains, kinds, is_followed, strict=True), first
    ):
        happened = FIRST_DAY + timedelta(day)
        rest = (
            *(
                False,
                False,
                False,
                False,
                False,
                "dataforseo",
                "dated",
                [] if followed or kind == "lost" else ["nofollow"],
            ),
            *(followed or kind == "lost", f"about keyword {number}", number, domain, f"site{domain}.example"),
            *(page, page, domain % 1_000),
        )
        if kind == "lost":
            lines.append((1, 10_000_000 + number, number, "present_at_start", None, FIRST_DAY, None, *rest))
        lines.append((1, number, number, kind, happened, happened, 0, *rest))
    names = (
        *("property_key", "event_key", "link_key", "event_type", "event_date", "observed_date"),
        *("date_uncertainty_days", "is_uncertain_date", "is_index_change", "is_possible_index_change"),
        *(
            "is_first_from_domain",
            "is_first_from_domain_to_page",
            "witness",
            "evidence",
            "rel",
            "is_followed",
            "anchor",
            "source_page_key",
        ),
        *("source_domain_key", "source_domain", "target_url_key", "page_key", "authority"),
    )
    copy(w, "marts.fct_link_event", names, lines)
    spread_link_events(w)


def add_edits(w: Warehouse, world: World, days: np.ndarray) -> None:
    """On-page changes on these days."""
    pages = world.page_keys[world.rng.integers(world.size.pages, size=len(days))].tolist()
    told = {
        (1, FIRST_DAY + timedelta(day), page, "text", "generic") for day, page in zip(days.tolist(), pages, strict=True)
    }
    copy(w, "marts.fct_page_change", ("property_key", "day", "page_key", "kind", "origin"), sorted(told))


def add_night(w: Warehouse, world: World) -> int:
    """One more day of checks, links and edits; the build that has claimed it."""
    last = world.size.days
    w.claim()
    add_checks(w, world, last, 1)
    links = round(world.size.events / last)
    add_links(w, world, np.full(links, last), first=5_000_000)
    add_edits(w, world, np.full(5, last))
    w.publish("dataforseo_backlinks", "backlink", 1, FIRST_DAY + timedelta(last), [])
    w.publish("exports", "page_change", 1, FIRST_DAY + timedelta(last), [], part="generic_page_changes")
    return w.claim()


def copy(w: Warehouse, table: str, names: Sequence[str], lines: Any) -> None:
    """Write rows by COPY."""
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with w.connection.cursor() as cursor, cursor.copy(statement) as writer:
        for line in lines:
            writer.write_row(line)


def make_models(w: Warehouse) -> None:
    """Create, empty, the relations of what is put in place, and of what else the models of the effect read."""
    w.dbt("seed")
    # With `@` all that their descendants read too.
    made = [f"@{name.removesuffix('+')}" for name in EFFECT]
    w.dbt("run", "--select", *made, "path:models/staging/ops")


def build(w: Warehouse, *arguments: str, build_id: int = 0) -> tuple[float, dict[str, float]]:
    """Run the models of the effect: seconds from the first model's begin to the last one's end, and by model."""
    done = w.dbt.invoke(
        *("run", "--select", *EFFECT, "--exclude", *LOADED, "tag:after_estimates", *arguments), build_id=build_id
    )
    results = done.result.results
    failed = [f"{r.node.name}: {r.message}" for r in results if str(r.status) != "success"]
    if not done.success or failed:
        raise SystemExit("\n".join(failed) or str(done.exception))
    w.note_made_from()
    times = [moment for r in results for t in r.timing for moment in (t.started_at, t.completed_at) if moment]
    return (max(times) - min(times)).total_seconds(), {r.node.name: round(r.execution_time, 2) for r in results}


SAMPLE = """
create table public.sample as
select
    dense_rank() over (order by units.cell_key, units.sample_no) as cell,
    units.page_key as page,
    (units.role <> 'control')::integer as d,
    units.log_position_change as dy
from intermediate.int_effect__measure_units as units
join (
    select distinct property_key, cell_key, sample_no
    from marts.fct_link_effect_cell where cut = 'all'
) as cells using (property_key, cell_key, sample_no)
where not units.is_onpage_changed and units.log_position_change is not null
order by cell
limit {limit}
"""
ESTIMATE = """
with
    cells as (
        select cell, sum(d)::float8 as n1, sum(1 - d)::float8 as n0, avg(dy) as mean, avg(d) as share,
            avg(dy) filter (where d = 1) - avg(dy) filter (where d = 0) as effect
        from public.sample group by cell having sum(d) > 0 and sum(1 - d) > 0
    ),
    total as (
        select sum(n1 * n0 / (n1 + n0)) as weight, sum(n1 * n0 / (n1 + n0) * effect) / sum(n1 * n0 / (n1 + n0)) as b,
            count(*) + 1 as k
        from cells
    ),
    scores as (
        select page, count(*) as n, sum((d - share) * (dy - mean)) as a, sum((d - share) * (d - share)) as l
        from public.sample join cells using (cell) group by page
    )
select b, sqrt(
    sum((a - b * l) ^ 2) * count(*) / (count(*) - 1) * (sum(n) - 1) / (sum(n) - k)
) / weight
from scores cross join total group by b, weight, k
"""


def regress(path: Path) -> tuple[float, float, float, float]:
    """pyfixest's estimate of the sample, in this process: estimate, standard error, seconds, and MiB at the peak."""
    frame = pd.read_csv(path)
    # From here on the peak is that of the regression and its rows.
    Path("/proc/self/clear_refs").write_text("5")
    levels_counted = pyfixest.ssc(k_adj=True, k_fixef="full", G_adj=True, G_df="conventional")
    began = time.monotonic()
    fit = pyfixest.feols("dy ~ d | cell", frame, vcov={"CRV1": "page"}, ssc=levels_counted)
    seconds = time.monotonic() - began
    return float(fit.coef()["d"]), float(fit.se()["d"]), seconds, peak_mebibytes()


def estimate(server: Postgres) -> tuple[float, float, float, float]:
    """The same of PostgreSQL, by one process of its own."""
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        connection.execute("set max_parallel_workers_per_gather = 0")
        process_id = scalar(connection, "select pg_backend_pid()")
        began = time.monotonic()
        row = connection.execute(ESTIMATE).fetchone()
        seconds = time.monotonic() - began
        if row is None:
            raise SystemExit("there is no sample")
        return float(row[0]), float(row[1]), seconds, peak_mebibytes(process_id)


def compare(w: Warehouse, server: Postgres, home: Path, rows: int) -> dict[str, Any]:
    """The same rows to PostgreSQL and to pyfixest."""
    w.connection.execute("drop table if exists public.sample")
    w.connection.execute(sql.SQL(SAMPLE).format(limit=sql.Literal(rows)))
    # The last cell may have been cut in two.
    w.connection.execute("delete from public.sample where cell = (select max(cell) from public.sample)")
    w.connection.execute("vacuum analyze public.sample")
    path = home / "sample.csv"
    statement = "copy public.sample to stdout (format csv, header)"
    with w.connection.cursor() as cursor, path.open("wb") as file, cursor.copy(statement) as lines:
        for line in lines:
            file.write(line)
    ours = estimate(server)
    theirs = apart(regress, path)
    return {
        "rows": scalar(w.connection, "select count(*) from public.sample"),
        "seconds": round(ours[2], 2),
        "pyfixest_seconds": round(theirs[2], 2),
        "peak_mib": round(ours[3]),
        "pyfixest_peak_mib": round(theirs[3]),
        "estimate_difference": abs(ours[0] - theirs[0]),
        "standard_error_difference": abs(ours[1] / theirs[1] - 1),
        "load": load_average(),
    }


def measure_build(w: Warehouse, server: Postgres, *arguments: str, build_id: int = 0) -> dict[str, Any]:
    """A build, what it took, and the load of the machine before and after."""
    before, marts = load_average(), published(w.connection)
    scratch = Scratch(server.data, w.connection)
    with scratch.watched():
        seconds, by_model = build(w, *arguments, build_id=build_id)
    slowest = sorted(by_model.items(), key=lambda pair: -pair[1])[:12]
    return {
        "seconds": round(seconds, 1),
        "growth_bytes": scratch.growth,
        "temporary_bytes": scratch.peak_temporary,
        "published_bytes": published(w.connection) - marts,
        "load": [before, load_average()],
        "slowest_models": dict(slowest),
    }


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the pages, topics and links.")
@click.option("--write/--no-write", default=True, help="Whether results/effect_scale.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    world = World(Size().scaled(share))
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name, open_warehouse(Path(name)) as opened:
        w, server = opened
        make_models(w)
        load(w, world)
        found: dict[str, Any] = {"keyword_days": world.size.series * world.size.days}
        whole = found["full_refresh"] = measure_build(w, server, "--full-refresh")
        night = found["increment"] = measure_build(w, server, build_id=add_night(w, world))
        beside = found["pyfixest"] = compare(w, server, Path(name), world.size.sample_rows)
    scratch = whole["growth_bytes"] + whole["temporary_bytes"]
    figures = [
        Figure("full refresh, of 600 s", whole["seconds"] / LIMIT_SECONDS, limit=1),
        Figure("scratch, of 3 GB", scratch / LIMIT_BYTES, limit=1),
        Figure("a night, of a full refresh", night["seconds"] / whole["seconds"], limit=LIMIT_INCREMENT),
        Figure("estimate, of pyfixest's time", beside["seconds"] / beside["pyfixest_seconds"]),
        Figure("estimate, of pyfixest's memory", beside["peak_mib"] / beside["pyfixest_peak_mib"]),
    ]
    keep("effect_scale", figures, found, write=write)


if __name__ == "__main__":
    main()
