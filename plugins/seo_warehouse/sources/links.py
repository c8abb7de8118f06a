"""What sources of links have in common: full pulls now and then, answers by place, a table of links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from seo_warehouse.client.api import Api, Reply
from seo_warehouse.sources.fields import Shape
from seo_warehouse.spec import DAY, OBSERVED_AT, BatchRule, Column, Feed, Reader, Row, Table, Type

LOST_DAYS = 28
"""How far back a full pull asks for losses: what was lost since the read before it is told at once, and not only by
absence from the next full pull; also after nights that failed. These lists overlap, and a loss told twice is one."""
PULL = (
    Column("pull", Type.TEXT, "What was asked for.", required=True, values=("full", "new", "lost")),
    Column("item_no", Type.INTEGER, "Place in the pull's answers, from 1.", required=True, minimum=1),
)
"""Which answers a row stood in."""


def keeps_its_size(source: str) -> BatchRule:
    """A rule of its table `backlink`, whose readers note `pulls` with the `rows` of each."""
    return BatchRule(
        name="full_pull_keeps_its_size",
        sql=f"""
            select own.day, own.facts -> 'pulls' -> 'full' as full_pull, earlier.rows as earlier_rows
            from ops.load_day own
            cross join lateral (
                select (p.facts -> 'pulls' -> 'full' ->> 'rows')::bigint as rows
                from ops.publication p
                where p.source = '{source}' and p.table_name = 'backlink' and p.is_current
                  and p.property_key = {{property_key}} and p.day < own.day and (p.facts ->> 'is_full')::boolean
                order by p.day desc
                limit 1
            ) earlier
            where own.load_id = {{load_id}} and (own.facts ->> 'is_full')::boolean
              and (own.facts -> 'pulls' -> 'full' ->> 'rows')::bigint < 0.5 * earlier.rows
        """,  # noqa: S608  the name of a source of ours
        reason="A full pull is evidence of absence: one of half its earlier size or less would lose links by the"
        " hundred.",
    )


def link_table(read: Reader, shape: Shape) -> Table:
    """A table of links that are told by their place in a night's answers (`item_no`)."""
    return Table(
        "link",
        "Links as answered in a night.",
        read,
        shape,
        columns=(DAY, Column("item_no", Type.INTEGER, "Place in the answers, from 1."), *shape.columns, OBSERVED_AT),
        grain=("item_no",),
        feeds=Feed.LINKS,
    )


def read_by_place(
    api: Api, day: date, most: int, page_rows: int, ask: Callable[[int, int], Reply], *, units: int = 1
) -> Iterator[Row]:
    """The rows of a list that is asked for by place from 0 and number, at most so many; each costs some units.

    Where there may be more, `is_capped` is noted.
    """
    for begin in range(0, most, page_rows):
        count = min(page_rows, most - begin)
        reply = ask(begin, count)
        api.spend(units=units * len(reply.json.rows))
        for place, row in enumerate(api.rows(reply, day), start=begin + 1):
            yield {**row, "item_no": place}
        if len(reply.json.rows) < count:
            return
    api.note(day, is_capped=True)
