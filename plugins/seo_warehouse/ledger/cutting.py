"""What the ledger gives up by age: attempts that decide nothing any more, verdicts, and what was looked at often.

Given up is what no answer hangs on. A load stays that put a day into the warehouse, that a person decided about, that
is of a file, that cost money or units (a replay is billed by what is noted), or that is the last attempt at its days;
so does one of whose days any is not in the warehouse. Spend, completeness and what a replay reads stay as they were.
"""

from __future__ import annotations

from datetime import date

from seo_warehouse.ledger.session import Connection, one, step, transaction

_GONE = """
create temp table gone on commit drop as
with candidate as (
    select l.load_id, l.source, l.table_name, l.property_key, d.day::date as day
    from ops.load as l
    cross join lateral generate_series(l.first_day::timestamp, l.last_day::timestamp, interval '1 day') as d (day)
    where l.ended_at < %(before)s and l.state in ('failed', 'unchanged', 'superseded', 'deferred')
      and coalesce(l.money, 0) = 0 and coalesce(l.units, 0) = 0
      and coalesce(l.archive_scope, '') not like 'file=%%'
      and not exists (select from ops.publication as p where p.load_id = l.load_id)
      and not exists (select from ops.quality_decision as q where q.load_id = l.load_id)
      and not exists (select from ops.decision_request as r where r.load_id = l.load_id)
      and exists (
          select from ops.load as n
          where (n.source, n.table_name, n.property_key, n.part, n.first_day, n.last_day)
                = (l.source, l.table_name, l.property_key, l.part, l.first_day, l.last_day)
            and n.load_id > l.load_id
      )
),
there as (
    select distinct source, table_name, property_key, day, true as is_there from ops.publication
    where is_current or dropped_at is not null
)
select c.load_id
from candidate as c left join there as t using (source, table_name, property_key, day)
group by c.load_id
having count(*) = count(t.is_there)
"""
_SUM = """
with verdicts as (
    delete from ops.verdict as v using ops.load as l
    where l.load_id = v.load_id and l.ended_at < %(before)s
    returning v.load_id, v.is_met
),
broken as (select load_id, count(*) filter (where not is_met) as rules from verdicts group by 1),
summed as (
    select l.source, l.table_name, l.property_key,
           date_trunc('month', l.started_at at time zone 'UTC')::date as month,
           count(g.load_id) as load_count, coalesce(sum(b.rules), 0) as broken_rules,
           coalesce(sum(l.rows_read) filter (where g.load_id is not null), 0) as rows_read,
           coalesce(sum(l.calls) filter (where g.load_id is not null), 0) as calls,
           coalesce(sum(l.calls_reused) filter (where g.load_id is not null), 0) as calls_reused,
           coalesce(sum(l.calls_cut) filter (where g.load_id is not null), 0) as calls_cut,
           coalesce(sum(l.bytes_read) filter (where g.load_id is not null), 0) as bytes_read
    from ops.load as l
    left join gone as g using (load_id)
    left join broken as b using (load_id)
    where g.load_id is not null or b.rules > 0
    group by 1, 2, 3, 4
)
insert into ops.load_month as m select * from summed
on conflict (source, table_name, property_key, month) do update set
    load_count = m.load_count + excluded.load_count, broken_rules = m.broken_rules + excluded.broken_rules,
    rows_read = m.rows_read + excluded.rows_read, calls = m.calls + excluded.calls,
    calls_reused = m.calls_reused + excluded.calls_reused, calls_cut = m.calls_cut + excluded.calls_cut,
    bytes_read = m.bytes_read + excluded.bytes_read
"""
# An order is looked at each minute; what its looks of a date used is one row afterwards.
_LOOKS = """
with summed as (
    select min(order_usage_id) as kept, source, property_key, night, (noted_at at time zone 'UTC')::date as noted_on,
           sum(calls) as calls, sum(calls_reused) as calls_reused, sum(calls_cut) as calls_cut,
           sum(bytes_read) as bytes_read, sum(units) as units, sum(money) as money
    from ops.order_usage where noted_at < %(before)s
    group by 2, 3, 4, 5 having count(*) > 1
),
put as (
    update ops.order_usage as u set calls = s.calls, calls_reused = s.calls_reused, calls_cut = s.calls_cut,
           bytes_read = s.bytes_read, units = s.units, money = s.money
    from summed as s where u.order_usage_id = s.kept
)
delete from ops.order_usage as u using summed as s
where u.source = s.source and u.property_key = s.property_key and u.night = s.night and u.order_usage_id <> s.kept
  and (u.noted_at at time zone 'UTC')::date = s.noted_on
"""
_REST = (
    "delete from ops.rejected_row as r using gone as g where r.load_id = g.load_id",
    "delete from ops.load_day as d using gone as g where d.load_id = g.load_id",
    "delete from ops.load as l using gone as g where l.load_id = g.load_id",
    "delete from ops.dbt_node_result where recorded_at < %(before)s",
    "delete from ops.alert_sent as s using ops.alert as a where s.alert_id = a.alert_id and a.ended_at < %(before)s",
    "delete from ops.shape where last_seen < %(before)s::timestamptz::date",
    "delete from ops.alert where ended_at < %(before)s",
)


def cut_ledger(conn: Connection, before: date) -> int:
    """Give up what ended before a date (UTC) and decides nothing any more. Returns how many loads that were.

    All of it or nothing. Raises LoadError.
    """
    asked = {"before": f"{before} 00:00+00"}
    with step(conn, "cut the ledger"), transaction(conn):
        conn.execute(_GONE, asked)
        conn.execute(_SUM, asked)
        conn.execute(_LOOKS, asked)
        count = int(one(conn, "select count(*) from gone"))
        for statement in _REST:
            conn.execute(statement, asked)
    return count
