"""The reading of statements that tests/warehouse/citus.py does: each rule is seen to be broken, and seen to be kept."""

from __future__ import annotations

import pytest

from tests.warehouse.citus import GATHERED, REFUSED, Relations, breaches

RELATIONS = Relations(
    spread=frozenset({"links", "pages", "checks"}),
    views={"stg_links": "select * from links", "stg_dates": "select * from dates"},
    immutable=frozenset({"generate_series", "unnest"}),
)
"""`dates`, like every other name, is shared."""

BROKEN = [
    ("merge", "merge into links using pages on links.property_key = pages.property_key when matched then delete"),
    ("grouping sets", "select property_key, count(*) from links group by rollup (property_key)"),
    ("grouping sets", "select property_key, count(*) from links group by grouping sets ((property_key), ())"),
    ("grouping sets", "select property_key, count(*) from links group by cube (property_key)"),
    ("recursive CTE", "with recursive r as (select 1 as n union all select n + 1 from r where n < 9) select * from r"),
    ("row lock", "select * from links for update"),
    ("sample", "select * from links tablesample system (1)"),
    ("join", "select 1 from links inner join pages on pages.page_key = links.page_key"),
    ("join", "select 1 from links left join pages on pages.page_key = links.page_key and pages.property_key = 1"),
    ("join", "select 1 from links cross join pages"),
    ("join", "select 1 from links, pages where pages.page_key = links.page_key"),
    ("join", "select 1 from stg_links as a inner join stg_links as b on b.link_key = a.link_key"),
    ("join", "with p as (select page_key from pages) select 1 from links left join p on p.page_key = links.page_key"),
    ("join", "select 1 from links as a inner join pages as p on p.property_key = a.property_key or p.page_key = 1"),
    ("join", "delete from links as l using pages as p where p.page_key = l.page_key"),
    ("correlation", "select 1 from links as l where exists (select 1 from pages as p where p.page_key = l.page_key)"),
    ("correlation", "select (select p.url from pages as p where p.page_key = l.page_key) from links as l"),
    (
        "step",
        "with l as (select * from links) select (select p.url from pages as p"
        " where p.property_key = l.property_key and p.page_key = l.page_key) from l",
    ),
    (
        "step",
        "select 1 from (select * from links) as l where exists (select 1 from pages as p"
        " where p.property_key = l.property_key and p.page_key = l.page_key)",
    ),
    (
        "lateral",
        "select 1 from links as l left join lateral (select coalesce((select p.url from pages as p"
        " where p.property_key = l.property_key and p.page_key = n.page_key), '') as url"
        " from unnest(l.page_keys) as n(page_key)) as urls on true",
    ),
    (
        "gathered",
        "with u as (select * from links), last as (select property_key, max(day) as day from u group by property_key),"
        " b as (select u.* from u inner join last on last.property_key = u.property_key)"
        " select 1 from b left join lateral (select distinct on (p.property_key) p.url from pages as p"
        " where p.property_key = b.property_key and p.page_key = b.page_key) as p on true",
    ),
    (
        "gathered",
        "with u as materialized (select * from links) select 1 from u left join lateral (select distinct on"
        " (p.property_key) p.url from pages as p where p.property_key = u.property_key) as p on true",
    ),
    ("ledger", "select 1 from links as l inner join ops.build_day as b on b.property_key = l.property_key"),
    ("nothing", "select exists (select from links)"),
    ("existence", "select 1 from dates as d where exists (select 1 from links as l where l.day = d.day)"),
    (
        "cut",
        "select 1 from links as l left join lateral (select p.url from pages as p"
        " where p.property_key = l.property_key and p.page_key = l.page_key limit 1) as p on true",
    ),
    (
        "sum",
        "select (select max(c.day) from checks as c where c.property_key = l.property_key) from links as l",
    ),
    (
        "sum",
        "select (select distinct c.day from checks as c where c.property_key = l.property_key) from links as l",
    ),
    (
        "table function",
        "select 1 from links as l cross join lateral generate_series(l.day, l.last_day, interval '1 day')",
    ),
    ("table function", "select 1 from links as l cross join lateral regexp_matches(l.url, 'x') as m"),
    ("conflict", "insert into links (property_key, n) values (1, 2) on conflict (n) do nothing"),
    ("window", "select row_number() over (partition by link_key order by day) from links"),
    ("window", "select lag(day) over named from links window named as (order by day)"),
    (
        "window",
        "select lag(day) over b from links window a as (partition by day), b as (a order by day)",
    ),
    ("outer join", "select 1 from dates as d left join links as l on l.day = d.day"),
    ("outer join", "select 1 from links as l full join dates as d on l.day = d.day"),
]
KEPT = [
    "select 1 from links inner join pages using (property_key, page_key)",
    "select 1 from links as l left join pages as p on p.page_key = l.page_key and p.property_key = l.property_key",
    "select 1 from links as l inner join dates as d on d.day = l.day left join stg_dates as s on s.day = l.day",
    # By way of a shared relation, and by the conditions of WHERE.
    "with c as (select property_key from dates)"
    " select 1 from links as l inner join c on c.property_key = l.property_key"
    " inner join pages as p on p.property_key = c.property_key",
    "select 1 from links as l, pages as p where (p.property_key, p.page_key) = (l.property_key, l.page_key)",
    "delete from links as l using pages as p where p.property_key = l.property_key and p.page_key = l.page_key",
    "select 1 from links as l where exists (select 1 from pages as p where p.property_key = l.property_key)",
    # By itself, a subquery is planned by itself.
    "select 1 from links where page_key in (select page_key from pages order by day limit 5)",
    "select 1 from links cross join (select max(day) as day from dates) as last",
    "select 1 from links as l left join lateral (select distinct on (p.property_key) p.url from pages as p"
    " where p.property_key = l.property_key and p.page_key = l.page_key order by p.property_key, p.day) as p on true",
    "select (select max(c.day) from checks as c where c.property_key = l.property_key group by c.property_key)"
    " from links as l",
    # Only one of the two is named twice, and the property is the other's.
    "with last as materialized (select property_key, max(day) as day from links group by property_key),"
    " b as (select l.* from links as l inner join last on last.property_key = l.property_key)"
    " select 1 from b left join lateral (select distinct on (p.property_key) p.url from pages as p"
    " where p.property_key = b.property_key and p.page_key = b.page_key) as p on true",
    "select 1 from links as l left join lateral (select max(n) as n from unnest(l.page_keys) as n) as last on true",
    "select 1 from links as l inner join (select property_key, day from ops.build_day) as b"
    " on b.property_key = l.property_key and b.day = l.day",
    "select 1 from links as l inner join ops.property as p on p.property_key = l.property_key",
    "select 1 from links as l cross join lateral generate_series(0, l.last_day - l.day) as n",
    "select 1 from links as l"
    " cross join lateral generate_series(l.day::timestamp, l.last_day::timestamp, interval '1 day')",
    "insert into links (property_key, n) values (1, 2) on conflict (property_key, n) do nothing",
    "select row_number() over (partition by property_key, link_key order by day) from links",
    "select lag(day) over named from links window named as (partition by property_key order by day)",
    "select lag(day) over b from links window a as (partition by property_key), b as (a order by day)",
    "create table t as select property_key, count(*) from links group by 1",
]


@pytest.mark.parametrize(("rule", "statement"), BROKEN)
def test_a_broken_rule_is_seen(rule: str, statement: str) -> None:
    assert rule in {breach.rule for breach in breaches(statement, RELATIONS)}


@pytest.mark.parametrize("statement", KEPT)
def test_what_citus_can_run_breaks_no_rule(statement: str) -> None:
    assert breaches(statement, RELATIONS) == []


def test_every_rule_has_a_statement_that_breaks_it() -> None:
    assert {rule for rule, _ in BROKEN} == REFUSED.keys() | GATHERED.keys()
