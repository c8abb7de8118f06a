"""What is there, as `seo-warehouse status` and the end of `make run` say it."""

from __future__ import annotations

from collections.abc import Callable

from seo_warehouse.ledger.aside import read_aside
from seo_warehouse.ledger.budgets import read_standings
from seo_warehouse.ledger.files import contradicted, troubled
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.terminal import one_line, say_table

Say = Callable[[str], None]

LOADS = """
select l.source, l.table_name, coalesce(p.property_name, 'all'), l.state, count(*), min(l.first_day)::text,
       max(l.last_day)::text, sum(l.rows_read),
       (array_agg(l.reason order by l.load_id desc) filter (where l.state in ('failed', 'quarantined', 'deferred')))[1]
from ops.load as l left join ops.property as p using (property_key)
where l.state not in ('superseded') and (l.state <> 'failed' or l.load_id > %(known)s)
group by 1, 2, 3, 4
order by max(l.load_id) filter (where l.state in ('failed', 'quarantined')) desc nulls last, 1, 2, 3, 4
"""
ACKNOWLEDGED = "acknowledged_failures"
KNOWN = """
select (value ->> 'load_id')::bigint, value ->> 'by', left(value ->> 'at', 10),
       (select count(*) from ops.load where state = 'failed' and load_id <= (s.value ->> 'load_id')::bigint)
from ops.setting as s where name = %s
"""
ACKNOWLEDGE = """
insert into ops.setting
select %s, jsonb_build_object('load_id', coalesce(max(load_id), 0), 'by', %s::text, 'at', clock_timestamp())
from ops.load where state = 'failed'
on conflict (name) do update set value = excluded.value
"""
MONEY = """
select p.property_name, s.source, round(sum(s.money), 2)
from (select source, property_key, money from ops.load union all
      select source, property_key, money from ops.order_usage) as s
join ops.property as p using (property_key)
group by 1, 2 having sum(s.money) > 0 order by 1, 2
"""
FACTS = """
select p.property_name, r.event_date::text, r.event_type, regexp_replace(d.url, '^https?://[^/]+', ''), k.keyword,
       r.device, round(r.base_position::numeric, 1), round(r.window_position::numeric, 1),
       round(r.control_position_change::numeric, 1), r.control_count,
       coalesce(round(r.position_difference::numeric, 1)::text, r.reason)
from marts.fct_link_rank_change as r
join marts.dim_property as p using (property_key)
join marts.dim_page as d using (property_key, page_key)
join marts.dim_keyword as k using (property_key, keyword_key)
where r.window_name = 'headline'
order by r.reason is not null, r.event_date desc, p.property_name, k.keyword, r.device
limit 8
"""


def acknowledge_failures(wh: Warehouse, who: str) -> None:
    """Leave what failed up to now out of what is said. Loads in quarantine wait for a decision all the same."""
    with wh.connect("loader") as connection:
        connection.execute(ACKNOWLEDGE, (ACKNOWLEDGED, who))


def say_loads(wh: Warehouse, say: Say) -> None:
    """The state of each load, summed by table, property and state, the newest failure first; last night and build."""
    with wh.connect("loader") as connection:
        known = connection.execute(KNOWN, (ACKNOWLEDGED,)).fetchone()
        loads = connection.execute(LOADS, {"known": known[0] if known else 0}).fetchall()
        files = troubled(connection)
        doubtful = contradicted(connection)
        money = connection.execute(MONEY).fetchall()
        budgets = read_standings(connection, wh.now().date())
        night = connection.execute(
            "select night, closed_by, missing_sources from ops.night order by 1 desc limit 1"
        ).fetchone()
        build = connection.execute(
            "select build_id, state, claimed_at::timestamp(0)::text, reason from ops.build order by 1 desc limit 1"
        ).fetchone()
        left_out = read_aside(connection)
        stale = connection.execute(
            "select value -> 'tables', value ->> 'checked_at' from ops.setting where name = 'stale_tables'"
        ).fetchone()
    say("\nLoads:")
    headings = ("source", "table", "property", "state", "loads", "from", "to", "rows", "reason")
    say_table(headings, loads, say)
    if known and known[3]:
        say(f"{known[3]:,} failed loads are not shown: {known[1]} acknowledged them on {known[2]}")
    if files:
        say("\nFiles in the drop folders that are not in the warehouse:")
        say_table(("property", "file", "reason"), files, say)
    if doubtful:
        say("\nFiles with rows that say otherwise than a later one of the same file, which stands:")
        say_table(("property", "file", "table", "rows", "left out"), doubtful, say)
    if money:
        say("Spent, US$: " + ", ".join(f"{prop} {source} {dollars}" for prop, source, dollars in money))
    for budget in budgets:
        say(f"Budget of the month: {one_line(str(budget))}")
    if night:
        missing = f"; missing: {', '.join(night[2])}" if night[2] else ""
        say(f"Last night closed: {night[0]} by {night[1]}{missing}")
    if build:
        say(f"Last build: {build[0]}, {build[1]}, begun {build[2]} UTC{': ' + one_line(build[3]) if build[3] else ''}")
    for each in left_out:
        say(f"Set aside: {one_line(str(each))}")
    if stale and stale[0]:
        say(f"Stale at {stale[1]}: {'; '.join(stale[0])}")


def say_facts(wh: Warehouse, say: Say) -> None:
    """The first rows of what joins links to positions, as an analyst reads them."""
    with wh.connect("analyst") as connection:
        rows = connection.execute(FACTS).fetchall()
    say("\nLinks and positions (marts.fct_link_rank_change, window +21..+34 days against -7..-1):")
    headings = (
        *("property", "date", "event", "page", "keyword", "device"),
        *("before", "after", "controls", "n", "difference or reason"),
    )
    say_table(headings, rows, say)
    say("Difference: the keyword's change minus that of its n control pages; below 0 is nearer to the top.\n")
