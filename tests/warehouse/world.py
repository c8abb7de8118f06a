"""Rows for tests of the models: publish days into `raw`, claim builds, run dbt, read marts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from dbt.cli.main import dbtRunner
from dbt.compilation import Linker
from dbt.contracts.graph.manifest import Manifest
from dbt.graph import NodeSelector
from dbt.graph.cli import parse_union
from dbt_common.events.contextvars import task_contextvars
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from seo_warehouse.ledger.builds import analyze_claimed, note_made_from
from seo_warehouse.load.schema import ensure_partition
from seo_warehouse.sources import source_named
from seo_warehouse.spec import Source, Table, Type
from seo_warehouse.steps import standing
from seo_warehouse.steps.build import MADE_FROM, STANDING
from seo_warehouse.steps.dbt_commands import sparingly, unused
from seo_warehouse.steps.estimates import WRITTEN
from seo_warehouse.urls import identity

DATABASE = "test_dbt"
PROJECT = Path(__file__).parents[2] / "dbt_project"
SELECTING = {"build", "compile", "run", "seed", "test"}
"""Commands that only walk what is selected, and what it depends on."""


@dataclass
class Dbt:
    """dbt in this process, parsed once: parsing costs seconds, a run of a few models does not."""

    folder: Path
    manifest: Manifest | None = None
    is_modelled: bool = False
    """Whether every model is there, so that the views that only follow from the project's files stand, as at night."""
    needed: dict[tuple[tuple[str, ...], ...], frozenset[str]] = field(default_factory=dict)
    """Nodes by what is selected and what is left out."""

    def __call__(self, *arguments: str, build_id: int = 0) -> dict[str, str]:
        """Run a command; status by node. Raises AssertionError with dbt's messages when a node failed."""
        done = self.invoke(*arguments, build_id=build_id)
        results = getattr(done.result, "results", [])
        broken = [f"{r.node.unique_id}: {r.message}" for r in results if str(r.status) in {"error", "fail"}]
        if not done.success:
            raise AssertionError("\n".join(broken) or str(done.exception))
        return {result.node.unique_id: str(result.status) for result in results}

    def invoke(
        self,
        *arguments: str,
        build_id: int = 0,
        left_out: Sequence[int] = (),
        on_event: Callable[[Any], None] | None = None,
    ) -> Any:
        """Run a command; dbt's own result."""
        if self.is_modelled and arguments[0] == "run":
            before = arguments.index("--exclude") if "--exclude" in arguments else len(arguments)
            arguments = (*arguments[:before], "--exclude", *STANDING, *arguments[before + 1 :])
        variables = {"build_id": build_id, "left_out": list(left_out), "is_standing": self.is_modelled}
        # Nor does anybody but its documentation read the manifest that each command would write.
        unwritten = () if arguments[0] == "docs" else ("--no-write-json",)
        manifest = unused(self.parsed_for(*arguments))
        with sparingly():
            return dbtRunner(manifest=manifest, callbacks=[on_event] if on_event else []).invoke(
                [*arguments, *self._common(), *unwritten, "--vars", json.dumps(variables)]
            )

    def parsed(self) -> Manifest:
        """The project's manifest."""
        if self.manifest is None:
            with sparingly():
                done = dbtRunner().invoke(["parse", *self._common()])
            if not isinstance(done.result, Manifest):
                raise AssertionError(f"the project cannot be parsed: {done.exception}")
            self.manifest = done.result
        return self.manifest

    def parsed_for(self, *arguments: str) -> Manifest:
        """Of the manifest what a command selects or leaves out, and all that this depends on.

        Of all its nodes dbt makes a graph, and of their relations a cache, before it runs the first: seconds.
        """
        manifest = self.parsed()
        chosen = _words(arguments, "--select"), _words(arguments, "--exclude")
        if not chosen[0] or arguments[0] not in SELECTING:
            return manifest
        if chosen not in self.needed:
            self.needed[chosen] = _with_parents(manifest, self.selected(manifest, *chosen))
        kept = self.needed[chosen]
        parts = ("nodes", "unit_tests", "exposures", "metrics", "semantic_models", "saved_queries")
        return replace(
            manifest,
            **{part: {name: node for name, node in getattr(manifest, part).items() if name in kept} for part in parts},
        )

    def selected(self, manifest: Manifest, *chosen: Sequence[str]) -> set[str]:
        """Nodes that dbt finds by any of these words."""
        selector = NodeSelector(Linker().get_graph(manifest), manifest)
        with task_contextvars(project_root=str(PROJECT)):
            found = [selector.select_nodes(parse_union(list(words), False)) for words in chosen]
        return {name for nodes in found for each in nodes for name in each}

    def _common(self) -> list[str]:
        return [
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")),
            # A log of each statement costs a fifth of the time, on the console too, where little of it is shown.
            *("--quiet", "--no-send-anonymous-usage-stats", "--log-level", "none", "--log-level-file", "none"),
        ]


