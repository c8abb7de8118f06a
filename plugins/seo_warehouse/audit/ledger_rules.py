"""The rules over a whole batch that hold for every table; all they need is in the ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import sql

from seo_warehouse.audit.rules import Severity
from seo_warehouse.ledger.loads import audit_table
from seo_warehouse.ledger.session import Connection
from seo_warehouse.spec import Facts, Source, Table

USUAL_DAYS = 28
"""Published days whose median is a property's usual row count: four weeks, so each weekday weighs the same."""
FEWEST_USUAL_DAYS = 7
"""Below a week of published days nothing is usual yet."""


@dataclass(frozen=True)
class Verdict:
    """The answer to one rule. `reason` says what was found."""

    rule: str
    severity: Severity
    broken_count: int
    reason: str
    is_of_batch: bool = True

    @property
    def is_met(self) -> bool:
        """Nothing broke the rule."""
        return self.broken_count == 0


@dataclass(frozen=True)
class _Day:
    day: date
    row_count: int
    facts: Facts


def judge_ledger(conn: Connection, source: Source, table: Table, load_id: int) -> list[Verdict]:
    """Unknown, missing and odd fields, a stated count not reached, far fewer rows than usual, a cap that was hit."""
    days = [
        _Day(*row)
        for row in conn.execute(
            sql.SQL(
                """
                select d.day, coalesce(a.row_count, 0), d.facts
                from ops.load_day as d
                left join (select day, count(*) as row_count from {} group by day) as a using (day)
                where d.load_id = {}
                order by d.day
                """
            ).format(audit_table(load_id), sql.Literal(load_id))
        )
    ]
    usual = _usual_count(conn, load_id) if table.least_share is not None else None
    return [
        _verdict("unknown_fields", "fail", _listed(days, "unknown_fields")),
        _verdict("missing_fields", "fail", _listed(days, "missing_fields")),
        _verdict("odd_fields", "warn", _listed(days, "odd_fields")),
        _verdict("stated_count", "fail", _uncounted(days)),
        _verdict("least_share", "fail", _scarce(days, usual, table.least_share)),
        _verdict("is_capped", "warn", _capped(days)),
    ]


def _verdict(rule: str, severity: Severity, findings: Iterator[str]) -> Verdict:
    found = list(findings)
    shown = "; ".join(found[:10]) + (f"; and {len(found) - 10} days more" if len(found) > 10 else "")
    return Verdict(rule, severity, len(found), shown)


def _listed(days: list[_Day], fact: str) -> Iterator[str]:
    for day in days:
        names: Any = day.facts.get(fact)
        if names:
            yield f"{day.day}: {', '.join(map(str, names))}"


def _capped(days: list[_Day]) -> Iterator[str]:
    for day in days:
        if day.facts.get("is_capped") is True:
            caps: Any = day.facts.get("caps") or ()
            yield f"{day.day}: capped" + (f" ({', '.join(map(str, caps))})" if caps else "")


def _uncounted(days: list[_Day]) -> Iterator[str]:
    for day in days:
        stated = day.facts.get("stated_count")
        if stated is not None and stated != day.row_count:
            yield f"{day.day}: {day.row_count} rows read, {stated} stated"


def _scarce(days: list[_Day], usual: float | None, least_share: float | None) -> Iterator[str]:
    if usual is None or least_share is None:
        return
    for day in days:
        if day.row_count < least_share * usual:
            yield f"{day.day}: {day.row_count} rows, {usual:g} are usual"


def _usual_count(conn: Connection, load_id: int) -> float | None:
    """Median row count of the property's last published days before the load's; None while nothing is usual."""
    row = conn.execute(
        """
        select percentile_cont(0.5) within group (order by row_count), count(*)
        from (
            select p.row_count from ops.publication as p
            join ops.load as l using (source, table_name, property_key, part)
            where l.load_id = %s and p.is_current and p.day < l.first_day
            order by p.day desc limit %s
        ) as lately
        """,
        (load_id, USUAL_DAYS),
    ).fetchall()[0]
    return row[0] if row[1] >= FEWEST_USUAL_DAYS else None
