"""What there is to see of a held load: the rules that it broke, the reading before it, some of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg.rows import class_row

from seo_warehouse.ledger.loads import BESIDE
from seo_warehouse.ledger.session import Connection

EXAMPLES = 20
"""Rows of a held load that a person is shown."""
_HIDDEN = frozenset(BESIDE) - {"unfit"}
"""`unfit` names the columns that cannot hold their value."""


@dataclass(frozen=True)
class BrokenRule:
    """A rule that a load broke: how often, where rows break it, and what the gate says of it."""

    rule: str
    severity: str
    broken_count: int | None
    reason: str | None


@dataclass(frozen=True)
class Good:
    """The last load of the same table, property and part that is in the warehouse, with the rows that it read."""

    load_id: int
    first_day: date
    last_day: date
    rows_read: int | None


@dataclass(frozen=True)
class Evidence:
    """What a person looks at before deciding. `rows` are JSON objects as the provider's table has them."""

    rows_read: int | None
    rules: list[BrokenRule]
    good: Good | None
    rows: list[dict[str, Any]]


def read_evidence(conn: Connection, load_id: int, examples: int = EXAMPLES) -> Evidence:
    """What there is to see of a held load, with so many of its rows, those first that do not fit their columns."""
    (rows_read,) = conn.execute("select rows_read from ops.load where load_id = %s", (load_id,)).fetchone() or (None,)
    rules = conn.cursor(row_factory=class_row(BrokenRule)).execute(
        """
        select rule, severity, broken_count, reason from ops.verdict
        where load_id = %s and not is_met order by severity, rule
        """,
        (load_id,),
    )
    good = conn.cursor(row_factory=class_row(Good)).execute(
        """
        select g.load_id, g.first_day, g.last_day, g.rows_read
        from ops.load as l join ops.load as g using (source, table_name, property_key, part)
        where l.load_id = %s and g.load_id <> l.load_id and g.state in ('published', 'unchanged')
        order by g.last_day desc, g.load_id desc limit 1
        """,
        (load_id,),
    )
    rows = conn.execute("select ops.held_rows(%s, %s)", (load_id, examples)).fetchall()
    return Evidence(rows_read, rules.fetchall(), good.fetchone(), [_as_read(row) for (row,) in rows])


def _as_read(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the values that it came with, also those that their columns cannot hold."""
    came = row | (row.get("unfit_content") or {})
    return {name: value for name, value in came.items() if name not in _HIDDEN}