def _words(arguments: Sequence[str], option: str) -> tuple[str, ...]:
    """What stands behind an option."""
    words: list[str] = []
    last = ""
    for word in arguments:
        if word.startswith("--"):
            last = word
        elif last == option:
            words.append(word)
    return tuple(words)


def _with_parents(manifest: Manifest, names: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += getattr(manifest.expect(name), "depends_on_nodes", ())
    return frozenset(found)


@dataclass(frozen=True)
class Template:
    """What a module's warehouse begins with."""

    compiled: Mapping[str, str]
    """Each model's SQL as it made a new table."""


@dataclass
class Warehouse:
    """A test's warehouse. `dbt` runs as the transformer, everything else as the superuser."""

    connection: psycopg.Connection[Any]
    dbt: Dbt
    loads: dict[tuple[str, str, int, date], int] = field(default_factory=dict)
    made: tuple[tuple[str, ...], dict[str, str]] | None = None
    """The models of the last build, and sums of what it read."""

    def add_property(
        self, key: int, domain: str, *, later_depths: Mapping[date, int] | None = None, **values: Any
    ) -> None:
        """A row of ops.property, and its depths by the days from which they hold."""
        row = {
            "property_key": key,
            "property_name": f"property-{key}",
            "domain": domain,
            "history_start": date(2026, 1, 1),
            "engine": "google",
            "location_code": 2840,
            "language_code": "en",
            "depth": 100,
            "pool_state": "in",
        }
        row |= values
        depths = {"-infinity": row["depth"], **(later_depths or {})}
        self.insert("ops.property", [row | {"depth": [*depths.values()][-1]}])
        periods = [{"property_key": key, "from_date": day, "depth": depth} for day, depth in depths.items()]
        self.insert("ops.panel_depth", periods)

    def add_keyword(self, key: int, keyword: str, page_url: str | None = None, *, is_brand: bool = False) -> None:
        """A row of ops.tracked_keyword."""
        found = identity(page_url) if page_url else None
        self.insert(
            "ops.tracked_keyword",
            [
                {
                    "property_key": key,
                    "keyword": keyword,
                    "page_url": page_url,
                    "page_url_normalised": found.url if found else None,
                    "is_brand": is_brand,
                }
            ],
        )

    def add_topic(self, key: int, rule_no: int, pattern: str, topic: str) -> None:
        """A row of ops.topic_rule."""
        self.insert("ops.topic_rule", [{"property_key": key, "rule_no": rule_no, "pattern": pattern, "topic": topic}])

    def publish(
        self,
        source_name: str,
        table_name: str,
        property_key: int,
        day: date,
        rows: Iterable[Mapping[str, Any]],
        part: str = "",
        **facts: Any,
    ) -> int:
        """Publish a day of a part with these rows, replacing what it had; columns left out are NULL. Its id."""
        source = source_named(source_name)
        table = source.table(table_name)
        ensure_partition(self.connection, source.raw_name(table), day)
        self._delete_day(source, table, property_key, part, day)
        load_id = self._add_load(source, table, property_key, day)
        stored = [_stored(table, property_key, day, row) | {"part": part, "load_id": load_id} for row in rows]
        self.insert(f"raw.{source.raw_name(table)}", stored)
        return self._add_publication(source, table, property_key, part, day, load_id, len(stored), facts)

    def copy_published(self, of: int, key: int) -> None:
        """Publish of a property all that is of another, and its keywords: what many begin with is told once."""
        for relation in self.rows(
            """
            select n.nspname, c.relname, array_agg(a.attname order by a.attnum) as names
            from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
            join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where (n.nspname = 'raw' and c.relkind = 'p'
                    or n.nspname = 'ops' and c.relname in ('tracked_keyword', 'publication'))
                and a.attname not in ('property_key', 'publication_id')
            group by n.nspname, c.relname
            """
        ):
            names = sql.SQL(", ").join(map(sql.Identifier, relation["names"]))
            table = sql.Identifier(relation["nspname"], relation["relname"])
            copy = "insert into {} (property_key, {}) select %s, {} from {} where property_key = %s"
            self.connection.execute(sql.SQL(copy).format(table, names, names, table), (key, of))

    def build(self, *models: str) -> None:
        """Build models as a night does: what no earlier build claimed, and then what the next one compares with."""
        build_id = self.claim()
        analyze_claimed(self.connection, build_id)
        now = standing.sums(self.connection)
        before = self.made[1] if self.made and self.made[0] == models else None
        chosen = models if before is None else self._reached(models, build_id, before, now)
        if chosen:
            self.dbt("run", "--select", *chosen, build_id=build_id)
        self.note_made_from()
        self.made = models, now

    def _reached(
        self, models: tuple[str, ...], build_id: int, before: Mapping[str, str], now: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Of the models those that a night's build would make."""
        manifest = self.dbt.parsed()
        changed = standing.changed_tables(self.connection, build_id, before, now)
        reached = standing.Graph(manifest, WRITTEN).reached(changed, standing.told_tables(self.connection))
        return tuple(sorted(manifest.nodes[name].name for name in reached & self.dbt.selected(manifest, models)))

    def refresh(self, *models: str) -> None:
        """Make models anew of everything that is published."""
        self.dbt("run", "--full-refresh", "--select", *models)
        self.made = None

    def note_made_from(self) -> None:
        """Keep what was modelled last, of the models that there are, for the next build to compare with."""
        there = {row["relname"] for row in self.rows("select relname from pg_class where relkind = 'r'")}
        note_made_from(self.connection, {table: model for table, model in MADE_FROM.items() if model in there})

    def claim(self) -> int:
        """A build over the current publications that no earlier build claimed. Its id."""
        build_id = self._value("insert into ops.build (state) values ('finished') returning build_id")
        self.connection.execute(
            "insert into ops.build_day select %s, publication_id, source, table_name, property_key, day"
            " from ops.publication"
            " where is_current and publication_id not in (select publication_id from ops.build_day)",
            (build_id,),
        )
        return build_id

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """The rows of a query."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, parameters).fetchall()

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows as they are."""
        for columns, alike in groupby(rows, key=tuple):
            statement = sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(*table.split(".")),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(sql.Placeholder() * len(columns)),
            )
            with self.connection.cursor() as cursor:
                cursor.executemany(statement, [list(row.values()) for row in alike])

    def _value(self, query: str, *parameters: Any) -> int:
        row = self.connection.execute(query, parameters).fetchone()
        if row is None:
            raise AssertionError(f"no row: {query}")
        return int(row[0])

    def _delete_day(self, source: Source, table: Table, property_key: int, part: str, day: date) -> None:
        self.connection.execute(
            sql.SQL("delete from {} where property_key = %s and part = %s and day = %s").format(
                sql.Identifier("raw", source.raw_name(table))
            ),
            (property_key, part, day),
        )
        self.connection.execute(
            "update ops.publication set is_current = false, dropped_at = null"
            " where (is_current or dropped_at is not null)"
            " and source = %s and table_name = %s and property_key = %s and part = %s and day = %s",
            (source.name, table.name, property_key, part, day),
        )

    def _add_load(self, source: Source, table: Table, property_key: int, day: date) -> int:
        return self._value(
            "insert into ops.load"
            " (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state)"
            " values (%s, %s, %s, %s, %s, %s, 'night', 1, 'published') returning load_id",
            *(source.name, table.name, property_key, day, day, day),
        )

    def _add_publication(
        self,
        source: Source,
        table: Table,
        key: int,
        part: str,
        day: date,
        load_id: int,
        count: int,
        facts: Mapping[str, Any],
    ) -> int:
        return self._value(
            "insert into ops.publication"
            " (source, table_name, property_key, part, day, load_id, row_count, checksum, totals, facts, read_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, now()) returning publication_id",
            *(source.name, table.name, key, part, day, load_id, count, str(load_id), Jsonb({}), Jsonb(dict(facts))),
        )


def _stored(table: Table, property_key: int, day: date, row: Mapping[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = {"property_key": property_key, "day": day}
    for column in table.columns:
        if column.name == "day":
            continue
        value = row.get(column.name)
        stored[column.name] = Jsonb(value) if column.type is Type.JSON and value is not None else value
        if column.type is Type.URL:
            found = identity(value) if value else None
            stored[f"{column.name}_normalised"] = found.url if found else None
            stored[f"{column.name}_domain"] = found.domain if found else None
    unknown = set(row) - set(stored)
    if unknown:
        raise AssertionError(f"{table.name} has no columns {unknown}")
    return stored
