"""What is there of each day and what is not: the states of `ops.completeness`, and what they are computed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from seo_warehouse.config import Properties
from seo_warehouse.ledger.session import Connection
from seo_warehouse.spec import NIGHT_DEADLINE, Source

STATES = ("failed", "quarantined", "never available", "absent", "provisional", "restated", "final")
"""The states of a day, the first that holds; see ops_views.sql."""


@dataclass(frozen=True)
class Days:
    """The days of a source's table for one property, each with its state, in order."""

    source: str
    table: str
    property_name: str
    states: dict[date, str]


def sync_source_tables(conn: Connection, sources: Iterable[Source], properties: Properties) -> None:
    """Write what properties are read for where SQL sees it; what is gone from properties.yml becomes inactive."""
    rows = [
        (
            *(source.name, table.name, prop.key, source.kind.value, prop.history_start),
            *(source.delay_days, source.lookback_days),
            getattr(prop.settings_of(source), "interval_days", source.interval_days),
            *(NIGHT_DEADLINE, source.kept_months),
        )
        for source in sources
        for prop in properties.with_source(source)
        for table in source.tables
    ]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute("lock table ops.source_table in share row exclusive mode")
        cursor.execute("update ops.source_table set is_active = false where is_active")
        cursor.executemany(
            """
            insert into ops.source_table (source, table_name, property_key, kind, first_day, delay_days, lookback_days,
                                          interval_days, night_ends, kept_months)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (source, table_name, property_key) do update set
                kind = excluded.kind, first_day = excluded.first_day, delay_days = excluded.delay_days,
                lookback_days = excluded.lookback_days, interval_days = excluded.interval_days,
                night_ends = excluded.night_ends, kept_months = excluded.kept_months, is_active = true
            """,
            rows,
        )


def read_days(conn: Connection, as_of: datetime, property_key: int | None = None) -> list[Days]:
    """The state of each day as of an instant, by property, source and table; of one property or of all.

    What concerns all properties has no property of its own (key 0); its name is `all`.
    """
    rows = conn.execute(
        """
        select c.source, c.table_name, coalesce(p.property_name, 'all'),
               array_agg(c.day order by c.day), array_agg(c.state order by c.day)
        from ops.completeness_at(%s) as c left join ops.property as p using (property_key)
        where %s::integer is null or c.property_key = %s
        group by 1, 2, 3 order by 3, 1, 2
        """,
        (as_of, property_key, property_key),
    ).fetchall()
    return [
        Days(source, table, name, dict(zip(days, states, strict=True))) for source, table, name, days, states in rows
    ]


@dataclass(frozen=True)
class WaitingLoad:
    """A quarantined load that a person decides about; `decision` is one taken and not carried out yet.

    `file` is the name of the dropped file that it is of.
    """

    load_id: int
    source: str
    table: str
    property_name: str
    first_day: date
    last_day: date
    reason: str | None
    decision: str | None
    file: str | None = None


def read_waiting(conn: Connection, property_key: int | None = None) -> list[WaitingLoad]:
    """The newest quarantined load of each batch, of one property or of all. Each file is a batch of its own."""
    rows = conn.execute(
        """
        select distinct on (l.property_key, l.source, l.table_name, l.part, l.first_day, l.last_day, f.sha256)
               l.load_id, l.source, l.table_name, coalesce(p.property_name, 'all'), l.first_day, l.last_day, l.reason,
               d.decision, f.file_name
        from ops.load as l
        left join ops.property as p using (property_key)
        left join ops.quality_decision as d using (load_id)
        left join ops.export_file as f
            on f.property_key = l.property_key and l.archive_scope = 'file=' || f.sha256
        where l.state = 'quarantined' and (%s::integer is null or l.property_key = %s)
        order by l.property_key, l.source, l.table_name, l.part, l.first_day, l.last_day, f.sha256, l.load_id desc
        """,
        (property_key, property_key),
    ).fetchall()
    return [WaitingLoad(*row) for row in rows]
