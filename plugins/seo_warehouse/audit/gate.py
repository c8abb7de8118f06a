"""The gate: judge a written load, take out its broken rows or hold it whole."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import sql

from seo_warehouse.audit.ledger_rules import Verdict, judge_ledger
from seo_warehouse.audit.rules import EVERY_ROW_RULE, Rule, row_rules
from seo_warehouse.audit.suite import BatchQuery, broken_counts, quick_suite, suite_for
from seo_warehouse.errors import LoadError
from seo_warehouse.ledger.loads import audit_table, move
from seo_warehouse.ledger.session import Connection, one, step, transaction
from seo_warehouse.load.batch import note_days
from seo_warehouse.load.rejects import DUPLICATE_GRAIN, has_unique_grain, reject_broken, reject_doubles
from seo_warehouse.spec import Source, Table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Load:
    load_id: int
    property_key: int
    part: str
    first_day: date
    last_day: date
    rows_read: int
    days: list[date]


class _TooManyError(Exception):
    """More rows are broken than the table tolerates; undoes what was taken out so far."""


def audit_load(conn: Connection, dsn: str, source: Source, table: Table, load_id: int) -> str:
    """Judge a written load: `passed` or `quarantined`. Judging it again returns the first verdict.

    Rows that break a rule, up to the table's tolerance, go to `ops.rejected_row` and out of the load; of rows that
    share a grain the first stays. Beyond it, or where a rule over the whole batch fails, the load is held whole, its
    rows kept in `audit`. `dsn` is where Great Expectations reads; it may read `audit`, `raw` and `ops`.
    Raises LoadError where the load is not written or a rule cannot be asked, TransientLoadError to try again.
    """
    what = f"audit load {load_id} of {source.name}.{table.name}"
    with step(conn, what), transaction(conn):
        state = _lock(conn, what, source, table, load_id)
        if state in ("passed", "quarantined"):
            return state
        if state != "written":
            raise LoadError(f"{what}: it is {state}, not written")
        load = _read(conn, load_id)
        rules = row_rules(table, load.days)
        verdicts, broken = _ask(conn, dsn, source, table, load, rules)
        verdicts += judge_ledger(conn, source, table, load_id)
        is_fit = not any(_holds_the_load(verdict, table.tolerance * load.rows_read) for verdict in verdicts)
        rejected = 0
        if is_fit:
            is_fit, rejected, duplicates = _clean(conn, table, load, rules, broken)
            verdicts.append(_duplicate_verdict(duplicates))
        _note(conn, load_id, verdicts)
        reason = "; ".join(f"{v.rule}: {v.reason}" for v in verdicts if not v.is_met and v.severity == "fail")
        if rejected and is_fit:
            conn.execute("update ops.load set rows_rejected = %s where load_id = %s", (rejected, load_id))
            note_days(conn, table, load_id)
        state = "passed" if is_fit else "quarantined"
        move(conn, load_id, state, reason=reason or None)
    log.info("%s, property %s: %s, %s of %s rows rejected", what, load.property_key, state, rejected, load.rows_read)
    return state


def _holds_the_load(verdict: Verdict, most: float) -> bool:
    """Whether a verdict decides by itself, with at most `most` broken rows tolerated."""
    return verdict.severity == "fail" and verdict.broken_count > (0 if verdict.is_of_batch else most)


def _lock(conn: Connection, what: str, source: Source, table: Table, load_id: int) -> str:
    row = conn.execute(
        "select source, table_name, state from ops.load where load_id = %s for update", (load_id,)
    ).fetchone()
    if row is None or row[:2] != (source.name, table.name):
        raise LoadError(f"{what}: there is no such load of that table")
    return str(row[2])


def _read(conn: Connection, load_id: int) -> _Load:
    row = conn.execute(
        """
        select property_key, part, first_day, last_day, rows_read,
               array(select day from ops.load_day where load_id = l.load_id order by day)
        from ops.load as l where load_id = %s
        """,
        (load_id,),
    ).fetchall()[0]
    return _Load(load_id, *row)


def _ask(
    conn: Connection, dsn: str, source: Source, table: Table, load: _Load, rules: list[Rule]
) -> tuple[list[Verdict], int]:
    """Great Expectations' verdicts, and how many rows break a rule, warnings too."""
    queries = [BatchQuery(EVERY_ROW_RULE, _broken_sql(conn, load, rules))]
    queries += [BatchQuery(rule.name, _batch_sql(conn, source, table, load, rule.sql)) for rule in table.batch_rules]
    counts = broken_counts(dsn, load.load_id, quick_suite(table, queries))
    broken = counts[EVERY_ROW_RULE]
    by_rule = broken_counts(dsn, load.load_id, suite_for(table, load.days, conn)) if broken else {}
    verdicts = [
        Verdict(
            rule.name,
            rule.severity,
            by_rule.get(rule.name, 0),
            f"{rule.reason} ({by_rule.get(rule.name, 0)} of {load.rows_read} rows)",
            is_of_batch=False,
        )
        for rule in rules
    ]
    verdicts += [
        Verdict(rule.name, rule.severity, counts[rule.name], f"{rule.reason} ({counts[rule.name]} found)")
        for rule in table.batch_rules
    ]
    return verdicts, broken


