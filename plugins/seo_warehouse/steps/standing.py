"""Which nodes a build need not make: what they read is what it was when the last finished build made them.

Raw tables change by publications, which the ledger tells of, and what else models read of `ops` is summed up. From what
has changed the graph leads to all that may have. Where anything is in doubt everything is made.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from psycopg import sql

from seo_warehouse.ledger.session import Connection
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Feed

BY_KIND = {"publication", "build_day"}
"""Ledgers of which a model reads the rows of the kinds that it names. One that names none reads them whole."""
THROUGH = "stg_ops__publication"
"""The same ledger, by a model."""
EACH_NIGHT = {*BY_KIND, "load", "load_month", "night_completeness", "order_usage"}
"""Tables of `ops` to which each night adds."""
STATED = (
    *("property", "panel_depth", "tracked_keyword", "topic_rule", "brand_pattern", "trusted_domain", "referrer_class"),
)
"""Those that follow from properties.yml, and that models read."""
AS_LAST_MADE = "modelled_"
"""How those are called in which a build finds what the last one was made from. A model that reads one says what
differs: it is made where somebody reads it who is made, and else says what an earlier build found."""
CODE = "code"
"""Among the tables what stands for the package, which makes the estimates."""
PROJECT = "seo_warehouse"
"""The name of dbt's project."""
RESTS_WITHOUT = "rests_without"
"""In a model's meta: kinds. Before one of these was ever told of, no row of it reaches a model that does not rest."""
TABLES_OF: Mapping[str, frozenset[tuple[str, str]]] = {
    kind.value: frozenset(
        (source.name, table.name) for source in SOURCES for table in source.tables if table.feeds is kind
    )
    for kind in Feed
}
_QUOTED = re.compile(r"'(\w+)'")


@dataclass(frozen=True)
class Graph:
    """What the nodes of a manifest read: nodes and tables, by unique id. `written`: by name of a table of `ops` the
    relations that it is estimated from.
    """

    manifest: Any
    written: Mapping[str, Collection[str]]

    @cached_property
    def reads(self) -> dict[str, set[str]]:
        """By unique id of a node, or of a table that a build writes, what it reads."""
        found = {name: self._read_by(node) for name, node in self.manifest.nodes.items()}
        names = {node.name: name for name, node in self.manifest.nodes.items() if node.resource_type != "test"}
        for table, relations in self.written.items():
            found[ops_table(table)] = {names.get(name) or ops_table(name) for name in relations}
        return found

    @cached_property
    def differences(self) -> set[str]:
        """The nodes that say what differs from what the last build was made from."""
        return {
            name
            for name, node in self.manifest.nodes.items()
            if any(_is_as_last_made(parent) for parent in node.depends_on_nodes)
        }

    def reached(self, changed: Collection[str], told: Collection[tuple[str, str]]) -> set[str]:
        """Nodes, and tables that a build writes, that the tables `changed` may change; `told`: raw tables of which any
        day was ever published.
        """
        readers = defaultdict(list)
        for name, parents in self.reads.items():
            for parent in parents:
                readers[parent].append(name)
        resting = {name for name in self.manifest.nodes if self._rests(name, told)}
        found: set[str] = set()
        waiting = [name for table in changed for name in readers[table]]
        while waiting:
            name = waiting.pop()
            if name not in found and name not in resting:
                found.add(name)
                waiting += readers[name]
        waiting = [*found]
        while waiting:
            for parent in self.reads.get(waiting.pop(), ()):
                if parent in self.differences and parent not in found and parent not in resting:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def kinds_of(self, node: Any) -> set[str]:
        """The kinds that a node names, its macros included, also those that it calls by a name in quotes."""
        words = set(_QUOTED.findall(node.raw_code))
        waiting: set[str] = {*node.depends_on_macros, *map(self._macro_named, words)}
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            # The list of all feeds names each kind, and nobody's.
            if name in seen or name not in self.manifest.macros or name == self._macro_named("feeds"):
                continue
            seen.add(name)
            macro = self.manifest.macros[name]
            if macro.package_name == PROJECT:
                found = set(_QUOTED.findall(macro.macro_sql))
                words |= found
                waiting |= {*macro.depends_on.macros, *map(self._macro_named, found)}
        return words & TABLES_OF.keys()

    @staticmethod
    def _macro_named(name: str) -> str:
        return f"macro.{PROJECT}.{name}"

    def reads_whole(self, node: Any) -> bool:
        """Whether a node reads a ledger otherwise than by kinds, and tells of more than what differs."""
        return bool(self._ledgers(node)) and not self.kinds_of(node) and node.unique_id not in self.differences

    def _ledgers(self, node: Any) -> set[str]:
        return {
            name
            for name in node.depends_on_nodes
            if name in {ops_table(ledger) for ledger in BY_KIND} or name.rpartition(".")[2] == THROUGH
        }

    def _read_by(self, node: Any) -> set[str]:
        found = {name for name in node.depends_on_nodes if not _is_as_last_made(name)}
        ledgers = self._ledgers(node)
        kinds = set(_rests_without(node))
        if ledgers and not self.reads_whole(node):
            found -= ledgers
            kinds |= self.kinds_of(node)
        return found | {_table(*table) for kind in kinds for table in TABLES_OF[kind]}

    def _rests(self, name: str, told: Collection[tuple[str, str]]) -> bool:
        node = self.manifest.nodes[name]
        kinds = _rests_without(node)
        # A view is dropped with what it reads.
        return (
            bool(kinds)
            and node.config.materialized != "view"
            and not any(TABLES_OF[kind].intersection(told) for kind in kinds)
        )


