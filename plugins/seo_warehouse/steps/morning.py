"""What a night brought, in lines for people: loads and money by the ledgers, links and positions by the marts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

import psycopg

from seo_warehouse.alerting.messages import plain
from seo_warehouse.config import SHARED_KEY, Property
from seo_warehouse.ledger.grants import ANALYST, hidden_keys
from seo_warehouse.ledger.session import Connection
from seo_warehouse.steps.warehouse import Warehouse

MOST_MOVES = 3
"""Keywords of a property that a morning names."""

_LOADS = """
select property_key, state, count(*)
from (
    select distinct on (source, table_name, property_key, part, first_day) property_key, state
    from ops.load where night = %(night)s and purpose = 'night'
    order by source, table_name, property_key, part, first_day, load_id desc
) as newest
where property_key = any(%(keys)s)
group by 1, 2 order by 1, 2
"""
_MONEY = """
select property_key, round(sum(money), 2)
from (
    select property_key, money from ops.load where night = %(night)s
    union all
    select property_key, money from ops.order_usage where night = %(night)s
) as spent
where property_key = any(%(keys)s)
group by 1 having sum(money) > 0
"""
_LINKS = """
select property_key, count(*) filter (where event_type = 'acquired'), count(*) filter (where event_type = 'lost')
from marts.fct_link_event
where property_key = any(%(keys)s) and observed_date = %(night)s and refuted_date is null
group by 1
"""
_MOVES = """
select m.property_key, k.keyword, m.device, m.before, m.position
from (
    select property_key, keyword_key, engine, locale, device, day, position,
        lag(position) over (
            partition by property_key, keyword_key, engine, locale, device, origin order by day
        ) as before
    from marts.fct_serp_position
    where property_key = any(%(keys)s) and state = 'found' and day between %(night)s - 14 and %(night)s
) as m
join marts.dim_keyword as k using (property_key, keyword_key)
where m.day = %(night)s and m.before <> m.position
order by m.property_key, abs(ln(m.position::float8 / m.before)) desc, k.keyword, m.device
"""


def read_morning(wh: Warehouse, night: date, names: Sequence[str]) -> list[str]:
    """A line for each property, of `names` or all, with where its report lies. Properties without a load are left out.

    Links and positions are those that the analyst may read; before there are marts none are told.
    """
    stated = [wh.properties.named(name) for name in names] or list(wh.properties.properties)
    asked = {"night": night, "keys": [prop.key for prop in stated]}
    loads: dict[int, list[str]] = defaultdict(list)
    with wh.connect("loader") as connection:
        for key, state, count in connection.execute(_LOADS, asked).fetchall():
            loads[key].append(f"{count:,} {state}")
        money = dict(connection.execute(_MONEY, asked).fetchall())
        hidden = hidden_keys(connection, ANALYST)
    found = _read_marts(wh, night, {prop.key for prop in stated} - hidden)
    lines = []
    for prop in stated:
        said = [", ".join(loads[prop.key]), *found.get(prop.key, ())]
        if money.get(prop.key):
            said.insert(1, f"US$ {money[prop.key]} spent")
        if loads[prop.key]:
            lines.append(f"{prop.name}: {'; '.join(said)}{_report(wh, prop)}")
    return lines


def _report(wh: Warehouse, prop: Property) -> str:
    page = wh.settings.home / "reports" / prop.name / "index.html"
    return f" ({page})" if page.exists() else ""


def _read_marts(wh: Warehouse, night: date, keys: Iterable[int]) -> dict[int, list[str]]:
    asked = {"night": night, "keys": sorted(set(keys) - {SHARED_KEY})}
    try:
        with wh.connect("analyst") as connection:
            return _links_and_moves(connection, asked)
    except psycopg.errors.UndefinedTable:
        return {}


def _links_and_moves(connection: Connection, asked: dict[str, object]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for key, won, lost in connection.execute(_LINKS, asked).fetchall():
        found[key].append(f"links: {won:,} won, {lost:,} lost")
    moves: dict[int, list[str]] = defaultdict(list)
    for key, keyword, device, before, position in connection.execute(_MOVES, asked).fetchall():
        if len(moves[key]) < MOST_MOVES:
            moves[key].append(f"{plain(keyword)} {before} to {position} ({device})")
    for key, largest in moves.items():
        found[key].append(f"largest moves: {', '.join(largest)}")
    return dict(found)