def _broken_sql(conn: Connection, load: _Load, rules: list[Rule]) -> str:
    """The rows that do not meet every rule; of NULL nobody knows, so it is met."""
    conditions = sql.SQL(" and ").join(sql.SQL("({})").format(rule.condition) for rule in rules)
    return sql.SQL("select from {} where not ({})").format(audit_table(load.load_id), conditions).as_string(conn)


def _batch_sql(conn: Connection, source: Source, table: Table, load: _Load, text: str) -> str:
    return (
        sql.SQL(text)
        .format(
            batch=audit_table(load.load_id),
            raw=sql.Identifier("raw", source.raw_name(table)),
            load_id=sql.Literal(load.load_id),
            property_key=sql.Literal(load.property_key),
            first_day=sql.Literal(load.first_day),
            last_day=sql.Literal(load.last_day),
        )
        .as_string(conn)
    )


def _clean(conn: Connection, table: Table, load: _Load, rules: list[Rule], broken: int) -> tuple[bool, int, int]:
    """Take broken rows and doubles out: (whether the table tolerates it, rows taken out, doubles found)."""
    doubles = 0
    try:
        with conn.transaction():
            failing = {rule.name: rule.condition for rule in rules if rule.severity == "fail"}
            taken = reject_broken(conn, load.load_id, failing) if broken else 0
            if not has_unique_grain(conn, table, load.load_id):
                doubles = reject_doubles(conn, table, load.load_id)
            if taken + doubles > table.tolerance * load.rows_read:
                raise _TooManyError
            if doubles and not has_unique_grain(conn, table, load.load_id):
                raise LoadError(f"load {load.load_id} has two rows of one grain after the doubles were taken out")
    except _TooManyError:
        return False, 0, doubles
    return True, taken + doubles, doubles


def _duplicate_verdict(doubles: int) -> Verdict:
    return Verdict(DUPLICATE_GRAIN, "fail", doubles, f"{doubles} rows repeat a row's grain", is_of_batch=False)


def _note(conn: Connection, load_id: int, verdicts: list[Verdict]) -> None:
    columns: list[list[Any]] = [
        [v.rule for v in verdicts],
        [v.severity for v in verdicts],
        [v.is_met for v in verdicts],
        [v.broken_count for v in verdicts],
        [None if v.is_met else v.reason for v in verdicts],
    ]
    noted = one(
        conn,
        """
        with noted as (
            insert into ops.verdict (load_id, rule, severity, is_met, broken_count, reason)
            select %s, v.* from unnest(%s::text[], %s::text[], %s::boolean[], %s::bigint[], %s::text[]) as v
            returning 1
        )
        select count(*) from noted
        """,
        (load_id, *columns),
    )
    if noted != len(verdicts):
        raise LoadError(f"load {load_id}: {noted} of {len(verdicts)} verdicts were kept")