def ops_table(name: str) -> str:
    """Unique id of a table of `ops`."""
    return _table("ops", name)


def _table(schema: str, name: str) -> str:
    return f"source.{PROJECT}.{schema}.{name}"


def _rests_without(node: Any) -> list[str]:
    return list((getattr(node.config, "meta", None) or {}).get(RESTS_WITHOUT, ()))


def _is_as_last_made(name: str) -> bool:
    return name.startswith(ops_table(AS_LAST_MADE))


_PUBLISHED = """
select source, table_name,
    sum(hashtextextended(concat_ws(' ', publication_id, is_current, dropped_at, row_count, checksum, facts), 0))::text
from ops.publication group by source, table_name
"""


def sums(conn: Connection) -> dict[str, str]:
    """By raw table, and by table of `ops` that follows from properties.yml, a sum of what it holds; CODE's own."""
    found = {_table(source, name): total for source, name, total in conn.execute(_PUBLISHED).fetchall()}
    for name in STATED:
        query = sql.SQL("select coalesce(sum(hashtextextended(t::text, 0)), 0)::text from {} as t")
        [(found[ops_table(name)],)] = conn.execute(query.format(sql.Identifier("ops", name))).fetchall()
    return found | {CODE: _sum_of_code()}


@cache
def _sum_of_code() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def changed_tables(conn: Connection, build_id: int, before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Tables that a build claims days of, that hold something else than before, or that change each night."""
    claimed = conn.execute(
        "select distinct source, table_name from ops.build_day where build_id = %s", (build_id,)
    ).fetchall()
    return {
        *(_table(*table) for table in claimed),
        *(name for name in {*before, *now} if before.get(name) != now.get(name)),
        *(ops_table(name) for name in EACH_NIGHT),
    }


def told_tables(conn: Connection) -> set[tuple[str, str]]:
    """Raw tables of which any day was ever published."""
    return set(conn.execute("select distinct source, table_name from ops.publication").fetchall())


def are_there(conn: Connection, nodes: Iterable[Any]) -> bool:
    """Whether each model of these has its relation."""
    wanted = {(node.schema, node.alias) for node in nodes if _has_relation(node)}
    there = conn.execute(
        "select nspname, relname from pg_class join pg_namespace as n on n.oid = relnamespace"
        " where relkind in ('r', 'v')"
    ).fetchall()
    return all(name in there for name in wanted)


def _has_relation(node: Any) -> bool:
    return bool(node.resource_type == "model" and node.config.materialized != "ephemeral")
